//! `SHOW` (or `LIST`).

use log_store::{Lag, LogStore, Topic};
use sql::ast::{Show, SourceKind};

use super::alter::ids;
use super::table::Table;
use crate::catalog::{QueryEntry, Source};
use crate::error::Result;
use crate::function::FunctionKind;
use crate::monitor::{self, QueryInfo};
use crate::outcome::Outcome;
use crate::pipeline::StoreInfo;
use crate::properties::SESSION_PROPERTIES;
use crate::session::Session;
use crate::types::sql_name;

/// Lists what was asked for.
pub fn execute(session: &Session, what: &Show) -> Result<Outcome> {
    match what {
        Show::Streams { extended } => sources(session, SourceKind::Stream, *extended),
        Show::Tables { extended } => sources(session, SourceKind::Table, *extended),
        Show::Topics { all, extended } => topics(session, *all, *extended),
        Show::Queries { extended } => queries(session, *extended),
        Show::Functions => functions(session),
        Show::Properties => properties(session),
        Show::Types => {
            let catalog = session.shared.catalog();
            let types = &catalog.types;
            Table::new("SHOW")
                .text("type_name", types.keys().map(|name| Some(name.as_str())))
                .text("schema", types.values().map(|data_type| Some(sql_name(data_type))))
                .outcome()
        }
        Show::Variables => Table::new("SHOW")
            .text("variable_name", session.variables.keys().map(|name| Some(name.as_str())))
            .text("value", session.variables.values().map(|value| Some(value.as_str())))
            .outcome(),
        Show::Columns { source } => super::describe::columns(session, source),
        Show::Groups => groups(session),
    }
}

fn sources(session: &Session, kind: SourceKind, extended: bool) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let sources: Vec<&Source> = catalog.sources.values().filter(|s| s.kind == kind).collect();
    let name = if kind == SourceKind::Stream { "stream_name" } else { "table_name" };
    let queries = |queries: Vec<&QueryEntry>| (!queries.is_empty()).then(|| ids(&queries));
    let table = Table::new("SHOW")
        .text(name, sources.iter().map(|source| Some(source.name.as_str())))
        .text("kafka_topic", sources.iter().map(|source| Some(source.topic.as_str())))
        .text("key_format", sources.iter().map(|source| Some(source.key_format.name())))
        .text("value_format", sources.iter().map(|source| Some(source.value_format.name())))
        .truth("windowed", sources.iter().map(|source| source.window.is_some()))
        .text("written_by", sources.iter().map(|source| queries(catalog.writers(&source.name))));
    if !extended {
        return table.outcome();
    }
    let log = &session.shared.log;
    let topics: Vec<_> = sources.iter().map(|source| log.topic(&source.topic)).collect();
    let sum = |of: fn(&Topic) -> i64| topics.iter().map(move |t| t.as_deref().map_or(0, of));
    table
        .text("read_by", sources.iter().map(|source| queries(catalog.readers(&source.name))))
        .number("partitions", sum(partitions))
        .number("records", sum(records))
        .number("bytes", sum(bytes))
        .text("statement", sources.iter().map(|source| Some(one_line(&source.statement))))
        .outcome()
}

fn partitions(topic: &Topic) -> i64 {
    topic.partitions().len() as i64
}

fn records(topic: &Topic) -> i64 {
    topic.partitions().iter().map(|p| p.high_watermark() - p.log_start_offset()).sum()
}

fn bytes(topic: &Topic) -> i64 {
    topic.partitions().iter().map(|p| p.size_bytes() as i64).sum()
}

/// The topics; with `all` also those that the store keeps for itself.
fn topics(session: &Session, all: bool, extended: bool) -> Result<Outcome> {
    let log = &session.shared.log;
    let mut topics = log.topics();
    if all {
        topics.extend(log.internal_topics());
    }
    let table = Table::new("SHOW")
        .text("topic", topics.iter().map(|topic| Some(topic.name())))
        .number("partitions", topics.iter().map(|topic| partitions(topic)))
        .number("records", topics.iter().map(|topic| records(topic)));
    if !extended {
        return table.outcome();
    }
    let catalog = session.shared.catalog();
    let readers = topics.iter().map(|topic| {
        let reads =
            |name: &String| catalog.sources.get(name).is_some_and(|s| s.topic == topic.name());
        catalog.queries.values().filter(|query| query.sources.iter().any(reads)).count() as i64
    });
    let groups = groups_of(log)?;
    let groups = topics.iter().map(|topic| {
        groups
            .iter()
            .filter(|(_, read)| read.iter().any(|lag| &*lag.partition.topic == topic.name()))
            .count() as i64
    });
    table
        .number("bytes", topics.iter().map(|topic| bytes(topic)))
        .number("queries", readers)
        .number("groups", groups)
        .outcome()
}

