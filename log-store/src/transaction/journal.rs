//! The journal of transactions: a compacted internal topic of one partition.
//!
//! Key: the transaction's ten bytes. Value: JSON, `{"state":"prepared","partitions":["orders-0"]}`,
//! the state being `prepared`, `commit` or `abort`; null when the transaction is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::partition::Partition;
use crate::record::{Record, RecordsBuilder};
use crate::value::{Isolation, Offset, Outcome, PartitionId, TopicPartition, TransactionId};

/// The topic's name.
pub(crate) const JOURNAL_TOPIC: &str = "__transaction_state";
/// How much is read at a time.
const READ_BYTES: usize = 1 << 20;

/// Writes and reads the records.
pub(crate) struct Journal {
    partition: Arc<Partition>,
}

/// What the journal knows of a transaction.
#[derive(Clone, Debug)]
pub(super) struct JournalEntry {
    pub(super) state: JournalState,
    pub(super) partitions: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalState {
    /// It waits for its outcome.
    Prepared,
    /// Its markers are on their way.
    Decided(Outcome),
}

#[derive(Serialize, Deserialize)]
struct Value {
    state: State,
    partitions: Vec<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Prepared,
    Commit,
    Abort,
}

impl Journal {
    pub(crate) fn new(partition: Arc<Partition>) -> Journal {
        Journal { partition }
    }

    /// Writes a transaction's state down; durably if `sync` is set. Gives the offset after it.
    pub(super) fn write(
        &self,
        id: TransactionId,
        state: JournalState,
        partitions: &[Arc<Partition>],
        sync: bool,
    ) -> Result<Offset> {
        let value = Value {
            state: state.into(),
            partitions: partitions
                .iter()
                .map(|partition| partition.topic_partition().to_string())
                .collect(),
        };
        let value =
            serde_json::to_vec(&value).map_err(|error| Error::InvalidInput(error.to_string()))?;
        let end = self.append(&[(id, Some(value))])?;
        if sync {
            self.partition.flush()?;
        }
        Ok(end)
    }

    /// Makes all that was written durable.
    pub(super) fn flush(&self) -> Result<()> {
        self.partition.flush()
    }

    /// The offset below which everything is durable.
    pub(super) fn durable_offset(&self) -> Offset {
        self.partition.durable_offset()
    }

    /// The offset after all that was written.
    pub(super) fn end(&self) -> Offset {
        self.partition.log_end_offset()
    }

    /// Writes tombstones.
    pub(super) fn forget(&self, ids: &[TransactionId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let tombstones: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
        self.append(&tombstones).map(drop)
    }

    fn append(&self, entries: &[(TransactionId, Option<Vec<u8>>)]) -> Result<Offset> {
        let now = self.partition.now();
        let mut records = RecordsBuilder::new();
        for (id, value) in entries {
            records.push(Some(&id.to_bytes()), value.as_deref(), now, &[]);
        }
        Ok(self.partition.append(records.build())?.last_offset + 1)
    }

    /// The last state of every transaction that is not forgotten.
    pub(super) fn load(&self) -> Result<BTreeMap<TransactionId, JournalEntry>> {
        let mut entries = BTreeMap::new();
        let mut from = self.partition.log_start_offset();
        while from < self.partition.high_watermark() {
            let fetched = self.partition.read(from, READ_BYTES, Isolation::ReadUncommitted)?;
            for batch in &fetched.batches {
                for record in batch.records()?.iter() {
                    apply(&mut entries, &record?);
                }
            }
            from = fetched.next_offset;
        }
        Ok(entries)
    }
}

/// A record that this version does not understand leaves its transaction unknown.
fn apply(entries: &mut BTreeMap<TransactionId, JournalEntry>, record: &Record<'_>) {
    let Some(id) = record.key.and_then(|key| key.try_into().ok()).map(TransactionId::from_bytes)
    else {
        return;
    };
    match record.value.and_then(|value| serde_json::from_slice::<Value>(value).ok()) {
        Some(value) => entries.insert(id, value.into()),
        None => entries.remove(&id),
    };
}

impl From<Value> for JournalEntry {
    fn from(value: Value) -> JournalEntry {
        JournalEntry {
            state: match value.state {
                State::Prepared => JournalState::Prepared,
                State::Commit => JournalState::Decided(Outcome::Commit),
                State::Abort => JournalState::Decided(Outcome::Abort),
            },
            partitions: value.partitions.iter().filter_map(|name| parse_partition(name)).collect(),
        }
    }
}

impl From<JournalState> for State {
    fn from(state: JournalState) -> State {
        match state {
            JournalState::Prepared => State::Prepared,
            JournalState::Decided(Outcome::Commit) => State::Commit,
            JournalState::Decided(Outcome::Abort) => State::Abort,
        }
    }
}

fn parse_partition(name: &str) -> Option<TopicPartition> {
    let (topic, number) = name.rsplit_once('-')?;
    Some(TopicPartition { topic: topic.into(), partition: PartitionId(number.parse().ok()?) })
}
