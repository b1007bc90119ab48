//! Decides transactions and sees to it that a decision reaches every partition.
//!
//! The order of writes is what makes it safe. Before another store may decide, data and the journal's
//! *prepared* record are durable as the topics promise. Before the first marker of a decision that
//! was made here, the journal has the decision. The journal forgets a transaction only when all its
//! markers are durable. So after a crash every open transaction is either unknown to the journal,
//! and is aborted; or prepared, and waits; or decided, and gets the markers that are missing.
//!
//! Where a write to the journal fails, nobody knows whether it is there. Such a transaction can only
//! be aborted, and only after the journal durably says so.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::decision::{Decision, JournalDuty};
use super::journal::{Journal, JournalEntry, JournalState};
use super::{Lease, Touched};
use crate::config::FlushPolicy;
use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::io::Io;
use crate::partition::Partition;
use crate::value::{Outcome, ProducerIdentity, TransactionId};

/// All that is known of transactions across partitions.
pub(crate) struct Coordinator {
    io: Arc<dyn Io>,
    ids: Arc<Mutex<Ids>>,
    journal: Journal,
    /// Producers whose last transaction has ended, with the epoch for the next.
    idle: Mutex<Vec<ProducerIdentity>>,
    leases: Mutex<HashMap<String, Arc<Lease>>>,
    prepared: Mutex<BTreeMap<TransactionId, Prepared>>,
    /// Found open and not prepared, with where they are.
    unprepared: Mutex<BTreeMap<TransactionId, Vec<Arc<Partition>>>>,
    /// Decided, and either not everywhere yet or not forgotten by the journal.
    decided: Mutex<BTreeMap<TransactionId, Decision>>,
}

/// A transaction that waits for its outcome.
#[derive(Clone)]
struct Prepared {
    partitions: Vec<Arc<Partition>>,
    /// Whether nobody else holds its producer.
    reusable: bool,
}

impl Coordinator {
    pub(crate) fn new(io: Arc<dyn Io>, ids: Arc<Mutex<Ids>>, journal: Journal) -> Coordinator {
        Coordinator {
            io,
            ids,
            journal,
            idle: Mutex::default(),
            leases: Mutex::default(),
            prepared: Mutex::default(),
            unprepared: Mutex::default(),
            decided: Mutex::default(),
        }
    }

    /// Brings every transaction that a crash left open to its end, unless somebody else must
    /// decide. Gives those that nobody had prepared, for [`Self::abort_unprepared`].
    pub(crate) fn recover(&self, partitions: &[Arc<Partition>]) -> Result<Vec<TransactionId>> {
        let entries = self.journal.load()?;
        for (id, open_in) in open_transactions(partitions) {
            match entries.get(&id).map(|entry| entry.state) {
                Some(JournalState::Prepared) => {}
                Some(JournalState::Decided(outcome)) => {
                    let decision = Decision::new(outcome, JournalDuty::Done, open_in);
                    self.carry_out_in_time(id, decision.recorded(self.journal.end()));
                }
                None => drop(self.unprepared.lock().insert(id, open_in)),
            }
        }
        self.restore(entries, partitions);
        Ok(self.unprepared.lock().keys().copied().collect())
    }

    /// Aborts what was found open and not prepared.
    pub(crate) fn abort_unprepared(&self) {
        for (id, open_in) in std::mem::take(&mut *self.unprepared.lock()) {
            self.carry_out_in_time(id, Decision::new(Outcome::Abort, JournalDuty::None, open_in));
        }
    }

    fn restore(
        &self,
        entries: BTreeMap<TransactionId, JournalEntry>,
        partitions: &[Arc<Partition>],
    ) {
        for (id, entry) in entries {
            let written = partitions
                .iter()
                .filter(|p| entry.partitions.contains(p.topic_partition()))
                .cloned();
            match entry.state {
                JournalState::Prepared => {
                    let prepared = Prepared { partitions: written.collect(), reusable: false };
                    self.prepared.lock().insert(id, prepared);
                }
                JournalState::Decided(outcome) => {
                    let mut decided = self.decided.lock();
                    let found = || Decision::found(outcome, self.journal.end());
                    let decision = decided.entry(id).or_insert_with(found);
                    decision.reaches_to_the_end_of(written);
                }
            }
        }
    }

