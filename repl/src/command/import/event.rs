//! Lines of a file to events.
//!
//! A CSV field that reads as a JSON number, true or false becomes one; everything else stays
//! text. A stream that declares such a column as STRING gets its text all the same.

use std::io::BufRead;

use anyhow::{Context, anyhow, bail};
use csv::{Reader, ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::line;
use crate::value;

/// One record to be.
#[derive(Debug, PartialEq)]
pub struct Event {
    /// The text of the key field.
    pub key: Option<Vec<u8>>,
    /// The JSON object; that of a JSON file as it stands there.
    pub value: Vec<u8>,
    /// Event time, milliseconds since the epoch.
    pub timestamp: Option<i64>,
}

/// The fields that mean more than a column.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// Becomes the key.
    pub key: Option<String>,
    /// Becomes the time stamp.
    pub timestamp: Option<String>,
}

/// The events of a file, in order; an error names its line.
pub struct Events<R: BufRead> {
    source: Source<R>,
    fields: Fields,
    line: u64,
}

enum Source<R: BufRead> {
    Json(R),
    Csv { reader: Reader<R>, columns: StringRecord, null: String },
}

impl<R: BufRead> Events<R> {
    /// Events out of a JSON object per line; blank lines are skipped.
    pub fn json(reader: R, fields: Fields) -> Self {
        Self { source: Source::Json(reader), fields, line: 0 }
    }

    /// Events out of CSV with a header; fields that equal `null` are null.
    pub fn csv(reader: R, fields: Fields, null: String) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new().from_reader(reader);
        let columns = reader.headers().context("line 1")?.clone();
        for field in [&fields.key, &fields.timestamp].into_iter().flatten() {
            if !columns.iter().any(|column| column == field) {
                let known = columns.iter().collect::<Vec<_>>().join(", ");
                bail!("there is no field {field}; the header names {known}");
            }
        }
        Ok(Self { source: Source::Csv { reader, columns, null }, fields, line: 1 })
    }

    fn next_event(&mut self) -> anyhow::Result<Option<Event>> {
        match &mut self.source {
            Source::Json(reader) => next_json(reader, &self.fields, &mut self.line),
            Source::Csv { reader, columns, null } => {
                let mut record = StringRecord::new();
                let found = reader.read_record(&mut record)?;
                self.line = record.position().map_or(self.line, |position| position.line());
                let object = found.then(|| object(columns, &record, null));
                object.map(|object| self.event(&object)).transpose()
            }
        }
    }

    fn event(&self, object: &Map<String, Value>) -> anyhow::Result<Event> {
        let field = |name: &Option<String>| match name {
            Some(name) => object.get(name).filter(|value| !value.is_null()),
            None => None,
        };
        let value = serde_json::to_vec(object)?;
        event(field(&self.fields.key), field(&self.fields.timestamp), value)
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = anyhow::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.next_event();
        event.with_context(|| format!("line {}", self.line.max(1))).transpose()
    }
}

fn event(key: Option<&Value>, timestamp: Option<&Value>, value: Vec<u8>) -> anyhow::Result<Event> {
    let key = key.map(|key| value::text(key).into_bytes());
    let timestamp = timestamp.map(milliseconds).transpose()?;
    Ok(Event { key, value, timestamp })
}

fn next_json(
    reader: &mut impl BufRead,
    fields: &Fields,
    number: &mut u64,
) -> anyhow::Result<Option<Event>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        *number += 1;
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        line.truncate(line.trim_ascii_end().len());
        if !line.is_empty() {
            break;
        }
    }
    let text = std::str::from_utf8(&line).context("expected UTF-8")?;
    let found = line::read(text, fields)?;
    event(found.key.as_ref(), found.timestamp.as_ref(), line).map(Some)
}

fn object(columns: &StringRecord, record: &StringRecord, null: &str) -> Map<String, Value> {
    let value = |text: &str| if text == null { Value::Null } else { scalar(text) };
    columns.iter().map(String::from).zip(record.iter().map(value)).collect()
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => value::number(text.to_owned()),
    }
}

fn milliseconds(value: &Value) -> anyhow::Result<i64> {
    let number = value::text(value).parse();
    number.map_err(|_| anyhow!("expected milliseconds since 1970 as time stamp, found {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields { key: Some("id".into()), timestamp: Some("at".into()) }
    }

    fn csv(text: &'static str) -> anyhow::Result<Vec<Event>> {
        Events::csv(text.as_bytes(), fields(), String::new())?.collect()
    }

    #[test]
    fn csv_lines_become_objects() {
        let events = csv("id,at,n,t\n7,1000,1.50,007\nx,,,\"a, b\"\n").unwrap();
        assert_eq!(events[0].key.as_deref(), Some(&b"7"[..]));
        assert_eq!(events[0].timestamp, Some(1000));
        assert_eq!(events[0].value, br#"{"id":7,"at":1000,"n":1.50,"t":"007"}"#);
        assert_eq!(events[1].timestamp, None);
        assert_eq!(events[1].value, br#"{"id":"x","at":null,"n":null,"t":"a, b"}"#);
    }

    #[test]
    fn json_lines_are_checked() {
        let text = "{\"id\": \"a\", \"at\": 5}\n\n[1]\n".as_bytes();
        let events: Vec<_> = Events::json(text, fields()).collect();
        assert_eq!(events[0].as_ref().unwrap().key.as_deref(), Some(&b"a"[..]));
        let error = events[1].as_ref().unwrap_err();
        assert_eq!(format!("{error:#}"), "line 3: expected a JSON object, found [1]");
    }

    #[test]
    fn mistakes_name_the_line_and_the_field() {
        let error = csv("id,when\n").unwrap_err();
        assert_eq!(error.to_string(), "there is no field at; the header names id, when");
        let error = csv("id,at\n1,soon\n").unwrap_err();
        let expected = "line 2: expected milliseconds since 1970 as time stamp, found \"soon\"";
        assert_eq!(format!("{error:#}"), expected);
        assert!(csv("id,at\n1\n").is_err());
    }
}
