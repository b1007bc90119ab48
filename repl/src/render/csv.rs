//! Comma-separated values with a header line.
//!
//! NULL is an empty field, and so is every column of a deletion but its key: who has to tell
//! deletions from rows of nothing but NULL asks for JSON.

use ::csv::Writer;
use serde_json::Value;

use super::Renderer;
use crate::answer::Row;

/// Writes rows as lines of fields.
pub struct Csv {
    header: Option<Vec<String>>,
}

impl Csv {
    /// A writer of rows with these columns.
    pub fn new(columns: Vec<String>) -> Self {
        Self { header: Some(columns) }
    }

    fn write(&mut self, rows: &[Row]) -> ::csv::Result<String> {
        let mut writer = Writer::from_writer(Vec::new());
        if let Some(header) = self.header.take() {
            writer.write_record(header)?;
        }
        for row in rows {
            writer.write_record(row.values.iter().map(field))?;
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Renderer for Csv {
    fn page(&mut self, rows: &[Row]) -> String {
        self.write(rows).expect("memory takes every record of as many fields as the header")
    }

    fn end(&mut self, _rows: u64) -> String {
        // The header of an answer without rows; whoever prints the end ends the line.
        self.page(&[]).trim_end().to_owned()
    }
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => crate::value::text(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut writer = Csv::new(vec!["A".into(), "B".into()]);
        let values = vec![json!("x, \"y\""), json!(null)];
        let text = writer.page(&[Row { values, deleted: false }]);
        assert_eq!(text, "A,B\n\"x, \"\"y\"\"\",\n");
        assert_eq!(writer.end(1), "");
    }

    #[test]
    fn no_rows_still_give_a_header() {
        assert_eq!(Csv::new(vec!["A".into()]).end(0), "A");
    }
}
