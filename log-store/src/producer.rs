//! What a partition knows of those who write to it: Kafka's rules for idempotence and fencing, and
//! which transactions are open.
//!
//! A producer numbers its records. A batch whose first number follows the last one is new; one that
//! is among the last five batches is a repetition and gets the first one's answer; any other is
//! refused, because something is missing. A higher epoch starts over at 0 and shuts out lower ones.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::batch::{Attributes, BatchHeader};
use crate::error::{Error, Result};
use crate::value::{Offset, Outcome, ProducerIdentity, Timestamp, TopicPartition, TransactionId};

/// How many batches of a producer are remembered, which is how many it may have in flight.
const REMEMBERED_BATCHES: usize = 5;

/// All producers of a partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProducerTable {
    producers: HashMap<i64, Producer>,
    /// Open transactions, oldest first.
    open: BTreeMap<Offset, i64>,
}

/// One producer, as it is also written to the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Producer {
    id: i64,
    epoch: i16,
    last_seen_ms: i64,
    open_since: Option<Offset>,
    batches: VecDeque<Remembered>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Remembered {
    base_sequence: i32,
    last_sequence: i32,
    base_offset: Offset,
    last_offset: Offset,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new.
    Append,
    /// It is in the log already, at these offsets.
    Duplicate { base_offset: Offset, last_offset: Offset },
}

impl ProducerTable {
    pub(crate) fn restore(producers: Vec<Producer>) -> ProducerTable {
        let open = producers.iter().filter_map(|p| Some((p.open_since?, p.id))).collect();
        ProducerTable { producers: producers.into_iter().map(|p| (p.id, p)).collect(), open }
    }

    /// What to write to the checkpoint.
    pub(crate) fn snapshot(&self) -> Vec<Producer> {
        self.producers.values().cloned().collect()
    }

    /// Judges a batch that wants to be appended.
    pub(crate) fn judge(
        &self,
        partition: &TopicPartition,
        header: &BatchHeader,
    ) -> Result<Verdict> {
        let Some(producer) = self.producers.get(&header.producer_id) else {
            return Ok(Verdict::Append);
        };
        if header.producer_epoch < producer.epoch {
            return Err(Error::Fenced {
                partition: partition.to_string(),
                found: identity(header),
                current: producer.epoch,
            });
        }
        if header.base_sequence < 0 {
            return Ok(Verdict::Append);
        }
        producer.judge_sequence(partition, header)
    }

    /// Takes note of a data batch that is in the log.
    pub(crate) fn appended(&mut self, header: &BatchHeader, at: Timestamp) {
        if header.producer_id < 0 {
            return;
        }
        let producer = self.producer(identity(header), at);
        if header.base_sequence >= 0 {
            producer.remember(header);
        }
        if header.attributes.has(Attributes::TRANSACTIONAL) && producer.open_since.is_none() {
            producer.open_since = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
    }

    /// Takes note of a marker that is in the log. The answer is where the transaction began, if
    /// there was one here.
    pub(crate) fn ended(&mut self, marker: &BatchHeader, at: Timestamp) -> Option<Offset> {
        let producer = self.producer(identity(marker), at);
        let first = producer.open_since.take()?;
        self.open.remove(&first);
        Some(first)
    }

    /// The first offset of the oldest open transaction.
    pub(crate) fn first_open(&self) -> Option<Offset> {
        self.open.first_key_value().map(|(first, _)| *first)
    }

    /// The transactions that are open here.
    pub(crate) fn open_transactions(&self) -> Vec<TransactionId> {
        let open = self.open.values().filter_map(|id| self.producers.get(id));
        open.map(|p| TransactionId { producer_id: p.id, epoch: p.epoch }).collect()
    }

    /// Whether this transaction is open here.
    pub(crate) fn is_open(&self, id: TransactionId) -> bool {
        let producer = self.producers.get(&id.producer_id);
        producer.is_some_and(|p| p.epoch == id.epoch && p.open_since.is_some())
    }

    /// Forgets producers that were not seen since `before` and have nothing open.
    pub(crate) fn expire(&mut self, before: Timestamp) {
        self.producers.retain(|_, p| p.last_seen_ms >= before.0 || p.open_since.is_some());
    }

    fn producer(&mut self, identity: ProducerIdentity, at: Timestamp) -> &mut Producer {
        let producer = self.producers.entry(identity.id).or_insert_with(|| Producer::new(identity));
        producer.last_seen_ms = at.0;
        if identity.epoch > producer.epoch {
            producer.epoch = identity.epoch;
            producer.batches.clear();
        }
        producer
    }
}

impl Producer {
    fn new(identity: ProducerIdentity) -> Producer {
        Producer {
            id: identity.id,
            epoch: identity.epoch,
            last_seen_ms: 0,
            open_since: None,
            batches: VecDeque::with_capacity(REMEMBERED_BATCHES),
        }
    }

