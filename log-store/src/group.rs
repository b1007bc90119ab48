//! Consumer groups: how far each group has read.
//!
//! A group is a name under which offsets are committed, partition by partition, with a note of the
//! consumer's own. The commits are records of a compacted internal topic, in Kafka's format. Who of a
//! group's members reads which partition is not decided here.

mod offsets;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use offsets::CommittedOffset;
pub(crate) use offsets::{GroupOffsets, OFFSETS_TOPIC};

use crate::error::{Error, Result};
use crate::log_store::LogStore;
use crate::partition::Partition;
use crate::value::{Offset, Timestamp, TopicPartition};

/// One group.
pub struct Group {
    store: LogStore,
    offsets: Arc<GroupOffsets>,
    name: String,
}

/// Where a reader, or a group of them, shall go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetTo {
    /// At the log start offset.
    Earliest,
    /// At the high watermark.
    Latest,
    /// At this offset, or the nearest that there is.
    Offset(Offset),
    /// At the first record of this time or later; at the high watermark if there is none.
    Timestamp(Timestamp),
}

impl ResetTo {
    /// The offset that is meant in a partition.
    pub fn offset_in(self, partition: &Partition) -> Result<Offset> {
        let (start, end) = (partition.log_start_offset(), partition.high_watermark());
        Ok(match self {
            ResetTo::Earliest => start,
            ResetTo::Latest => end,
            ResetTo::Offset(offset) => offset.clamp(start, end),
            ResetTo::Timestamp(at) => partition.offset_for_timestamp(at)?.unwrap_or(end),
        })
    }
}

/// How far a group is behind in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The partition.
    pub partition: TopicPartition,
    /// Where the group goes on.
    pub committed: CommittedOffset,
    /// The high watermark.
    pub log_end: Offset,
    /// How many offsets lie between.
    pub behind: i64,
}

impl Group {
    pub(crate) fn new(store: LogStore, offsets: Arc<GroupOffsets>, name: &str) -> Result<Group> {
        if name.is_empty() || name.len() > i16::MAX as usize {
            return Err(Error::InvalidInput(format!(
                "expected a group name of 1 to 32767 bytes, found {}",
                name.len()
            )));
        }
        Ok(Group { store, offsets, name: name.to_owned() })
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes note of how far the group has read: the next offset of each partition.
    pub fn commit(&self, offsets: &[(TopicPartition, CommittedOffset)]) -> Result<()> {
        for (partition, _) in offsets {
            self.store.partition(partition)?;
        }
        self.offsets.commit(&self.name, offsets)
    }

    /// What was committed, by partition.
    pub fn committed(&self) -> BTreeMap<TopicPartition, CommittedOffset> {
        self.offsets.of_group(&self.name)
    }

    /// Commits another place to go on for each of the partitions. Gives the offsets.
    pub fn reset(
        &self,
        partitions: &[TopicPartition],
        to: ResetTo,
    ) -> Result<Vec<(TopicPartition, Offset)>> {
        let places = partitions
            .iter()
            .map(|name| Ok((name.clone(), to.offset_in(&*self.store.partition(name)?)?)));
        let places: Vec<(TopicPartition, Offset)> = places.collect::<Result<_>>()?;
        let commits: Vec<_> = places
            .iter()
            .map(|(name, offset)| (name.clone(), CommittedOffset::at(*offset)))
            .collect();
        self.offsets.commit(&self.name, &commits)?;
        Ok(places)
    }

    /// How far the group is behind. Partitions that are gone are left out.
    pub fn lag(&self) -> Vec<Lag> {
        let lags = self.committed().into_iter().filter_map(|(name, committed)| {
            let partition = self.store.partition(&name).ok()?;
            let log_end = partition.high_watermark();
            let behind = (log_end - committed.offset.max(partition.log_start_offset())).max(0);
            Some(Lag { partition: name, committed, log_end, behind })
        });
        lags.collect()
    }

    /// Forgets the group.
    pub fn delete(self) -> Result<()> {
        self.offsets.delete(&self.name)
    }
}
