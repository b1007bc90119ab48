//! Streams and tables as the catalog knows them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use sql::ast::SourceKind;

use crate::format::{Format, Side};
use crate::row_type::{RowColumn, RowType, Windowing, pseudo};
use crate::types::{array_of, struct_of};

/// A stream or table.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Whether records are facts or rows by key.
    pub kind: SourceKind,
    /// Columns: keys first, then the others, each in the order declared.
    pub columns: Vec<SourceColumn>,
    /// The topic beneath.
    pub topic: String,
    /// How keys are written.
    pub key_format: Format,
    /// How values are written.
    pub value_format: Format,
    /// Whether a single value column is wrapped, where that was decided explicitly.
    pub wrap_single_value: Option<bool>,
    /// How keys are windowed.
    pub window: Option<Windowing>,
    /// The column that event time is taken from.
    pub timestamp: Option<TimestampColumn>,
    /// Made by `CREATE SOURCE`: it is not written to.
    pub read_only: bool,
    /// The statement that made it.
    pub statement: String,
    /// Number of the persistent query that keeps its rows for pull queries, if one does.
    pub materialized_by: Option<u32>,
}

/// A column of a stream or table.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Where in the record it lives.
    pub role: Role,
}

/// Where in the record a column lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// In the key.
    Key,
    /// In the value.
    Value,
    /// All headers.
    Headers,
    /// The last header of that name.
    Header(String),
}

/// The column that event time is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampColumn {
    /// Its name.
    pub column: String,
    /// A Java date pattern, where the column is text.
    pub format: Option<String>,
}

impl Source {
    /// The columns of one role.
    pub fn key_columns(&self) -> impl Iterator<Item = &SourceColumn> {
        self.columns.iter().filter(|column| column.role == Role::Key)
    }

    /// The columns in the value.
    pub fn value_columns(&self) -> impl Iterator<Item = &SourceColumn> {
        self.columns.iter().filter(|column| column.role == Role::Value)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The key's side of the topic.
    pub fn key_side(&self) -> Side {
        Side {
            format: self.key_format.clone(),
            columns: fields(self.key_columns()),
            wrapped: false,
        }
    }

    /// How a key is made bytes of, which say what partition it is in. A key in ARROW is in the
    /// partition of the same key in KAFKA's format, or in JSON where that cannot hold it.
    pub fn key_bytes_side(&self) -> Side {
        let side = self.key_side();
        if side.format != Format::Arrow {
            return side;
        }
        let kafka = Side { format: Format::Kafka, ..side.clone() };
        match crate::format::check(&kafka) {
            Ok(()) => kafka,
            Err(_) => Side { format: Format::Json, ..side },
        }
    }

    /// The value's side of the topic.
    pub fn value_side(&self) -> Side {
        Side {
            format: self.value_format.clone(),
            columns: fields(self.value_columns()),
            wrapped: self.wrap_single_value.unwrap_or(true),
        }
    }

    /// Whether columns are filled from headers.
    pub fn has_header_columns(&self) -> bool {
        self.columns.iter().any(|c| matches!(c.role, Role::Headers | Role::Header(_)))
    }

    /// The shape of its rows in a query where it goes by `qualifier`: its columns, the window's
    /// bounds, and the pseudo columns.
    pub fn row_type(&self, qualifier: Option<&str>) -> RowType {
        let own = self.columns.iter().map(|c| (c.name.as_str(), c.data_type.clone(), false));
        let bounds = [pseudo::WINDOWSTART, pseudo::WINDOWEND];
        let bounds = bounds.into_iter().filter(|_| self.window.is_some());
        let bounds = bounds.map(|name| (name, DataType::Int64, true));
        let record = [
            (pseudo::ROWTIME, DataType::Int64, true),
            (pseudo::ROWPARTITION, DataType::Int32, true),
            (pseudo::ROWOFFSET, DataType::Int64, true),
        ];
        // A stream partitioned by one of these has it as its key.
        let record = record.into_iter().filter(|(name, ..)| self.column(name).is_none());
        let columns = own.chain(bounds).chain(record).map(|(name, data_type, hidden)| RowColumn {
            qualifier: qualifier.map(str::to_owned),
            name: name.to_owned(),
            data_type,
            hidden,
        });
        let keys = (0..self.columns.len()).filter(|at| self.columns[*at].role == Role::Key);
        RowType { columns: columns.collect(), keys: keys.collect(), window: self.window }
    }
}

/// The type of a HEADERS column.
pub fn headers_type() -> DataType {
    array_of(struct_of([("KEY", DataType::Utf8), ("VALUE", DataType::Binary)]))
}

fn fields<'a>(columns: impl Iterator<Item = &'a SourceColumn>) -> Fields {
    columns.map(|c| Arc::new(Field::new(&c.name, c.data_type.clone(), true))).collect()
}
