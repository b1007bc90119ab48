//! The committed offsets of all groups, as records and in memory.
//!
//! Kafka's format, big-endian, strings with an `i16` length before them:
//!
//! ```text
//! key:   version i16 = 1, group, topic, partition i32
//! value: version i16 = 3, offset i64, leader epoch i32 = −1, metadata, commit time stamp i64
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::Result;
use crate::partition::Partition;
use crate::record::{Record, RecordsBuilder};
use crate::value::{Isolation, Offset, PartitionId, Timestamp, TopicPartition};

/// The topic's name.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
const KEY_VERSION: i16 = 1;
const VALUE_VERSION: i16 = 3;
const READ_BYTES: usize = 1 << 20;

/// Where a group goes on reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to read.
    pub offset: Offset,
    /// The consumer's own note.
    pub metadata: String,
    /// When it was committed.
    pub committed_at: Timestamp,
}

impl CommittedOffset {
    /// An offset without a note; the time is set when it is committed.
    pub fn at(offset: Offset) -> CommittedOffset {
        CommittedOffset { offset, metadata: String::new(), committed_at: Timestamp(0) }
    }

    /// The same with a note.
    pub fn with_metadata(self, metadata: impl Into<String>) -> CommittedOffset {
        CommittedOffset { metadata: metadata.into(), ..self }
    }
}

type Groups = BTreeMap<String, BTreeMap<TopicPartition, CommittedOffset>>;

/// Keeps the offsets of all groups.
pub(crate) struct GroupOffsets {
    partition: Arc<Partition>,
    groups: RwLock<Groups>,
}

impl GroupOffsets {
    /// Reads back what is committed.
    pub(crate) fn load(partition: Arc<Partition>) -> Result<GroupOffsets> {
        let mut groups = Groups::new();
        let mut from = partition.log_start_offset();
        while from < partition.high_watermark() {
            let fetched = partition.read(from, READ_BYTES, Isolation::ReadCommitted)?;
            for batch in &fetched.batches {
                batch
                    .records()?
                    .iter()
                    .try_for_each(|record| record.map(|record| apply(&mut groups, &record)))?;
            }
            from = fetched.next_offset;
        }
        Ok(GroupOffsets { partition, groups: RwLock::new(groups) })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.groups.read().keys().cloned().collect()
    }

    pub(super) fn of_group(&self, group: &str) -> BTreeMap<TopicPartition, CommittedOffset> {
        self.groups.read().get(group).cloned().unwrap_or_default()
    }

    /// The lock is held over the append, so that memory and log agree on what came last.
    pub(super) fn commit(
        &self,
        group: &str,
        offsets: &[(TopicPartition, CommittedOffset)],
    ) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        let now = self.partition.now();
        let mut groups = self.groups.write();
        let mut records = RecordsBuilder::new();
        for (partition, committed) in offsets {
            records.push(Some(&key(group, partition)), Some(&value(committed, now)), now, &[]);
        }
        self.partition.append(records.build())?;
        let of_group = groups.entry(group.to_owned()).or_default();
        for (partition, committed) in offsets {
            of_group.insert(
                partition.clone(),
                CommittedOffset { committed_at: now, ..committed.clone() },
            );
        }
        Ok(())
    }

    pub(super) fn delete(&self, group: &str) -> Result<()> {
        let mut groups = self.groups.write();
        self.forget(&mut groups, |name, _| name == group)
    }

    /// Forgets, durably, what all groups have committed for a topic: an offset means nothing in
    /// another topic of the same name.
    pub(crate) fn forget_topic(&self, topic: &str) -> Result<()> {
        let mut groups = self.groups.write();
        self.forget(&mut groups, |_, partition| &*partition.topic == topic)?;
        self.partition.flush()
    }

    fn forget(
        &self,
        groups: &mut Groups,
        goes: impl Fn(&str, &TopicPartition) -> bool,
    ) -> Result<()> {
        let mut records = RecordsBuilder::new();
        for (group, offsets) in groups.iter() {
            for partition in offsets.keys().filter(|partition| goes(group, partition)) {
                records.push(Some(&key(group, partition)), None, self.partition.now(), &[]);
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        self.partition.append(records.build())?;
        groups.retain(|group, offsets| {
            offsets.retain(|partition, _| !goes(group, partition));
            !offsets.is_empty()
        });
        Ok(())
    }
}

/// A record of another version is another program's, and left alone.
fn apply(groups: &mut Groups, record: &Record<'_>) {
    let Some((group, partition)) = record.key.and_then(parse_key) else { return };
    match record.value.and_then(parse_value) {
        Some(committed) => drop(groups.entry(group).or_default().insert(partition, committed)),
        None => {
            let Some(offsets) = groups.get_mut(&group) else { return };
            offsets.remove(&partition);
            if offsets.is_empty() {
                groups.remove(&group);
            }
        }
    }
}

fn key(group: &str, partition: &TopicPartition) -> Vec<u8> {
    let mut bytes = KEY_VERSION.to_be_bytes().to_vec();
    put_string(&mut bytes, group);
    put_string(&mut bytes, &partition.topic);
    bytes.extend_from_slice(&partition.partition.0.to_be_bytes());
    bytes
}

fn parse_key(mut bytes: &[u8]) -> Option<(String, TopicPartition)> {
    if i16::from_be_bytes(take(&mut bytes)?) != KEY_VERSION {
        return None;
    }
    let group = take_string(&mut bytes)?;
    let topic = take_string(&mut bytes)?;
    let partition = PartitionId(u32::from_be_bytes(take(&mut bytes)?));
    Some((group, TopicPartition { topic: topic.into(), partition }))
}

fn value(committed: &CommittedOffset, now: Timestamp) -> Vec<u8> {
    let mut bytes = VALUE_VERSION.to_be_bytes().to_vec();
    bytes.extend_from_slice(&committed.offset.0.to_be_bytes());
    bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    put_string(&mut bytes, &committed.metadata);
    bytes.extend_from_slice(&now.0.to_be_bytes());
    bytes
}

fn parse_value(mut bytes: &[u8]) -> Option<CommittedOffset> {
    if i16::from_be_bytes(take(&mut bytes)?) != VALUE_VERSION {
        return None;
    }
    let offset = Offset(i64::from_be_bytes(take(&mut bytes)?));
    let _leader_epoch: [u8; 4] = take(&mut bytes)?;
    let metadata = take_string(&mut bytes)?;
    let committed_at = Timestamp(i64::from_be_bytes(take(&mut bytes)?));
    Some(CommittedOffset { offset, metadata, committed_at })
}

/// Cuts off what is longer than the length can say.
fn put_string(bytes: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(i16::MAX as usize)];
    bytes.extend_from_slice(&(text.len() as i16).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn take_string(bytes: &mut &[u8]) -> Option<String> {
    let len = usize::try_from(i16::from_be_bytes(take(bytes)?)).ok()?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
