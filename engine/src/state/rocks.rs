//! The backend on disk: one RocksDB instance with a column family per [`Family`].

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, Direction, IteratorMode,
    Options, ReadOptions, SnapshotWithThreadMode, WriteOptions,
};

use super::{Backend, Entry, Family, View, Write, WriteBatch};
use crate::error::{Error, Result};

const BLOCK_CACHE_BYTES: usize = 64 << 20;
const WRITE_BUFFER_BYTES: usize = 32 << 20;
/// What is replayed at most when a process was killed, which takes some 13 ms for a MiB.
const LOG_BYTES: u64 = 2 * WRITE_BUFFER_BYTES as u64;

/// State in a directory.
#[derive(Debug)]
pub struct RocksBackend {
    db: Arc<DB>,
    /// Whether what is written survives the process.
    logged: bool,
}

impl RocksBackend {
    /// Opens or creates the directory.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_keep_log_file_num(2);
        options.set_max_total_wal_size(LOG_BYTES);
        // Reads something of every file, for better guesses at what to compact.
        options.set_skip_stats_update_on_db_open(true);
        let families =
            Family::ALL.map(|family| ColumnFamilyDescriptor::new(family.name(), family_options()));
        let db = DB::open_cf_descriptors(&options, path, families).map_err(|cause| {
            let operation = format!("cannot open the state in {}", path.display());
            Error::Storage { operation, cause: cause.into_string() }
        })?;
        Ok(Self { db: Arc::new(db), logged: true })
    }

    /// The same for state that nobody misses when the process dies.
    pub fn without_log(path: &Path) -> Result<Self> {
        Ok(Self { logged: false, ..Self::open(path)? })
    }
}

fn family_options() -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE_BYTES));
    table.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    options
}

fn handle(db: &DB, family: Family) -> Result<&ColumnFamily> {
    let missing = || Error::Internal(format!("no column family {}", family.name()));
    db.cf_handle(family.name()).ok_or_else(missing)
}

/// Brings writes in the order of their keys, which saves most of the search for their places. Those
/// of one key stay in order, and so do all before and after the removal of a range.
fn sort(writes: &mut [(Family, Write)]) {
    let is_range = |(_, write): &(Family, Write)| matches!(write, Write::DeleteRange(_));
    for run in writes.split_mut(is_range) {
        run.sort_by(|(family, write), (other_family, other)| {
            family.cmp(other_family).then_with(|| key_of(write).cmp(key_of(other)))
        });
    }
}

fn key_of(write: &Write) -> &[u8] {
    match write {
        Write::Put(key, _) | Write::Delete(key) => key,
        Write::DeleteRange(range) => &range.start,
    }
}

fn scan(
    db: &DB,
    family: Family,
    mut options: ReadOptions,
    range: Range<&[u8]>,
    limit: usize,
) -> Result<Vec<Entry>> {
    options.set_iterate_upper_bound(range.end);
    let start = IteratorMode::From(range.start, Direction::Forward);
    let entries = db.iterator_cf_opt(handle(db, family)?, options, start);
    entries.take(limit).map(|entry| entry.map_err(Error::from)).collect()
}

impl View for RocksBackend {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.db.get_cf(handle(&self.db, family)?, key)?)
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        scan(&self.db, family, ReadOptions::default(), range, limit)
    }
}

impl Backend for RocksBackend {
    fn write(&self, mut batch: WriteBatch) -> Result<()> {
        sort(&mut batch.writes);
        let mut writes = rocksdb::WriteBatch::default();
        for (family, write) in batch.writes {
            let family = handle(&self.db, family)?;
            match write {
                Write::Put(key, value) => writes.put_cf(family, key, value),
                Write::Delete(key) => writes.delete_cf(family, key),
                Write::DeleteRange(range) => {
                    writes.delete_range_cf(family, range.start, range.end);
                }
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(!self.logged);
        Ok(self.db.write_opt(writes, &options)?)
    }

    fn sync(&self) -> Result<()> {
        Ok(self.db.flush_wal(true)?)
    }

    fn flush(&self) -> Result<()> {
        for family in Family::ALL {
            self.db.flush_cf(handle(&self.db, family)?)?;
        }
        Ok(())
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        Ok(Checkpoint::new(&*self.db)?.create_checkpoint(dir)?)
    }

    fn get_many(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        let family = handle(&self.db, family)?;
        let values = self.db.multi_get_cf(keys.iter().map(|key| (family, key)));
        values.into_iter().map(|value| value.map_err(Error::from)).collect()
    }

    fn view(&self) -> Arc<dyn View> {
        Arc::new(RocksView::new(Arc::clone(&self.db)))
    }
}

/// A RocksDB snapshot together with the database that it belongs to.
struct RocksView {
    // Declared before `db`, so that it is dropped before it.
    snapshot: SnapshotWithThreadMode<'static, DB>,
    db: Arc<DB>,
}

impl RocksView {
    fn new(db: Arc<DB>) -> Self {
        // SAFETY: the snapshot borrows the database behind `db`, which does not move (it is in an
        // `Arc`) and outlives the snapshot: this struct holds the `Arc` and drops the snapshot first.
        let borrowed: &'static DB = unsafe { &*Arc::as_ptr(&db) };
        Self { snapshot: borrowed.snapshot(), db }
    }
}

impl View for RocksView {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.snapshot.get_cf(handle(&self.db, family)?, key)?)
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        let mut options = ReadOptions::default();
        options.set_snapshot(&self.snapshot);
        scan(&self.db, family, options, range, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_sorted_where_their_order_does_not_matter() {
        let put = |key: &str, value: &str| (Family::Table, Write::Put(key.into(), value.into()));
        let range = (Family::Table, Write::DeleteRange(b"a".to_vec()..b"b".to_vec()));
        let mut writes =
            vec![put("c", "1"), put("b", ""), put("c", "2"), range.clone(), put("a", "3")];
        sort(&mut writes);
        assert_eq!(writes, [put("b", ""), put("c", "1"), put("c", "2"), range, put("a", "3")]);
    }
}
