//! `millstream topic`: topics without SQL.

mod verify;

use std::sync::Arc;

use anyhow::bail;
use clap::Subcommand;
use engine::Engine;
use log_store::{
    ConfigEntry, ConfigOrigin, LogStore, Partition, PartitionId, ResetTo, Topic, TopicConfig,
};
use serde_json::{Value, json};

use self::verify::verify;
use super::{place, record_count, show};
use crate::render::Output;

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the topics
    List,
    /// Show the partitions and the configuration of a topic
    Describe {
        /// Its name
        name: String,
    },
    /// Make a topic
    Create {
        /// Its name
        name: String,
        /// How many partitions it has
        #[arg(short, long, default_value_t = 1)]
        partitions: u32,
        /// A setting, as retention.ms=86400000; may be given several times
        #[arg(short, long, value_name = "NAME=VALUE", value_parser = setting)]
        set: Vec<Setting>,
    },
    /// Change the configuration of a topic, or add partitions
    Alter {
        /// Its name
        name: String,
        /// How many partitions it is to have; never fewer than before
        #[arg(short, long)]
        partitions: Option<u32>,
        /// A setting, as retention.ms=86400000; may be given several times
        #[arg(short, long, value_name = "NAME=VALUE", value_parser = setting)]
        set: Vec<Setting>,
        /// A setting that goes back to its default; may be given several times
        #[arg(short, long, value_name = "NAME")]
        reset: Vec<String>,
    },
    /// Delete a topic that no stream or table is declared over
    Delete {
        /// Its name
        name: String,
    },
    /// Delete the records before a place, for ever
    DeleteRecords {
        /// The topic
        name: String,
        /// A partition; may be given several times; by default all
        #[arg(short, long)]
        partition: Vec<u32>,
        /// The place of the first record that stays: latest, an offset, a time as
        /// 2024-02-29T12:30:00Z, or @ and milliseconds since 1970
        #[arg(long, value_name = "PLACE", value_parser = place::parse)]
        before: ResetTo,
    },
    /// Read every batch of a topic, or of all, and compare the checksums
    Verify {
        /// Its name
        name: Option<String>,
    },
}

type Setting = (String, String);

fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(format!("expected NAME=VALUE, found {text}")),
    }
}

/// Carries out the command on the topics of `engine`.
pub fn run(engine: &Engine, command: &Command, output: Output) -> anyhow::Result<()> {
    let log = engine.log();
    match command {
        Command::List => list(&log.topics(), output),
        Command::Describe { name } => describe(&*log.topic_named(name)?, output),
        Command::Create { name, partitions, set } => create(log, name, *partitions, set),
        Command::Alter { name, partitions, set, reset } => {
            alter(log, name, *partitions, set, reset)
        }
        Command::Delete { name } => delete(engine, name),
        Command::DeleteRecords { name, partition, before } => {
            delete_records(&*log.topic_named(name)?, partition, *before, output)
        }
        Command::Verify { name: Some(name) } => verify(&[log.topic_named(name)?], output),
        Command::Verify { name: None } => {
            verify(&[log.topics(), log.internal_topics()].concat(), output)
        }
    }
}

fn list(topics: &[Arc<Topic>], output: Output) -> anyhow::Result<()> {
    let rows = topics.iter().map(|topic| summary(topic)).collect();
    show(&["topic", "partitions", "records", "bytes"], rows, output)
}

fn describe(topic: &Topic, output: Output) -> anyhow::Result<()> {
    let columns = ["partition", "first offset", "next offset", "stable offset", "bytes"];
    show(&columns, topic.partitions().iter().map(|one| offsets(one)).collect(), output)?;
    let mut rows: Vec<Vec<Value>> = topic.config().entries().iter().map(entry).collect();
    rows.insert(0, loss_window(topic));
    show(&["property", "value", "origin", "meaning"], rows, output)
}

fn create(log: &LogStore, name: &str, partitions: u32, set: &[Setting]) -> anyhow::Result<()> {
    let mut config = TopicConfig::default();
    for (name, value) in set {
        config.set(name, value)?;
    }
    log.create_topic(name, partitions, config)?;
    Ok(())
}

fn alter(
    log: &LogStore,
    name: &str,
    partitions: Option<u32>,
    set: &[Setting],
    reset: &[String],
) -> anyhow::Result<()> {
    let set = set.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
    let reset = reset.iter().map(|name| (name.as_str(), None));
    log.alter_topic(name, &set.chain(reset).collect::<Vec<_>>())?;
    if let Some(total) = partitions {
        log.add_partitions(name, total)?;
    }
    Ok(())
}

/// A topic goes with the streams and tables over it, and `DROP` knows whether somebody needs them.
fn delete(engine: &Engine, name: &str) -> anyhow::Result<()> {
    let topic = engine.log().topic_named(name)?;
    let sources = engine.sources().into_iter().filter(|source| source.topic == topic.name());
    let names: Vec<String> = sources.map(|source| source.name).collect();
    if !names.is_empty() {
        bail!(
            "topic '{name}' holds the records of {}; DROP … DELETE TOPIC drops both",
            names.join(", ")
        );
    }
    Ok(engine.log().delete_topic(name)?)
}

fn delete_records(
    topic: &Topic,
    numbers: &[u32],
    before: ResetTo,
    output: Output,
) -> anyhow::Result<()> {
    let partitions = match numbers {
        [] => topic.partitions().to_vec(),
        numbers => {
            let wanted = numbers.iter().map(|number| topic.partition(PartitionId(*number)));
            wanted.map(|found| found.cloned()).collect::<log_store::Result<_>>()?
        }
    };
    let delete = |partition: &Arc<Partition>| -> anyhow::Result<Vec<Value>> {
        let first = partition.delete_records(before.offset_in(partition)?)?;
        Ok(vec![json!(partition.topic_partition().partition.0), json!(first.0)])
    };
    let rows = partitions.iter().map(delete).collect::<anyhow::Result<_>>()?;
    show(&["partition", "first offset"], rows, output)
}

fn summary(topic: &Topic) -> Vec<Value> {
    let bytes: u64 = topic.partitions().iter().map(|partition| partition.size_bytes()).sum();
    let partitions = topic.partitions().len();
    vec![json!(topic.name()), json!(partitions), json!(record_count(topic)), json!(bytes)]
}

fn offsets(partition: &Partition) -> Vec<Value> {
    vec![
        json!(partition.topic_partition().partition.0),
        json!(partition.log_start_offset().0),
        json!(partition.high_watermark().0),
        json!(partition.last_stable_offset().0),
        json!(partition.size_bytes()),
    ]
}

/// What follows from the settings, and is what one wants to know of them.
fn loss_window(topic: &Topic) -> Vec<Value> {
    let window = topic.config().flush_policy().to_string();
    vec![
        json!("loss window"),
        json!(window),
        json!("derived"),
        json!("what a loss of power may cost; a process that dies costs nothing"),
    ]
}

fn entry(entry: &ConfigEntry) -> Vec<Value> {
    let origin = match entry.origin {
        ConfigOrigin::Topic => "topic",
        ConfigOrigin::Default => "default",
    };
    vec![json!(entry.name), json!(entry.value), json!(origin), json!(entry.doc)]
}
