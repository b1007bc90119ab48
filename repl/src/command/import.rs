//! `millstream import`: the lines of a file to records of a topic.
//!
//! 1. The file is opened; `.gz` is unpacked on the way.
//! 2. Each line becomes an event: a JSON value, perhaps a key and a time stamp.
//! 3. The events go to the topic in batches, all in one transaction.
//!
//! An import is a transaction: either the whole file is in the topic or nothing of it. So
//! `--once` can tell from a record in the topic that the file has been imported before.

mod event;
mod line;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use engine::Engine;
use log_store::{Topic, TopicConfig};

use self::event::{Events, Fields};
use self::write::Writer;
use super::{file, say};
use crate::render::counted;

/// What to import, and where to.
#[derive(Debug, Args)]
pub struct Import {
    /// The file; .gz is unpacked
    file: PathBuf,
    /// The topic to write to; made where it is missing
    #[arg(short, long)]
    topic: String,
    /// Partitions of a topic that is made
    #[arg(short, long, default_value_t = 1)]
    partitions: u32,
    /// What the file holds; by default its name tells
    #[arg(long)]
    format: Option<Format>,
    /// The field that becomes the record's key
    #[arg(short, long)]
    key: Option<String>,
    /// The field with the event time in milliseconds since 1970; by default the time is now
    #[arg(long)]
    timestamp: Option<String>,
    /// Text in a CSV field that means NULL
    #[arg(long, default_value = "")]
    null: String,
    /// Do nothing where the topic already holds records
    #[arg(long)]
    once: bool,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A JSON object per line
    Json,
    /// Comma-separated values under a header; each line becomes a JSON object
    Csv,
}

/// Imports the file, or finds that it has been.
pub fn run(engine: &Engine, import: &Import) -> anyhow::Result<()> {
    let topic = open_topic(engine, import)?;
    if import.once && write::holds_records(&topic)? {
        return say(&format!("{} already holds records: nothing imported", import.topic));
    }
    let file = import.file.display();
    let count = copy(engine, import, &topic).with_context(|| format!("{file} was not imported"))?;
    let count = counted(count, "record", "records");
    say(&format!("{count} of {file} imported into {}", import.topic))
}

fn open_topic(engine: &Engine, import: &Import) -> anyhow::Result<Arc<Topic>> {
    let log = engine.log();
    match log.topic(&import.topic) {
        Some(topic) => Ok(topic),
        None => {
            // Retention goes by event time, and what is imported may be old.
            let config = TopicConfig::default().with("retention.ms", "-1")?;
            Ok(log.create_topic(&import.topic, import.partitions, config)?)
        }
    }
}

/// Writes every event of the file in one transaction and returns their number.
fn copy(engine: &Engine, import: &Import, topic: &Topic) -> anyhow::Result<u64> {
    let format = import.format.map_or_else(|| format_of(&import.file), Ok)?;
    let reader = file::open(&import.file)?;
    let fields = Fields { key: import.key.clone(), timestamp: import.timestamp.clone() };
    let events = match format {
        Format::Json => Events::json(reader, fields),
        Format::Csv => Events::csv(reader, fields, import.null.clone())?,
    };
    let mut writer = Writer::begin(engine.log(), topic)?;
    for event in events {
        writer.push(&event?)?;
    }
    Ok(writer.commit()?)
}

fn format_of(file: &Path) -> anyhow::Result<Format> {
    let name = file.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => Ok(Format::Csv),
        Some("json" | "jsonl" | "ndjson") => Ok(Format::Json),
        _ => bail!(
            "expected a name that ends in .csv, .json, .jsonl or .ndjson; --format says what it holds"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format() {
        assert_eq!(format_of(Path::new("a/flights.CSV.gz")).unwrap(), Format::Csv);
        assert_eq!(format_of(Path::new("events.ndjson")).unwrap(), Format::Json);
        assert!(format_of(Path::new("events")).is_err());
    }
}
