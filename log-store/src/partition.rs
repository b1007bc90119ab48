//! A partition: an ordered, ever growing row of records, and who may see how much of it.
//!
//! ```text
//!   log start offset        last stable offset     high watermark     log end
//!         │                        │                     │               │
//!  ───────┼────────────────────────┼─────────────────────┼───────────────┤
//!  removed│ readable by everybody  │ readable uncommitted│ not yet synced│
//! ```
//!
//! One appender at a time holds the [`Writer`]; readers never wait for it. They see batches below the
//! high watermark, or below the last stable offset, where the oldest open transaction begins. With
//! `flush.messages = 1` the high watermark follows the disk, else it is the log end.
//!
//! `append` writes, `read` reads, `unread` tells what is left to read, `flush` makes durable, `checkpoint`
//! and `recover` carry the partition over a restart, `remove` and `compact` take old records away,
//! `verify` looks for damage, `backup` copies.

mod append;
mod backup;
mod checkpoint;
mod compact;
mod flush;
mod read;
mod recover;
mod remove;
mod unread;
mod upkeep;
mod verify;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

pub use append::AppendInfo;
pub(crate) use append::Sync;
pub use read::Fetched;
pub(crate) use recover::PartitionRecovery;
pub use unread::Unread;
pub use verify::{Fault, Verification};

use crate::config::TopicConfig;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::producer::ProducerTable;
use crate::segment::Segment;
use crate::transaction::AbortedIndex;
use crate::value::{Offset, Timestamp, TopicPartition, TransactionId};
use compact::Cleaned;
use flush::GroupSync;
use upkeep::LastDone;

/// No transaction is open.
const NONE_OPEN: i64 = i64::MAX;

/// One log.
pub struct Partition {
    name: TopicPartition,
    dir: PathBuf,
    env: Arc<Env>,
    config: RwLock<Arc<TopicConfig>>,
    segments: RwLock<Vec<Arc<Segment>>>,
    log_start: AtomicI64,
    high_watermark: AtomicI64,
    first_open: AtomicI64,
    aborted: RwLock<AbortedIndex>,
    writer: Mutex<Writer>,
    group_sync: GroupSync,
    /// Held while segments are replaced or removed, or a checkpoint is written.
    upkeep: Mutex<()>,
    last_done: Mutex<LastDone>,
    cleaned: Mutex<Cleaned>,
    poison: OnceLock<String>,
    damage: OnceLock<Damage>,
    deleted: AtomicBool,
}

/// What only the appender needs.
struct Writer {
    next_offset: Offset,
    producers: ProducerTable,
    /// When the active segment got its first batch.
    active_since: Timestamp,
    /// How far the active segment's file has room.
    allocated: u64,
    /// Whether a write that failed may have left something behind the last batch.
    tail_unclean: bool,
    /// Segments that were rolled and not synced since.
    rolled: Vec<Arc<Segment>>,
    /// Whether all of the directory's entries are durable.
    dir_synced: bool,
    records_unsynced: i64,
    /// Bytes appended since the last checkpoint.
    bytes_since_checkpoint: u64,
}

/// Where a partition's log is damaged; it ends there for readers.
#[derive(Clone, Debug)]
struct Damage {
    path: PathBuf,
    position: u64,
    found: String,
}

impl Partition {
    /// The topic's name and the partition's number.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.name
    }

    /// The settings in force.
    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.read().clone()
    }

    /// The first offset that can be read.
    pub fn log_start_offset(&self) -> Offset {
        Offset(self.log_start.load(Ordering::Acquire))
    }

    /// The offset after the last record that readers may see.
    pub fn high_watermark(&self) -> Offset {
        Offset(self.high_watermark.load(Ordering::Acquire))
    }

    /// The offset after the last record of which it is decided whether it counts.
    pub fn last_stable_offset(&self) -> Offset {
        // In this order: a transaction below the high watermark seen here has registered before.
        let high_watermark = self.high_watermark.load(Ordering::Acquire);
        Offset(high_watermark.min(self.first_open.load(Ordering::Acquire)))
    }

    /// The bytes of all segments.
    pub fn size_bytes(&self) -> u64 {
        self.segments.read().iter().map(|segment| segment.len()).sum()
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.segments.read().len()
    }

    /// The transactions that have written here and are not decided.
    pub fn open_transactions(&self) -> Vec<TransactionId> {
        self.writer.lock().producers.open_transactions()
    }

    /// Why it takes no more writes, where a sync has failed.
    pub fn failure(&self) -> Option<String> {
        self.poison.get().cloned()
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(crate) fn set_config(&self, config: Arc<TopicConfig>) {
        *self.config.write() = config;
    }

    /// Refuses whoever comes now; who is writing right now finishes first.
    pub(crate) fn mark_deleted(&self) {
        let _writer = self.writer.lock();
        self.deleted.store(true, Ordering::SeqCst);
        self.env.notifier.notify(&self.name);
    }

    fn check_readable(&self) -> Result<()> {
        self.env.check_open()?;
        if self.deleted.load(Ordering::Relaxed) {
            return Err(Error::TopicDeleted(self.name.topic.to_string()));
        }
        Ok(())
    }

    fn check_writable(&self) -> Result<()> {
        self.check_readable()?;
        match self.poison.get() {
            Some(cause) => {
                Err(Error::Poisoned { partition: self.name.clone(), cause: cause.clone() })
            }
            None => Ok(()),
        }
    }

    /// Takes no more writes until the store is opened anew.
    fn poison(&self, cause: &Error) {
        if self.poison.set(cause.to_string()).is_ok() {
            tracing::error!(partition = %self.name, %cause, "partition takes no more writes");
        }
    }

    /// A sync that failed has lost nobody knows what; any other error may pass.
    fn poison_if_sync_failed(&self, error: &Error) {
        if error.is_failed_sync() {
            self.poison(error);
        }
    }

    /// Sets what readers may know of open transactions; before they may see the data.
    fn publish_transactions(&self, writer: &Writer) {
        let first_open = writer.producers.first_open().map_or(NONE_OPEN, |offset| offset.0);
        self.first_open.store(first_open, Ordering::Release);
    }

    fn publish_high_watermark(&self, end: Offset) {
        self.high_watermark.fetch_max(end.0, Ordering::AcqRel);
    }
}
