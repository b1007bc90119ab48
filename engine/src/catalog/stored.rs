//! The catalog on disk: `crc32c (4 bytes, big-endian) | JSON`.
//!
//! Types are kept as SQL text, so that the file can be read by a person and does not depend on
//! the version of a library.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use sql::ast::SourceKind;

use super::{Catalog, QueryEntry, Role, Source, SourceColumn, TimestampColumn, unreadable};
use crate::error::Result;
use crate::format::Format;
use crate::planner::expression::CustomTypes;
use crate::row_type::Windowing;
use crate::types::sql_name;

/// The layout that this version writes.
const LAYOUT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct StoredCatalog {
    layout: u32,
    version: u64,
    next_query: u32,
    types: Vec<(String, String)>,
    sources: Vec<StoredSource>,
    queries: Vec<QueryEntry>,
}

#[derive(Serialize, Deserialize)]
struct StoredSource {
    name: String,
    is_table: bool,
    columns: Vec<StoredColumn>,
    topic: String,
    key_format: Format,
    value_format: Format,
    wrap_single_value: Option<bool>,
    window: Option<Windowing>,
    timestamp: Option<(String, Option<String>)>,
    read_only: bool,
    statement: String,
    materialized_by: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct StoredColumn {
    name: String,
    data_type: String,
    role: StoredRole,
}

#[derive(Serialize, Deserialize)]
enum StoredRole {
    Key,
    Value,
    Headers,
    Header(String),
}

pub fn encode(catalog: &Catalog) -> Result<Vec<u8>> {
    let types = catalog.types.iter().map(|(name, data_type)| (name.clone(), sql_name(data_type)));
    let stored = StoredCatalog {
        layout: LAYOUT,
        version: catalog.version,
        next_query: catalog.next_query,
        types: types.collect(),
        sources: catalog.sources.values().map(store_source).collect(),
        queries: catalog.queries.values().cloned().collect(),
    };
    let text = serde_json::to_vec(&stored).map_err(unreadable)?;
    let mut bytes = crc32c::crc32c(&text).to_be_bytes().to_vec();
    bytes.extend(text);
    Ok(bytes)
}

pub fn decode(bytes: &[u8]) -> Result<Catalog> {
    let (checksum, text) =
        bytes.split_first_chunk().ok_or_else(|| unreadable("it is cut short"))?;
    let (expected, found) = (u32::from_be_bytes(*checksum), crc32c::crc32c(text));
    if expected != found {
        return Err(unreadable(format!("checksum: expected {expected:08x}, found {found:08x}")));
    }
    let stored: StoredCatalog = serde_json::from_slice(text).map_err(unreadable)?;
    if stored.layout != LAYOUT {
        let cause = format!("layout: expected {LAYOUT}, found {}", stored.layout);
        return Err(unreadable(cause));
    }
    let types = stored.types.into_iter().map(|(name, text)| Ok((name, parse_type(&text)?)));
    let sources = stored.sources.into_iter().map(|source| {
        let source = load_source(source)?;
        Ok((source.name.clone(), source))
    });
    Ok(Catalog {
        version: stored.version,
        sources: sources.collect::<Result<_>>()?,
        types: types.collect::<Result<_>>()?,
        queries: stored.queries.into_iter().map(|query| (query.number, query)).collect(),
        next_query: stored.next_query,
    })
}

fn store_source(source: &Source) -> StoredSource {
    let columns = source.columns.iter().map(|column| StoredColumn {
        name: column.name.clone(),
        data_type: sql_name(&column.data_type),
        role: match &column.role {
            Role::Key => StoredRole::Key,
            Role::Value => StoredRole::Value,
            Role::Headers => StoredRole::Headers,
            Role::Header(name) => StoredRole::Header(name.clone()),
        },
    });
    StoredSource {
        name: source.name.clone(),
        is_table: source.kind == SourceKind::Table,
        columns: columns.collect(),
        topic: source.topic.clone(),
        key_format: source.key_format.clone(),
        value_format: source.value_format.clone(),
        wrap_single_value: source.wrap_single_value,
        window: source.window,
        timestamp: source.timestamp.as_ref().map(|t| (t.column.clone(), t.format.clone())),
        read_only: source.read_only,
        statement: source.statement.clone(),
        materialized_by: source.materialized_by,
    }
}

fn load_source(stored: StoredSource) -> Result<Source> {
    let columns = stored.columns.into_iter().map(|column| {
        let role = match column.role {
            StoredRole::Key => Role::Key,
            StoredRole::Value => Role::Value,
            StoredRole::Headers => Role::Headers,
            StoredRole::Header(name) => Role::Header(name),
        };
        Ok(SourceColumn { name: column.name, data_type: parse_type(&column.data_type)?, role })
    });
    Ok(Source {
        name: stored.name,
        kind: if stored.is_table { SourceKind::Table } else { SourceKind::Stream },
        columns: columns.collect::<Result<_>>()?,
        topic: stored.topic,
        key_format: stored.key_format,
        value_format: stored.value_format,
        wrap_single_value: stored.wrap_single_value,
        window: stored.window,
        timestamp: stored.timestamp.map(|(column, format)| TimestampColumn { column, format }),
        read_only: stored.read_only,
        statement: stored.statement,
        materialized_by: stored.materialized_by,
    })
}

fn parse_type(text: &str) -> Result<DataType> {
    Catalog::default().resolve(&sql::parse_type(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let columns = vec![
            SourceColumn { name: "ID".into(), data_type: DataType::Int64, role: Role::Key },
            SourceColumn {
                name: "tags".into(),
                data_type: parse_type("MAP<STRING, STRUCT<A INT, `b` DECIMAL(4, 2)>>").unwrap(),
                role: Role::Value,
            },
            SourceColumn {
                name: "H".into(),
                data_type: DataType::Binary,
                role: Role::Header("h".into()),
            },
        ];
        let source = Source {
            name: "CLICKS".into(),
            kind: SourceKind::Stream,
            columns,
            topic: "clicks".into(),
            key_format: Format::Kafka,
            value_format: Format::Delimited { delimiter: '|' },
            wrap_single_value: None,
            window: Some(Windowing::Tumbling { size_ms: 1000 }),
            timestamp: Some(TimestampColumn { column: "T".into(), format: None }),
            read_only: true,
            statement: "CREATE STREAM …".into(),
            materialized_by: Some(3),
        };
        let mut catalog = Catalog { version: 7, next_query: 4, ..Catalog::default() };
        catalog.put_source(source);
        catalog
    }

    #[test]
    fn a_catalog_comes_back_as_it_was() {
        let bytes = encode(&catalog()).unwrap();
        assert_eq!(decode(&bytes).unwrap(), catalog());
    }

    #[test]
    fn damage_is_found() {
        let mut bytes = encode(&catalog()).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        assert!(decode(&bytes).unwrap_err().to_string().contains("checksum"));
    }
}