    fn judge_sequence(&self, partition: &TopicPartition, header: &BatchHeader) -> Result<Verdict> {
        let new_epoch = header.producer_epoch > self.epoch;
        let repeated = self.batches.iter().find(|known| !new_epoch && known.is(header));
        if let Some(known) = repeated {
            return Ok(Verdict::Duplicate {
                base_offset: known.base_offset,
                last_offset: known.last_offset,
            });
        }
        let last = self.batches.back().filter(|_| !new_epoch);
        let expected = last.map_or(0, |last| sequence_after(last.last_sequence, 1));
        // A producer without remembered batches was just restored from a marker: any number will do.
        if header.base_sequence == expected || (self.batches.is_empty() && !new_epoch) {
            return Ok(Verdict::Append);
        }
        Err(Error::OutOfOrderSequence {
            partition: partition.clone(),
            producer: identity(header),
            expected,
            found: header.base_sequence,
        })
    }

    fn remember(&mut self, header: &BatchHeader) {
        if self.batches.len() == REMEMBERED_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back(Remembered {
            base_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
        });
    }
}

impl Remembered {
    fn is(&self, header: &BatchHeader) -> bool {
        self.base_sequence == header.base_sequence && self.last_sequence == last_sequence(header)
    }
}

fn identity(header: &BatchHeader) -> ProducerIdentity {
    ProducerIdentity { id: header.producer_id, epoch: header.producer_epoch }
}

fn last_sequence(header: &BatchHeader) -> i32 {
    sequence_after(header.base_sequence, header.last_offset_delta)
}

/// Sequences wrap around to 0 after the largest number.
pub(crate) fn sequence_after(sequence: i32, records: i32) -> i32 {
    ((i64::from(sequence) + i64::from(records)) & i64::from(i32::MAX)) as i32
}

/// A transaction that came to nothing, in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: i64,
    /// Its first data.
    pub(crate) first: Offset,
    /// Its marker.
    pub(crate) last: Offset,
}

impl AbortedTransaction {
    /// What ended with `outcome` at the marker, if it is to be remembered.
    pub(crate) fn of(
        first: Option<Offset>,
        marker: &BatchHeader,
        outcome: Outcome,
    ) -> Option<AbortedTransaction> {
        let first = first.filter(|_| outcome == Outcome::Abort)?;
        Some(AbortedTransaction {
            producer_id: marker.producer_id,
            first,
            last: marker.base_offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(epoch: i16, base_sequence: i32, base_offset: i64) -> BatchHeader {
        BatchHeader {
            base_offset: Offset(base_offset),
            last_offset_delta: 9,
            record_count: 10,
            producer_id: 7,
            producer_epoch: epoch,
            base_sequence,
            ..BatchHeader::default()
        }
    }

    fn judge(table: &ProducerTable, header: &BatchHeader) -> String {
        match table.judge(&TopicPartition::new("t", 0), header) {
            Ok(verdict) => format!("{verdict:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn repetitions_are_answered_gaps_refused_and_old_epochs_fenced() {
        let mut table = ProducerTable::default();
        for i in 0..7 {
            let batch = header(0, i * 10, i64::from(i) * 10);
            assert_eq!(judge(&table, &batch), "Append");
            table.appended(&batch, Timestamp(0));
        }
        assert_eq!(
            judge(&table, &header(0, 20, 0)),
            "Duplicate { base_offset: Offset(20), last_offset: Offset(29) }"
        );
        assert_eq!(
            judge(&table, &header(0, 10, 0)),
            "t-0 expected sequence 70 from producer 7.0, found 10"
        );
        assert_eq!(
            judge(&table, &header(0, 80, 0)),
            "t-0 expected sequence 70 from producer 7.0, found 80"
        );
        assert_eq!(
            judge(&table, &header(1, 70, 0)),
            "t-0 expected sequence 0 from producer 7.1, found 70"
        );
        table.appended(&header(1, 0, 70), Timestamp(0));
        assert_eq!(
            judge(&table, &header(0, 70, 0)),
            "producer 7.0 of t-0 was fenced, epoch 1 has taken over"
        );
    }

    #[test]
    fn sequences_wrap_around() {
        assert_eq!(sequence_after(i32::MAX, 1), 0);
        assert_eq!(sequence_after(i32::MAX - 1, 1), i32::MAX);
    }

    #[test]
    fn an_idle_producer_is_forgotten_unless_its_transaction_is_open() {
        let mut table = ProducerTable::default();
        let mut open = header(0, 0, 0);
        open.attributes = Attributes(Attributes::TRANSACTIONAL);
        table.appended(&open, Timestamp(5));
        table.expire(Timestamp(100));
        assert_eq!(table.first_open(), Some(Offset(0)));
        assert_eq!(table.ended(&header(0, -1, 10), Timestamp(6)), Some(Offset(0)));
        table.expire(Timestamp(100));
        assert!(table.snapshot().is_empty());
    }
}
