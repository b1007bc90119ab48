//! Rows to text.
//!
//! A [`Renderer`] is made for one result and fed its rows page by page; it only makes text and
//! never prints. What a page looks like may depend on the first page (the widths of a table),
//! never on a later one, so results of any size flow through.

mod csv;
mod error;
mod expanded;
mod json;
mod table;

use std::io::IsTerminal;

use serde_json::Value;

use crate::answer::Row;

pub use error::{Place, render_failure};
pub use table::terminal_width;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A table for people.
    Table,
    /// A JSON object per line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// What text may look like where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns of the terminal, if it is one.
    pub width: Option<u16>,
}

/// Writes the rows of one result.
pub trait Renderer {
    /// The text for the next rows.
    fn page(&mut self, rows: &[Row]) -> String;

    /// The text that closes the result, after the last of `rows` rows.
    fn end(&mut self, rows: u64) -> String;
}

/// What a result looks like: its columns, and how the user wants to see it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Whether rows keep coming, so that widths cannot be judged by the first.
    pub endless: bool,
    /// One line per value instead of one per row.
    pub expanded: bool,
    /// What the place they go to allows.
    pub style: Style,
}

/// The renderer for a result.
pub fn renderer(output: Output, shape: Shape) -> Box<dyn Renderer + Send> {
    match output {
        Output::Json => Box::new(json::Json::new(shape.columns)),
        Output::Csv => Box::new(csv::Csv::new(shape.columns)),
        Output::Table if shape.expanded => Box::new(expanded::Expanded::new(shape)),
        Output::Table => Box::new(table::Table::new(shape)),
    }
}

impl Style {
    /// What standard output allows.
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self { colour: terminal && colours_wanted(), width: terminal_width() }
    }

    /// What standard error allows.
    pub fn of_stderr() -> Self {
        Self { colour: std::io::stderr().is_terminal() && colours_wanted(), width: None }
    }

    /// `text` between the escape sequences of a colour, where colours may be used.
    pub fn paint(self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
    }
}

fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What a piece of text means, and so its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Something failed.
    Error,
    /// Something to think about.
    Warning,
    /// Less important than what stands around it.
    Faint,
    /// More important than what stands around it.
    Strong,
    /// A word of the language.
    Keyword,
    /// A literal string.
    String,
    /// A literal number.
    Number,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "33",
            Self::Faint => "2",
            Self::Strong => "1",
            Self::Keyword => "1;34",
            Self::String => "32",
            Self::Number => "36",
        }
    }
}

/// A value in a table, where a missing one has to be visible.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        other => crate::value::text(other),
    }
}

/// `(3 rows)`.
fn count(rows: u64) -> String {
    format!("({})", counted(rows, "row", "rows"))
}

/// A number with what it counts: `1 row`, `2 rows`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
