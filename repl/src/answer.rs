//! What a statement gives, in the one form that is rendered.
//!
//! An embedded engine answers with Arrow batches, a server with text; both become the
//! values of this module before anything is drawn, so no renderer knows where rows come from.

use std::ops::Range;
use std::pin::Pin;

use futures::Stream;
use serde_json::Value;

/// The result of one statement.
pub enum Answer {
    /// It took effect.
    Done(Done),
    /// It gives rows.
    Rows(Rows),
}

/// What to tell the user about a statement that took effect.
#[derive(Debug, Default)]
pub struct Done {
    /// One sentence.
    pub message: String,
    /// Accepted, and probably not what was meant.
    pub warnings: Vec<String>,
}

/// Rows as they come.
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, some at a time.
    pub pages: Pages,
    /// Whether they keep coming until the user leaves.
    pub endless: bool,
}

/// A stream of groups of rows; dropping it ends the query.
pub type Pages = Pin<Box<dyn Stream<Item = Result<Vec<Row>, Failure>> + Send>>;

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// A value per column.
    pub values: Vec<Value>,
    /// A change that deletes the row: only the key columns are set.
    pub deleted: bool,
}

/// Why a statement failed, in the parts that a person needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    /// Class of the mistake: a word, or an SQLSTATE.
    pub class: Option<String>,
    /// What was expected and what was found.
    pub message: String,
    /// Bytes of the statement's text that are concerned.
    pub span: Option<Range<usize>>,
    /// The near miss or the way out.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure that no place in the statement is to blame for.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}
