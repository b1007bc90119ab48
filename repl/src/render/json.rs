//! A JSON object per row and line.

use serde_json::{Map, Value};

use super::Renderer;
use crate::answer::Row;

/// The member that marks a deletion; no column can have this name without quotes.
const DELETED: &str = "@deleted";

/// Writes rows as objects, columns in order.
pub struct Json {
    columns: Vec<String>,
}

impl Json {
    /// A writer of rows with these columns.
    pub fn new(columns: Vec<String>) -> Self {
        Self { columns }
    }

    fn object(&self, row: &Row) -> Value {
        let columns = self.columns.iter().cloned();
        let mut object: Map<_, _> = columns.zip(row.values.iter().cloned()).collect();
        if row.deleted {
            object.insert(DELETED.to_owned(), Value::Bool(true));
        }
        Value::Object(object)
    }
}

impl Renderer for Json {
    fn page(&mut self, rows: &[Row]) -> String {
        rows.iter().map(|row| self.object(row).to_string() + "\n").collect()
    }

    fn end(&mut self, _rows: u64) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_become_objects_in_column_order() {
        let mut writer = Json::new(vec!["B".into(), "A".into()]);
        let row = |deleted| Row { values: vec![json!("x\"y"), json!(null)], deleted };
        assert_eq!(writer.page(&[row(false)]), "{\"B\":\"x\\\"y\",\"A\":null}\n");
        assert_eq!(writer.page(&[row(true)]), "{\"B\":\"x\\\"y\",\"A\":null,\"@deleted\":true}\n");
        assert_eq!(writer.end(2), "");
    }
}
