//! `millstream produce`: lines to records of a topic.
//!
//! 1. Files are read in order, or standard input.
//! 2. Each line becomes a draft of a record: its value, or key and value, or a JSON object that
//!    says more (see [`line`]).
//! 3. The records go to their partitions in batches. What stands before a bad line is written.

mod line;

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use engine::Engine;
use log_store::{Codec, Header, PartitionId, Timestamp, Topic, TopicWriter};

use self::line::{Draft, Notation};
use super::{file, say};
use crate::render::counted;

/// What to write, and where to.
#[derive(Debug, Args)]
pub struct Produce {
    /// The topic to write to
    topic: String,
    /// Files with a record per line; .gz is unpacked; by default standard input is read
    file: Vec<PathBuf>,
    /// What stands between key and value; without it a line is a value
    #[arg(short, long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "json")]
    key_separator: Option<String>,
    /// Each line is a JSON object with key, value, headers, timestamp and partition, as consume
    /// --output json writes it
    #[arg(short, long)]
    json: bool,
    /// A header of every record; may be given several times
    #[arg(short = 'H', long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Text that stands for a value that is null, which deletes its key from a table
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    null: Option<String>,
    /// The partition to write to; by default the key decides
    #[arg(short, long)]
    partition: Option<u32>,
    /// How batches are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, value_name = "CODEC", default_value = "none")]
    compression: Codec,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, found {text}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Writes every line.
pub fn run(engine: &Engine, produce: &Produce) -> anyhow::Result<()> {
    let topic = engine.log().topic_named(&produce.topic)?;
    if topic.is_internal() {
        bail!("topic '{}' is the store's own", produce.topic);
    }
    let mut producer = Producer::new(produce, topic);
    let read = producer.read_all(&produce.file);
    // What came before a bad line is written all the same.
    producer.writer.flush()?;
    let count = counted(producer.records, "record", "records");
    say(&format!("{count} written to {}", produce.topic))?;
    read
}

/// Turns lines into records.
struct Producer<'a> {
    options: &'a Produce,
    notation: Notation<'a>,
    writer: TopicWriter,
    records: u64,
}

impl<'a> Producer<'a> {
    fn new(options: &'a Produce, topic: Arc<Topic>) -> Self {
        let notation = match &options.key_separator {
            _ if options.json => Notation::Json,
            Some(separator) => Notation::KeyAndValue { separator, null: options.null.as_deref() },
            None => Notation::Value { null: options.null.as_deref() },
        };
        let writer = TopicWriter::new(topic, options.compression);
        Self { options, notation, writer, records: 0 }
    }

    fn read_all(&mut self, files: &[PathBuf]) -> anyhow::Result<()> {
        if files.is_empty() {
            return self.read(io::stdin().lock()).context("standard input");
        }
        for path in files {
            let read = file::open(path).map_err(Into::into).and_then(|lines| self.read(lines));
            read.with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn read(&mut self, mut lines: impl BufRead) -> anyhow::Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let draft = self.notation.parse(without_end(&line));
            draft.and_then(|draft| self.push(&draft)).with_context(|| format!("line {number}"))?;
        }
        Ok(())
    }

    fn push(&mut self, draft: &Draft) -> anyhow::Result<()> {
        let timestamp = draft.timestamp.unwrap_or_else(now);
        let common = self.options.header.iter();
        let common = common.map(|(key, value)| Header { key, value: Some(value.as_bytes()) });
        let own = draft.headers.iter();
        let own = own.map(|(key, value)| Header { key, value: value.as_deref() });
        let headers: Vec<Header<'_>> = common.chain(own).collect();
        let (key, value) = (draft.key.as_deref(), draft.value.as_deref());
        match self.options.partition.or(draft.partition) {
            Some(number) => {
                self.writer.push_to(PartitionId(number), key, value, timestamp, &headers)?
            }
            None => self.writer.push(key, value, timestamp, &headers)?,
        };
        self.records += 1;
        Ok(())
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
