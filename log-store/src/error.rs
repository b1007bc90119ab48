//! The one error of this crate. A variant answers who must act.

use std::io;
use std::path::{Path, PathBuf};

use crate::io::is_out_of_handles;
use crate::value::{Offset, ProducerIdentity, TopicPartition, TransactionId};

/// A result whose error is the log store's.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, by who can put it right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── Whoever asked must ask differently ──────────────────────────────────────────────────
    /// The request makes no sense as it stands.
    #[error("{0}")]
    InvalidInput(String),
    /// There is no such topic.
    #[error("no topic named '{name}'{}", hint(.near_miss))]
    UnknownTopic {
        /// The name asked for.
        name: String,
        /// An existing name that looks like it.
        near_miss: Option<String>,
    },
    /// There is such a topic already.
    #[error("topic '{0}' exists already")]
    TopicExists(String),
    /// The topic was deleted while the caller held on to it.
    #[error("topic '{0}' was deleted")]
    TopicDeleted(String),
    /// The topic has no such partition.
    #[error("topic '{topic}' has partitions 0 to {}, found {partition}", .count.saturating_sub(1))]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many the topic has.
        count: u32,
    },
    /// There is no such consumer group.
    #[error("no consumer group named '{name}'{}", hint(.near_miss))]
    UnknownGroup {
        /// The name asked for.
        name: String,
        /// An existing name that looks like it.
        near_miss: Option<String>,
    },
    /// The offset is outside what the partition holds.
    #[error("{partition} holds offsets {start} to {end}, found {found}")]
    OffsetOutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The offset asked for.
        found: Offset,
        /// The log start offset.
        start: Offset,
        /// The high watermark.
        end: Offset,
    },
    /// No transaction of that name is waiting for its outcome.
    #[error("no prepared transaction {0}")]
    UnknownTransaction(TransactionId),

    // ── The producer must stop or start over ────────────────────────────────────────────────
    /// A successor has taken over the producer's identity.
    #[error("producer {found} of {partition} was fenced, epoch {current} has taken over")]
    Fenced {
        /// The partition that refused the batch, or the transactional id.
        partition: String,
        /// Who was refused.
        found: ProducerIdentity,
        /// The epoch that rules now.
        current: i16,
    },
    /// A batch is missing between the last one and this one.
    #[error("{partition} expected sequence {expected} from producer {producer}, found {found}")]
    OutOfOrderSequence {
        /// The partition that refused the batch.
        partition: TopicPartition,
        /// The producer.
        producer: ProducerIdentity,
        /// The sequence that would follow.
        expected: i32,
        /// The sequence of the refused batch.
        found: i32,
    },

    // ── Whoever runs the store must look at the machine ─────────────────────────────────────
    /// Another process has the directory.
    #[error("{} is in use by process {holder}", .path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// The process id as found in the lock file, or `unknown`.
        holder: String,
    },
    /// The operating system refused.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("{} is damaged at byte {position}: expected {expected}, found {found}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The partition takes no more writes until the store is opened anew.
    #[error("{partition} takes no writes until it is reopened: {cause}")]
    Poisoned {
        /// The partition.
        partition: TopicPartition,
        /// What happened to it.
        cause: String,
    },
    /// The store was closed.
    #[error("the log store is closed")]
    Closed,
}

impl Error {
    pub(crate) fn corrupt(
        path: &Path,
        position: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Corrupt {
            path: path.to_owned(),
            position,
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Whether the disk is full, which passes without a restart once there is room again.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Whether the disk refused to make something durable, so that nobody knows what it has kept.
    pub(crate) fn is_failed_sync(&self) -> bool {
        // Without a handle nothing was asked of the disk.
        matches!(self, Error::Io { operation: "sync", .. }) && !self.is_out_of_file_handles()
    }

    /// Whether the process has too many files open.
    pub fn is_out_of_file_handles(&self) -> bool {
        matches!(self, Error::Io { source, .. } if is_out_of_handles(source))
    }
}

/// Says what was tried on which file when an operation of the operating system fails.
pub(crate) trait IoContext<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { operation, path: path.to_owned(), source })
    }
}

fn hint(near_miss: &Option<String>) -> String {
    near_miss.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}
