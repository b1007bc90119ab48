//! A store of entries by key: the state of tables, of the sides of joins.
//!
//! Entries are bytes, key and value, mostly as [`super::RowCodec`] encodes them. What was touched
//! since the last commit is in memory; so is what was read, until the store's budget is exceeded:
//! then all entries are dropped at the next commit and read back when they are asked for.
//!
//! As long as everything fits, the store never asks the backend, and later only for what it may have
//! dropped.

use hashbrown::HashMap;

use super::{Dropped, Place, WriteBatch, prefix_end};
use crate::error::Result;

/// Bytes of bookkeeping per entry, roughly.
const ENTRY_OVERHEAD: usize = 96;

/// A store of no more bytes than this is read as a whole when it is opened, a larger one as it is
/// needed: a query has a store for each shard, and answers when all of them are open.
const OPEN_BYTES: usize = 4 << 20;

/// Entries that are read at once meanwhile.
const OPEN_PAGE: usize = 256;

/// Entries by key.
#[derive(Debug)]
pub struct RowStore {
    place: Place,
    cache: HashMap<Box<[u8]>, Cached>,
    touched: Vec<Box<[u8]>>,
    /// Keys whose entries only the backend may hold.
    dropped: Dropped,
    bytes: usize,
}

#[derive(Debug)]
struct Cached {
    /// `None`: known to be absent.
    value: Option<Box<[u8]>>,
    is_touched: bool,
}

impl RowStore {
    /// The store at this place. A small one is read as a whole.
    pub fn open(place: Place) -> Result<Self> {
        let (cache, touched) = Default::default();
        let mut store = Self { place, cache, touched, dropped: Dropped::Nothing, bytes: 0 };
        store.load_if_small()?;
        Ok(store)
    }

    fn load_if_small(&mut self) -> Result<()> {
        let bytes_max = OPEN_BYTES.min(self.place.memory_max);
        let mut start = self.place.key(&[]);
        let end = prefix_end(&start);
        loop {
            let page = self.place.backend.scan(self.place.family, &start..&end, OPEN_PAGE)?;
            let next = page.last().map(|(last, _)| [last, &[0][..]].concat());
            let is_last = page.len() < OPEN_PAGE;
            page.into_iter().for_each(|(key, value)| self.remember(&key[8..], Some(value)));
            if self.bytes > bytes_max {
                self.dropped = Dropped::Anything;
                self.drop_all();
                return Ok(());
            }
            match next {
                Some(next) if !is_last => start = next,
                _ => return Ok(()),
            }
        }
    }

    /// The value of a key.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>> {
        if !self.cache.contains_key(key) && self.dropped.may_have(key) {
            let value = self.place.get(key)?.map(Vec::into_boxed_slice);
            self.remember(key, value);
        }
        Ok(self.cache.get(key).and_then(|cached| cached.value.as_deref()))
    }

    /// Sets the value of a key, or removes it, and gives what was there.
    pub fn replace(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<Option<Box<[u8]>>> {
        let old = self.get(key)?.map(Into::into);
        self.set(key, value);
        Ok(old)
    }

    /// Sets the value of a key, or removes it, without a look at what was there.
    pub fn set(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.remember(key, value.map(Into::into));
        if let Some(cached) = self.cache.get_mut(key)
            && !std::mem::replace(&mut cached.is_touched, true)
        {
            self.touched.push(key.into());
        }
    }

    fn remember(&mut self, key: &[u8], value: Option<Box<[u8]>>) {
        self.bytes += size_of_entry(key, value.as_deref());
        if let Some(cached) = self.cache.get_mut(key) {
            self.bytes -= size_of_entry(key, cached.value.as_deref());
            cached.value = value;
        } else {
            self.cache.insert(key.into(), Cached { value, is_touched: false });
        }
    }

    /// Adds what was touched to the batch of the commit.
    pub fn save(&mut self, batch: &mut WriteBatch) {
        for key in std::mem::take(&mut self.touched) {
            let Some(cached) = self.cache.get_mut(&key) else { continue };
            cached.is_touched = false;
            match &cached.value {
                Some(value) => {
                    batch.put(self.place.family, self.place.key(&key), value.to_vec());
                }
                None => {
                    batch.delete(self.place.family, self.place.key(&key));
                    self.cache.remove(&key);
                    self.bytes -= size_of_entry(&key, None);
                }
            }
        }
        self.keep_to_budget();
    }

    /// Drops everything from memory if it is too much; only when nothing is touched.
    fn keep_to_budget(&mut self) {
        assert!(self.touched.is_empty());
        if self.memory() > self.place.memory_max {
            self.dropped.add(self.cache.keys().map(|key| &**key), self.place.filter_bytes());
            self.drop_all();
        }
    }

    fn drop_all(&mut self) {
        self.cache = HashMap::new();
        self.bytes = 0;
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.bytes + self.dropped.memory()
    }
}

fn size_of_entry(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Backend, Family, MemoryBackend, StoreId};
    use super::*;

    #[test]
    fn rows_survive_a_commit_and_a_new_store() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 2, shard: 0 };
        let place = Place::new(Arc::clone(&backend), Family::Operator, id);
        let mut store = RowStore::open(place.clone()).unwrap();
        assert_eq!(store.replace(b"a1", Some(b"x")).unwrap(), None);
        store.set(b"a2", Some(b"y"));
        store.set(b"b", Some(b"z"));
        let mut batch = WriteBatch::default();
        store.save(&mut batch);
        backend.write(batch).unwrap();

        let mut store = RowStore::open(place).unwrap();
        store.set(b"a2", None);
        assert_eq!(store.get(b"a2").unwrap(), None);
        assert_eq!(store.get(b"b").unwrap(), Some(&b"z"[..]));
        assert_eq!(store.replace(b"a1", None).unwrap().as_deref(), Some(&b"x"[..]));
        assert_eq!(store.get(b"a1").unwrap(), None);
    }

    #[test]
    fn a_store_larger_than_its_budget_is_read_back() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 2, shard: 0 };
        let place = Place::new(Arc::clone(&backend), Family::Operator, id).with_memory(1000);
        let mut store = RowStore::open(place).unwrap();
        let key = |n: u32| [&b"k"[..], &n.to_be_bytes()].concat();
        for round in 0..2 {
            for n in 0..100 {
                let old = store.replace(&key(n), Some(&[round, n as u8])).unwrap();
                assert_eq!(old.as_deref(), (round > 0).then_some(&[0, n as u8][..]));
            }
            let mut batch = WriteBatch::default();
            store.save(&mut batch);
            backend.write(batch).unwrap();
            assert_eq!(store.memory(), 1000 / 8 / 8 * 8, "what was dropped is remembered");
        }
        let mut store = RowStore::open(store.place).unwrap();
        assert_eq!(store.memory(), 0);
        store.set(&key(7), None);
        store.set(&key(100), Some(b"new"));
        assert_eq!(store.get(&key(7)).unwrap(), None);
        assert_eq!(store.get(&key(8)).unwrap(), Some(&[1, 8][..]));
        assert_eq!(store.get(&key(100)).unwrap(), Some(&b"new"[..]));
    }
}
