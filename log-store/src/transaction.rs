//! Transactions over several partitions.
//!
//! ```text
//!            append…            prepare             commit, or resolve(Commit)
//!   (begin) ─────────► ongoing ────────► prepared ──────────────────────────────► committed
//!                         │                  │        abort, or resolve(Abort)
//!                         └──────────────────┴──────────────────────────────────► aborted
//! ```
//!
//! Data goes into the partitions at once, marked with the transaction's producer; a marker in each
//! partition ends it there. A prepared transaction survives a crash and waits for
//! [`LogStore::resolve`](crate::LogStore::resolve), so that another store can decide. One that was
//! not prepared is aborted when the store is opened again.
//!
//! Every transaction of a producer has an epoch of its own, so producer and epoch name it for ever,
//! and a producer that is done is used again for the next transaction. Nothing is written to begin
//! one; preparing and deciding write one small record each to the [`Journal`].

mod aborted;
mod coordinator;
mod decision;
mod journal;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

pub(crate) use aborted::AbortedIndex;
pub(crate) use coordinator::Coordinator;
pub(crate) use journal::{JOURNAL_TOPIC, Journal};

use crate::batch::{AppendBatch, Attributes};
use crate::error::{Error, Result};
use crate::log_store::LogStore;
use crate::partition::{AppendInfo, Partition, Sync};
use crate::producer::sequence_after;
use crate::value::{Offset, Outcome, ProducerIdentity, TopicPartition, TransactionId};

/// A transaction under way. Dropping it aborts it, unless it is prepared: then it waits for
/// [`LogStore::resolve`].
pub struct Transaction {
    store: LogStore,
    id: TransactionId,
    work: Arc<Work>,
    /// The transactional id, if the producer has one; others are used again.
    named: Option<String>,
}

/// What a transaction shares with a successor that may fence it.
#[derive(Default)]
pub(crate) struct Work {
    fenced: AtomicBool,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    phase: Phase,
    touched: HashMap<TopicPartition, Touched>,
}

/// A partition that a transaction has written to.
#[derive(Clone)]
pub(crate) struct Touched {
    pub(crate) partition: Arc<Partition>,
    next_sequence: i32,
    pub(crate) end: Offset,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Ongoing,
    /// To prepare or commit it has failed, and the journal may know of that or not.
    Doubtful,
    Prepared,
    Ended,
}

impl Transaction {
    pub(crate) fn new(
        store: LogStore,
        id: TransactionId,
        work: Arc<Work>,
        named: Option<String>,
    ) -> Transaction {
        Transaction { store, id, work, named }
    }

    /// The transaction's name.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// Appends a batch as part of the transaction.
    pub fn append(&mut self, partition: &Arc<Partition>, batch: AppendBatch) -> Result<AppendInfo> {
        let mut progress = self.work.progress.lock();
        self.check_ongoing(&progress)?;
        let name = partition.topic_partition();
        let sequence = progress.touched.get(name).map_or(0, |touched| touched.next_sequence);
        let records = batch.record_count() as i32;
        let batch = batch
            .with_producer(self.id.producer(), sequence)
            .with_attribute(Attributes::TRANSACTIONAL);
        // Also where this fails, something may be there that needs a marker.
        let touched = progress.touched.entry(name.clone()).or_insert_with(|| Touched {
            partition: partition.clone(),
            next_sequence: 0,
            end: Offset::ZERO,
        });
        let info = partition.append_with(batch, Sync::Later)?;
        touched.next_sequence = sequence_after(sequence, records);
        touched.end = info.last_offset + 1;
        Ok(info)
    }

    /// Makes the transaction wait for its outcome, also over a crash. What it wrote is as durable
    /// afterwards as the topics' flush policies promise.
    pub fn prepare(&mut self) -> Result<TransactionId> {
        let mut progress = self.work.progress.lock();
        self.check_ongoing(&progress)?;
        progress.phase = Phase::Doubtful;
        self.store.coordinator().prepare(self.id, progress.partitions(), self.named.is_none())?;
        progress.phase = Phase::Prepared;
        Ok(self.id)
    }

    /// Makes what was written count.
    pub fn commit(self) -> Result<()> {
        self.end(Outcome::Commit)
    }

    /// Makes what was written count for nothing.
    pub fn abort(self) -> Result<()> {
        self.end(Outcome::Abort)
    }

    fn end(&self, outcome: Outcome) -> Result<()> {
        let mut progress = self.work.progress.lock();
        if progress.phase == Phase::Prepared {
            self.store.coordinator().resolve(self.id, outcome)?;
            progress.phase = Phase::Ended;
            return Ok(());
        }
        match outcome {
            Outcome::Commit => {
                self.check_ongoing(&progress)?;
                progress.phase = Phase::Doubtful;
                self.store.coordinator().commit(self.id, progress.partitions())?;
                progress.phase = Phase::Ended;
            }
            Outcome::Abort => {
                self.check_fenced()?;
                progress.abort(self.store.coordinator(), self.id)?;
            }
        }
        if self.named.is_none() {
            self.store.coordinator().reuse(self.id);
        }
        Ok(())
    }

