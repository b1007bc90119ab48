//! The catalog: streams, tables, custom types and persistent queries.
//!
//! A catalog is a value. A statement makes a changed copy, which takes effect when it has been
//! written as a whole; a statement that fails leaves the old one. On disk it is one checksummed
//! JSON text with a version, under one key of the state store, so that it changes in the same
//! atomic write as the state that belongs to it.

mod source;
mod stored;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};
use sql::ast::SourceKind;

use crate::error::{Code, Error, Result, invalid};
use crate::near_miss::hint;
use crate::planner::expression::CustomTypes;
use crate::properties::SessionProperties;
use crate::types;

pub use source::{Role, Source, SourceColumn, TimestampColumn, headers_type};

/// Everything that has a name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Counts changes.
    pub version: u64,
    /// Streams and tables by name.
    pub sources: BTreeMap<String, Source>,
    /// Custom types by name.
    pub types: BTreeMap<String, DataType>,
    /// Persistent queries by number, which is the order of their creation.
    pub queries: BTreeMap<u32, QueryEntry>,
    /// The number of the next query.
    pub next_query: u32,
}

/// A persistent query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryEntry {
    /// Its number.
    pub number: u32,
    /// Its id, as `CSAS_CLICKS_0`.
    pub id: String,
    /// The statement that made it.
    pub statement: String,
    /// The stream or table that it writes; none for a table that is only kept for pull queries.
    pub sink: Option<String>,
    /// The streams and tables that it reads.
    pub sources: Vec<String>,
    /// The columns that the streams and tables which it reads and writes had when it was planned.
    #[serde(default)]
    pub columns: BTreeMap<String, Vec<String>>,
    /// The session's settings when it was made.
    pub session: SessionProperties,
    /// Whether it was paused.
    pub paused: bool,
    /// Number of shards that its state is spread over, whatever becomes of its topics; 0 until it
    /// is started.
    #[serde(default)]
    pub shards: u16,
    /// The plan as printed when it was made: a plan that comes out otherwise must not touch the
    /// state.
    pub plan: String,
}

impl Catalog {
    /// The stream or table of that name.
    pub fn source(&self, name: &str) -> Result<&Source> {
        self.sources.get(name).ok_or_else(|| {
            let error = invalid(Code::UnknownName, format!("{name} does not exist"));
            match hint(name, self.sources.keys().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error.hint("SHOW STREAMS and SHOW TABLES list what there is"),
            }
        })
    }

    /// Adds a stream or table in place of one of the same name.
    pub fn put_source(&mut self, source: Source) {
        self.sources.insert(source.name.clone(), source);
    }

    /// The query of that id.
    pub fn query(&self, id: &str) -> Result<&QueryEntry> {
        let found = self.queries.values().find(|query| query.id.eq_ignore_ascii_case(id));
        found.ok_or_else(|| {
            let error = invalid(Code::UnknownName, format!("there is no query {id}"));
            match hint(id, self.queries.values().map(|query| query.id.as_str())) {
                Some(hint) => error.hint(hint),
                None => error.hint("SHOW QUERIES lists what there is"),
            }
        })
    }

    /// The queries that read a stream or table.
    pub fn readers(&self, name: &str) -> Vec<&QueryEntry> {
        self.queries.values().filter(|query| query.sources.iter().any(|s| s == name)).collect()
    }

    /// The queries that write a stream or table.
    pub fn writers(&self, name: &str) -> Vec<&QueryEntry> {
        self.queries.values().filter(|query| query.sink.as_deref() == Some(name)).collect()
    }

    /// The queries that write to a topic, whatever it goes by.
    pub fn writers_to(&self, topic: &str) -> Vec<&QueryEntry> {
        let sink = |query: &&QueryEntry| self.sources.get(query.sink.as_ref()?);
        let is_to = |query: &&QueryEntry| sink(query).is_some_and(|sink| sink.topic == topic);
        self.queries.values().filter(is_to).collect()
    }

