//! Queries of clients: pull queries answer at once, push queries until the client leaves.
//!
//! How a pull query reads, from its condition down:
//! 1. [`predicate`] takes the condition apart into tests of single columns;
//! 2. [`permission`] checks that the session allows to read that much;
//! 3. [`key_range`] turns the tests into ranges of a table's keys, [`log_range`] into stretches of
//!    a stream's partitions;
//! 4. [`part`] reads those, and [`table`] is what DataFusion sees of it.
//!
//! A query that gives the whole key of a table is a [`lookup`] and needs none of it; a client that
//! asks it often has it [`prepared`].

mod general;
mod interval;
mod key_range;
mod log_range;
mod lookup;
mod names;
mod outbox;
mod part;
mod permission;
mod predicate;
mod prepared;
mod pull;
mod push;
mod small_numbers;
mod star;
mod stored_rows;
mod table;
mod table_rules;
mod time_text;

#[cfg(test)]
mod tests;

use sql::ast::Query;

use crate::error::Result;
use crate::outcome::{Column, Outcome};
use crate::session::Session;

pub use outbox::Outbox;
pub use prepared::PreparedQuery;
pub use pull::explain;

/// The columns of a query's answer, and whether deletions will be marked.
pub async fn describe(session: &Session, query: &Query) -> Result<(Vec<Column>, bool)> {
    match query.emit() {
        Some(_) => push::describe(session, query),
        None => Ok((pull::describe(session, query)?, false)),
    }
}

/// Runs a query; `text` is what was written.
pub async fn execute(session: &Session, query: &Query, text: &str) -> Result<Outcome> {
    match query.emit() {
        Some(_) => push::execute(session, query, text),
        None => pull::execute(session, query).await,
    }
}
