//! What a statement gives.

use std::fmt;
use std::pin::Pin;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::Stream;

use crate::error::Result;

/// The result of one statement.
#[derive(Debug)]
pub enum Outcome {
    /// The statement took effect (or there was nothing to do); nothing to show but a message,
    /// as "stream CLICKS created".
    Done(Done),
    /// Rows.
    Rows(Rows),
}

/// A statement that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The command tag that Postgres clients see: `CREATE STREAM`, `INSERT 0 1`.
    pub tag: String,
    /// One sentence for a person.
    pub message: String,
    /// Warnings: accepted, and probably not what was meant.
    pub warnings: Vec<String>,
}

/// Batches of rows, as they come.
pub type RowStream = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// Rows, with their columns known at once.
pub struct Rows {
    /// The command tag: `SELECT`, `SHOW`, `EXPLAIN`.
    pub tag: &'static str,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Their Arrow schema; names are those of `columns`.
    pub schema: SchemaRef,
    /// The rows. For a push query the stream ends at its LIMIT or when it is dropped.
    pub stream: RowStream,
    /// Whether rows keep coming until the client leaves (`EMIT CHANGES`).
    pub endless: bool,
    /// For a push query over a table: index of the Boolean column in the batches, beyond
    /// `columns`, which is true where the row is a deletion (only key columns are set then).
    pub tombstones: Option<usize>,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name, in the dialect's case.
    pub name: String,
    /// Arrow type; [`crate::types::sql_name`] gives the SQL one.
    pub data_type: DataType,
    /// Part of the primary key of what was asked.
    pub key: bool,
    /// `HEADERS` or `HEADER('k')`, for columns that are filled from record headers.
    pub header: Option<String>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("columns", &self.columns).finish_non_exhaustive()
    }
}