    /// A producer for one transaction.
    pub(crate) fn begin(&self) -> Result<TransactionId> {
        let identity = match self.idle.lock().pop() {
            Some(identity) => identity,
            None => self.new_producer()?,
        };
        Ok(TransactionId { producer_id: identity.id, epoch: identity.epoch })
    }

    /// A producer that nobody has used.
    pub(crate) fn new_producer(&self) -> Result<ProducerIdentity> {
        Ok(ProducerIdentity { id: self.ids.lock().producer(&*self.io)?, epoch: 0 })
    }

    /// Takes the producer of a transaction that has ended back, unless a partition does not know of
    /// that end: it would take the next transaction for the same one.
    pub(crate) fn reuse(&self, id: TransactionId) {
        let epoch = id.epoch.checked_add(1).filter(|_| self.is_settled(id));
        if let Some(epoch) = epoch {
            self.idle.lock().push(ProducerIdentity { epoch, id: id.producer_id });
        }
    }

    /// The identity for the transaction after that of `identity`.
    pub(crate) fn next_epoch(&self, identity: ProducerIdentity) -> Result<ProducerIdentity> {
        match identity.epoch.checked_add(1) {
            Some(epoch) => Ok(ProducerIdentity { epoch, ..identity }),
            None => self.new_producer(),
        }
    }

    /// Gives a transactional id to a new owner and fences the one before.
    pub(crate) fn lease(&self, name: &str) -> Result<(i64, Arc<Lease>)> {
        let mut leases = self.leases.lock();
        if let Some(former) = leases.get(name) {
            former.revoke(self)?;
        }
        let identity = self.new_producer()?;
        let lease = Arc::<Lease>::default();
        leases.insert(name.to_owned(), lease.clone());
        Ok((identity.id, lease))
    }

    /// Lets another store decide. After an error the transaction is doubtful. One that has written
    /// nothing needs no record: nothing depends on its outcome.
    pub(super) fn prepare(
        &self,
        id: TransactionId,
        touched: Vec<Touched>,
        reusable: bool,
    ) -> Result<()> {
        let strict = sync_as_promised(&touched)?;
        let partitions = partitions_of(touched);
        if !partitions.is_empty() {
            self.journal.write(id, JournalState::Prepared, &partitions, strict)?;
        }
        self.prepared.lock().insert(id, Prepared { partitions, reusable });
        Ok(())
    }

    /// Commits a transaction that was not prepared. After an error it is doubtful.
    pub(super) fn commit(&self, id: TransactionId, touched: Vec<Touched>) -> Result<()> {
        if touched.is_empty() {
            return Ok(());
        }
        let strict = sync_as_promised(&touched)?;
        let partitions = partitions_of(touched);
        if let [partition] = &partitions[..] {
            // In a single partition the marker is the decision.
            Decision::new(Outcome::Commit, JournalDuty::None, partitions.clone()).mark(id)?;
            return if strict { partition.flush() } else { Ok(()) };
        }
        let decided = JournalState::Decided(Outcome::Commit);
        let end = self.journal.write(id, decided, &partitions, strict)?;
        let decision = Decision::new(Outcome::Commit, JournalDuty::Done, partitions);
        self.carry_out_in_time(id, decision.recorded(end));
        Ok(())
    }

    /// Aborts a transaction that was not prepared. An abort needs no record: it is what recovery
    /// would do.
    pub(super) fn abort(&self, id: TransactionId, touched: Vec<Touched>) -> Result<()> {
        let partitions = partitions_of(touched);
        self.carry_out(id, Decision::new(Outcome::Abort, JournalDuty::None, partitions))
    }

    /// Aborts a transaction of which nobody knows whether the journal calls it prepared or committed.
    pub(super) fn abort_doubtful(&self, id: TransactionId, touched: Vec<Touched>) -> Result<()> {
        let partitions = partitions_of(touched);
        self.carry_out(id, Decision::new(Outcome::Abort, JournalDuty::Pending, partitions))
    }

    /// Ends a prepared transaction.
    pub(crate) fn resolve(&self, id: TransactionId, outcome: Outcome) -> Result<()> {
        let prepared =
            self.prepared.lock().get(&id).cloned().ok_or(Error::UnknownTransaction(id))?;
        if !prepared.partitions.is_empty() {
            let decided = JournalState::Decided(outcome);
            let end = self.journal.write(id, decided, &prepared.partitions, false)?;
            let decision = Decision::new(outcome, JournalDuty::Done, prepared.partitions);
            self.carry_out_in_time(id, decision.recorded(end));
        }
        self.prepared.lock().remove(&id);
        if prepared.reusable {
            self.reuse(id);
        }
        Ok(())
    }

