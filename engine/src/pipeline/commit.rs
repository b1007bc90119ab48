//! Commits: outputs, state and positions as one.
//!
//! In the state store's meta family:
//! - `p | query (4 bytes) | reader (2 bytes) | topic | 0 | partition (4 bytes)`: the next offset that
//!   one of the query's readers, counted in the order of its plan, is to read, 8 bytes;
//! - `t | transaction id (10 bytes)`: a transaction of the log that is committed, from the commit
//!   point until the log would decide it by itself, also after a loss of power.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use log_store::{
    AppendBatch, FlushPolicy, LogStore, Outcome, Partition, PartitionId, RecordsBuilder, Timestamp,
    TopicPartition, Transaction, TransactionId,
};

use super::journal;
use crate::engine::Delivery;
use crate::error::{Error, Result};
use crate::format::ColumnsBuilder;
use crate::state::{Backend, Family, View, WriteBatch, prefix_end};

/// The largest batch that is written, before compression, unless a single record is larger or the
/// topic takes only smaller ones.
const BATCH_BYTES: usize = 1 << 20;

/// More than a batch adds to its records.
const BATCH_OVERHEAD: usize = 128;

/// More than a record adds to its key, value and each of its headers.
const RECORD_OVERHEAD: usize = 32;

/// A header to write.
pub type HeaderRef<'a> = log_store::Header<'a>;

/// Records for a partition, and the bytes that a batch for it may have.
struct OpenBatch {
    partition: Arc<Partition>,
    records: RecordsBuilder,
    bytes_max: usize,
}

/// Where the records for a partition are collected.
#[derive(Debug, Clone, Copy)]
pub struct Place(usize);

/// Collects the records of an epoch and commits them.
pub struct Writer<'a> {
    log: &'a LogStore,
    transaction: Option<Transaction>,
    /// Whether a topic is written that promises to lose nothing.
    strict: bool,
    open: Vec<OpenBatch>,
    /// The partitions that records were added for, and where their batches stand.
    places: BTreeMap<TopicPartition, Place>,
    columns: BTreeMap<TopicPartition, (Arc<Partition>, ColumnsBuilder)>,
    delivery: Delivery,
    is_derived: bool,
}

impl<'a> Writer<'a> {
    /// A writer; the transaction begins with the first full batch.
    pub fn new(log: &'a LogStore) -> Self {
        let (open, places, columns, delivery, is_derived) = Default::default();
        Self { log, transaction: None, strict: false, open, places, columns, delivery, is_derived }
    }

