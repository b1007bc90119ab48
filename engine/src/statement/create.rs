//! `CREATE STREAM|TABLE … (columns) WITH (…)` and `CREATE TYPE`.

use std::sync::Arc;

use log_store::{Topic, TopicConfig};
use sql::ast::{
    ColumnDef, ColumnRole, Ident, Properties, SourceKind, Statement, StatementKind, Verbatim,
};

use super::{counted, done, doomed, queries};
use crate::catalog::{Catalog, Role, Source, SourceColumn, headers_type, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Error, Result, invalid};
use crate::format::Format;
use crate::near_miss::near_miss;
use crate::outcome::Done;
use crate::planner::expression::CustomTypes;
use crate::properties::SourceProperties;
use crate::row_type::pseudo;
use crate::session::Session;
use crate::state::WriteBatch;
use crate::types::sql_name;

/// Declares a stream or table on a topic.
pub fn execute(session: &Session, shared: &Shared, statement: &Statement) -> Result<Done> {
    let StatementKind::CreateSource {
        kind,
        or_replace,
        if_not_exists,
        source: read_only,
        name,
        columns,
        properties,
    } = &statement.kind
    else {
        return Err(crate::Error::Internal("not a CREATE".into()));
    };
    let catalog = shared.catalog();
    if *or_replace && *read_only {
        return Err(replaces_source(*kind, name));
    }
    let tag = format!("CREATE {}", kind_name(*kind));
    if let Some(done) = taken(&catalog, name, *if_not_exists, *or_replace, &tag)? {
        return Ok(done);
    }
    let columns = columns.as_deref().ok_or_else(|| {
        let message = format!(
            "no columns supplied: {} needs them, since its format has no schema of its own",
            name.value
        );
        invalid(Code::InvalidQuery, message).at(name.span)
    })?;
    let columns = source_columns(&catalog, *kind, columns, name)?;
    let (mut source, clause) = declared(session, *kind, name, columns, properties)?;
    source.read_only = *read_only;
    source.statement = statement.text.clone();
    if let Some(old) = catalog.sources.get(&name.value) {
        super::alter::check_replacement(old, &source).map_err(|error| error.at(name.span))?;
    }
    let created =
        ensure_topic(shared, &source, &clause, None).map_err(|error| error.at(name.span))?;
    let mut changed = Catalog::clone(&catalog);
    let done = done(&tag, format!("{} {} created", kind_name(*kind).to_lowercase(), name.value));
    let keeps_rows = *read_only && *kind == SourceKind::Table;
    let finished = if keeps_rows {
        queries::materialize_source(session, shared, &mut changed, &mut source, statement)
    } else {
        let mut batch = WriteBatch::default();
        doomed::forget(&mut batch, &source.topic);
        changed.put_source(source);
        shared.commit(changed, batch)
    };
    undo_topic(shared, created, finished)?;
    Ok(done)
}

fn replaces_source(kind: SourceKind, name: &Ident) -> crate::Error {
    let kind = kind_name(kind).to_lowercase();
    let message = format!(
        "cannot add {kind} '{}': CREATE OR REPLACE is not supported on source {kind}s",
        name.value
    );
    invalid(Code::NotSupported, message)
        .at(name.span)
        .hint(format!("DROP the {kind} first, then create it again"))
}

fn check_window(source: &Source, name: &Ident) -> Result<()> {
    if source.window.is_none() || source.key_columns().next().is_some() {
        return Ok(());
    }
    let message = format!("windowed sources require a key column: {} has none", name.value);
    Err(invalid(Code::InvalidQuery, message)
        .at(name.span)
        .hint("the window is part of the key: for example ID BIGINT KEY"))
}