    pub(crate) fn prepared(&self) -> Vec<TransactionId> {
        self.prepared.lock().keys().copied().collect()
    }

    /// Whether a loss of power leaves a transaction that was prepared ended as it is.
    pub(crate) fn is_ended_durably(&self, id: TransactionId) -> bool {
        let journal = self.journal.durable_offset();
        let is_prepared = self.prepared.lock().contains_key(&id);
        // One that the journal has forgotten has durable markers.
        !is_prepared && self.decided.lock().get(&id).is_none_or(|d| d.is_known_for_good(journal))
    }

    /// Makes the end of every transaction that has ended durable.
    pub(crate) fn flush(&self) -> Result<()> {
        self.journal.flush()
    }

    /// Whether the transaction's end has reached every partition, so that its producer may go on.
    pub(super) fn is_settled(&self, id: TransactionId) -> bool {
        self.decided.lock().get(&id).is_none_or(Decision::is_marked)
    }

    /// Carries out a decision that stands, whatever is in its way right now.
    fn carry_out_in_time(&self, id: TransactionId, decision: Decision) {
        if let Err(error) = self.carry_out(id, decision) {
            tracing::warn!(transaction = %id, %error, "transaction has not ended everywhere yet");
        }
    }

    /// Does what a decision needs; what cannot be done now is left to upkeep.
    fn carry_out(&self, id: TransactionId, mut decision: Decision) -> Result<()> {
        let done = self.write_down(id, &mut decision).and_then(|()| decision.mark(id));
        if done.is_err() || decision.journal != JournalDuty::None {
            self.decided.lock().insert(id, decision);
        }
        done
    }

    fn write_down(&self, id: TransactionId, decision: &mut Decision) -> Result<()> {
        if decision.journal == JournalDuty::Pending {
            let state = JournalState::Decided(decision.outcome);
            self.journal.write(id, state, decision.unmarked(), true)?;
            decision.journal = JournalDuty::Done;
        }
        Ok(())
    }

    /// Goes on with the decisions that have not come everywhere, and lets the journal forget those
    /// that have, durably.
    pub(crate) fn maintain(&self) -> Result<()> {
        let mut first_error = Ok(());
        let unfinished: Vec<(TransactionId, Decision)> =
            self.decided.lock().extract_if(.., |_, decision| !decision.is_marked()).collect();
        for (id, decision) in unfinished {
            first_error = first_error.and(self.carry_out(id, decision));
        }
        first_error.and(self.forget_durable())
    }

    fn forget_durable(&self) -> Result<()> {
        let durable: Vec<TransactionId> = {
            let decided = self.decided.lock();
            let durable = decided.iter().filter(|(_, decision)| decision.is_durable());
            durable.map(|(id, _)| *id).collect()
        };
        self.journal.forget(&durable)?;
        let mut decided = self.decided.lock();
        durable.iter().for_each(|id| drop(decided.remove(id)));
        Ok(())
    }
}

fn partitions_of(touched: Vec<Touched>) -> Vec<Arc<Partition>> {
    touched.into_iter().map(|touched| touched.partition).collect()
}

/// The transactions that are open, with where they are.
fn open_transactions(
    partitions: &[Arc<Partition>],
) -> BTreeMap<TransactionId, Vec<Arc<Partition>>> {
    let mut open = BTreeMap::<_, Vec<_>>::new();
    for partition in partitions {
        for id in partition.open_transactions() {
            open.entry(id).or_default().push(partition.clone());
        }
    }
    open
}

/// Syncs the partitions that promise to be durable before an acknowledgement; says whether there
/// are any.
fn sync_as_promised(touched: &[Touched]) -> Result<bool> {
    let mut strict = false;
    for touched in touched {
        if touched.partition.config().flush_policy() == FlushPolicy::Always {
            match touched.partition.sync_through(touched.end) {
                // What is gone need not last.
                Err(Error::TopicDeleted(_)) => continue,
                synced => synced?,
            }
            strict = true;
        }
    }
    Ok(strict)
}
