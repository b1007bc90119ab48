//! Statements run by an engine inside this process.

use std::ops::Range;
use std::path::Path;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use engine::{Diagnostic, Engine, Options, Outcome, Session, Storage, Workers};
use futures::StreamExt;
use sql::ast::{Location, Span};

use crate::answer::{Answer, Done, Failure, Row, Rows};
use crate::value;

/// An engine on a data directory, and a session on it.
pub struct Embedded {
    engine: Engine,
    session: Session,
}

impl Embedded {
    /// Opens or creates `data` and resumes its queries.
    pub async fn open(data: &Path) -> engine::Result<Self> {
        let engine = open_engine(data, Workers::Threads(2)).await?;
        Ok(Self { session: engine.session(), engine })
    }

    /// The engine beneath the session.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs one statement.
    pub async fn run(&mut self, statement: &str) -> Result<Vec<Answer>, Failure> {
        let outcomes = self.session.run(statement).await;
        let outcomes = outcomes.map_err(|error| failure(error, statement))?;
        Ok(outcomes.into_iter().map(answer).collect())
    }

    /// Stops the queries at a commit and closes the directory.
    pub async fn close(self) -> engine::Result<()> {
        drop(self.session);
        self.engine.shutdown().await
    }
}

/// Opens or creates the engine of the directory `data`.
pub async fn open_engine(data: &Path, workers: Workers) -> engine::Result<Engine> {
    let storage = Storage::Directory(data.to_owned());
    Engine::open(Options { storage, workers, ..Options::default() }).await
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done(done) => {
            Answer::Done(Done { message: done.message, warnings: done.warnings })
        }
        Outcome::Rows(rows) => Answer::Rows(shown_rows(rows)),
    }
}

fn shown_rows(rows: engine::Rows) -> Rows {
    let columns: Vec<String> = rows.columns.into_iter().map(|column| column.name).collect();
    let (width, tombstones) = (columns.len(), rows.tombstones);
    let pages = rows.stream.map(move |batch| match batch {
        Ok(batch) => Ok(page(&batch, width, tombstones)),
        Err(error) => Err(failure(error, "")),
    });
    Rows { columns, pages: Box::pin(pages), endless: rows.endless }
}

/// The rows of a batch: its first `width` columns, and whether the flag column says deleted.
fn page(batch: &RecordBatch, width: usize, tombstones: Option<usize>) -> Vec<Row> {
    let columns: Vec<_> = batch.columns().iter().take(width).map(value::column).collect();
    let flags = tombstones.map(|index| batch.column(index).as_boolean());
    let row = |index: usize| Row {
        values: columns.iter().map(|column| column[index].clone()).collect(),
        deleted: flags.is_some_and(|flags| flags.value(index)),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn failure(error: engine::Error, statement: &str) -> Failure {
    match error {
        engine::Error::Syntax(error) => Failure {
            class: Some(error.code().to_string()),
            message: error.message(),
            span: byte_range(statement, error.span()),
            hint: error.hint().map(String::from),
        },
        engine::Error::Invalid(diagnostic) => mistake(diagnostic, statement),
        other => Failure::new(other.to_string()),
    }
}

fn mistake(diagnostic: Diagnostic, statement: &str) -> Failure {
    Failure {
        class: Some(diagnostic.code.to_string()),
        message: diagnostic.message,
        span: diagnostic.span.and_then(|span| byte_range(statement, span)),
        hint: diagnostic.hint,
    }
}

/// Lines and columns, both from 1, to bytes; nothing where the place is unknown.
fn byte_range(text: &str, span: Span) -> Option<Range<usize>> {
    let start = byte_offset(text, span.start)?;
    Some(start..byte_offset(text, span.end).unwrap_or(text.len()).max(start))
}

fn byte_offset(text: &str, at: Location) -> Option<usize> {
    let line_index = usize::try_from(at.line.checked_sub(1)?).ok()?;
    let column_index = usize::try_from(at.column.checked_sub(1)?).ok()?;
    let before: usize = text.split_inclusive('\n').take(line_index).map(str::len).sum();
    let line = text.split_inclusive('\n').nth(line_index).unwrap_or("");
    let inside = line.char_indices().nth(column_index).map_or(line.len(), |(at, _)| at);
    Some(before + inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_become_bytes() {
        let text = "é\n  ö x";
        let at = |line, column| byte_offset(text, Location { line, column });
        assert_eq!(at(1, 1), Some(0));
        assert_eq!(at(2, 5), Some(text.find('x').unwrap()));
        assert_eq!(at(2, 6), Some(text.len()));
        assert_eq!(at(0, 0), None);
    }
}
