//! `millstream consume`: the records of a topic to lines.
//!
//! It reads from a place up to where the topic ends when it begins, partition after partition, and
//! ends there: nobody else writes while this process holds the data directory.

mod form;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use engine::Engine;
use engine::format::records_of;
use indicatif::ProgressBar;
use log_store::{
    Batch, CommittedOffset, Group, Isolation, Offset, Partition, PartitionId, ResetTo, Topic,
};

use self::form::Form;
use super::{place, say};
use crate::progress;
use crate::render::{Output, counted};

/// How much of the log is read in one go.
const READ_BYTES: usize = 1024 * 1024;

/// What to read, and how to write it.
#[derive(Debug, Args)]
pub struct Consume {
    /// The topic to read
    topic: String,
    /// A partition to read; may be given several times; by default all are read
    #[arg(short, long)]
    partition: Vec<u32>,
    /// Where to begin: earliest, latest, an offset, a time as 2024-02-29T12:30:00Z, or @ and
    /// milliseconds since 1970
    #[arg(long, value_name = "PLACE", value_parser = place::parse, conflicts_with = "group")]
    from: Option<ResetTo>,
    /// Begin where this group has committed, and commit where the reading ends
    #[arg(short, long)]
    group: Option<String>,
    /// The most records that are read
    #[arg(short = 'n', long, value_name = "COUNT")]
    max: Option<u64>,
    /// Write keys as well, with this between key and value
    #[arg(short, long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    key_separator: Option<String>,
    /// Text for a key or value that is null
    #[arg(long, value_name = "TEXT", default_value = "")]
    null: String,
    /// Read what transactions have written before it is decided whether it counts
    #[arg(long)]
    uncommitted: bool,
    /// The file to write to; by default it is standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// A part of a partition that is to be read.
struct Range {
    partition: Arc<Partition>,
    next: Offset,
    end: Offset,
}

/// Writes every record of the ranges, then lets the group know.
pub fn run(engine: &Engine, consume: &Consume, output: Option<Output>) -> anyhow::Result<()> {
    let topic = engine.log().topic_named(&consume.topic)?;
    let group = consume.group.as_ref().map(|name| engine.log().group(name)).transpose()?;
    let mut ranges = consume.ranges(&topic, group.as_ref())?;
    let mut consumer = Consumer::new(consume, &ranges, output)?;
    for range in &mut ranges {
        consumer.read(range)?;
    }
    let records = consumer.finish()?;
    if let Some(group) = group {
        let read = ranges.iter().map(|range| {
            (range.partition.topic_partition().clone(), CommittedOffset::at(range.next))
        });
        group.commit(&read.collect::<Vec<_>>())?;
    }
    if consume.to.is_some() {
        let count = counted(records, "record", "records");
        say(&format!("{count} of {} read", consume.topic))
    } else {
        Ok(())
    }
}

impl Consume {
    fn isolation(&self) -> Isolation {
        if self.uncommitted { Isolation::ReadUncommitted } else { Isolation::ReadCommitted }
    }

    fn ranges(&self, topic: &Topic, group: Option<&Group>) -> anyhow::Result<Vec<Range>> {
        let partitions: Vec<Arc<Partition>> = if self.partition.is_empty() {
            topic.partitions().to_vec()
        } else {
            let wanted = self.partition.iter().map(|number| topic.partition(PartitionId(*number)));
            wanted.map(|found| found.cloned()).collect::<log_store::Result<_>>()?
        };
        partitions.into_iter().map(|partition| self.range(partition, group)).collect()
    }

    fn range(&self, partition: Arc<Partition>, group: Option<&Group>) -> anyhow::Result<Range> {
        let committed = group.and_then(|group| {
            group.committed().remove(partition.topic_partition()).map(|place| place.offset)
        });
        let from = committed.map(ResetTo::Offset).or(self.from).unwrap_or(ResetTo::Earliest);
        let end = match self.isolation() {
            Isolation::ReadCommitted => partition.last_stable_offset(),
            _ => partition.high_watermark(),
        };
        Ok(Range { next: from.offset_in(&partition)?, end, partition })
    }

    fn writer(&self) -> anyhow::Result<Box<dyn Write>> {
        match &self.to {
            Some(path) => {
                let file = File::create(path).with_context(|| path.display().to_string())?;
                Ok(Box::new(BufWriter::new(file)))
            }
            None => Ok(Box::new(BufWriter::new(io::stdout().lock()))),
        }
    }
}

/// Reads ranges and writes their records.
struct Consumer<'a> {
    isolation: Isolation,
    form: Form<'a>,
    writer: Box<dyn Write>,
    bar: ProgressBar,
    records: u64,
    max: u64,
}

impl<'a> Consumer<'a> {
    fn new(options: &'a Consume, ranges: &[Range], output: Option<Output>) -> anyhow::Result<Self> {
        let separator = options.key_separator.as_deref();
        Ok(Self {
            isolation: options.isolation(),
            form: Form::new(output, separator, &options.null),
            writer: options.writer()?,
            bar: bar(&options.topic, ranges, options.to.as_deref()),
            records: 0,
            max: options.max.unwrap_or(u64::MAX),
        })
    }

    fn read(&mut self, range: &mut Range) -> anyhow::Result<()> {
        while range.next < range.end && self.records < self.max {
            let from = range.next;
            let fetched = range.partition.read(from, READ_BYTES, self.isolation)?;
            for batch in &fetched.batches {
                self.write(batch, range)?;
            }
            self.form.end_page(&mut *self.writer)?;
            if self.records < self.max {
                range.next = fetched.next_offset;
            }
            self.bar.inc(u64::try_from(range.next - from).unwrap_or(0));
            if fetched.next_offset == from {
                break;
            }
        }
        Ok(())
    }

    /// Writes the records of a batch that lie in the range and may still be written.
    fn write(&mut self, batch: &Batch, range: &mut Range) -> anyhow::Result<()> {
        let partition = range.partition.topic_partition();
        for record in records_of(batch)?.iter() {
            let record = record?;
            if record.offset < range.next {
                continue;
            }
            if self.records == self.max || record.offset >= range.end {
                break;
            }
            self.form.write(&mut *self.writer, partition.partition.0, &record)?;
            self.records += 1;
            range.next = record.offset + 1;
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<u64> {
        self.form.finish(&mut *self.writer, self.records)?;
        self.writer.flush()?;
        self.bar.finish_and_clear();
        Ok(self.records)
    }
}

/// A bar over all offsets, where it does not get between the lines.
fn bar(topic: &str, ranges: &[Range], to: Option<&Path>) -> ProgressBar {
    if to.is_none() && io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let total: i64 = ranges.iter().map(|range| (range.end - range.next).max(0)).sum();
    progress::records(topic, u64::try_from(total).unwrap_or(0))
}