/// The stream or table of these columns that a `WITH` clause declares.
pub(super) fn declared(
    session: &Session,
    kind: SourceKind,
    name: &Ident,
    columns: Vec<SourceColumn>,
    properties: &Properties,
) -> Result<(Source, SourceProperties)> {
    let clause = SourceProperties::read(properties)?;
    let topic = clause.topic.clone().ok_or_else(|| missing_topic(name))?;
    let (key_format, value_format) = formats(session, &clause, &columns, name)?;
    let source = Source {
        name: name.value.clone(),
        kind,
        columns,
        topic,
        key_format,
        value_format,
        wrap_single_value: None,
        window: clause.windowing()?,
        timestamp: None,
        read_only: false,
        statement: String::new(),
        materialized_by: None,
    };
    check_window(&source, name)?;
    let source = clause.finish(source, &session.properties)?;
    Ok((source, clause))
}

fn missing_topic(name: &Ident) -> crate::Error {
    let message = "missing required property \"KAFKA_TOPIC\" which has no default value";
    invalid(Code::InvalidValue, message).at(name.span).hint("add WITH (KAFKA_TOPIC='…', …)")
}

/// The formats of key and value: as the clause says, or else the session.
fn formats(
    session: &Session,
    clause: &SourceProperties,
    columns: &[SourceColumn],
    name: &Ident,
) -> Result<(Format, Format)> {
    let has_key = columns.iter().any(|column| column.role == Role::Key);
    let key_format = match clause.key_format()? {
        Some(format) => format,
        None if has_key => session.properties.default_key_format()?,
        None => Format::None,
    };
    let default = session.properties.default_value_format()?;
    let value_format = clause.value_format()?.or(default).ok_or_else(|| {
        let message = "statement is missing the 'VALUE_FORMAT' property from the WITH clause";
        invalid(Code::InvalidValue, message)
            .at(name.span)
            .hint("or SET 'ksql.persistence.default.format.value'")
    })?;
    Ok((key_format, value_format))
}

/// Whether the name is taken: an error, or with `IF NOT EXISTS` an answer.
pub fn taken(
    catalog: &Catalog,
    name: &Ident,
    if_not_exists: bool,
    or_replace: bool,
    tag: &str,
) -> Result<Option<Done>> {
    let Some(existing) = catalog.sources.get(&name.value) else { return Ok(None) };
    let kind = kind_name(existing.kind).to_lowercase();
    if if_not_exists {
        let message = format!("{kind} {} exists already; nothing was done", name.value);
        return Ok(Some(Done { warnings: vec![message.clone()], ..done(tag, message) }));
    }
    match or_replace {
        true => Ok(None),
        false => {
            let message =
                format!("cannot add '{0}': a {kind} with the same name already exists", name.value);
            Err(invalid(Code::DuplicateName, message)
                .at(name.span)
                .hint("use IF NOT EXISTS, or OR REPLACE, or DROP it first"))
        }
    }
}

pub(super) fn source_columns(
    catalog: &Catalog,
    kind: SourceKind,
    definitions: &[ColumnDef],
    name: &Ident,
) -> Result<Vec<SourceColumn>> {
    let mut columns: Vec<SourceColumn> = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let column = source_column(catalog, kind, definition)?;
        if columns.iter().any(|other| other.name == column.name) {
            let message = format!("duplicate column names: {}", column.name);
            return Err(invalid(Code::DuplicateName, message).at(definition.span));
        }
        if column.role == Role::Headers && columns.iter().any(|other| other.role == Role::Headers) {
            let message = "schema already contains a HEADERS column";
            return Err(invalid(Code::InvalidQuery, message).at(definition.span));
        }
        columns.push(column);
    }
    let has_key = columns.iter().any(|column| column.role == Role::Key);
    if kind == SourceKind::Table && !has_key {
        let message =
            "tables require a PRIMARY KEY: define which column holds the key of the record";
        return Err(invalid(Code::InvalidQuery, message)
            .at(name.span)
            .hint("for example ID BIGINT PRIMARY KEY"));
    }
    if !columns.iter().any(|column| column.role == Role::Value) && !has_key {
        let message = "the schema does not define any columns";
        return Err(invalid(Code::InvalidQuery, message).at(name.span));
    }
    // Keys stand first, whatever the order of declaration.
    columns.sort_by_key(|column| column.role != Role::Key);
    Ok(columns)
}

