//! Rows as a table that fits the terminal.
//!
//! The first page decides on the widths, and every later page is drawn with the same ones; what
//! does not fit is wrapped inside its cell. Where rows keep coming, one early row says little
//! about the next, and the columns share the whole width.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, ContentLineStyle,
    LineStyle, TableStyle, Width,
};
use serde_json::Value;

use super::{Renderer, Shape, cell_text, count};
use crate::answer::Row;

/// Header and rows parted by thin lines, nothing around them.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction('│'))
    .header_separator(LineStyle::none().fill('─').junction('┼'))
    .content_lines(ContentLineStyle::none().junction('│'));

/// One space on each side of a cell.
const PADDING: u16 = 2;

/// A column is not made narrower than this to make room for others.
const WIDTH_MIN: u16 = 6;

/// What stands in the columns of a deleted row that are not set.
const TOMBSTONE: &str = "<TOMBSTONE>";

/// Draws a table page by page.
pub struct Table {
    shape: Shape,
    layout: Option<Layout>,
}

/// What the first page decided.
struct Layout {
    widths: Vec<u16>,
    alignments: Vec<CellAlignment>,
}

impl Table {
    /// A table for a result of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { shape, layout: None }
    }

    fn draw(&self, rows: &[Row], header: bool, layout: Option<&Layout>) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        table.force_no_tty().set_width(u16::MAX);
        if self.shape.style.colour {
            table.enforce_styling();
        }
        if header {
            let name = |name: &String| Cell::new(name).add_attribute(Attribute::Bold);
            table.set_header(self.shape.columns.iter().map(name));
        }
        table.add_rows(
            rows.iter().map(|row| row.values.iter().map(|value| cell(value, row.deleted))),
        );
        if let Some(layout) = layout {
            layout.apply(&mut table);
        }
        table
    }

    fn lay_out(&self, rows: &[Row]) -> Layout {
        let natural = self.draw(rows, true, None).column_max_content_widths();
        let separators = natural.len().saturating_sub(1);
        let around =
            u16::try_from(separators).unwrap_or(u16::MAX).saturating_add(padding(&natural));
        let widths = match self.shape.style.width {
            Some(width) if self.shape.endless => share(&natural, width.saturating_sub(around)),
            Some(width) => fit(&natural, width.saturating_sub(around)),
            None => natural,
        };
        let alignments = (0..widths.len()).map(|column| alignment(rows, column)).collect();
        Layout { widths, alignments }
    }
}

impl Renderer for Table {
    fn page(&mut self, rows: &[Row]) -> String {
        let first = self.layout.is_none();
        if first {
            self.layout = Some(self.lay_out(rows));
        }
        let mut text = String::new();
        for line in self.draw(rows, first, self.layout.as_ref()).lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn end(&mut self, rows: u64) -> String {
        let header = if self.layout.is_none() { self.page(&[]) } else { String::new() };
        header + &count(rows)
    }
}

impl Layout {
    fn apply(&self, table: &mut comfy_table::Table) {
        let columns = table.column_iter_mut();
        for ((column, width), alignment) in columns.zip(&self.widths).zip(&self.alignments) {
            let width = Width::Fixed(width.saturating_add(PADDING));
            column.set_constraint(ColumnConstraint::Absolute(width));
            column.set_cell_alignment(*alignment);
        }
    }
}

fn cell(value: &Value, deleted: bool) -> Cell {
    match value {
        Value::Null if deleted => Cell::new(TOMBSTONE).fg(Color::DarkGrey),
        Value::Null => Cell::new(cell_text(value)).fg(Color::DarkGrey),
        _ => Cell::new(cell_text(value)),
    }
}

fn padding(columns: &[u16]) -> u16 {
    PADDING.saturating_mul(u16::try_from(columns.len()).unwrap_or(u16::MAX))
}

/// A column of nothing but numbers is aligned at their last digit.
fn alignment(rows: &[Row], column: usize) -> CellAlignment {
    let mut values = rows.iter().map(|row| &row.values[column]).filter(|value| !value.is_null());
    let some = rows.iter().any(|row| !row.values[column].is_null());
    if some && values.all(is_number) { CellAlignment::Right } else { CellAlignment::Left }
}

/// Numbers, also as the text that a server sends.
fn is_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => text.parse::<f64>().is_ok(),
        _ => false,
    }
}

/// Makes the widest columns narrower until all fit into `available`.
fn fit(natural: &[u16], available: u16) -> Vec<u16> {
    let mut cap = natural.iter().copied().max().unwrap_or(0);
    let total = |cap: u16| natural.iter().map(|width| u32::from(*width.min(&cap))).sum::<u32>();
    while cap > WIDTH_MIN && total(cap) > u32::from(available) {
        cap -= 1;
    }
    natural.iter().map(|width| *width.min(&cap)).collect()
}

/// Gives every column an equal part of `available`, or what it needs already.
fn share(natural: &[u16], available: u16) -> Vec<u16> {
    let count = u16::try_from(natural.len().max(1)).unwrap_or(u16::MAX);
    let part = (available / count).max(WIDTH_MIN);
    let wanted: Vec<u16> = natural.iter().map(|width| *width.max(&part)).collect();
    fit(&wanted, available)
}

/// Columns of the terminal that standard output goes to, if it is one.
pub fn terminal_width() -> Option<u16> {
    let mut table = comfy_table::Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.width()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::Style;

    fn rows(values: Vec<Vec<Value>>) -> Vec<Row> {
        values.into_iter().map(|values| Row { values, deleted: false }).collect()
    }

    fn table(columns: &[&str], width: Option<u16>) -> Table {
        let columns = columns.iter().map(|name| name.to_string()).collect();
        let style = Style { colour: false, width };
        Table::new(Shape { columns, endless: false, expanded: false, style })
    }

    #[test]
    fn numbers_stand_right_and_null_is_visible() {
        let mut table = table(&["ORIGIN", "N"], None);
        let text =
            table.page(&rows(vec![vec![json!("JFK"), json!(7)], vec![json!(null), json!(45)]]));
        let expected = " ORIGIN │  N\n────────┼────\n JFK    │  7\n NULL   │ 45\n";
        assert_eq!(text, expected);
        assert_eq!(table.end(2), "(2 rows)");
    }

    #[test]
    fn later_pages_keep_the_widths_of_the_first() {
        let mut table = table(&["A", "B"], None);
        table.page(&rows(vec![vec![json!("abc"), json!("x")]]));
        let text = table.page(&rows(vec![vec![json!("abcdef"), json!("y")]]));
        assert_eq!(text, " abc │ y\n def │\n");
    }

    #[test]
    fn wide_columns_are_wrapped_to_fit_the_terminal() {
        let mut table = table(&["ID", "TEXT"], Some(20));
        let text = table.page(&rows(vec![vec![json!(1), json!("one two three four")]]));
        assert!(text.lines().all(|line| line.chars().count() <= 20), "{text}");
        assert!(text.contains("one two"), "{text}");
    }

    #[test]
    fn no_rows_still_show_the_columns() {
        let mut table = table(&["A"], None);
        assert_eq!(table.end(0), " A\n───\n(0 rows)");
    }

    #[test]
    fn deleted_rows_say_so() {
        let mut table = table(&["K", "V"], None);
        let row = Row { values: vec![json!("a"), json!(null)], deleted: true };
        assert!(table.page(&[row]).ends_with(" a │ <TOMBSTONE>\n"));
    }
}
