//! Which data of a partition belongs to aborted transactions.

use std::collections::HashMap;

use crate::batch::Batch;
use crate::producer::AbortedTransaction;
use crate::value::Offset;

/// The aborted transactions of a partition, by producer, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct AbortedIndex {
    by_producer: HashMap<i64, Vec<AbortedTransaction>>,
}

impl AbortedIndex {
    pub(crate) fn restore(aborted: Vec<AbortedTransaction>) -> AbortedIndex {
        let mut index = AbortedIndex::default();
        aborted.into_iter().for_each(|transaction| index.add(transaction));
        index
    }

    pub(crate) fn snapshot(&self) -> Vec<AbortedTransaction> {
        self.by_producer.values().flatten().copied().collect()
    }

    /// Adds a transaction, which ended after all others of its producer.
    pub(crate) fn add(&mut self, transaction: AbortedTransaction) {
        self.by_producer.entry(transaction.producer_id).or_default().push(transaction);
    }

    /// Whether the batch's data came to nothing.
    pub(crate) fn covers(&self, batch: &Batch) -> bool {
        if self.by_producer.is_empty() || !batch.is_transactional() {
            return false;
        }
        let Some(aborted) = self.by_producer.get(&batch.producer_id()) else { return false };
        let next_to_end =
            aborted.partition_point(|transaction| transaction.last < batch.base_offset());
        aborted.get(next_to_end).is_some_and(|transaction| transaction.first <= batch.base_offset())
    }

    /// Forgets what ended before the log begins.
    pub(crate) fn forget_before(&mut self, log_start: Offset) {
        self.by_producer.retain(|_, aborted| {
            aborted.retain(|transaction| transaction.last >= log_start);
            !aborted.is_empty()
        });
    }
}
