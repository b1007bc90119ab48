//! The `ASSERT` statements of `sql` cases, over the catalog and the topics.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use engine::{ColumnRole, Engine, SourceInfo, SourceKind, TopicRecord};
use serde_json::Value;
use sql::ast::{self, Expr, Ident, Properties, PropertyValue, StatementKind};

use super::compare::{self, Rules};
use super::layout::Layout;
use super::post::{ensure_equal, kind_word};
use super::{decode, literal, schema};
use crate::topic;

const RULES: Rules = Rules { exact_numbers: true, upper_case_names: false };

/// The next record that `ASSERT` reads of each topic.
#[derive(Debug, Default)]
pub struct Positions(HashMap<String, usize>);

/// Checks an assertion; `None` if the statement is none.
pub fn check(
    engine: &Engine,
    positions: &mut Positions,
    statement: &StatementKind,
) -> Option<Result<()>> {
    Some(match statement {
        StatementKind::AssertValues { source, columns, values } => {
            assert_values(engine, positions, source, columns, values)
        }
        StatementKind::AssertNullValues { source, columns, key } => {
            assert_null_values(engine, positions, source, columns, key)
        }
        StatementKind::AssertSource { kind, name, columns, properties } => {
            assert_source(engine, *kind, name, columns.as_deref(), properties)
        }
        _ => return None,
    })
}

fn assert_values(
    engine: &Engine,
    positions: &mut Positions,
    source: &Ident,
    columns: &[Ident],
    values: &[Expr],
) -> Result<()> {
    let source = find(engine, source)?;
    let record = next_record(engine, positions, &source)?;
    ensure!(record.value.is_some(), "expected a value, found a tombstone");
    let all = |column: &engine::SourceColumn| column.name.clone();
    same_columns(&source, &record, &names(columns, || source.columns.iter().map(all)), values)
}

fn assert_null_values(
    engine: &Engine,
    positions: &mut Positions,
    source: &Ident,
    columns: &[Ident],
    key: &[Expr],
) -> Result<()> {
    let source = find(engine, source)?;
    let record = next_record(engine, positions, &source)?;
    ensure!(record.value.is_none(), "expected a tombstone, found a value");
    let keys = source.columns.iter().filter(|column| column.role == ColumnRole::Key);
    let keys = keys.map(|column| column.name.clone());
    same_columns(&source, &record, &names(columns, || keys), key)
}

fn find(engine: &Engine, name: &Ident) -> Result<SourceInfo> {
    engine.source(&name.value).with_context(|| format!("no stream or table {}", name.value))
}

/// The columns named, or all of them where none is.
fn names<I: Iterator<Item = String>>(columns: &[Ident], all: impl FnOnce() -> I) -> Vec<String> {
    match columns {
        [] => all().collect(),
        columns => columns.iter().map(|column| column.value.clone()).collect(),
    }
}

fn next_record(
    engine: &Engine,
    positions: &mut Positions,
    source: &SourceInfo,
) -> Result<TopicRecord> {
    let position = positions.0.entry(source.topic.clone()).or_default();
    let mut records = topic::read(engine.log(), &source.topic)?.into_iter().flatten();
    let record = records.nth(*position);
    let topic = &source.topic;
    let record = record.with_context(|| format!("topic {topic} has no record {position}"))?;
    *position += 1;
    Ok(record)
}

fn same_columns(
    source: &SourceInfo,
    record: &TopicRecord,
    names: &[String],
    literals: &[Expr],
) -> Result<()> {
    ensure_equal("number of values", names.len(), literals.len())?;
    let found = decoded(source, record)?;
    for (name, expected) in names.iter().zip(literals) {
        let (data_type, found) = found.get(name).with_context(|| format!("no column {name}"))?;
        let expected = literal::evaluate(expected, data_type)?;
        compare::value(&expected, found, Some(data_type), RULES)
            .map_err(|difference| difference.inside(name))?;
    }
    Ok(())
}

type Columns = HashMap<String, (arrow::datatypes::DataType, Value)>;

