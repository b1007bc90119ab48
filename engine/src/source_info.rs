//! What is known of a stream or table, for whoever has to read or write its topic from outside.

use arrow::datatypes::DataType;

use crate::catalog::{Role, Source};
use crate::format::Format;
use crate::row_type::Windowing;

pub use sql::ast::SourceKind;

/// A stream or table of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Name as stored: upper case unless it was quoted.
    pub name: String,
    /// Stream or table.
    pub kind: SourceKind,
    /// Columns in order, key columns first, as `DESCRIBE` lists them; no pseudo columns.
    pub columns: Vec<SourceColumn>,
    /// The topic that holds its records.
    pub topic: String,
    /// How keys are written.
    pub key: SideInfo,
    /// How values are written.
    pub value: SideInfo,
    /// How keys are windowed, where they are.
    pub window: Option<WindowInfo>,
    /// `TIMESTAMP='…'`: the column that replaces the record time.
    pub timestamp: Option<TimestampInfo>,
    /// Made by `CREATE SOURCE`: read-only.
    pub is_source: bool,
    /// A query keeps its rows, so that it can be asked for rows by key.
    pub is_materialized: bool,
}

/// A column of a stream or table.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceColumn {
    /// Name as stored.
    pub name: String,
    /// Arrow type; [`crate::types::sql_name`] gives the SQL one.
    pub data_type: DataType,
    /// Where in the record it lives.
    pub role: ColumnRole,
}

/// Where in a record a column lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnRole {
    /// In the value.
    Value,
    /// In the key: `KEY` of a stream, `PRIMARY KEY` of a table.
    Key,
    /// All headers.
    Headers,
    /// The last header of this name.
    Header(String),
}

/// How one side of a record is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideInfo {
    /// Name of the format as in `WITH`, upper case: `JSON`.
    pub format: String,
    /// `KEY_DELIMITER` or `VALUE_DELIMITER`, where one was given.
    pub delimiter: Option<char>,
    /// Whether a single column is wrapped in an object, where that was decided explicitly: by
    /// `WRAP_SINGLE_VALUE` or the session's default for values; `Some(false)` for a single key
    /// column in a format that could do both. `None` leaves it to the format.
    pub wrapped: Option<bool>,
}

/// How keys are windowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowInfo {
    /// Shape of the windows.
    pub shape: WindowKind,
    /// Length of a window; sessions have none.
    pub size_ms: Option<i64>,
}

/// Shape of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Adjacent windows of one size.
    Tumbling,
    /// Overlapping windows of one size.
    Hopping,
    /// Windows around bursts of records.
    Session,
}

/// The column that replaces the record time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampInfo {
    /// Name of the column.
    pub column: String,
    /// `TIMESTAMP_FORMAT='…'`, where one was given.
    pub format: Option<String>,
}

impl From<&Source> for SourceInfo {
    fn from(source: &Source) -> Self {
        let key_columns = source.key_columns().count();
        let could_be_both = source.key_format == Format::Json;
        let unwrapped = (key_columns == 1 && could_be_both).then_some(false);
        Self {
            name: source.name.clone(),
            kind: source.kind,
            columns: source.columns.iter().map(column).collect(),
            topic: source.topic.clone(),
            key: side(&source.key_format, unwrapped),
            value: side(&source.value_format, source.wrap_single_value),
            window: source.window.map(window),
            timestamp: source.timestamp.as_ref().map(|timestamp| TimestampInfo {
                column: timestamp.column.clone(),
                format: timestamp.format.clone(),
            }),
            is_source: source.read_only,
            is_materialized: source.materialized_by.is_some(),
        }
    }
}

fn column(column: &crate::catalog::SourceColumn) -> SourceColumn {
    let role = match &column.role {
        Role::Key => ColumnRole::Key,
        Role::Value => ColumnRole::Value,
        Role::Headers => ColumnRole::Headers,
        Role::Header(name) => ColumnRole::Header(name.clone()),
    };
    SourceColumn { name: column.name.clone(), data_type: column.data_type.clone(), role }
}

fn side(format: &Format, wrapped: Option<bool>) -> SideInfo {
    let delimiter = match format {
        Format::Delimited { delimiter } if *delimiter != ',' => Some(*delimiter),
        _ => None,
    };
    SideInfo { format: format.name().to_owned(), delimiter, wrapped }
}

fn window(window: Windowing) -> WindowInfo {
    let shape = match window {
        Windowing::Tumbling { .. } => WindowKind::Tumbling,
        Windowing::Hopping { .. } => WindowKind::Hopping,
        Windowing::Session => WindowKind::Session,
    };
    WindowInfo { shape, size_ms: window.size_ms() }
}
