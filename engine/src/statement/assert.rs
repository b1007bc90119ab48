//! `ASSERT`: what a script expects of topics, streams and tables.
//!
//! A topic is waited for, as is a record while queries run by themselves. `ASSERT VALUES` and
//! `ASSERT NULL VALUES` read a topic record by record: each takes the one after the last that the
//! session has asserted, of whichever partition has the earliest.

mod record;

use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::Interest;
use sql::ast::{ColumnDef, Ident, Properties, SourceKind, StatementKind as Kind, Verbatim};

use self::record::{Expected, What};
use super::create::{declared, near_topic, source_columns};
use super::done;
use crate::catalog::{Source, SourceColumn, kind_name};
use crate::engine::{Shared, Workers};
use crate::error::{Code, Error, Result, invalid};
use crate::format::Format;
use crate::outcome::Done;
use crate::session::Session;
use crate::types::sql_name;

/// How long to wait for what is expected, unless told.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for records before looking again: topics come and go without a word.
const LOOK: Duration = Duration::from_millis(50);

/// Checks an assertion.
pub async fn execute(session: &mut Session, assertion: &Kind) -> Result<Done> {
    match assertion {
        Kind::AssertTopic { not_exists, topic, properties, timeout } => {
            let shared = Arc::clone(&session.shared);
            let given = timeout.map(|timeout| Duration::from_millis(timeout.ms));
            let wait = given.unwrap_or_else(|| default_timeout(&shared));
            until(&shared, wait, || topic_is(&shared, topic, *not_exists, properties)).await?;
            let is = if *not_exists { "does not exist" } else { "is as asserted" };
            Ok(done("ASSERT TOPIC", format!("topic {} {is}", topic.value)))
        }
        Kind::AssertSource { kind, name, columns, properties } => {
            source_is(session, *kind, name, columns.as_deref(), properties)?;
            let kind = kind_name(*kind);
            let message = format!("{} {} is as asserted", kind.to_lowercase(), name.value);
            Ok(done(&format!("ASSERT {kind}"), message))
        }
        Kind::AssertValues { source, columns, values } => {
            let expected = Expected { source, columns, literals: values, what: What::Values };
            record::check(session, &expected).await?;
            Ok(done("ASSERT VALUES", format!("the record of {} is as asserted", source.value)))
        }
        Kind::AssertNullValues { source, columns, key } => {
            let expected = Expected { source, columns, literals: key, what: What::Tombstone };
            record::check(session, &expected).await?;
            let message = format!("the tombstone of {} is as asserted", source.value);
            Ok(done("ASSERT NULL VALUES", message))
        }
        _ => Err(Error::Internal("not an ASSERT".into())),
    }
}

/// Where the caller moves the queries, nothing comes of waiting.
fn default_timeout(shared: &Shared) -> Duration {
    match shared.options.workers {
        Workers::Manual => Duration::ZERO,
        Workers::Threads(_) => TIMEOUT,
    }
}

/// What `look` gives, as soon as it is no error, or its last error.
async fn until<T>(
    shared: &Shared,
    timeout: Duration,
    mut look: impl FnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    let arrivals = Arc::new(shared.log.subscribe(Interest::AllTopics));
    loop {
        let found = look();
        let left = deadline.saturating_duration_since(Instant::now());
        if found.is_ok() || left.is_zero() {
            return found;
        }
        let arrivals = Arc::clone(&arrivals);
        let waited = tokio::task::spawn_blocking(move || drop(arrivals.wait(left.min(LOOK)))).await;
        waited.map_err(|error| Error::Internal(error.to_string()))?;
    }
}

fn failed(message: impl Into<String>) -> Error {
    invalid(Code::AssertionFailed, message)
}

