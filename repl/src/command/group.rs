//! `millstream group`: how far consumer groups have read.

use clap::Subcommand;
use engine::Engine;
use log_store::{Lag, LogStore, Offset, PartitionId, ResetTo, Topic, TopicPartition};
use serde_json::{Value, json};

use super::{place, show};
use crate::render::Output;

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the groups
    List,
    /// Show where a group is in each partition, and how far that is behind
    Describe {
        /// Its name
        name: String,
    },
    /// Let a group go on at another place
    Reset {
        /// Its name; a group that does not exist is made
        name: String,
        /// The topic
        #[arg(short, long)]
        topic: String,
        /// A partition; may be given several times; by default all
        #[arg(short, long)]
        partition: Vec<u32>,
        /// The place: earliest, latest, an offset, a time as 2024-02-29T12:30:00Z, or @ and
        /// milliseconds since 1970
        #[arg(long, value_name = "PLACE", value_parser = place::parse)]
        to: ResetTo,
    },
    /// Forget a group
    Delete {
        /// Its name
        name: String,
    },
}

/// Carries out the command on the groups of `engine`.
pub fn run(engine: &Engine, command: &Command, output: Output) -> anyhow::Result<()> {
    let log = engine.log();
    match command {
        Command::List => list(log, output),
        Command::Describe { name } => describe(&log.group_named(name)?.lag(), output),
        Command::Reset { name, topic, partition, to } => {
            let partitions = names(&*log.topic_named(topic)?, partition)?;
            reset(&log.group(name)?.reset(&partitions, *to)?, output)
        }
        Command::Delete { name } => Ok(log.group_named(name)?.delete()?),
    }
}

fn list(log: &LogStore, output: Output) -> anyhow::Result<()> {
    let row = |name: String| -> anyhow::Result<Vec<Value>> {
        let lags = log.group(&name)?.lag();
        let behind: i64 = lags.iter().map(|lag| lag.behind).sum();
        Ok(vec![json!(name), json!(lags.len()), json!(behind)])
    };
    let rows = log.groups().into_iter().map(row).collect::<anyhow::Result<_>>()?;
    show(&["group", "partitions", "behind"], rows, output)
}

fn describe(lags: &[Lag], output: Output) -> anyhow::Result<()> {
    let columns =
        ["topic", "partition", "next offset", "end offset", "behind", "committed at", "note"];
    let row = |lag: &Lag| {
        vec![
            json!(&*lag.partition.topic),
            json!(lag.partition.partition.0),
            json!(lag.committed.offset.0),
            json!(lag.log_end.0),
            json!(lag.behind),
            json!(lag.committed.committed_at.0),
            json!(lag.committed.metadata),
        ]
    };
    show(&columns, lags.iter().map(row).collect(), output)
}

fn reset(places: &[(TopicPartition, Offset)], output: Output) -> anyhow::Result<()> {
    let row = |(name, offset): &(TopicPartition, Offset)| {
        vec![json!(&*name.topic), json!(name.partition.0), json!(offset.0)]
    };
    show(&["topic", "partition", "next offset"], places.iter().map(row).collect(), output)
}

/// The partitions of these numbers, or all.
fn names(topic: &Topic, numbers: &[u32]) -> log_store::Result<Vec<TopicPartition>> {
    if numbers.is_empty() {
        return Ok(topic.partitions().iter().map(|one| one.topic_partition().clone()).collect());
    }
    let partition = |number: &u32| topic.partition(PartitionId(*number));
    numbers.iter().map(|number| Ok(partition(number)?.topic_partition().clone())).collect()
}
