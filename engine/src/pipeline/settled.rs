//! Transactions of a query whose commit markers are written.
//!
//! The state store knows a committed transaction until the log would decide it by itself: before
//! that, a loss of power may leave it prepared, and then only the state store can say that it
//! counts.

use std::collections::VecDeque;

use log_store::{LogStore, TransactionId};

use super::commit::forget_transaction;
use crate::error::Result;
use crate::state::WriteBatch;

/// As many may wait for the log's upkeep; then a commit makes their end durable itself.
const WAITING_MAX: usize = 1024;

/// The transactions, oldest first.
#[derive(Default)]
pub struct Settled {
    waiting: VecDeque<TransactionId>,
}

impl Settled {
    /// Adds one whose markers are written.
    pub fn add(&mut self, id: TransactionId) {
        self.waiting.push_back(id);
    }

    /// Lets a commit forget those whose end is durable.
    pub fn forget_durable(&mut self, log: &LogStore, batch: &mut WriteBatch) -> Result<()> {
        if self.waiting.len() >= WAITING_MAX {
            log.flush_outcomes()?;
        }
        while let Some(id) = self.waiting.pop_front_if(|id| log.is_ended_durably(*id)) {
            forget_transaction(batch, id);
        }
        Ok(())
    }

    /// Lets a commit forget all of them. Where their end cannot be made durable they stay until the
    /// data is opened again.
    pub fn forget_all(&mut self, log: &LogStore, batch: &mut WriteBatch) {
        if self.waiting.is_empty() {
            return;
        }
        match log.flush_outcomes() {
            Ok(()) => self.waiting.drain(..).for_each(|id| forget_transaction(batch, id)),
            Err(error) => tracing::warn!(%error, "transactions stay known to the state store"),
        }
    }
}
