//! Records on their way into a topic, one at a time.
//!
//! The writer chooses each record's partition and keeps an open batch per partition; a full batch is
//! appended. Keys go where Kafka's Java client would send them, records without a key stick to a
//! partition until its batch is full. Nothing is sent by time: whoever has no more records flushes.

use std::sync::Arc;

use crate::codec::Codec;
use crate::error::Result;
use crate::partition::AppendInfo;
use crate::partitioner::{StickyPartitioner, partition_for_key};
use crate::record::{Header, RecordsBuilder};
use crate::topic::Topic;
use crate::value::{PartitionId, Timestamp};

/// A batch is appended when it has so many bytes.
const BATCH_BYTES: usize = 64 * 1024;

/// Writes records to a topic in batches.
pub struct TopicWriter {
    topic: Arc<Topic>,
    open: Vec<RecordsBuilder>,
    sticky: StickyPartitioner,
}

impl TopicWriter {
    /// A writer that compresses with `codec`, unless the topic has a codec of its own.
    pub fn new(topic: Arc<Topic>, codec: Codec) -> TopicWriter {
        let open = topic
            .partitions()
            .iter()
            .map(|_| RecordsBuilder::new().with_compression(codec))
            .collect();
        TopicWriter { topic, open, sticky: StickyPartitioner::new() }
    }

    /// Adds a record to the batch of the partition that is its own. The answer tells where a batch
    /// went that was full.
    pub fn push(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Timestamp,
        headers: &[Header<'_>],
    ) -> Result<Option<AppendInfo>> {
        let partitions = self.open.len() as u32;
        let partition = match key {
            Some(key) => partition_for_key(key, partitions),
            None => self.sticky.partition_for(value.map_or(0, <[u8]>::len), partitions),
        };
        self.push_to(PartitionId(partition), key, value, timestamp, headers)
    }

    /// Adds a record to the batch of a partition that the caller has chosen.
    pub fn push_to(
        &mut self,
        partition: PartitionId,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Timestamp,
        headers: &[Header<'_>],
    ) -> Result<Option<AppendInfo>> {
        self.topic.partition(partition)?;
        let batch = &mut self.open[partition.0 as usize];
        batch.push(key, value, timestamp, headers);
        if batch.size_bytes() < BATCH_BYTES {
            return Ok(None);
        }
        self.append(partition.0 as usize).map(Some)
    }

    /// Appends all batches that have records. What was appended before an error stays; what was
    /// not is lost with it.
    pub fn flush(&mut self) -> Result<()> {
        for partition in 0..self.open.len() {
            if !self.open[partition].is_empty() {
                self.append(partition)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, partition: usize) -> Result<AppendInfo> {
        let batch = self.open[partition].build();
        self.topic.partitions()[partition].append(batch)
    }
}
