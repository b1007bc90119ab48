//! The shape of rows between operators: columns, which of them are the key, the window.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::Expr;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Names of columns that records have without being declared.
pub mod pseudo {
    /// Event time, milliseconds.
    pub const ROWTIME: &str = "ROWTIME";
    /// Partition of the record.
    pub const ROWPARTITION: &str = "ROWPARTITION";
    /// Offset of the record.
    pub const ROWOFFSET: &str = "ROWOFFSET";
    /// Start of the window, milliseconds.
    pub const WINDOWSTART: &str = "WINDOWSTART";
    /// End of the window, milliseconds.
    pub const WINDOWEND: &str = "WINDOWEND";

    /// Whether the name is one of these.
    pub fn is(name: &str) -> bool {
        [ROWTIME, ROWPARTITION, ROWOFFSET, WINDOWSTART, WINDOWEND].contains(&name)
    }

    /// Whether the name is a window's bound.
    pub fn is_window_bound(name: &str) -> bool {
        [WINDOWSTART, WINDOWEND].contains(&name)
    }
}

/// How the keys of a topic are windowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Windowing {
    /// Adjacent windows.
    Tumbling {
        /// Length, milliseconds.
        size_ms: i64,
    },
    /// Overlapping windows.
    Hopping {
        /// Length, milliseconds.
        size_ms: i64,
    },
    /// Sessions.
    Session,
}

impl Windowing {
    /// The length of windows that have one.
    pub fn size_ms(self) -> Option<i64> {
        match self {
            Windowing::Tumbling { size_ms } | Windowing::Hopping { size_ms } => Some(size_ms),
            Windowing::Session => None,
        }
    }

    /// The name in `WINDOW_TYPE`.
    pub fn name(self) -> &'static str {
        match self {
            Windowing::Tumbling { .. } => "TUMBLING",
            Windowing::Hopping { .. } => "HOPPING",
            Windowing::Session => "SESSION",
        }
    }
}

/// A column of rows between operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowColumn {
    /// Name or alias of the source, while the column belongs to one.
    pub qualifier: Option<String>,
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether `*` leaves it out: pseudo columns, and helper columns of the plan.
    pub hidden: bool,
}

/// The columns of rows between operators, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowType {
    /// Columns in order.
    pub columns: Vec<RowColumn>,
    /// Indexes of the key columns.
    pub keys: Vec<usize>,
    /// How the key is windowed; WINDOWSTART and WINDOWEND are columns then.
    pub window: Option<Windowing>,
}

impl RowColumn {
    /// A column without qualifier.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { qualifier: None, name: name.into(), data_type, hidden: false }
    }

    /// A reference to it.
    pub fn expr(&self) -> Expr {
        let relation = self.qualifier.as_ref().map(|name| TableReference::bare(name.as_str()));
        Expr::Column(Column::new(relation, &self.name))
    }
}

impl RowType {
    /// The schema that expressions are resolved against.
    pub fn df_schema(&self) -> Result<DFSchema> {
        let fields = self.columns.iter().map(|column| {
            let relation =
                column.qualifier.as_ref().map(|name| TableReference::bare(name.as_str()));
            (relation, Arc::new(Field::new(&column.name, column.data_type.clone(), true)))
        });
        Ok(DFSchema::new_with_metadata(fields.collect(), Default::default())?)
    }

    /// The schema of batches.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The index of the column with this qualifier and name.
    pub fn position(&self, qualifier: Option<&str>, name: &str) -> Option<usize> {
        let same =
            |column: &RowColumn| column.qualifier.as_deref() == qualifier && column.name == name;
        self.columns.iter().position(same)
    }

    /// The index of the column that an expression is a plain reference to.
    pub fn index_of(&self, expr: &Expr) -> Option<usize> {
        let Expr::Column(column) = expr else { return None };
        self.position(column.relation.as_ref().map(TableReference::table), &column.name)
    }

    /// The key columns.
    pub fn key_columns(&self) -> impl Iterator<Item = &RowColumn> {
        self.keys.iter().map(|key| &self.columns[*key])
    }
}