    /// The same writer, which begins a transaction or not.
    #[must_use]
    pub fn delivering(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// The same writer for records that a query has computed.
    #[must_use]
    pub fn derived(self) -> Self {
        Self { is_derived: true, ..self }
    }

    /// Where the records for a partition are collected.
    pub fn place(&mut self, partition: &Arc<Partition>) -> Place {
        *self.places.entry(partition.topic_partition().clone()).or_insert_with(|| {
            self.open.push(OpenBatch::of(partition));
            Place(self.open.len() - 1)
        })
    }

    /// Adds a record.
    pub fn push(
        &mut self,
        Place(place): Place,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
        headers: &[HeaderRef<'_>],
    ) -> Result<()> {
        let OpenBatch { partition, records, bytes_max } = &mut self.open[place];
        let size = records.size_bytes() + size_max(key, value, headers) + BATCH_OVERHEAD;
        let full = !records.is_empty() && size > *bytes_max;
        let full = full.then(|| (Arc::clone(partition), records.build()));
        records.push(key, value, Timestamp(timestamp), headers);
        full.map_or(Ok(()), |(partition, batch)| self.append(&partition, batch))
    }

    /// Adds records as columns.
    pub fn push_columns(&mut self, partition: &Arc<Partition>, rows: RecordBatch) -> Result<()> {
        let name = partition.topic_partition().clone();
        let open = self.columns.entry(name);
        let (_, columns) = open.or_insert_with(|| {
            let columns = ColumnsBuilder::with_limit(partition.config().max_message_bytes());
            (Arc::clone(partition), columns)
        });
        for batch in columns.push(rows)? {
            self.append(partition, batch)?;
        }
        Ok(())
    }

    fn append(&mut self, partition: &Arc<Partition>, batch: AppendBatch) -> Result<()> {
        let batch = if self.is_derived { batch.derived() } else { batch };
        if self.delivery == Delivery::AtLeastOnce {
            partition.append(batch)?;
            return Ok(());
        }
        let transaction = match &mut self.transaction {
            Some(transaction) => transaction,
            none => none.insert(self.log.begin()?),
        };
        transaction.append(partition, batch)?;
        self.strict |= partition.config().flush_policy() == FlushPolicy::Always;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        for Place(place) in std::mem::take(&mut self.places).into_values() {
            let OpenBatch { partition, records, .. } = &mut self.open[place];
            if !records.is_empty() {
                let (partition, batch) = (Arc::clone(partition), records.build());
                self.append(&partition, batch)?;
            }
        }
        for (partition, mut columns) in std::mem::take(&mut self.columns).into_values() {
            for batch in columns.build()? {
                self.append(&partition, batch)?;
            }
        }
        Ok(())
    }

    /// Commits the records together with `batch`. Gives the transaction, which the state store
    /// knows until [`forget_transaction`]. After an error the transaction that is left in
    /// `undecided` waits for [`decide`].
    pub fn commit(
        mut self,
        mut batch: WriteBatch,
        backend: &dyn Backend,
        undecided: &mut Option<TransactionId>,
    ) -> Result<Option<TransactionId>> {
        self.flush()?;
        let Some(mut transaction) = self.transaction else {
            backend.write(batch)?;
            return Ok(None);
        };
        let id = transaction.prepare()?;
        *undecided = Some(id);
        batch.put(Family::Meta, transaction_key(id), []);
        backend.write(batch)?;
        if self.strict {
            // Markers that outlive the state would count what is made again from its positions.
            backend.sync()?;
        }
        transaction.commit()?;
        *undecided = None;
        Ok(Some(id))
    }

    /// Commits the records alone.
    pub fn commit_plain(mut self) -> Result<()> {
        self.flush()?;
        match self.transaction {
            Some(transaction) => Ok(transaction.commit()?),
            None => Ok(()),
        }
    }
}

impl OpenBatch {
    fn of(partition: &Arc<Partition>) -> Self {
        let bytes_max = BATCH_BYTES.min(partition.config().max_message_bytes());
        Self { partition: Arc::clone(partition), records: RecordsBuilder::new(), bytes_max }
    }
}

/// At least the bytes that a record will take.
fn size_max(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[HeaderRef<'_>]) -> usize {
    let headers = headers.iter();
    let headers = headers.map(|h| h.key.len() + h.value.map_or(0, <[u8]>::len) + RECORD_OVERHEAD);
    let parts = [key, value].into_iter().flatten().map(<[u8]>::len);
    parts.sum::<usize>() + headers.sum::<usize>() + RECORD_OVERHEAD
}

fn transaction_key(id: TransactionId) -> Vec<u8> {
    [&b"t"[..], &id.to_bytes()].concat()
}

/// Removes the record of a transaction whose end is durable.
pub fn forget_transaction(batch: &mut WriteBatch, id: TransactionId) {
    batch.delete(Family::Meta, transaction_key(id));
}

/// Ends a prepared transaction as the state store says. Says whether it counts.
pub fn decide(log: &LogStore, backend: &dyn Backend, id: TransactionId) -> Result<bool> {
    let known = backend.get(Family::Meta, &transaction_key(id))?.is_some();
    if known {
        // Only what the state store keeps may count.
        backend.sync()?;
    }
    log.resolve(id, if known { Outcome::Commit } else { Outcome::Abort })?;
    Ok(known)
}

/// Decides the transactions that a crash left prepared.
pub fn recover(log: &LogStore, backend: &dyn Backend) -> Result<()> {
    for id in log.prepared() {
        decide(log, backend, id)?;
    }
    let known = b"t".to_vec()..prefix_end(b"t");
    if backend.scan(Family::Meta, &known.start..&known.end, 1)?.is_empty() {
        return Ok(());
    }
    log.flush_outcomes()?;
    let mut batch = WriteBatch::default();
    batch.delete_range(Family::Meta, known);
    backend.write(batch)
}

/// One of a query's readers, in the order of its plan, and the partition that it reads.
pub type ReaderPartition = (usize, TopicPartition);

/// A position behind what is left of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranded {
    /// Number of the query.
    pub query: u32,
    /// What it reads.
    pub partition: TopicPartition,
    /// Where it stood.
    pub position: i64,
    /// Where the log ends, or a transaction begins whose commit is lost.
    pub cut: i64,
    /// Where it stands now.
    pub goes_on: i64,
}

/// Takes positions back to the end of a log that a loss of power has cut short. Otherwise what is
/// appended next would be taken for what the query has read already.
///
/// A log that ends in the middle of a transaction is cut where that begins: it had been committed, or
/// else nobody would have read it, and is going to be aborted. So this comes before that.
pub fn take_back_positions(log: &LogStore, backend: &dyn Backend) -> Result<Vec<Stranded>> {
    let end = prefix_end(b"p");
    let mut stranded = Vec::new();
    let mut batch = WriteBatch::default();
    for (key, value) in backend.scan(Family::Meta, b"p"..&end, usize::MAX)? {
        let Some((query, at)) = parse_position_key(&key) else { continue };
        let Ok(found) = log.partition(&at.1) else { continue };
        let (position, cut) = (position(&value)?, found.last_stable_offset().0);
        if position > cut {
            let goes_on = position.min(found.high_watermark().0);
            put_position(&mut batch, query, &at, goes_on);
            journal::lose(query, "a loss of power has cut what it reads", &mut batch);
            stranded.push(Stranded { query, partition: at.1, position, cut, goes_on });
        }
    }
    if !stranded.is_empty() {
        backend.write(batch)?;
        backend.sync()?;
    }
    Ok(stranded)
}

fn position_key(query: u32, (reader, partition): &ReaderPartition) -> Vec<u8> {
    let mut key = b"p".to_vec();
    key.extend(query.to_be_bytes());
    key.extend((*reader as u16).to_be_bytes());
    key.extend(partition.topic.as_bytes());
    key.push(0);
    key.extend(partition.partition.0.to_be_bytes());
    key
}

/// Query, reader and partition of a key that [`position_key`] gave.
pub fn parse_position_key(key: &[u8]) -> Option<(u32, ReaderPartition)> {
    let (query, rest) = key.strip_prefix(b"p")?.split_first_chunk()?;
    let (reader, rest) = rest.split_first_chunk()?;
    let (topic, partition) = rest.split_last_chunk()?;
    let topic = std::str::from_utf8(topic.strip_suffix(&[0])?).ok()?;
    let partition = PartitionId(u32::from_be_bytes(*partition));
    let partition = TopicPartition { topic: topic.into(), partition };
    let reader = usize::from(u16::from_be_bytes(*reader));
    Some((u32::from_be_bytes(*query), (reader, partition)))
}

/// Adds a reader's next offset to read to a commit.
pub fn put_position(batch: &mut WriteBatch, query: u32, at: &ReaderPartition, position: i64) {
    batch.put(Family::Meta, position_key(query, at), position.to_be_bytes());
}

/// A reader's next offset to read.
pub fn position_of(view: &dyn View, query: u32, at: &ReaderPartition) -> Result<Option<i64>> {
    let mut bytes = view.get(Family::Meta, &position_key(query, at))?;
    if bytes.is_none() {
        bytes = view.get(Family::Meta, &shared_position_key(query, &at.1))?;
    }
    bytes.map(|bytes| position(&bytes)).transpose()
}

/// The key of a position in the days when the readers of a query shared it.
fn shared_position_key(query: u32, partition: &TopicPartition) -> Vec<u8> {
    let mut key = position_key(query, &(0, partition.clone()));
    key.drain(5..7);
    key
}

fn position(bytes: &[u8]) -> Result<i64> {
    let bytes =
        bytes.try_into().map_err(|_| Error::Internal("a position has not 8 bytes".into()))?;
    Ok(i64::from_be_bytes(bytes))
}

/// Removes everything that a query has in the state store.
pub fn forget_query(batch: &mut WriteBatch, query: u32) {
    let positions = [&b"p"[..], &query.to_be_bytes()].concat();
    let end = prefix_end(&positions);
    batch.delete_range(Family::Meta, positions..end);
    super::journal::forget(query, batch);
    for family in [Family::Operator, Family::Table] {
        batch.delete_range(family, crate::state::StoreId::of_query(query));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryBackend;

    #[test]
    fn a_position_that_readers_shared_is_still_found() {
        let backend = MemoryBackend::default();
        let partition = TopicPartition::new("clicks", 3);
        let mut batch = WriteBatch::default();
        let key = [&b"p"[..], &7_u32.to_be_bytes(), b"clicks\0", &3_u32.to_be_bytes()].concat();
        batch.put(Family::Meta, key, 41_i64.to_be_bytes());
        put_position(&mut batch, 7, &(1, partition.clone()), 42);
        backend.write(batch).unwrap();
        let position = |reader| position_of(&backend, 7, &(reader, partition.clone())).unwrap();
        assert_eq!([position(0), position(1)], [Some(41), Some(42)]);
    }

    #[test]
    fn position_keys_can_be_read_back() {
        let at = (2, TopicPartition::new("clicks", 3));
        assert_eq!(parse_position_key(&position_key(7, &at)), Some((7, at)));
    }
}
