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

/// The order of writes by their keys, which saves most of the search for their places. Those of one
/// key stay in order.
fn by_key(writes: &[(Family, Write)]) -> Vec<usize> {
    let shared = Family::ALL.map(|family| shared_prefix(writes, family));
    // The first bytes that differ mostly decide, without a look at the keys.
    let mut order: Vec<(Family, u64, usize)> = Vec::with_capacity(writes.len());
    for (at, (family, write)) in writes.iter().enumerate() {
        let rest = &key_of(write)[shared[*family as usize]..];
        let mut first = [0; 8];
        let len = rest.len().min(first.len());
        first[..len].copy_from_slice(&rest[..len]);
        order.push((*family, u64::from_be_bytes(first), at));
    }
    order.sort_unstable_by(|(family, first, at), (other_family, other_first, other)| {
        (family, first)
            .cmp(&(other_family, other_first))
            .then_with(|| key_of(&writes[*at].1).cmp(key_of(&writes[*other].1)))
            .then(at.cmp(other))
    });
    order.into_iter().map(|(.., at)| at).collect()
}

/// How many bytes all keys of a family begin with.
fn shared_prefix(writes: &[(Family, Write)], family: Family) -> usize {
    let of_family = writes.iter().filter(|(other, _)| *other == family);
    let mut keys = of_family.map(|(_, write)| key_of(write));
    let Some(first) = keys.next() else { return 0 };
    keys.fold(first.len(), |shared, key| {
        if key.starts_with(&first[..shared]) {
            return shared;
        }
        first.iter().zip(key).take_while(|(a, b)| a == b).count()
    })
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
    fn write(&self, batch: WriteBatch) -> Result<()> {
        let mut writes = rocksdb::WriteBatch::default();
        let mut add = |(family, write): &(Family, Write)| -> Result<()> {
            let family = handle(&self.db, *family)?;
            match write {
                Write::Put(key, value) => writes.put_cf(family, key, value),
                Write::Delete(key) => writes.delete_cf(family, key),
                Write::DeleteRange(range) => {
                    writes.delete_range_cf(family, &range.start, &range.end);
                }
            }
            Ok(())
        };
        let is_range = |(_, write): &(Family, Write)| matches!(write, Write::DeleteRange(_));
        // What is removed as a range stays between what comes before and after it.
        for part in batch.writes.chunk_by(|a, b| is_range(a) == is_range(b)) {
            match part.first().is_some_and(is_range) {
                true => part.iter().try_for_each(&mut add)?,
                false => by_key(part).into_iter().try_for_each(|at| add(&part[at]))?,
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
    fn writes_go_by_family_and_key_and_those_of_one_key_in_order() {
        let put = |family, key: &str| (family, Write::Put(key.into(), Vec::new()));
        let (operator, table) = (Family::Operator, Family::Table);
        let writes = [
            put(table, "prefix c"),
            put(operator, "z"),
            put(table, "prefix b and something more"),
            put(table, "prefix c"),
            put(table, "prefix b and something"),
            put(table, "prefix"),
        ];
        assert_eq!(by_key(&writes), [1, 5, 4, 2, 0, 3]);
    }

    #[test]
    fn a_range_is_removed_between_what_comes_before_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let backend = RocksBackend::open(dir.path()).unwrap();
        let mut batch = WriteBatch::default();
        batch.put(Family::Table, *b"b", *b"before");
        batch.put(Family::Table, *b"a", *b"before");
        batch.delete_range(Family::Table, b"a".to_vec()..b"c".to_vec());
        batch.put(Family::Table, *b"a", *b"after");
        backend.write(batch).unwrap();
        let found = backend.scan(Family::Table, b"a"..b"z", usize::MAX).unwrap();
        assert_eq!(found, [(Box::from(*b"a"), Box::from(*b"after"))]);
    }
}
