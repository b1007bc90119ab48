//! The processing log: a stream, KSQL_PROCESSING_LOG, of records that were skipped or late, and
//! rows that an expression failed on.
//!
//! Entries are written in the same commit as the output of the query, so each is there once.

use std::sync::Arc;

use arrow::datatypes::DataType;
use log_store::{LogStore, Topic, TopicConfig};
use serde::Serialize;
use sql::ast::SourceKind;

use crate::catalog::{Catalog, Role, Source, SourceColumn};
use crate::error::Result;
use crate::format::Format;
use crate::pipeline::commit::{Stranded, Writer};

/// The stream.
pub const STREAM: &str = "KSQL_PROCESSING_LOG";

/// Its topic.
pub const TOPIC: &str = "millstream-processing-log";

/// One entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Id of the query.
    #[serde(rename = "QUERY")]
    pub query: String,
    /// The step or expression.
    #[serde(rename = "OPERATOR")]
    pub operator: String,
    /// Topic of the record, if it is one record.
    #[serde(rename = "TOPIC")]
    pub topic: Option<String>,
    /// Its partition.
    #[serde(rename = "PARTITION")]
    pub partition: Option<u32>,
    /// Its offset.
    #[serde(rename = "OFFSET")]
    pub offset: Option<i64>,
    /// What was expected and found.
    #[serde(rename = "MESSAGE")]
    pub message: String,
    /// Whether the event time is what was wrong.
    #[serde(skip)]
    pub is_time: bool,
}

impl LogEntry {
    /// A record that gave no row.
    pub fn of_record(topic: &str, partition: u32, offset: i64, message: String) -> Self {
        Self {
            operator: "decode".to_owned(),
            topic: Some(topic.to_owned()),
            partition: Some(partition),
            offset: Some(offset),
            is_time: message.starts_with(crate::pipeline::TIME_ERROR),
            message,
            ..Self::default()
        }
    }

    /// A row that an expression failed on.
    pub fn of_row(operator: String, message: String) -> Self {
        Self { operator, message, ..Self::default() }
    }
}

/// Writes entries in the commits of a query.
pub struct LogWriter {
    topic: Option<Arc<Topic>>,
    pending: Vec<LogEntry>,
    now_ms: Box<dyn Fn() -> i64 + Send>,
}

impl LogWriter {
    /// A writer into the log's topic, where there is one.
    pub fn new(log: &LogStore, now_ms: Box<dyn Fn() -> i64 + Send>) -> Self {
        Self { topic: log.topic(TOPIC), pending: Vec::new(), now_ms }
    }

    /// Adds entries to the next commit.
    pub fn add(&mut self, entries: Vec<LogEntry>) {
        self.pending.extend(entries);
    }

    /// Writes what was added.
    pub fn write(&mut self, writer: &mut Writer<'_>) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let Some(topic) = self.topic.as_ref().filter(|_| !pending.is_empty()) else {
            return Ok(());
        };
        let (place, now_ms) = (writer.place(&topic.partitions()[0]), (self.now_ms)());
        for entry in pending {
            let text = serde_json::to_vec(&entry)
                .map_err(|error| crate::Error::Internal(error.to_string()))?;
            writer.push(place, None, Some(&text), now_ms, &[])?;
        }
        Ok(())
    }
}

/// Tells of records that queries have read and a loss of power has taken from the log.
pub fn tell_stranded(
    log: &LogStore,
    catalog: &Catalog,
    stranded: &[Stranded],
    now_ms: i64,
) -> Result<()> {
    let entry = |Stranded { query, partition, position, cut, goes_on }: &Stranded| LogEntry {
        query: catalog.queries.get(query).map_or_else(|| query.to_string(), |q| q.id.clone()),
        operator: "recover".to_owned(),
        topic: Some(partition.topic.to_string()),
        partition: Some(partition.partition.0),
        offset: Some(*cut),
        message: format!(
            "a loss of power has cut the log at offset {cut}, and the query had read up to {position}: its state and output hold what is lost; it goes on at {goes_on}"
        ),
        is_time: false,
    };
    let entries: Vec<LogEntry> = stranded.iter().map(entry).collect();
    entries.iter().for_each(|entry| tracing::warn!(query = entry.query, "{}", entry.message));
    let mut log_writer = LogWriter::new(log, Box::new(move || now_ms));
    log_writer.add(entries);
    let mut writer = Writer::new(log);
    log_writer.write(&mut writer)?;
    writer.commit_plain()
}

/// The stream, as the catalog has it from the beginning.
pub fn stream() -> Source {
    let column = |name: &str, data_type: DataType| SourceColumn {
        name: name.to_owned(),
        data_type,
        role: Role::Value,
    };
    Source {
        name: STREAM.to_owned(),
        kind: SourceKind::Stream,
        columns: vec![
            column("QUERY", DataType::Utf8),
            column("OPERATOR", DataType::Utf8),
            column("TOPIC", DataType::Utf8),
            column("PARTITION", DataType::Int32),
            column("OFFSET", DataType::Int64),
            column("MESSAGE", DataType::Utf8),
        ],
        topic: TOPIC.to_owned(),
        key_format: Format::None,
        value_format: Format::Json,
        wrap_single_value: None,
        window: None,
        timestamp: None,
        read_only: true,
        statement: String::new(),
        materialized_by: None,
    }
}

/// Creates the topic where it is missing.
pub fn ensure_topic(log: &LogStore) -> Result<()> {
    if log.topic(TOPIC).is_none() {
        log.create_topic(TOPIC, 1, TopicConfig::default())?;
    }
    Ok(())
}
