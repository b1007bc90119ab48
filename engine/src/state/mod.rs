//! State: what operators remember, and what queries can be asked about.
//!
//! Below is a [`Backend`]: ordered bytes in a few families, written by one atomic batch per
//! commit. RocksDB is one, memory the other. Above it stand the stores that operators use; they
//! work in memory and note what they touched, and a commit writes just that.
//!
//! Every key begins with a [`StoreId`], so that one instance serves all queries and dropping one
//! is a range deletion.

mod dropped;
mod members;
mod memory;
mod rocks;
mod row_codec;
mod row_store;
mod slots;
mod watched;

use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

pub use dropped::Dropped;
pub use members::Members;
pub use memory::MemoryBackend;
pub use rocks::RocksBackend;
pub use row_codec::{EncodedRows, RowCodec, batch_of};
pub use row_store::RowStore;
pub use slots::Slots;
pub use watched::{StateWatch, WatchedBackend};

/// Key and value.
pub type Entry = (Box<[u8]>, Box<[u8]>);

/// The families that data is kept in, by kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Operator state: point reads and prefix scans by the owning query.
    Operator,
    /// Materialised results: point and range reads by anybody who asks.
    Table,
    /// Offsets, transactions, the catalog.
    Meta,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Operator, Family::Table, Family::Meta];

    /// The name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Family::Operator => "operator",
            Family::Table => "table",
            Family::Meta => "meta",
        }
    }
}

/// One change of a [`WriteBatch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key.
    Delete(Vec<u8>),
    /// Removes all keys of a range.
    DeleteRange(Range<Vec<u8>>),
}

/// Changes that take effect together or not at all.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    /// The changes, applied in order.
    pub writes: Vec<(Family, Write)>,
}

impl WriteBatch {
    /// Sets a key.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.push((family, Write::Put(key.into(), value.into())));
    }

    /// Removes a key.
    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.writes.push((family, Write::Delete(key.into())));
    }

    /// Removes all keys of a range.
    pub fn delete_range(&mut self, family: Family, range: Range<Vec<u8>>) {
        self.writes.push((family, Write::DeleteRange(range)));
    }
}

/// A fixed point of the data: later writes are not seen.
pub trait View: Send + Sync {
    /// The value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// At most `limit` entries of a range, ascending.
    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>>;
}

/// Where state is kept.
pub trait Backend: View + Debug {
    /// Applies a batch atomically.
    fn write(&self, batch: WriteBatch) -> Result<()>;

    /// Makes everything written so far survive a power failure.
    fn sync(&self) -> Result<()>;

    /// Writes down what is in memory alone, so that a checkpoint has less to do.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Makes a copy in a new directory, of everything that is written now.
    fn checkpoint(&self, dir: &Path) -> Result<()> {
        let message = format!("no copy of the state in {}: it has no files", dir.display());
        Err(Error::Internal(message))
    }

    /// The values of several keys.
    fn get_many(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        keys.iter().map(|key| self.get(family, key)).collect()
    }

    /// A fixed point of the data.
    fn view(&self) -> Arc<dyn View>;
}

/// The first key after all keys that begin with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; prefix.len() + 1]
}

/// Whose state: the query's number, the operator's place in its plan, the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId {
    /// Number of the query.
    pub query: u32,
    /// Place of the operator in the query's plan, and which of its stores.
    pub store: u16,
    /// Shard of the operator.
    pub shard: u16,
}

impl StoreId {
    /// Tells what stands beside a store from it: the time of its stream.
    pub const TIME: u16 = 0x8000;

    /// The same for the members of its groups.
    pub const MEMBERS: u16 = 0x4000;

    /// The bytes that every key of the store begins with.
    pub fn prefix(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.query.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.store.to_be_bytes());
        bytes[6..].copy_from_slice(&self.shard.to_be_bytes());
        bytes
    }

    /// The keys of all stores of a query.
    pub fn of_query(query: u32) -> Range<Vec<u8>> {
        let prefix = query.to_be_bytes();
        prefix.to_vec()..prefix_end(&prefix)
    }
}

/// A store's place in a backend.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where.
    pub backend: Arc<dyn Backend>,
    /// In which family.
    pub family: Family,
    /// Under which prefix.
    pub id: StoreId,
    /// Bytes of it that may stay in memory from one commit to the next.
    pub memory_max: usize,
}

/// Bytes of a store that may stay in memory where nobody said otherwise.
const MEMORY_MAX: usize = 64 << 20;

impl Place {
    /// The place of a store.
    pub fn new(backend: Arc<dyn Backend>, family: Family, id: StoreId) -> Self {
        Self { backend, family, id, memory_max: MEMORY_MAX }
    }

    /// The same place with another bound on memory.
    #[must_use]
    pub fn with_memory(self, memory_max: usize) -> Self {
        Self { memory_max, ..self }
    }

    /// Bytes that a store may take to remember what it has dropped from memory.
    pub fn filter_bytes(&self) -> usize {
        self.memory_max / 8
    }

    /// The full key of `key` in this store.
    pub fn key(&self, key: &[u8]) -> Vec<u8> {
        let mut full = Vec::with_capacity(8 + key.len());
        full.extend_from_slice(&self.id.prefix());
        full.extend_from_slice(key);
        full
    }

    /// The value of a key of this store.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.backend.get(self.family, &self.key(key))
    }

    /// Whether the store has no entries.
    pub fn is_empty(&self) -> Result<bool> {
        let (start, end) = (self.key(&[]), prefix_end(&self.key(&[])));
        Ok(self.backend.scan(self.family, &start..&end, 1)?.is_empty())
    }

    /// All entries whose key begins with `prefix`, ascending, without the store's own prefix.
    pub fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Entry>> {
        let start = self.key(prefix);
        let end = prefix_end(&start);
        let entries = self.backend.scan(self.family, &start..&end, usize::MAX)?;
        Ok(entries.into_iter().map(|(key, value)| (key[8..].into(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_after_its_last_key() {
        assert_eq!(prefix_end(&[1, 2]), [1, 3]);
        assert_eq!(prefix_end(&[1, 255]), [2]);
        assert!(prefix_end(&[255, 255]) > vec![255, 255, 254]);
    }
}