fn queries(session: &Session, extended: bool) -> Result<Outcome> {
    let shared = &session.shared;
    let queries = monitor::persistent(shared);
    let table = Table::new("SHOW")
        .text("query_id", queries.iter().map(|query| Some(query.id.as_str())))
        .text("status", queries.iter().map(|query| Some(query.status_text())))
        .text("reads", queries.iter().map(|query| Some(query.sources.join(", "))))
        .text("writes", queries.iter().map(|query| query.sink.as_deref()))
        .number("lag", queries.iter().map(|query| query.lag as i64));
    let table = if extended { extend(table, &queries, &monitor::stores(shared)?) } else { table };
    table.text("statement", queries.iter().map(|query| Some(one_line(&query.statement)))).outcome()
}

/// What goes on in the queries, and what they keep.
fn extend(table: Table, queries: &[QueryInfo], stores: &[(String, StoreInfo)]) -> Table {
    let kept = |of: fn(&StoreInfo) -> u64| {
        queries.iter().map(move |query| {
            let stores = stores.iter().filter(|(id, _)| *id == query.id);
            stores.map(|(_, store)| of(store) as i64).sum::<i64>()
        })
    };
    table
        .number("lag_bytes", queries.iter().map(|query| query.lag_bytes as i64))
        .number("lag_ms", queries.iter().map(|query| query.lag_ms))
        .number("records_in", queries.iter().map(|query| query.records_in as i64))
        .number("records_out", queries.iter().map(|query| query.records_out as i64))
        .real("records_per_second", queries.iter().map(|query| query.records_per_second))
        .number("errors", queries.iter().map(|query| query.errors as i64))
        .number("late", queries.iter().map(|query| query.late as i64))
        .number("commits", queries.iter().map(|query| query.commits as i64))
        .time("last_commit", queries.iter().map(|query| query.last_commit_ms))
        .number("state_keys", kept(|store| store.keys))
        .number("state_bytes", kept(|store| store.bytes))
        .number("memory_bytes", queries.iter().map(|query| query.memory as i64))
}

fn one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn functions(session: &Session) -> Result<Outcome> {
    let all: Vec<_> = session.shared.functions.definitions().collect();
    let kind = |kind: FunctionKind| match kind {
        FunctionKind::Scalar => "SCALAR",
        FunctionKind::Table => "TABLE",
        FunctionKind::Aggregate => "AGGREGATE",
    };
    Table::new("SHOW")
        .text("function_name", all.iter().map(|definition| Some(definition.name)))
        .text("category", all.iter().map(|definition| Some(kind(definition.kind))))
        .text("description", all.iter().map(|definition| Some(definition.description)))
        .outcome()
}

fn properties(session: &Session) -> Result<Outcome> {
    let all = SESSION_PROPERTIES;
    Table::new("SHOW")
        .text("property", all.iter().map(|property| Some(property.name)))
        .text("value", all.iter().map(|property| Some(session.properties.get(property.name))))
        .text("default", all.iter().map(|property| Some(property.default)))
        .truth("changed", all.iter().map(|property| session.properties.is_set(property.name)))
        .text("description", all.iter().map(|property| Some(property.doc)))
        .outcome()
}

/// Queries, which remember themselves how far they have read, and the groups of the log.
fn groups(session: &Session) -> Result<Outcome> {
    let shared = &session.shared;
    let catalog = shared.catalog();
    let mut rows: Vec<(String, &str, String, i64)> = Vec::new();
    for query in catalog.queries.values() {
        let task = shared.scheduler.task(query.number);
        let lag = task.map_or(0, |task| task.progress().lag.records);
        rows.push((query.id.clone(), "query", query.sources.join(", "), lag as i64));
    }
    for (group, lags) in groups_of(&shared.log)? {
        let mut topics: Vec<&str> = lags.iter().map(|lag| &*lag.partition.topic).collect();
        topics.dedup();
        let lag = lags.iter().map(|lag| lag.behind).sum();
        rows.push((group, "consumer group", topics.join(", "), lag));
    }
    Table::new("SHOW")
        .text("group", rows.iter().map(|(group, ..)| Some(group.as_str())))
        .text("kind", rows.iter().map(|(_, kind, ..)| Some(*kind)))
        .text("reads", rows.iter().map(|(.., reads, _)| Some(reads.as_str())))
        .number("lag", rows.iter().map(|(.., lag)| *lag))
        .outcome()
}

/// The consumer groups of the log, with where each is.
fn groups_of(log: &LogStore) -> Result<Vec<(String, Vec<Lag>)>> {
    let lag = |name: String| Ok((name.clone(), log.group(&name)?.lag()));
    log.groups().into_iter().map(lag).collect()
}
