//! `PRINT`: the records of a topic as they are.

pub mod text;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::stream;
use log_store::{Interest, Isolation, Offset, Partition, Registration, Topic};
use sql::ast::StatementKind;
use tokio::sync::Notify;

use self::text::Texts;
use super::create::named_topic;
use crate::error::Result;
use crate::format::records_of;
use crate::outcome::{Column, Outcome, Rows};
use crate::session::Session;

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;

/// A record as text.
struct Line {
    partition: i32,
    offset: i64,
    time: i64,
    key: Option<String>,
    value: Option<String>,
}

struct Printer {
    topic: Arc<Topic>,
    next: Vec<Offset>,
    interval: u64,
    left: Option<u64>,
    seen: u64,
    schema: SchemaRef,
    texts: Texts,
    /// Told of appends to the topic.
    appended: Arc<Notify>,
    _registration: Registration,
}

/// Prints what is in a topic from its beginning, or what comes from now on.
pub fn execute(session: &Session, statement: &StatementKind) -> Result<Outcome> {
    let StatementKind::Print { topic, from_beginning, interval, limit } = statement else {
        return Err(crate::Error::Internal("not a PRINT".into()));
    };
    let topic = named_topic(&session.shared, topic)?;
    let start = |partition: &Arc<Partition>| match from_beginning {
        true => partition.log_start_offset(),
        false => partition.high_watermark(),
    };
    let schema = schema();
    let appended = Arc::new(Notify::new());
    let told = Arc::clone(&appended);
    let interest = Interest::Topic(topic.name().to_owned());
    let printer = Printer {
        next: topic.partitions().iter().map(start).collect(),
        appended,
        _registration: session.shared.log.on_append(interest, Box::new(move |_| told.notify_one())),
        interval: interval.unwrap_or(1).max(1),
        texts: Texts::of_topic(&session.shared.catalog(), topic.name())?,
        left: *limit,
        seen: 0,
        schema: Arc::clone(&schema),
        topic,
    };
    let stream = stream::try_unfold(printer, |mut printer| async move {
        loop {
            if printer.left == Some(0) {
                return Ok(None);
            }
            let lines = printer.read()?;
            if !lines.is_empty() {
                return Ok(Some((printer.batch(lines)?, printer)));
            }
            printer.appended.notified().await;
        }
    });
    let column = |field: &Arc<Field>| Column {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        key: false,
        header: None,
    };
    Ok(Outcome::Rows(Rows {
        tag: "PRINT",
        columns: schema.fields().iter().map(column).collect(),
        schema,
        stream: Box::pin(stream),
        endless: true,
        tombstones: None,
    }))
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("partition", DataType::Int32, false),
        Field::new("offset", DataType::Int64, false),
        Field::new("rowtime", DataType::Int64, false),
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Utf8, true),
    ]))
}

impl Printer {
    fn read(&mut self) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (at, partition) in self.topic.partitions().iter().enumerate() {
            let from = self.next[at];
            if from >= partition.last_stable_offset() {
                continue;
            }
            let fetched = partition.read(from, READ_BYTES, Isolation::ReadCommitted)?;
            self.next[at] = fetched.next_offset;
            for batch in &fetched.batches {
                for record in records_of(batch)?.iter() {
                    let record = record?;
                    if record.offset < from || self.left == Some(0) {
                        continue;
                    }
                    self.seen += 1;
                    if !(self.seen - 1).is_multiple_of(self.interval) {
                        continue;
                    }
                    self.left = self.left.map(|left| left - 1);
                    lines.push(Line {
                        partition: at as i32,
                        offset: record.offset.0,
                        time: record.timestamp.0,
                        key: record.key.map(|key| self.texts.key(key)),
                        value: record.value.map(|value| self.texts.value(value)),
                    });
                }
            }
        }
        Ok(lines)
    }

    fn batch(&self, lines: Vec<Line>) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter_values(lines.iter().map(|line| line.partition))),
            Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| line.offset))),
            Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| line.time))),
            Arc::new(lines.iter().map(|line| line.key.as_deref()).collect::<StringArray>()),
            Arc::new(lines.iter().map(|line| line.value.as_deref()).collect::<StringArray>()),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
