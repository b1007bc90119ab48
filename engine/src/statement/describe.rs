//! `DESCRIBE`.

use sql::ast::{Describe, Ident, SourceKind};

use super::counted;
use super::table::{Table, lines};
use crate::catalog::{Catalog, Role, Source, SourceColumn, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::near_miss::hint;
use crate::outcome::Outcome;
use crate::row_type::pseudo;
use crate::session::Session;
use crate::types::sql_name;

/// Describes what was asked for.
pub fn execute(session: &Session, what: &Describe) -> Result<Outcome> {
    match what {
        Describe::Source { name, extended: false } => columns(session, name),
        Describe::Source { name, extended: true } => extended(session, name),
        Describe::Function { name } => function(session, name),
        Describe::Streams { extended } => all(session, SourceKind::Stream, *extended),
        Describe::Tables { extended } => all(session, SourceKind::Table, *extended),
    }
}

/// The columns of a stream or table.
pub fn columns(session: &Session, name: &Ident) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    columns_of([source])
}

fn all(session: &Session, kind: SourceKind, extended: bool) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let sources: Vec<&Source> = catalog.sources.values().filter(|s| s.kind == kind).collect();
    if !extended {
        return columns_of(sources);
    }
    let facts = sources.into_iter().map(|source| {
        let of_source = facts(&session.shared, &catalog, source)?;
        Ok(of_source.into_iter().map(|(name, value)| (source.name.as_str(), name, value)))
    });
    let facts: Vec<_> = facts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    Table::new("DESCRIBE")
        .text("source", facts.iter().map(|(source, ..)| Some(*source)))
        .text("property", facts.iter().map(|(_, name, _)| Some(name.as_str())))
        .text("value", facts.iter().map(|(.., value)| Some(value.as_str())))
        .outcome()
}

fn columns_of<'a>(sources: impl IntoIterator<Item = &'a Source> + Clone) -> Result<Outcome> {
    let rows: Vec<(&Source, String, String, String)> =
        sources.into_iter().flat_map(|source| rows(source)).collect();
    Table::new("DESCRIBE")
        .text("source", rows.iter().map(|(source, ..)| Some(source.name.as_str())))
        .text("column_name", rows.iter().map(|(_, name, ..)| Some(name.as_str())))
        .text("type", rows.iter().map(|(_, _, data_type, _)| Some(data_type.as_str())))
        .text("role", rows.iter().map(|(.., role)| Some(role.as_str())))
        .outcome()
}

fn rows(source: &Source) -> Vec<(&Source, String, String, String)> {
    let row = |column: &SourceColumn| {
        (source, column.name.clone(), sql_name(&column.data_type), role(source.kind, &column.role))
    };
    let mut rows: Vec<_> = source.columns.iter().map(row).collect();
    if source.window.is_some() {
        let at = source.key_columns().count();
        for bound in [pseudo::WINDOWEND, pseudo::WINDOWSTART] {
            rows.insert(at, (source, bound.to_owned(), "BIGINT".to_owned(), "window".to_owned()));
        }
    }
    rows
}

fn role(kind: SourceKind, role: &Role) -> String {
    match (role, kind) {
        (Role::Key, SourceKind::Stream) => "key".to_owned(),
        (Role::Key, SourceKind::Table) => "primary key".to_owned(),
        (Role::Value, _) => String::new(),
        (Role::Headers, _) => "headers".to_owned(),
        (Role::Header(name), _) => format!("header('{name}')"),
    }
}

fn extended(session: &Session, name: &Ident) -> Result<Outcome> {
    let catalog = session.shared.catalog();
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    let facts = facts(&session.shared, &catalog, source)?;
    Table::new("DESCRIBE")
        .text("property", facts.iter().map(|(name, _)| Some(name.as_str())))
        .text("value", facts.iter().map(|(_, value)| Some(value.as_str())))
        .outcome()
}

/// What there is to say of a source, in order.
fn facts(shared: &Shared, catalog: &Catalog, source: &Source) -> Result<Vec<(String, String)>> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    add("name", source.name.clone());
    add("kind", kind_name(source.kind).to_lowercase());
    for (_, column, data_type, role) in rows(source) {
        add(&format!("column {column}"), format!("{data_type} {role}").trim().to_owned());
    }
    add("topic", source.topic.clone());
    add("key format", source.key_format.name().to_owned());
    add("value format", source.value_format.name().to_owned());
    if let Some(window) = source.window {
        let size = window.size_ms().map(|size| format!(", {size} ms"));
        add("window", format!("{}{}", window.name().to_lowercase(), size.unwrap_or_default()));
    }
    if let Some(timestamp) = &source.timestamp {
        add("event time", timestamp.column.clone());
    }
    if let Some(topic) = shared.log.topic(&source.topic) {
        add("loss window", topic.config().flush_policy().to_string());
        for partition in topic.partitions() {
            add(
                &format!("partition {}", partition.topic_partition().partition),
                format!(
                    "offsets {} to {}, {} bytes",
                    partition.log_start_offset(),
                    partition.high_watermark(),
                    partition.size_bytes()
                ),
            );
        }
    }
    for query in catalog.writers(&source.name) {
        add("written by", query.id.clone());
    }
    for (holds, size) in stores(shared, catalog, source)? {
        add(&format!("state: {holds}"), size);
    }
    for query in catalog.readers(&source.name) {
        add("read by", query.id.clone());
    }
    add("statement", source.statement.clone());
    Ok(facts)
}

/// What the queries that write a source have to remember, and how much that is.
fn stores(shared: &Shared, catalog: &Catalog, source: &Source) -> Result<Vec<(String, String)>> {
    let mut facts = Vec::new();
    for query in catalog.writers(&source.name) {
        let Some(task) = shared.scheduler.task(query.number) else { continue };
        for store in task.stores()? {
            let keys = counted(store.keys as usize, "key", "keys");
            facts.push((store.holds, format!("{keys}, {} bytes", store.bytes)));
        }
    }
    Ok(facts)
}

fn function(session: &Session, name: &Ident) -> Result<Outcome> {
    let functions = &session.shared.functions;
    let Some((definition, _)) = functions.get(&name.value) else {
        let message = format!("can't find any functions with the name '{}'", name.value);
        let error = invalid(Code::UnknownName, message).at(name.span);
        let names: Vec<&str> = functions.definitions().map(|definition| definition.name).collect();
        return Err(match hint(&name.value, names) {
            Some(hint) => error.hint(hint),
            None => error,
        });
    };
    let mut text = format!("{}\n{}\n", definition.name, definition.description);
    for signature in definition.signatures {
        text.push_str(&format!("  {signature}\n"));
    }
    for (call, result) in definition.examples {
        text.push_str(&format!("  {call} = {result}\n"));
    }
    lines("DESCRIBE", "function", &text)
}
