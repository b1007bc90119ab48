//! Records to text.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use log_store::{Header, Record};
use serde_json::{Map, Value, json};

use crate::answer::Row;
use crate::render::{Output, Renderer, Shape, Style, renderer};

const COLUMNS: [&str; 6] = ["partition", "offset", "timestamp", "key", "value", "headers"];

/// What a record looks like.
pub enum Form<'a> {
    /// Its value, perhaps its key, and a line end.
    Line {
        /// What stands between key and value, if keys are wanted.
        separator: Option<&'a str>,
        /// Text for null.
        null: &'a str,
    },
    /// A JSON object, as `produce --json` reads it.
    Json,
    /// Rows of a table or CSV file.
    Rows {
        /// Draws them.
        renderer: Box<dyn Renderer + Send>,
        /// Those of the page that is being filled.
        page: Vec<Row>,
    },
}

impl<'a> Form<'a> {
    /// Lines, unless something else was asked for.
    pub fn new(output: Option<Output>, separator: Option<&'a str>, null: &'a str) -> Self {
        match output {
            None => Self::Line { separator, null },
            Some(Output::Json) => Self::Json,
            Some(output) => Self::Rows { renderer: renderer(output, shape()), page: Vec::new() },
        }
    }

    /// Writes one record.
    pub fn write(
        &mut self,
        to: &mut dyn Write,
        partition: u32,
        record: &Record<'_>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Line { separator, null } => Ok(write_line(to, record, *separator, null)?),
            Self::Json => Ok(writeln!(to, "{}", object(partition, record)?)?),
            Self::Rows { page, .. } => {
                page.push(Row { values: row(partition, record)?, deleted: false });
                Ok(())
            }
        }
    }

    /// Writes the rows that have come together.
    pub fn end_page(&mut self, to: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Rows { renderer, page } if !page.is_empty() => {
                to.write_all(renderer.page(&std::mem::take(page)).as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// Writes what comes after the last record.
    pub fn finish(&mut self, to: &mut dyn Write, records: u64) -> io::Result<()> {
        let Self::Rows { renderer, .. } = self else { return Ok(()) };
        let end = renderer.end(records);
        if end.is_empty() { Ok(()) } else { writeln!(to, "{}", end.trim_end()) }
    }
}

fn shape() -> Shape {
    let columns = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    Shape { columns, endless: false, expanded: false, style: Style::of_stdout() }
}

fn write_line(
    to: &mut dyn Write,
    record: &Record<'_>,
    separator: Option<&str>,
    null: &str,
) -> io::Result<()> {
    if let Some(separator) = separator {
        to.write_all(record.key.unwrap_or(null.as_bytes()))?;
        to.write_all(separator.as_bytes())?;
    }
    to.write_all(record.value.unwrap_or(null.as_bytes()))?;
    to.write_all(b"\n")
}

fn object(partition: u32, record: &Record<'_>) -> anyhow::Result<Value> {
    let mut object = Map::new();
    object.insert("partition".into(), json!(partition));
    object.insert("offset".into(), json!(record.offset.0));
    object.insert("timestamp".into(), json!(record.timestamp.0));
    put(&mut object, "key", record.key);
    put(&mut object, "value", record.value);
    if record.header_count() > 0 {
        object.insert("headers".into(), headers(record)?);
    }
    Ok(Value::Object(object))
}

fn headers(record: &Record<'_>) -> anyhow::Result<Value> {
    let headers = record.headers().map(|header| Ok(header_object(&header?)));
    Ok(Value::Array(headers.collect::<log_store::Result<_>>()?))
}

fn header_object(header: &Header<'_>) -> Value {
    let mut object = Map::new();
    object.insert("key".into(), json!(header.key));
    put(&mut object, "value", header.value);
    Value::Object(object)
}

/// Text as it is, null as null, anything else under a name that says how it is written.
fn put(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => object.insert(name.to_owned(), Value::Null),
        Some((_, Ok(text))) => object.insert(name.to_owned(), json!(text)),
        Some((bytes, Err(_))) => {
            object.insert(format!("{name}_base64"), json!(BASE64.encode(bytes)))
        }
    };
}

/// As in a JSON line, without names; what is no text is base64.
fn row(partition: u32, record: &Record<'_>) -> anyhow::Result<Vec<Value>> {
    let cell = |bytes: Option<&[u8]>| match bytes {
        None => Value::Null,
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!(BASE64.encode(bytes)),
        },
    };
    let headers = if record.header_count() > 0 { headers(record)? } else { Value::Null };
    Ok(vec![
        json!(partition),
        json!(record.offset.0),
        json!(record.timestamp.0),
        cell(record.key),
        cell(record.value),
        headers,
    ])
}