fn topic_is(
    shared: &Shared,
    asserted: &Verbatim,
    not_exists: bool,
    properties: &Properties,
) -> Result<()> {
    let name = &asserted.value;
    let topic = match (shared.log.topic(name), not_exists) {
        (None, true) => return Ok(()),
        (Some(_), true) => {
            return Err(failed(format!("topic '{name}' exists")).at(asserted.span));
        }
        (None, false) => {
            let error = failed(format!("topic '{name}' does not exist")).at(asserted.span);
            return Err(near_topic(shared, name, error));
        }
        (Some(topic), false) => topic,
    };
    // There is one copy of everything.
    let facts = [("PARTITIONS", topic.partitions().len() as i64), ("REPLICAS", 1)];
    for (property, found) in facts {
        if let Some(expected) = properties.integer(property).filter(|expected| *expected != found) {
            let message =
                format!("topic '{name}': expected {property}={expected}, found {property}={found}");
            let place = properties.get(property).map(|property| property.value_span);
            return Err(failed(message).at(place.unwrap_or(asserted.span)));
        }
    }
    Ok(())
}

fn source_is(
    session: &Session,
    kind: SourceKind,
    name: &Ident,
    columns: Option<&[ColumnDef]>,
    properties: &Properties,
) -> Result<()> {
    let catalog = session.shared.catalog();
    let found = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    if found.kind != kind {
        let (expected, found) = (kind_name(kind), kind_name(found.kind));
        let message = format!("{}: expected a {expected}, found a {found}", name.value);
        return Err(failed(message).at(name.span));
    }
    let columns = match columns {
        Some(columns) => source_columns(&catalog, kind, columns, name)?,
        None => found.columns.clone(),
    };
    let (expected, _) = declared(session, kind, name, columns, properties)?;
    let differences = differences(&expected, found);
    match differences.is_empty() {
        true => Ok(()),
        false => {
            let message = format!("{} is not as asserted: {}", name.value, differences.join("; "));
            Err(failed(message).at(name.span))
        }
    }
}

/// What an assertion compares of two declarations, where they differ.
fn differences(expected: &Source, found: &Source) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    compare("columns", shown(&expected.columns), shown(&found.columns));
    compare("topic", expected.topic.clone(), found.topic.clone());
    compare("key format", expected.key_format.to_string(), found.key_format.to_string());
    compare("value format", expected.value_format.to_string(), found.value_format.to_string());
    compare("delimiters", delimiters(expected), delimiters(found));
    let wrapped = |source: &Source| match source.wrap_single_value {
        Some(wrapped) => wrapped.to_string(),
        None => "left to the format".to_owned(),
    };
    compare("WRAP_SINGLE_VALUE", wrapped(expected), wrapped(found));
    let window = |source: &Source| match source.window {
        Some(window) => match window.size_ms() {
            Some(size) => format!("{} of {size} ms", window.name()),
            None => window.name().to_owned(),
        },
        None => "none".to_owned(),
    };
    compare("window", window(expected), window(found));
    let time = |source: &Source| match &source.timestamp {
        Some(time) => [Some(&time.column), time.format.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(" as "),
        None => "none".to_owned(),
    };
    compare("TIMESTAMP", time(expected), time(found));
    differences
}

/// The delimiters of key and value, where their format has one.
fn delimiters(source: &Source) -> String {
    let sides = [("key", &source.key_format), ("value", &source.value_format)];
    let shown = sides.iter().filter_map(|(side, format)| match format {
        Format::Delimited { delimiter } => Some(format!("'{delimiter}' in the {side}")),
        _ => None,
    });
    let shown = shown.collect::<Vec<_>>();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn shown(columns: &[SourceColumn]) -> String {
    let shown = columns.iter().map(|column| {
        let role = match &column.role {
            crate::catalog::Role::Value => String::new(),
            crate::catalog::Role::Key => " KEY".to_owned(),
            crate::catalog::Role::Headers => " HEADERS".to_owned(),
            crate::catalog::Role::Header(name) => format!(" HEADER('{name}')"),
        };
        format!("{} {}{role}", column.name, sql_name(&column.data_type))
    });
    shown.collect::<Vec<_>>().join(", ")
}
