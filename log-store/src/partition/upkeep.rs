//! What a partition needs now and then.

use super::Partition;
use crate::config::FlushPolicy;
use crate::error::Result;
use crate::value::{Offset, Timestamp};

/// A checkpoint is due after so many bytes: recovery reads no more than about this.
const CHECKPOINT_BYTES: u64 = 64 * 1024 * 1024;
/// A checkpoint is due after this time if anything was appended.
const CHECKPOINT_MS: i64 = 60_000;
/// How long a producer is remembered that does not write.
const PRODUCER_EXPIRATION_MS: i64 = 24 * 60 * 60 * 1000;

/// When things were last done.
#[derive(Debug)]
pub(super) struct LastDone {
    flush: Timestamp,
    checkpoint: Timestamp,
}

impl LastDone {
    pub(super) fn at(now: Timestamp) -> LastDone {
        LastDone { flush: now, checkpoint: now }
    }
}

impl Partition {
    /// Does what is due.
    pub(crate) fn maintain(&self) -> Result<()> {
        if self.check_writable().is_err() {
            return Ok(());
        }
        let now = self.env.now();
        self.flush_if_due(now)?;
        self.apply_retention(now)?;
        self.compact_if_due(now)?;
        self.checkpoint_if_due(now)
    }

    /// Makes durable what has waited for its time.
    pub(crate) fn flush_due(&self) -> Result<()> {
        if self.check_writable().is_err() { Ok(()) } else { self.flush_if_due(self.env.now()) }
    }

    fn flush_if_due(&self, now: Timestamp) -> Result<()> {
        let FlushPolicy::Interval { ms, .. } = self.config().flush_policy() else { return Ok(()) };
        let due = now.0 - self.last_done.lock().flush.0 >= ms;
        if !due || self.durable_offset() >= self.log_end_offset() {
            return Ok(());
        }
        self.last_done.lock().flush = now;
        self.flush()
    }

    fn checkpoint_if_due(&self, now: Timestamp) -> Result<()> {
        let bytes = self.bytes_since_checkpoint();
        let old = now.0 - self.last_done.lock().checkpoint.0 >= CHECKPOINT_MS;
        if bytes < CHECKPOINT_BYTES && !(old && bytes > 0) {
            return Ok(());
        }
        self.last_done.lock().checkpoint = now;
        self.writer.lock().producers.expire(Timestamp(now.0 - PRODUCER_EXPIRATION_MS));
        self.checkpoint()
    }

    /// The offset after the last batch, which readers may not see yet.
    pub(crate) fn log_end_offset(&self) -> Offset {
        self.writer.lock().next_offset
    }
}
