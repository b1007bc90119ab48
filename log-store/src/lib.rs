//! Topics, partitions, segments: the log that Millstream keeps.
//!
//! A [`LogStore`] is a directory of topics. A [`Topic`] has [`Partition`]s, each an ordered log of
//! batches in Kafka's format. Writers append batches, readers get slices of the memory map, and
//! [`Transaction`]s make batches in several partitions count together. `FORMAT.md` draws every byte.
//!
//! The life of a batch:
//!
//! 1. [`RecordsBuilder`] or [`ColumnarBuilder`] lays the payload out as it will lie in the file.
//! 2. [`Partition::append`] takes its checksum, then, holding the partition's writer, asks the
//!    producer table whether it is new, gives it its offsets, and writes it behind the last one.
//! 3. It becomes visible: at once, or, with `flush.messages = 1`, when a sync that all waiting writers
//!    share has made it durable. Listeners are told.
//! 4. [`Partition::read`] finds its segment and position, compares the checksum the first time, and
//!    hands out a slice of the memory map; that of aborted transactions is stepped over.
//! 5. Upkeep names it in a checkpoint, so that opening the store need not read it; and removes it
//!    with its segment, or record by record when newer ones have the same keys.
//!
//! What this crate does not do: it does not look into keys, values or columns, it has no async
//! runtime, and it never speaks to a network.
//!
//! ```
//! use log_store::{Isolation, LogStore, Offset, RecordsBuilder, Timestamp, TopicConfig};
//!
//! # fn main() -> log_store::Result<()> {
//! let store = LogStore::in_memory();
//! let clicks = store.create_topic("clicks", 1, TopicConfig::default())?;
//! let partition = &clicks.partitions()[0];
//!
//! let mut records = RecordsBuilder::new();
//! records.push(Some(b"anna"), Some(b"home"), Timestamp(1_000), &[]);
//! records.push(Some(b"ben"), None, Timestamp(2_000), &[]);
//! partition.append(records.build())?;
//!
//! // The same inside of a transaction, which another store may decide.
//! let mut transaction = store.begin()?;
//! records.push(Some(b"anna"), Some(b"cart"), Timestamp(3_000), &[]);
//! transaction.append(partition, records.build())?;
//! let id = transaction.prepare()?;
//! drop(transaction);
//! assert_eq!(store.prepared(), [id]);
//! assert_eq!(partition.last_stable_offset(), Offset(2));
//! store.resolve(id, log_store::Outcome::Commit)?;
//!
//! let fetched = partition.read(Offset::ZERO, 1 << 20, Isolation::ReadCommitted)?;
//! let mut keys = Vec::new();
//! for batch in &fetched.batches {
//!     for record in batch.records()?.iter() {
//!         keys.push(record?.key.map(<[u8]>::to_vec));
//!     }
//! }
//! assert_eq!(keys, [Some(b"anna".to_vec()), Some(b"ben".to_vec()), Some(b"anna".to_vec())]);
//! assert_eq!(partition.offset_for_timestamp(Timestamp(1_500))?, Some(Offset(1)));
//! store.close()
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails may panic"))]

mod atomic_file;
mod backup;
mod batch;
mod codec;
mod compaction;
mod config;
mod env;
mod error;
mod group;
mod ids;
mod index;
mod io;
mod log_store;
mod maintenance;
mod near_miss;
mod partition;
mod partitioner;
mod producer;
mod record;
mod recovery_report;
mod retention;
mod scan;
mod segment;
mod subscription;
mod topic;
mod topic_writer;
mod transaction;
mod value;

pub use backup::Backup;
pub use batch::{
    AppendBatch, Attributes, Batch, BatchHeader, Columnar, ColumnarBuilder, HEADER_BYTES,
    HeaderFault, Payload,
};
pub use codec::Codec;
pub use config::{ConfigEntry, ConfigOrigin, FlushPolicy, TopicConfig};
pub use env::{Clock, system_clock};
pub use error::{Error, Result};
pub use group::{CommittedOffset, Group, Lag, ResetTo};
pub use io::{Access, DirLock, DiskFault, FaultyIo, File, Io, MemoryIo, RealIo};
pub use log_store::{LogStore, StoreOptions, Unprepared};
pub use maintenance::Maintenance;
pub use partition::{AppendInfo, Fault, Fetched, Partition, Unread, Verification};
pub use partitioner::{StickyPartitioner, partition_for_key};
pub use record::{Header, Record, RecordIter, Records, RecordsBuilder};
pub use recovery_report::{CutTail, DamagedPartition, RecoveryReport};
pub use subscription::{Callback, Interest, Registration, Subscription};
pub use topic::{Topic, TopicId};
pub use topic_writer::TopicWriter;
pub use transaction::{IdempotentProducer, Transaction, TransactionalProducer};
pub use value::{
    Isolation, Offset, Outcome, PartitionId, ProducerIdentity, Timestamp, TopicPartition,
    TransactionId,
};