    /// The columns of streams and tables, as [`QueryEntry::columns`] keeps them.
    pub fn columns_of<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> BTreeMap<String, Vec<String>> {
        let columns = |source: &Source| source.columns.iter().map(|c| c.name.clone()).collect();
        let of = |name: &String| Some((name.clone(), columns(self.sources.get(name)?)));
        names.into_iter().filter_map(of).collect()
    }

    /// The catalog as a query sees it: without the columns that its streams and tables have got
    /// since it was planned.
    pub fn seen_by(&self, query: &QueryEntry) -> Cow<'_, Catalog> {
        let is_seen = |(name, columns): (&String, &Vec<String>)| {
            self.sources.get(name).is_none_or(|source| source.columns.len() == columns.len())
        };
        if query.columns.iter().all(is_seen) {
            return Cow::Borrowed(self);
        }
        let mut seen = self.clone();
        for (name, columns) in &query.columns {
            if let Some(source) = seen.sources.get_mut(name) {
                source.columns.retain(|column| columns.contains(&column.name));
            }
        }
        Cow::Owned(seen)
    }

    /// The catalog as bytes: its checksum and its text.
    pub fn encode(&self) -> Result<Vec<u8>> {
        stored::encode(self)
    }

    /// Reads back what [`Catalog::encode`] gave.
    pub fn decode(bytes: &[u8]) -> Result<Catalog> {
        stored::decode(bytes)
    }
}

impl CustomTypes for Catalog {
    fn resolve(&self, data_type: &sql::ast::DataType) -> Result<DataType> {
        use sql::ast::DataType as Sql;
        Ok(match data_type {
            Sql::Boolean => DataType::Boolean,
            Sql::Integer => DataType::Int32,
            Sql::BigInt => DataType::Int64,
            Sql::Double => DataType::Float64,
            Sql::Decimal { precision, scale } => decimal(*precision, *scale)?,
            Sql::String => DataType::Utf8,
            Sql::Bytes => DataType::Binary,
            Sql::Time => types::TIME,
            Sql::Date => DataType::Date32,
            Sql::Timestamp => types::TIMESTAMP,
            Sql::Array(item) => types::array_of(self.resolve(item)?),
            Sql::Map(key, value) => types::map_of(self.resolve(key)?, self.resolve(value)?),
            Sql::Struct(fields) => {
                let fields = fields.iter().map(|(name, data_type)| {
                    Ok(Arc::new(Field::new(&name.value, self.resolve(data_type)?, true)))
                });
                DataType::Struct(fields.collect::<Result<_>>()?)
            }
            Sql::Custom(name) => self.custom_type(name)?,
        })
    }
}

impl Catalog {
    fn custom_type(&self, name: &sql::ast::Ident) -> Result<DataType> {
        let found = self.types.get(&name.value).cloned();
        found.ok_or_else(|| {
            let message = format!("cannot resolve unknown type: {}", name.value);
            let known = [
                "BOOLEAN",
                "INTEGER",
                "BIGINT",
                "DOUBLE",
                "DECIMAL",
                "STRING",
                "BYTES",
                "TIME",
                "DATE",
                "TIMESTAMP",
                "ARRAY",
                "MAP",
                "STRUCT",
            ];
            let names = known.into_iter().chain(self.types.keys().map(String::as_str));
            let error = invalid(Code::UnknownName, message).at(name.span);
            match hint(&name.value, names.collect::<Vec<_>>()) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}

fn decimal(precision: u8, scale: u8) -> Result<DataType> {
    match (1..=38).contains(&precision) && scale <= precision {
        true => Ok(DataType::Decimal128(precision, scale as i8)),
        false => {
            let message = format!(
                "DECIMAL({precision}, {scale}): expected a precision of 1 to 38 and a scale no larger"
            );
            Err(invalid(Code::InvalidValue, message))
        }
    }
}

/// `STREAM` or `TABLE`.
pub fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "STREAM",
        SourceKind::Table => "TABLE",
    }
}

/// An error for a catalog that cannot be read.
pub(crate) fn unreadable(cause: impl std::fmt::Display) -> Error {
    Error::Storage { operation: "cannot read the catalog".into(), cause: cause.to_string() }
}