fn source_column(
    catalog: &Catalog,
    kind: SourceKind,
    definition: &ColumnDef,
) -> Result<SourceColumn> {
    let data_type = catalog.resolve(&definition.data_type).map_err(|e| e.at(definition.span))?;
    let name = &definition.name.value;
    let role = match (&definition.role, kind) {
        (ColumnRole::Value, _) => Role::Value,
        (ColumnRole::Key, SourceKind::Stream) | (ColumnRole::PrimaryKey, SourceKind::Table) => {
            Role::Key
        }
        (ColumnRole::Key, SourceKind::Table) => {
            let message =
                format!("column '{name}' is a 'KEY' column: please use 'PRIMARY KEY' for tables");
            return Err(invalid(Code::InvalidQuery, message).at(definition.span));
        }
        (ColumnRole::PrimaryKey, SourceKind::Stream) => {
            let message =
                format!("column '{name}' is a 'PRIMARY KEY' column: please use 'KEY' for streams");
            return Err(invalid(Code::InvalidQuery, message).at(definition.span));
        }
        (ColumnRole::Headers, _) => Role::Headers,
        (ColumnRole::Header(key), _) => Role::Header(key.clone()),
    };
    check_header_type(&role, &data_type).map_err(|error| error.at(definition.span))?;
    if pseudo::is(name) {
        let message = format!("'{name}' is a reserved column name");
        return Err(invalid(Code::InvalidQuery, message)
            .at(definition.span)
            .hint("every record has one; it cannot be declared"));
    }
    let is_map = |data_type: &arrow::datatypes::DataType| {
        matches!(data_type, arrow::datatypes::DataType::Map(..))
    };
    if role == Role::Key && crate::types::any(&data_type, &is_map) {
        let message = format!("column '{name}' is a MAP: keys cannot hold MAPs");
        return Err(invalid(Code::TypeMismatch, message).at(definition.span));
    }
    Ok(SourceColumn { name: name.clone(), data_type, role })
}

fn check_header_type(role: &Role, data_type: &arrow::datatypes::DataType) -> Result<()> {
    let (expected, what) = match role {
        Role::Headers => (headers_type(), "HEADERS"),
        Role::Header(_) => (arrow::datatypes::DataType::Binary, "HEADER('…')"),
        _ => return Ok(()),
    };
    match *data_type == expected {
        true => Ok(()),
        false => {
            let message = format!(
                "invalid type for {what} columns: expected {}, got {}",
                sql_name(&expected),
                sql_name(data_type)
            );
            Err(invalid(Code::TypeMismatch, message))
        }
    }
}

/// Finds or creates the topic of a new stream or table. Gives its name if it was created.
/// A topic that queries write is created with `like`'s number of partitions unless told.
pub fn ensure_topic(
    shared: &Shared,
    source: &Source,
    clause: &SourceProperties,
    like: Option<&Topic>,
) -> Result<Option<String>> {
    if let Some(topic) = shared.log.topic(&source.topic) {
        if source.value_format == Format::Arrow && topic.config().is_compacted() {
            return Err(compacted_columns(&source.topic));
        }
        let found = topic.partitions().len() as u32;
        return match clause.partitions {
            Some(expected) if expected != found => {
                let found = counted(found as usize, "partition", "partitions");
                let message = format!(
                    "a topic '{}' with {found} exists already, which does not fit PARTITIONS={expected}",
                    source.topic
                );
                Err(invalid(Code::InvalidValue, message))
            }
            _ => Ok(None),
        };
    }
    let partitions = match (clause.partitions, like) {
        (Some(partitions), _) => partitions,
        (None, Some(like)) => like.partitions().len() as u32,
        (None, None) if shared.options.default_partitions > 0 => shared.options.default_partitions,
        (None, None) => return Err(unknown_topic(shared, &source.topic)),
    };
    let config = topic_config(source, clause, like.is_some())?;
    doomed::note_now(shared.backend.as_ref(), &source.topic)?;
    if let Err(error) = shared.log.create_topic(&source.topic, partitions, config) {
        doomed::withdraw(shared.backend.as_ref(), &source.topic)?;
        return Err(error.into());
    }
    Ok(Some(source.topic.clone()))
}

