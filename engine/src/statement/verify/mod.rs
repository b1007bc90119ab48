//! `VERIFY`: whether a stream or table is what its queries make of their sources.
//!
//! The queries are run again over what they have read until now, from their beginning, with a store of
//! their own for their state and a log in memory for their output, from which goes what was looked at.
//! Then
//! - of a table the rows that are kept must be the same, and so must be the last record of each key
//!   in its topic;
//! - of a stream each record that queries have written must be there as often. What others have
//!   written to its topic (`INSERT … VALUES`, a producer) is left out, and told of.
//!
//! [`cut`] fixes what is compared, [`run`] runs a query again, [`rows`] and [`records`] compare. Whatever
//! there may be much of is kept in [`scratch`], so that memory bounds nothing ([`kept`]).
//! Where something that was read is gone, or a query was changed on its way, nothing can be said,
//! and the statement says why.

mod cut;
mod found;
mod kept;
mod records;
mod rows;
mod run;
pub mod scratch;
mod tape;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log_store::Topic;
use sql::ast::{Ident, SourceKind};

use self::cut::{Cut, Replayed};
use self::found::Differences;
use self::records::{LastRecords, Records};
use self::run::Again;
use self::scratch::Scratch;
use self::tape::Written;
use super::done;
use crate::catalog::{Catalog, QueryEntry, Source, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Error, Result, invalid};
use crate::outcome::Done;
use crate::session::Session;

/// Compares on a thread of its own, until its client leaves.
pub async fn execute(session: &Session, name: &Ident) -> Result<Done> {
    let shared = Arc::clone(&session.shared);
    let catalog = shared.catalog();
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?.clone();
    let left = Left::default();
    let stop = Arc::clone(&left.0);
    let compared =
        tokio::task::spawn_blocking(move || verify(&shared, &catalog, &source, &Stop(stop)));
    let compared = compared.await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(done("VERIFY", compared.map_err(|error| error.at(name.span))?))
}

/// Tells the comparison, when it is dropped, that nobody waits for it.
#[derive(Default)]
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether to go on.
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// An error for what cannot be compared.
fn impossible(name: &str, why: &str) -> Error {
    invalid(Code::NotSupported, format!("{name} cannot be verified: {why}"))
}

/// The queries that made a stream or table what it is.
fn queries_of<'a>(catalog: &'a Catalog, source: &Source) -> Result<Vec<&'a QueryEntry>> {
    let found = match (source.kind, source.materialized_by) {
        (SourceKind::Table, Some(number)) => catalog.queries.get(&number).into_iter().collect(),
        (SourceKind::Table, None) => Vec::new(),
        (SourceKind::Stream, _) => catalog.writers_to(&source.topic),
    };
    if found.is_empty() {
        let message =
            format!("{0} is not made by a query: there is nothing to compare it with", source.name);
        let hint = "SHOW QUERIES lists the queries and the topics that they write";
        return Err(invalid(Code::InvalidQuery, message).hint(hint));
    }
    Ok(found)
}

fn verify(shared: &Shared, catalog: &Catalog, source: &Source, stop: &Stop) -> Result<String> {
    let queries = queries_of(catalog, source)?;
    let cut = Cut::take(shared, catalog, source, &queries)?;
    let ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    let word = if ids.len() == 1 { "query" } else { "queries" };
    let verb = if ids.len() == 1 { "makes of its sources" } else { "make of their sources" };
    let made = format!("{word} {} {verb}", ids.join(", "));
    let scratch = Scratch::open(shared)?;
    let again = Again { shared, catalog, cut: &cut, scratch: &scratch };
    let compared = match source.kind {
        SourceKind::Stream => stream(&again, source, stop),
        SourceKind::Table => table(&again, source, stop),
    };
    // Old records may have gone while they were read.
    let (differences, compared) = compared.map_err(|error| match error {
        Error::Log(log_store::Error::OffsetOutOfRange { partition, .. }) => {
            let why = format!("{partition} has lost records while they were read");
            impossible(&source.name, &why)
        }
        other => other,
    })?;
    let name = format!("{} {}", kind_name(source.kind).to_lowercase(), source.name);
    match differences.is_empty() {
        true => Ok(format!("{name} is what {made}: {compared}")),
        false => {
            let message = format!("{name} is not what {made}: {}", differences.message());
            Err(invalid(Code::AssertionFailed, message))
        }
    }
}

fn stream(again: &Again<'_>, source: &Source, stop: &Stop) -> Result<(Differences, String)> {
    let cut = again.cut;
    cut.check_output()?;
    cut.wait_for_output(again.shared)?;
    let mut records = Records::new(source, cut, again.scratch)?;
    for replayed in &cut.queries {
        let mut written = Written::default();
        let mut look = |topic: &Topic| records.expect(&mut written, topic);
        run::again(again, replayed, stop, &mut look)?;
    }
    let (differences, expected, others) = records.compare(stop)?;
    let mut message = format!("{expected} records of topic '{}' compared", source.topic);
    if others > 0 {
        message.push_str(&format!("; {others} that no query wrote are left out"));
    }
    Ok((differences, message))
}

fn table(again: &Again<'_>, source: &Source, stop: &Stop) -> Result<(Differences, String)> {
    let cut = again.cut;
    let [replayed] = cut.queries.as_slice() else {
        return Err(Error::Internal("a table of several queries".into()));
    };
    // The topic is compared as well, where it is whole and nobody else's.
    let left_out = topic_left_out(again.catalog, source, cut, replayed);
    let mut last = match left_out {
        None => {
            cut.wait_for_output(again.shared)?;
            Some(LastRecords::new(source, cut, again.scratch)?)
        }
        Some(_) => None,
    };
    let mut written = Written::default();
    let mut look = |topic: &Topic| match &mut last {
        Some(last) => last.expect(&mut written, topic),
        None => Ok(()),
    };
    run::again(again, replayed, stop, &mut look)?;
    let mut differences = Differences::default();
    let state = again.scratch.backend();
    let rows = rows::compare(source, replayed, state.as_ref(), cut, stop, &mut differences)?;
    let mut message = format!("{rows} rows compared");
    match (last, left_out) {
        (Some(last), _) => {
            let keys = last.compare(stop, &mut differences)?;
            message.push_str(&format!(
                ", and the last records of {keys} keys of topic '{}'",
                source.topic
            ));
        }
        (None, Some(why)) => message.push_str(&why),
        (None, None) => {}
    }
    Ok((differences, message))
}

/// Why the topic of a table is not compared; nothing to say of a table that writes none.
fn topic_left_out(
    catalog: &Catalog,
    source: &Source,
    cut: &Cut,
    replayed: &Replayed,
) -> Option<String> {
    if replayed.entry.sink.is_none() {
        return Some(String::new());
    }
    if catalog.writers_to(&source.topic).len() > 1 {
        return Some(format!("; topic '{}' is left out: several queries write it", source.topic));
    }
    let gone = cut.check_output().is_err();
    gone.then(|| format!("; topic '{}' is left out: its first records are gone", source.topic))
}