/// The columns of a record by name, `ROWTIME` among them.
fn decoded(source: &SourceInfo, record: &TopicRecord) -> Result<Columns> {
    let layout = Layout::of(source)?;
    let key = match (record.key.as_deref(), layout.window) {
        (Some(key), Some(window)) => Some(decode::split_window(key, window)?.0),
        (key, _) => key,
    };
    let mut columns = Columns::new();
    for (bytes, side) in [(key, &layout.key), (record.value.as_deref(), &layout.value)] {
        let values = decode::columns(bytes, side)?;
        for (column, value) in side.columns.iter().zip(values) {
            columns.insert(column.name.clone(), (column.data_type.clone(), value));
        }
    }
    let rowtime = (arrow::datatypes::DataType::Int64, record.timestamp.into());
    columns.insert("ROWTIME".to_owned(), rowtime);
    Ok(columns)
}

fn assert_source(
    engine: &Engine,
    kind: ast::SourceKind,
    name: &Ident,
    columns: Option<&[ast::ColumnDef]>,
    properties: &Properties,
) -> Result<()> {
    let found = find(engine, name)?;
    let kind = match kind {
        ast::SourceKind::Stream => SourceKind::Stream,
        ast::SourceKind::Table => SourceKind::Table,
    };
    ensure_equal("kind", kind_word(kind), kind_word(found.kind))?;
    if let Some(columns) = columns {
        schema::ensure_same(&schema::declared(columns), &schema::of_source(&found))?;
    }
    ensure_equal("properties", declared(properties, &found)?, stored(&found))
}

/// Topic, formats, delimiters, wrapping, time column and format: what `ASSERT STREAM` compares.
#[derive(Debug, PartialEq, Eq)]
struct Definition {
    topic: String,
    key: (String, Option<char>),
    value: (String, Option<char>),
    wrap_single_value: Option<bool>,
    timestamp: Option<(String, Option<String>)>,
}

fn stored(source: &SourceInfo) -> Definition {
    let timestamp = source.timestamp.as_ref();
    Definition {
        topic: source.topic.clone(),
        key: (source.key.format.clone(), source.key.delimiter),
        value: (source.value.format.clone(), source.value.delimiter),
        wrap_single_value: source.value.wrapped,
        timestamp: timestamp.map(|time| (time.column.clone(), time.format.clone())),
    }
}

fn declared(properties: &Properties, source: &SourceInfo) -> Result<Definition> {
    let format = |name: &str| {
        let given = properties.string(name).or_else(|| properties.string("FORMAT"));
        given.map(str::to_uppercase)
    };
    let keyed = source.columns.iter().any(|column| column.role == ColumnRole::Key);
    let default_key = if keyed { "KAFKA" } else { "NONE" };
    let timestamp = properties.string("TIMESTAMP");
    let timestamp_format = properties.string("TIMESTAMP_FORMAT").map(str::to_owned);
    Ok(Definition {
        topic: properties.string("KAFKA_TOPIC").unwrap_or(&source.name).to_owned(),
        key: (
            format("KEY_FORMAT").unwrap_or_else(|| default_key.to_owned()),
            delimiter(properties, "KEY_DELIMITER")?,
        ),
        value: (
            format("VALUE_FORMAT").context("the assertion names no value format")?,
            delimiter(properties, "VALUE_DELIMITER")?,
        ),
        wrap_single_value: match properties.get("WRAP_SINGLE_VALUE").map(|found| &found.value) {
            Some(PropertyValue::Boolean(flag)) => Some(*flag),
            Some(_) => bail!("WRAP_SINGLE_VALUE is true or false"),
            None => None,
        },
        timestamp: timestamp.map(|column| (column.to_uppercase(), timestamp_format)),
    })
}

fn delimiter(properties: &Properties, name: &str) -> Result<Option<char>> {
    let Some(text) = properties.string(name) else { return Ok(None) };
    let mut chars = text.chars();
    match (text.to_uppercase().as_str(), chars.next(), chars.next()) {
        ("SPACE", ..) => Ok(Some(' ')),
        ("TAB", ..) => Ok(Some('\t')),
        (_, Some(delimiter), None) => Ok(Some(delimiter)),
        _ => bail!("{name} is one character, SPACE or TAB, not {text}"),
    }
}