/// The settings of a new topic, which a query writes or not.
fn topic_config(source: &Source, clause: &SourceProperties, of_query: bool) -> Result<TopicConfig> {
    let mut config = TopicConfig::default();
    // Retention goes by event time: without a word on it, history stays.
    config.set("retention.ms", &clause.retention_ms.unwrap_or(-1).to_string())?;
    let columnar = source.value_format == Format::Arrow;
    let compacts = of_query && source.kind == SourceKind::Table && source.window.is_none();
    let default = (compacts && !columnar).then_some("compact");
    if let Some(policy) = clause.cleanup_policy.as_deref().or(default) {
        config.set("cleanup.policy", policy)?;
    }
    if columnar && config.is_compacted() {
        return Err(compacted_columns(&source.topic));
    }
    Ok(config)
}

fn compacted_columns(topic: &str) -> crate::Error {
    let message = format!("topic '{topic}' is compacted, which topics in ARROW cannot be");
    let hint = "leave CLEANUP_POLICY out, or use another VALUE_FORMAT";
    invalid(Code::InvalidValue, message).hint(hint)
}

fn unknown_topic(shared: &Shared, name: &str) -> crate::Error {
    let topics = shared.log.topics();
    let error = no_topic(name);
    let near = near_miss(name, topics.iter().map(|topic| topic.name()));
    let create = "add PARTITIONS=1 to the WITH clause to create it";
    match near {
        Some(near) => error.hint(format!("did you mean {near}? Or {create}")),
        None => error.hint(create),
    }
}

fn no_topic(name: &str) -> crate::Error {
    invalid(Code::UnknownName, format!("topic '{name}' does not exist"))
}

/// An error about a topic that is not there, with the near miss.
pub(super) fn near_topic(shared: &Shared, name: &str, error: crate::Error) -> crate::Error {
    let topics = shared.log.topics();
    match near_miss(name, topics.iter().map(|topic| topic.name())) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("SHOW TOPICS lists what there is"),
    }
}

/// The topic that a statement names by itself.
pub(super) fn named_topic(shared: &Shared, name: &Verbatim) -> Result<Arc<Topic>> {
    shared
        .log
        .topic(&name.value)
        .ok_or_else(|| near_topic(shared, &name.value, no_topic(&name.value)).at(name.span))
}

/// Deletes a topic that was created for a statement that failed. Where the state store did, nobody
/// knows what it has kept: the topic stays as long as the note says so.
pub fn undo_topic(shared: &Shared, created: Option<String>, result: Result<()>) -> Result<()> {
    match (&result, &created) {
        (Ok(()) | Err(Error::Storage { .. }), _) | (_, None) => {}
        (Err(_), Some(topic)) => doomed::delete(shared, topic)?,
    }
    result
}

/// `CREATE TYPE`.
pub fn custom_type(
    shared: &Shared,
    if_not_exists: bool,
    name: &Ident,
    data_type: &sql::ast::DataType,
) -> Result<Done> {
    let mut changed = Catalog::clone(&shared.catalog());
    if changed.types.contains_key(&name.value) {
        let message = format!("type {} exists already", name.value);
        if if_not_exists {
            return Ok(Done { warnings: vec![message.clone()], ..done("CREATE TYPE", message) });
        }
        return Err(invalid(
            Code::DuplicateName,
            format!("cannot register custom type: {message}"),
        )
        .at(name.span));
    }
    let resolved = changed.resolve(data_type).map_err(|error| error.at(name.span))?;
    let message = format!("type {} is {}", name.value, sql_name(&resolved));
    changed.types.insert(name.value.clone(), resolved);
    shared.commit(changed, WriteBatch::default())?;
    Ok(done("CREATE TYPE", message))
}

/// The topic of a stream or table, which must exist.
pub fn topic_of(shared: &Shared, name: &str) -> Result<Arc<Topic>> {
    shared.log.topic(name).ok_or_else(|| unknown_topic(shared, name))
}
