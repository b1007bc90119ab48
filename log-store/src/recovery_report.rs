//! What opening a store found.

use std::fmt;
use std::path::PathBuf;

use crate::partition::PartitionRecovery;
use crate::value::{Offset, TopicPartition, TransactionId};

/// What opening a store found; empty after a clean close.
#[derive(Clone, Debug, Default)]
pub struct RecoveryReport {
    /// Bytes of log that had to be read.
    pub bytes_scanned: u64,
    /// Tails that were cut off because a crash had left them unfinished.
    pub cut: Vec<CutTail>,
    /// Partitions that are damaged; they are readable up to there and take no writes.
    pub damaged: Vec<DamagedPartition>,
    /// Transactions that are aborted because they had not been prepared.
    pub aborted: Vec<TransactionId>,
}

/// The end of a log that was not completely written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutTail {
    /// Whose log.
    pub partition: TopicPartition,
    /// The segment's file.
    pub path: PathBuf,
    /// From where on it was cut.
    pub position: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// The next offset to be written.
    pub next_offset: Offset,
}

/// A log that does not hold what was written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedPartition {
    /// Whose log.
    pub partition: TopicPartition,
    /// The offset up to which it is readable.
    pub readable_to: Offset,
    /// What was found where.
    pub fault: String,
}

impl RecoveryReport {
    pub(crate) fn add(
        &mut self,
        partition: &TopicPartition,
        next_offset: Offset,
        found: PartitionRecovery,
    ) {
        self.bytes_scanned += found.bytes_scanned;
        self.cut.extend(found.torn.map(|torn| CutTail {
            partition: partition.clone(),
            path: torn.path,
            position: torn.position,
            bytes: torn.bytes,
            next_offset,
        }));
        self.damaged.extend(found.damage.map(|fault| DamagedPartition {
            partition: partition.clone(),
            readable_to: next_offset,
            fault,
        }));
    }

    /// Whether there is nothing that anybody should be told.
    pub fn is_clean(&self) -> bool {
        self.cut.is_empty() && self.damaged.is_empty() && self.aborted.is_empty()
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cut in &self.cut {
            writeln!(
                f,
                "{}: cut {} unfinished bytes at byte {} of {}, the log goes on at offset {}",
                cut.partition,
                cut.bytes,
                cut.position,
                cut.path.display(),
                cut.next_offset
            )?;
        }
        for damaged in &self.damaged {
            writeln!(
                f,
                "{}: readable up to offset {}, {}",
                damaged.partition, damaged.readable_to, damaged.fault
            )?;
        }
        for id in &self.aborted {
            writeln!(f, "transaction {id} was not prepared and is aborted")?;
        }
        Ok(())
    }
}
