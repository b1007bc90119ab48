//! `EXPORT CATALOG`: statements that rebuild the catalog, in order.
//!
//! Types come first, then the streams and tables that were declared, then the queries in the
//! order of their creation, each between the settings that its session had, and paused if it is.
//! A declaration is printed from what the catalog holds, not from its text: columns may have been
//! added since, and types that it named may be gone. Records and positions are not a part of it.
//!
//! Ids hold the number of the query, which is that of its turn: where a query is named, it is by
//! the id that it gets when the statements run in an empty catalog.

use sql::ast::{SourceKind, StatementKind};

use super::table::lines;
use crate::catalog::{Catalog, QueryEntry, Role, Source, SourceColumn, kind_name};
use crate::engine::Shared;
use crate::error::Result;
use crate::format::Format;
use crate::outcome::Outcome;
use crate::processing_log;
use crate::session::Session;
use crate::types::sql_name;

/// The statements as lines of text.
pub fn execute(session: &Session) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let mut text = String::new();
    for (name, data_type) in &catalog.types {
        text.push_str(&format!("CREATE TYPE {} AS {};\n", quoted(name), sql_name(data_type)));
    }
    let mut number = 0;
    for source in declared(&catalog) {
        text.push_str(&format!("{};\n", declaration(&session.shared, source)));
        // One that is kept for whoever asks has a query as well.
        let keeper = source.materialized_by.and_then(|number| catalog.queries.get(&number));
        if let Some(query) = keeper {
            write_pause(&mut text, query, number);
            number += 1;
        }
    }
    for query in catalog.queries.values().filter(|query| query.sink.is_some()) {
        write_query(&mut text, query);
        write_pause(&mut text, query, number);
        number += 1;
    }
    lines("EXPORT", "statement", &text)
}

/// The streams and tables that no query made.
fn declared(catalog: &Catalog) -> impl Iterator<Item = &Source> {
    let made: Vec<&str> = catalog.queries.values().filter_map(made_by).collect();
    catalog.sources.values().filter(move |source| {
        source.name != processing_log::STREAM && !made.contains(&source.name.as_str())
    })
}

/// The stream or table that a query made, unless it only writes to one.
fn made_by(query: &QueryEntry) -> Option<&str> {
    let parsed = sql::parse(&query.statement).ok()?;
    let creates = matches!(parsed.first()?.kind, StatementKind::CreateAs { .. });
    query.sink.as_deref().filter(|_| creates)
}

fn write_query(text: &mut String, query: &QueryEntry) {
    for (name, value) in query.session.changed() {
        text.push_str(&format!("SET {} = {};\n", literal(name), literal(value)));
    }
    text.push_str(&format!("{};\n", query.statement.trim()));
    for (name, _) in query.session.changed() {
        text.push_str(&format!("UNSET {};\n", literal(name)));
    }
}

fn write_pause(text: &mut String, query: &QueryEntry, number: u32) {
    if query.paused {
        let generated = query.id.strip_suffix(&format!("_{}", query.number));
        let id = generated.map_or_else(|| query.id.clone(), |name| format!("{name}_{number}"));
        text.push_str(&format!("PAUSE {};\n", quoted(&id)));
    }
}

fn declaration(shared: &Shared, source: &Source) -> String {
    let columns = source.columns.iter().map(|column| column_definition(source.kind, column));
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!(
        "CREATE {}{} {} ({columns}) WITH ({})",
        if source.read_only { "SOURCE " } else { "" },
        kind_name(source.kind),
        quoted(&source.name),
        properties(shared, source).join(", ")
    )
}

fn column_definition(kind: SourceKind, column: &SourceColumn) -> String {
    let role = match (&column.role, kind) {
        (Role::Value, _) => String::new(),
        (Role::Key, SourceKind::Stream) => " KEY".to_owned(),
        (Role::Key, SourceKind::Table) => " PRIMARY KEY".to_owned(),
        (Role::Headers, _) => " HEADERS".to_owned(),
        (Role::Header(name), _) => format!(" HEADER({})", literal(name)),
    };
    format!("{} {}{role}", quoted(&column.name), sql_name(&column.data_type))
}

fn properties(shared: &Shared, source: &Source) -> Vec<String> {
    let mut properties = vec![format!("KAFKA_TOPIC={}", literal(&source.topic))];
    if let Some(topic) = shared.log.topic(&source.topic) {
        properties.push(format!("PARTITIONS={}", topic.partitions().len()));
    }
    for (side, format) in [("KEY", &source.key_format), ("VALUE", &source.value_format)] {
        properties.push(format!("{side}_FORMAT='{}'", format.name()));
        if let Format::Delimited { delimiter } = format
            && *delimiter != ','
        {
            properties.push(format!("{side}_DELIMITER={}", literal(&shown(*delimiter))));
        }
    }
    if let Some(wrapped) = source.wrap_single_value {
        properties.push(format!("WRAP_SINGLE_VALUE={wrapped}"));
    }
    if let Some(time) = &source.timestamp {
        properties.push(format!("TIMESTAMP={}", literal(&quoted(&time.column))));
        let format = time.format.iter();
        properties.extend(format.map(|format| format!("TIMESTAMP_FORMAT={}", literal(format))));
    }
    if let Some(window) = source.window {
        properties.push(format!("WINDOW_TYPE='{}'", window.name()));
        let size = window.size_ms().into_iter();
        properties.extend(size.map(|size| format!("WINDOW_SIZE='{size} MILLISECONDS'")));
    }
    properties
}

/// A delimiter by its name, where it is easily overlooked.
fn shown(delimiter: char) -> String {
    match delimiter {
        ' ' => "SPACE".to_owned(),
        '\t' => "TAB".to_owned(),
        other => other.to_string(),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
