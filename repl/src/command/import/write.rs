//! Events to the partitions of a topic, in batches and in one transaction.

use std::time::{SystemTime, UNIX_EPOCH};

use log_store::{
    Isolation, LogStore, Partition, RecordsBuilder, Result, Timestamp, Topic, Transaction,
    partition_for_key,
};

use super::event::Event;

/// A batch goes to the log when its records are this big.
const BATCH_BYTES: usize = 256 * 1024;

/// How much of the log is looked at in one go.
const READ_BYTES: usize = 64 * 1024;

/// Writes the events of one import.
pub struct Writer<'a> {
    topic: &'a Topic,
    transaction: Transaction,
    /// A batch in the making per partition.
    batches: Vec<RecordsBuilder>,
    /// The partition for events without a key, until its batch is full.
    sticky_index: usize,
    now: Timestamp,
    records: u64,
}

impl<'a> Writer<'a> {
    /// Begins a transaction.
    pub fn begin(log: &LogStore, topic: &'a Topic) -> Result<Self> {
        let batches = topic.partitions().iter().map(|_| RecordsBuilder::new()).collect();
        let transaction = log.begin()?;
        Ok(Self { topic, transaction, batches, sticky_index: 0, now: now(), records: 0 })
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) -> Result<()> {
        let index = self.partition_index(event);
        let timestamp = event.timestamp.map_or(self.now, Timestamp);
        self.batches[index].push(event.key.as_deref(), Some(&event.value), timestamp, &[]);
        self.records += 1;
        if self.batches[index].size_bytes() >= BATCH_BYTES {
            self.flush(index)?;
            self.sticky_index = (index + 1) % self.batches.len();
        }
        Ok(())
    }

    /// Writes what is left and commits; returns the number of events.
    pub fn commit(mut self) -> Result<u64> {
        for index in 0..self.batches.len() {
            self.flush(index)?;
        }
        self.transaction.commit()?;
        Ok(self.records)
    }

    fn partition_index(&self, event: &Event) -> usize {
        let count = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        match &event.key {
            Some(key) => partition_for_key(key, count) as usize,
            None => self.sticky_index,
        }
    }

    fn flush(&mut self, index: usize) -> Result<()> {
        if !self.batches[index].is_empty() {
            let batch = self.batches[index].build();
            self.transaction.append(&self.topic.partitions()[index], batch)?;
        }
        Ok(())
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether a committed record stands in the topic. What an aborted import left does not count.
pub fn holds_records(topic: &Topic) -> Result<bool> {
    for partition in topic.partitions() {
        if partition_holds_records(partition)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn partition_holds_records(partition: &Partition) -> Result<bool> {
    let mut offset = partition.log_start_offset();
    loop {
        let fetched = partition.read(offset, READ_BYTES, Isolation::ReadCommitted)?;
        if !fetched.batches.is_empty() {
            return Ok(true);
        }
        if fetched.next_offset == offset {
            return Ok(false);
        }
        offset = fetched.next_offset;
    }
}
