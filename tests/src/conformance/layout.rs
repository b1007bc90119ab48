//! How the records of a topic are written, as the stream or table on it declares.
//!
//! This is the runner's own reading of the contract, apart from the engine's formats on
//! purpose: it is the other side of the wire.

use anyhow::{Context, Result, bail};
use arrow::datatypes::{DataType, Field};
use engine::{ColumnRole, Engine, SideInfo, SourceInfo, WindowInfo, WindowKind};

/// How keys and values of a topic are written.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The keys.
    pub key: Side,
    /// The values.
    pub value: Side,
    /// How keys are windowed.
    pub window: Option<KeyWindow>,
}

/// One side of a record.
#[derive(Debug, Clone)]
pub struct Side {
    /// Its format.
    pub format: Format,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Whether a single column stands in an object.
    pub wrapped: bool,
}

/// A column of a side.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name as stored.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

/// The formats that the runner reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON text.
    Json,
    /// A line of fields with this delimiter.
    Delimited(char),
    /// Kafka's serialisers.
    Kafka,
    /// Nothing.
    None,
}

/// How a key carries its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWindow {
    /// The start; the end follows from the size.
    Time {
        /// Length of a window.
        size_ms: i64,
    },
    /// The end and the start.
    Session,
}

impl Layout {
    /// The layout that the first stream or table on `topic` declares.
    pub fn of_topic(engine: &Engine, topic: &str) -> Result<Layout> {
        let sources = engine.sources();
        let source = sources.iter().find(|source| source.topic == topic);
        Layout::of(source.with_context(|| format!("no stream or table on topic {topic}"))?)
    }

    /// The layout that a stream or table declares.
    pub fn of(source: &SourceInfo) -> Result<Layout> {
        let key = columns(source, |role| *role == ColumnRole::Key);
        let value = columns(source, |role| *role == ColumnRole::Value);
        if source.value.format == "ARROW" {
            return Ok(Layout::of_columns(key, value));
        }
        Ok(Layout {
            key: Side { wrapped: key.len() > 1, format: format(&source.key)?, columns: key },
            value: Side {
                wrapped: value.len() != 1 || source.value.wrapped.unwrap_or(true),
                format: format(&source.value)?,
                columns: value,
            },
            window: source.window.map(key_window).transpose()?,
        })
    }

    /// The layout of what columns show as: JSON, and as key the text of its only column, both with
    /// the window behind it.
    fn of_columns(mut key: Vec<Column>, value: Vec<Column>) -> Layout {
        let format = match key.as_mut_slice() {
            [] => Format::None,
            [only] => {
                only.data_type = DataType::Utf8;
                Format::Kafka
            }
            _ => Format::Json,
        };
        Layout {
            key: Side { wrapped: key.len() > 1, format, columns: key },
            value: Side { wrapped: true, format: Format::Json, columns: value },
            window: None,
        }
    }
}

impl Side {
    /// The type of what stands in a payload: the columns as a struct, or the one bare column.
    pub fn data_type(&self) -> DataType {
        match self.columns.as_slice() {
            [column] if !self.wrapped => column.data_type.clone(),
            columns => {
                let fields = columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), true));
                DataType::Struct(fields.collect())
            }
        }
    }
}

fn columns(source: &SourceInfo, belongs: impl Fn(&ColumnRole) -> bool) -> Vec<Column> {
    let columns = source.columns.iter().filter(|column| belongs(&column.role));
    let column =
        |c: &engine::SourceColumn| Column { name: c.name.clone(), data_type: c.data_type.clone() };
    columns.map(column).collect()
}

fn format(side: &SideInfo) -> Result<Format> {
    Ok(match side.format.as_str() {
        "JSON" => Format::Json,
        "DELIMITED" => Format::Delimited(side.delimiter.unwrap_or(',')),
        "KAFKA" => Format::Kafka,
        "NONE" => Format::None,
        other => bail!("the runner does not read or write {other}: it needs a schema registry"),
    })
}

fn key_window(window: WindowInfo) -> Result<KeyWindow> {
    Ok(match window.shape {
        WindowKind::Session => KeyWindow::Session,
        WindowKind::Tumbling | WindowKind::Hopping => KeyWindow::Time {
            size_ms: window.size_ms.context("a time window without size in the catalog")?,
        },
    })
}
