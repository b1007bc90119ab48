//! What a loss of power leaves of topics that may lose something.
//!
//! A log is cut at its end, so each partition still begins with what it held. What was durable after the
//! last step that was done is there, as long as it did not wait for the outcome of a transaction: so it
//! counts where the whole partition was durable.
//!
//! Topics that are compacted are left out: they lose records for other reasons.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use engine::TopicRecord;
use log_store::{LogStore, TopicPartition};

use super::check::{PROCESSING_LOG, shown};
use super::program::Step;
use crate::topic;

/// What partitions held after the last step that was done.
#[derive(Default)]
pub struct Kept(BTreeMap<TopicPartition, Held>);

struct Held {
    records: Vec<TopicRecord>,
    /// How many of them no loss of power takes away.
    durable: usize,
}

impl Kept {
    /// Looks again.
    pub fn look(&mut self, log: &LogStore) -> Result<()> {
        let before = std::mem::take(&mut self.0);
        for topic in log.topics() {
            if topic.partitions().iter().any(|partition| partition.config().is_compacted()) {
                continue;
            }
            let records = topic::read(log, topic.name())?;
            for (partition, records) in topic.partitions().iter().zip(records) {
                let name = partition.topic_partition();
                let is_durable = partition.durable_offset() >= partition.high_watermark();
                let durable = match before.get(name) {
                    _ if is_durable => records.len(),
                    Some(held) => held.durable,
                    None => 0,
                };
                self.0.insert(name.clone(), Held { records, durable });
            }
        }
        Ok(())
    }

    /// Compares with what there is after a loss of power during a step, if it was during one.
    pub fn check(&self, log: &LogStore, step: Option<&Step>) -> Result<()> {
        let drops = matches!(step, Some(Step::Statement(text)) if text.starts_with("DROP"));
        for (name, Held { records, durable }) in &self.0 {
            if drops && log.topic(&name.topic).is_none() {
                continue;
            }
            let partitions = topic::read(log, &name.topic)?;
            let found = partitions.get(name.partition.0 as usize);
            let found = found.with_context(|| format!("{name} is not there"))?;
            let lost = durable.saturating_sub(found.len());
            ensure!(lost == 0, "{name} has lost {lost} records that were durable");
            // What has been lost with the power is told there as soon as the engine is opened.
            let both = match &*name.topic == PROCESSING_LOG {
                true => *durable,
                false => found.len().min(records.len()),
            };
            let is_same = found[..both] == records[..both];
            let shown = |records: &[TopicRecord]| records.iter().map(shown).collect::<Vec<_>>();
            let (held, holds) = (shown(records), shown(found));
            ensure!(is_same, "{name} held {held:#?}, now {holds:#?}");
        }
        Ok(())
    }
}
