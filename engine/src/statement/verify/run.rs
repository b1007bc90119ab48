//! Running a query again, from its beginning up to the cut.

use std::sync::Arc;

use log_store::{LogStore, Topic, TopicConfig, TopicPartition};

use super::Stop;
use super::cut::{Cut, Replayed};
use super::scratch::Scratch;
use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::error::Result;
use crate::pipeline::{commit, journal};
use crate::state::{Backend, WriteBatch};
use crate::statement::queries::{Site, pipeline_at};

/// Segments of the copy, so that what was looked at can go.
const SEGMENT_BYTES: &str = "16777216";

/// The largest batch that any topic may take.
const MESSAGE_BYTES: &str = "1073741824";

/// What queries are run again for.
pub struct Again<'a> {
    /// The engine.
    pub shared: &'a Shared,
    /// Its catalog at the cut.
    pub catalog: &'a Catalog,
    /// What is compared.
    pub cut: &'a Cut,
    /// The store of the comparison.
    pub scratch: &'a Scratch,
}

/// Is called with the topic that the query writes to, whenever it may have written to it.
type Look<'a> = &'a mut dyn FnMut(&Topic) -> Result<()>;

/// Runs a query again, with its state in the store of the comparison.
pub fn again(again: &Again<'_>, replayed: &Replayed, stop: &Stop, look: Look<'_>) -> Result<()> {
    let Again { shared, catalog, cut, scratch } = again;
    let backend = scratch.backend();
    let copy = LogStore::in_memory();
    let topic = match &replayed.entry.sink {
        Some(sink) => {
            let config = TopicConfig::new()
                .with("segment.bytes", SEGMENT_BYTES)?
                .with("max.message.bytes", MESSAGE_BYTES)?;
            let name = &catalog.source(sink)?.topic;
            Some(copy.create_topic(name, cut.output.len() as u32, config)?)
        }
        None => None,
    };
    put_beginning(replayed, backend.as_ref())?;
    let site = Site { backend: Arc::clone(&backend), copy: Some(copy.clone()) };
    let mut pipeline = pipeline_at(shared, catalog, &replayed.entry, &replayed.plan, &site)?;
    let mut looked = || {
        stop.check()?;
        let Some(topic) = &topic else { return Ok(()) };
        look(topic)?;
        forget(&copy, topic)
    };
    if noted_portions(replayed) {
        pipeline.bound(&replayed.beginning.inputs);
        journal::for_each_portion(cut.view.as_ref(), replayed.entry.number, |portion| {
            pipeline.replay(portion)?;
            looked()
        })?;
    }
    // Whatever the portions did not say: the order does not show.
    pipeline.bound(&replayed.ends);
    while pipeline.advance()? {
        looked()?;
    }
    Ok(())
}

/// Where a pipeline begins is what a store without state says.
fn put_beginning(replayed: &Replayed, backend: &dyn Backend) -> Result<()> {
    let mut batch = WriteBatch::default();
    for (input, source) in replayed.plan.sources().into_iter().enumerate() {
        for (partition, start) in replayed.beginning.inputs[input].iter().enumerate() {
            let name = TopicPartition::new(source.topic.as_str(), partition as u32);
            commit::put_position(&mut batch, replayed.entry.number, &(input, name), *start);
        }
    }
    backend.write(batch)
}

/// Whether the query has noted in which order it read.
fn noted_portions(replayed: &Replayed) -> bool {
    let partitions: usize = replayed.beginning.inputs.iter().map(Vec::len).sum();
    partitions > 1 && journal::shows_order(&replayed.plan)
}

/// Lets go of what was looked at.
fn forget(copy: &LogStore, topic: &Topic) -> Result<()> {
    let mut is_large = false;
    for partition in topic.partitions() {
        if partition.segment_count() > 1 {
            partition.delete_records(partition.high_watermark())?;
            is_large = true;
        }
    }
    if is_large { Ok(copy.maintain()?) } else { Ok(()) }
}