    fn check_fenced(&self) -> Result<()> {
        if !self.work.fenced.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = self.named.clone().unwrap_or_default();
        Err(Error::Fenced {
            partition: format!("transactional id '{name}'"),
            found: self.id.producer(),
            current: self.id.epoch.saturating_add(1),
        })
    }

    fn check_ongoing(&self, progress: &Progress) -> Result<()> {
        self.check_fenced()?;
        let state = match progress.phase {
            Phase::Ongoing => return Ok(()),
            Phase::Doubtful => "could not be prepared, it can only be aborted",
            Phase::Prepared => "is prepared, it can only end",
            Phase::Ended => "has ended",
        };
        Err(Error::InvalidInput(format!("transaction {} {state}", self.id)))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let open = matches!(self.work.progress.lock().phase, Phase::Ongoing | Phase::Doubtful);
        if !open || self.work.fenced.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.end(Outcome::Abort) {
            tracing::warn!(transaction = %self.id, %error, "transaction is not aborted everywhere yet");
        }
    }
}

impl Progress {
    /// Aborts what is neither prepared nor over. Whatever comes of it now, the coordinator sees to
    /// it from here on.
    fn abort(&mut self, coordinator: &Coordinator, id: TransactionId) -> Result<()> {
        let phase = self.phase;
        if !matches!(phase, Phase::Ongoing | Phase::Doubtful) {
            return Ok(());
        }
        self.phase = Phase::Ended;
        match phase {
            Phase::Doubtful => coordinator.abort_doubtful(id, self.partitions()),
            _ => coordinator.abort(id, self.partitions()),
        }
    }

    fn partitions(&self) -> Vec<Touched> {
        let mut touched: Vec<Touched> = self.touched.values().cloned().collect();
        touched.sort_by(|a, b| a.partition.topic_partition().cmp(b.partition.topic_partition()));
        touched
    }
}

impl Work {
    /// Shuts the transaction's owner out and aborts what is not prepared.
    pub(crate) fn fence(&self, coordinator: &Coordinator, id: TransactionId) -> Result<()> {
        self.fenced.store(true, Ordering::SeqCst);
        self.progress.lock().abort(coordinator, id)
    }
}

/// Writes under a transactional id: whoever takes the id next fences this one.
pub struct TransactionalProducer {
    store: LogStore,
    name: String,
    identity: ProducerIdentity,
    lease: Arc<Lease>,
}

/// What a producer shares with whoever takes its transactional id next.
#[derive(Default)]
pub(crate) struct Lease {
    lost: AtomicBool,
    current: Mutex<Option<(TransactionId, Arc<Work>)>>,
}

impl Lease {
    /// Takes the transactional id away.
    pub(crate) fn revoke(&self, coordinator: &Coordinator) -> Result<()> {
        let current = self.current.lock();
        self.lost.store(true, Ordering::SeqCst);
        match &*current {
            Some((id, work)) => work.fence(coordinator, *id),
            None => Ok(()),
        }
    }
}

impl TransactionalProducer {
    pub(crate) fn new(
        store: LogStore,
        name: String,
        id: i64,
        lease: Arc<Lease>,
    ) -> TransactionalProducer {
        TransactionalProducer { store, name, identity: ProducerIdentity { id, epoch: 0 }, lease }
    }

    /// Begins the producer's next transaction; the one before is aborted if it is still under way.
    pub fn begin(&mut self) -> Result<Transaction> {
        let mut current = self.lease.current.lock();
        if self.lease.lost.load(Ordering::SeqCst) {
            return Err(self.fenced());
        }
        let coordinator = self.store.coordinator();
        if let Some((id, work)) = current.take() {
            work.fence(coordinator, id)?;
            // A partition that does not know of its end would take the next one for the same.
            if !coordinator.is_settled(id) {
                self.identity = coordinator.new_producer()?;
            }
        }
        let id = TransactionId { producer_id: self.identity.id, epoch: self.identity.epoch };
        self.identity = coordinator.next_epoch(self.identity)?;
        let work = Arc::<Work>::default();
        *current = Some((id, work.clone()));
        Ok(Transaction::new(self.store.clone(), id, work, Some(self.name.clone())))
    }

    fn fenced(&self) -> Error {
        Error::Fenced {
            partition: format!("transactional id '{}'", self.name),
            found: self.identity,
            current: self.identity.epoch.saturating_add(1),
        }
    }
}

/// Writes without gaps and without repetitions, however often a batch is sent.
pub struct IdempotentProducer {
    identity: ProducerIdentity,
    next_sequences: HashMap<TopicPartition, i32>,
}

impl IdempotentProducer {
    pub(crate) fn new(identity: ProducerIdentity) -> IdempotentProducer {
        IdempotentProducer { identity, next_sequences: HashMap::new() }
    }

    /// Who writes.
    pub fn identity(&self) -> ProducerIdentity {
        self.identity
    }

    /// Appends a batch under the next number. After an error the same batch may be given again:
    /// if it was written after all, it is not written twice.
    pub fn append(&mut self, partition: &Partition, batch: AppendBatch) -> Result<AppendInfo> {
        let next = self.next_sequences.entry(partition.topic_partition().clone()).or_default();
        let after = sequence_after(*next, batch.record_count() as i32);
        let info = partition.append(batch.with_producer(self.identity, *next))?;
        *next = after;
        Ok(info)
    }
}
