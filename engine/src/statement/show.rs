//! `SHOW` (or `LIST`).

use sql::ast::{Show, SourceKind};

use super::table::Table;
use crate::catalog::Source;
use crate::error::Result;
use crate::function::FunctionKind;
use crate::outcome::Outcome;
use crate::properties::SESSION_PROPERTIES;
use crate::session::Session;
use crate::types::sql_name;

/// Lists what was asked for.
pub fn execute(session: &Session, what: &Show) -> Result<Outcome> {
    match what {
        Show::Streams { .. } => sources(session, SourceKind::Stream),
        Show::Tables { .. } => sources(session, SourceKind::Table),
        Show::Topics { extended, .. } => topics(session, *extended),
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

fn sources(session: &Session, kind: SourceKind) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let sources: Vec<&Source> = catalog.sources.values().filter(|s| s.kind == kind).collect();
    let name = if kind == SourceKind::Stream { "stream_name" } else { "table_name" };
    Table::new("SHOW")
        .text(name, sources.iter().map(|source| Some(source.name.as_str())))
        .text("kafka_topic", sources.iter().map(|source| Some(source.topic.as_str())))
        .text("key_format", sources.iter().map(|source| Some(source.key_format.name())))
        .text("value_format", sources.iter().map(|source| Some(source.value_format.name())))
        .truth("windowed", sources.iter().map(|source| source.window.is_some()))
        .text(
            "written_by",
            sources.iter().map(|source| {
                let writers = catalog.writers(&source.name);
                (!writers.is_empty()).then(|| super::alter::ids(&writers))
            }),
        )
        .outcome()
}

fn topics(session: &Session, extended: bool) -> Result<Outcome> {
    let topics = session.shared.log.topics();
    let count = |of: &dyn Fn(&log_store::Partition) -> i64| -> Vec<i64> {
        topics.iter().map(|topic| topic.partitions().iter().map(|p| of(p)).sum()).collect()
    };
    let table = Table::new("SHOW")
        .text("topic", topics.iter().map(|topic| Some(topic.name())))
        .number("partitions", topics.iter().map(|topic| topic.partitions().len() as i64))
        .number("records", count(&|p| p.high_watermark() - p.log_start_offset()));
    match extended {
        false => table,
        true => table.number("bytes", count(&|p| p.size_bytes() as i64)),
    }
    .outcome()
}

fn queries(session: &Session, extended: bool) -> Result<Outcome> {
    let shared = &session.shared;
    let catalog = shared.catalog();
    let queries: Vec<_> = catalog.queries.values().collect();
    let tasks: Vec<_> = queries.iter().map(|query| shared.scheduler.task(query.number)).collect();
    let progress: Vec<_> =
        tasks.iter().map(|task| task.as_ref().map(|t| t.progress()).unwrap_or_default()).collect();
    let status = |task: &Option<std::sync::Arc<crate::scheduler::Task>>| match task {
        None => "STOPPED".to_owned(),
        Some(task) => task.status().to_string(),
    };
    let table = Table::new("SHOW")
        .text("query_id", queries.iter().map(|query| Some(query.id.as_str())))
        .text("status", tasks.iter().map(|task| Some(status(task))))
        .text("reads", queries.iter().map(|query| Some(query.sources.join(", "))))
        .text("writes", queries.iter().map(|query| query.sink.as_deref()))
        .number("lag", progress.iter().map(|p| p.lag as i64));
    let table = match extended {
        false => table,
        true => table
            .number("records_in", progress.iter().map(|p| p.counters.records_in as i64))
            .number("records_out", progress.iter().map(|p| p.counters.records_out as i64))
            .number("errors", progress.iter().map(|p| p.counters.errors as i64))
            .number("late", progress.iter().map(|p| p.counters.late as i64))
            .number("commits", progress.iter().map(|p| p.counters.commits as i64))
            .number("state_bytes", progress.iter().map(|p| p.memory as i64)),
    };
    table.text("statement", queries.iter().map(|query| Some(one_line(&query.statement)))).outcome()
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

fn groups(session: &Session) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let queries: Vec<_> = catalog.queries.values().collect();
    Table::new("SHOW")
        .text("group", queries.iter().map(|query| Some(query.id.as_str())))
        .text("reads", queries.iter().map(|query| Some(query.sources.join(", "))))
        .outcome()
}
