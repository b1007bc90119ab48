//! One line per value: for rows that are too wide for a table.

use std::fmt::Write;

use super::{Colour, Renderer, Shape, Style, cell_text, count};
use crate::answer::Row;

/// Draws records one below the other.
pub struct Expanded {
    names: Vec<String>,
    style: Style,
    drawn: u64,
}

impl Expanded {
    /// The view of a result of this shape; names are padded to the same width.
    pub fn new(shape: Shape) -> Self {
        let width = shape.columns.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let names = shape.columns.iter().map(|name| format!("{name:width$}")).collect();
        Self { names, style: shape.style, drawn: 0 }
    }

    fn record(&mut self, row: &Row) -> String {
        self.drawn += 1;
        let note = if row.deleted { ", deleted" } else { "" };
        let title = format!("─[ row {}{note} ]──", self.drawn);
        let mut text = self.style.paint(Colour::Faint, &title) + "\n";
        for (name, value) in self.names.iter().zip(&row.values) {
            let name = self.style.paint(Colour::Strong, name);
            let indent = format!("\n{} │ ", " ".repeat(self.names[0].chars().count()));
            let value = cell_text(value).replace('\n', &indent);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} │ {value}");
        }
        text
    }
}

impl Renderer for Expanded {
    fn page(&mut self, rows: &[Row]) -> String {
        rows.iter().map(|row| self.record(row)).collect()
    }

    fn end(&mut self, rows: u64) -> String {
        count(rows)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_numbered_across_pages() {
        let columns = vec!["A".to_owned(), "LONG".to_owned()];
        let style = Style { colour: false, width: None };
        let mut view = Expanded::new(Shape { columns, endless: false, expanded: true, style });
        let row = |value| Row { values: vec![json!(value), json!("x\ny")], deleted: false };
        assert_eq!(view.page(&[row(1)]), "─[ row 1 ]──\nA    │ 1\nLONG │ x\n     │ y\n");
        assert!(view.page(&[row(2)]).starts_with("─[ row 2 ]──\n"));
    }
}
