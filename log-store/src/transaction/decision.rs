//! A decision on its way to the partitions.
//!
//! What stands in its way, a full disk say, does not change it: whatever is not done at once is tried
//! again by upkeep, and by recovery when the store is opened anew.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::partition::Partition;
use crate::value::{Offset, Outcome, TransactionId};

/// How a transaction ends, and how far that has come.
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    pub(super) journal: JournalDuty,
    /// The partitions that have no marker yet.
    unmarked: Vec<Arc<Partition>>,
    /// The offset after the marker, by partition.
    ends: Vec<(Arc<Partition>, Offset)>,
    /// The offset after what the journal says of it.
    recorded: Option<Offset>,
}

/// What the journal has to know of a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum JournalDuty {
    /// Nothing: recovery would decide the same.
    None,
    /// It must be there, durably, before the first marker.
    Pending,
    /// It is there, until all markers are durable.
    Done,
}

impl Decision {
    pub(super) fn new(
        outcome: Outcome,
        journal: JournalDuty,
        partitions: Vec<Arc<Partition>>,
    ) -> Decision {
        Decision { outcome, journal, unmarked: partitions, ends: Vec::new(), recorded: None }
    }

    /// The same, known to be in the journal below `end`.
    pub(super) fn recorded(self, end: Offset) -> Decision {
        Decision { recorded: Some(end), ..self }
    }

    /// A decision that recovery has found in the journal, below `end`.
    pub(super) fn found(outcome: Outcome, end: Offset) -> Decision {
        Decision::new(outcome, JournalDuty::Done, Vec::new()).recorded(end)
    }

    /// Takes note of partitions that may have a marker up to their end, which must be durable.
    pub(super) fn reaches_to_the_end_of(
        &mut self,
        partitions: impl Iterator<Item = Arc<Partition>>,
    ) {
        self.ends
            .extend(partitions.map(|partition| (partition.clone(), partition.log_end_offset())));
    }

    pub(super) fn unmarked(&self) -> &[Arc<Partition>] {
        &self.unmarked
    }

    /// Whether every partition has its marker.
    pub(super) fn is_marked(&self) -> bool {
        self.unmarked.is_empty()
    }

    /// Whether every marker will survive a loss of power.
    pub(super) fn is_durable(&self) -> bool {
        let durable = |(partition, end): &(Arc<Partition>, Offset)| {
            partition.is_deleted() || partition.durable_offset() >= *end
        };
        self.is_marked() && self.ends.iter().all(durable)
    }

    /// Whether a loss of power leaves the transaction decided: by its markers, or by the journal,
    /// which is durable below `journal`.
    pub(super) fn is_known_for_good(&self, journal: Offset) -> bool {
        self.is_durable() || self.recorded.is_some_and(|end| end <= journal)
    }

    /// Writes the markers that are missing, as many as can be. Gives the first error.
    pub(super) fn mark(&mut self, id: TransactionId) -> Result<()> {
        let mut first_error = Ok(());
        for partition in std::mem::take(&mut self.unmarked) {
            match partition.append_marker(id, self.outcome) {
                // Nobody is left who could see the difference.
                Ok(()) | Err(Error::TopicDeleted(_)) => {
                    let end = partition.log_end_offset();
                    self.ends.push((partition, end));
                }
                Err(error) => {
                    self.unmarked.push(partition);
                    first_error = first_error.and(Err(error));
                }
            }
        }
        first_error
    }
}
