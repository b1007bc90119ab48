//! What a statement gives, on its way to the client.

use std::pin::Pin;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use engine::Outcome;
use futures::{Stream, StreamExt, stream};
use pgwire::error::ErrorInfo;
use pgwire::messages::response::TransactionStatus;
use std::sync::Arc;

use crate::failure::{Failure, notice, sqlstate, warning};
use crate::text::copy::CopyOptions;
use crate::text::names;
use crate::text::rewrite::Rewritten;

/// Batches as they come, with the columns of [`Rows::fields`].
pub(crate) type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch, Failure>> + Send>>;

/// The name of the column that marks deletions in changes of a table.
const TOMBSTONE: &str = "tombstone";

/// What a statement gives.
pub(crate) enum Reply {
    /// Rows.
    Rows(Rows),
    /// The statement took effect.
    Done(Done),
    /// Rows as `COPY … TO STDOUT` sends them.
    CopyOut { rows: Rows, options: CopyOptions },
    /// The client is to send rows now.
    CopyIn { relation: String, columns: Vec<String>, options: CopyOptions },
}

/// Rows with their columns known at once.
pub(crate) struct Rows {
    /// The command tag, to which the number of rows is added.
    pub tag: String,
    /// The columns, with the names that clients see.
    pub fields: Vec<FieldRef>,
    /// The rows.
    pub batches: Batches,
    /// Whether rows keep coming until the client leaves.
    pub endless: bool,
}

/// A statement that took effect.
#[derive(Default)]
pub(crate) struct Done {
    /// The command tag.
    pub tag: String,
    /// Messages and warnings beside it.
    pub notices: Vec<ErrorInfo>,
    /// The transaction's new state, where it changes.
    pub transaction: Option<TransactionStatus>,
    /// Settings with their new values, where clients are told of the change.
    pub reported: Vec<(&'static str, String)>,
    /// Prepared statements to forget.
    pub forgotten: Vec<String>,
}

impl Done {
    /// A statement of which there is no more to say than its tag.
    pub fn new(tag: &str) -> Self {
        Self { tag: tag.into(), ..Self::default() }
    }

    /// The same with a warning.
    pub fn warning(mut self, message: impl Into<String>) -> Self {
        self.notices.push(warning(message));
        self
    }
}

impl Reply {
    /// An outcome of the engine. `statement` is what it is the outcome of: rows may still fail.
    pub fn of_outcome(outcome: Outcome, statement: Rewritten) -> Self {
        match outcome {
            Outcome::Done(done) => Self::Done(of_done(done)),
            Outcome::Rows(rows) => Self::Rows(Rows::of_engine(rows, statement)),
        }
    }
}

/// The engine's message becomes a notice, except for insertions, where the tag says it all.
fn of_done(done: engine::Done) -> Done {
    let mut notices: Vec<_> = done.warnings.into_iter().map(warning).collect();
    if !done.message.is_empty() && !done.tag.starts_with("INSERT") {
        notices.push(notice(done.message));
    }
    Done { tag: done.tag, notices, ..Done::default() }
}

impl Rows {
    /// Rows of the engine, which may still fail. `statement` is what they answer.
    pub fn of_engine(rows: engine::Rows, statement: Rewritten) -> Self {
        let fields = shown_fields(&rows.columns, rows.tombstones.is_some());
        let indexes: Vec<_> = (0..rows.columns.len()).chain(rows.tombstones).collect();
        let batches = rows.stream.map(move |batch| {
            let batch = batch.map_err(|error| Failure::of_engine(&error, &statement))?;
            batch.project(&indexes).map_err(internal)
        });
        Self { tag: rows.tag.into(), fields, batches: Box::pin(batches), endless: rows.endless }
    }

    /// A few rows of text that are known already.
    pub fn of_text(tag: &str, names: &[&str], columns: Vec<Vec<String>>) -> Self {
        let fields: Vec<FieldRef> =
            names.iter().map(|name| Arc::new(Field::new(*name, DataType::Utf8, true))).collect();
        let columns =
            columns.into_iter().map(|texts| Arc::new(StringArray::from(texts)) as ArrayRef);
        let schema = Arc::new(Schema::new(fields.clone()));
        let batch = RecordBatch::try_new(schema, columns.collect()).map_err(internal);
        let batches = Box::pin(stream::iter([batch]));
        Self { tag: tag.into(), fields, batches, endless: false }
    }
}

/// Columns of the engine as clients see them, and the mark of deletions where there is one.
pub(crate) fn shown_fields(columns: &[engine::Column], tombstones: bool) -> Vec<FieldRef> {
    let mark = tombstones.then(|| Arc::new(Field::new(TOMBSTONE, DataType::Boolean, false)));
    columns.iter().map(shown_field).chain(mark).collect()
}

/// A column as clients see it.
fn shown_field(column: &engine::Column) -> FieldRef {
    Arc::new(Field::new(names::shown(&column.name), column.data_type.clone(), true))
}

fn internal(error: ArrowError) -> Failure {
    Failure::new(sqlstate::INTERNAL_ERROR, format!("internal error: {error}"))
}
