//! Keys interned to slots: the index of a store whose state is in columns.
//!
//! A key's slot is its place in the columns of the owner. Slots are dense and reused. What was
//! touched since the last commit is marked. When memory is short, the owner drops all clean
//! columns at once with [`Slots::clear`] and keys are read back as they come.

use hashbrown::HashTable;

use super::row_codec::EncodedRows;
use super::{Dropped, Place, WriteBatch};
use crate::error::Result;

/// The slots of a store's keys.
#[derive(Debug)]
pub struct Slots {
    place: Place,
    table: HashTable<u32>,
    keys: Vec<Box<[u8]>>,
    free: Vec<u32>,
    dirty: Vec<bool>,
    touched: Vec<u32>,
    key_bytes: usize,
    /// Keys that only the backend may hold; any other that is unknown here is new.
    dropped: Dropped,
}

/// What [`Slots::intern`] found.
#[derive(Debug, Default)]
pub struct Interned {
    /// The slot of each row.
    pub slots: Vec<u32>,
    /// Slots that were not in memory before; the owner puts them into the initial state.
    pub fresh: Vec<u32>,
    /// Those of them that the backend knows, with their saved state.
    pub saved: Vec<(u32, Vec<u8>)>,
}

impl Slots {
    /// The slots of the store at this place.
    pub fn open(place: Place) -> Result<Self> {
        let dropped = if place.is_empty()? { Dropped::Nothing } else { Dropped::Anything };
        Ok(Self {
            place,
            table: HashTable::new(),
            keys: Vec::new(),
            free: Vec::new(),
            dirty: Vec::new(),
            touched: Vec::new(),
            key_bytes: 0,
            dropped,
        })
    }

    /// Number of slots in use or free: columns need this length.
    pub fn capacity(&self) -> usize {
        self.keys.len()
    }

    /// The slot of each row's key; unknown keys get one.
    pub fn intern(&mut self, rows: &EncodedRows) -> Result<Interned> {
        let mut found = Interned { slots: Vec::with_capacity(rows.len()), ..Interned::default() };
        for key in rows.iter() {
            let slot = match self.find(key) {
                Some(slot) => slot,
                None => {
                    let slot = self.insert(key);
                    found.fresh.push(slot);
                    slot
                }
            };
            found.slots.push(slot);
        }
        found.saved = self.read_back(&found.fresh)?;
        Ok(found)
    }

    /// The slot of a key in memory.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let same = |slot: &u32| &*self.keys[*slot as usize] == key;
        self.table.find(hash(key), same).copied()
    }

    fn insert(&mut self, key: &[u8]) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.keys[slot as usize] = key.into();
                slot
            }
            None => {
                self.keys.push(key.into());
                self.dirty.push(false);
                u32::try_from(self.keys.len() - 1).expect("fewer than 2^32 slots fit in memory")
            }
        };
        let keys = &self.keys;
        self.table.insert_unique(hash(key), slot, |slot| hash(&keys[*slot as usize]));
        self.key_bytes += key.len();
        slot
    }

    fn read_back(&self, fresh: &[u32]) -> Result<Vec<(u32, Vec<u8>)>> {
        let may_be_saved = |slot: &u32| self.dropped.may_have(self.key(*slot));
        let slots: Vec<u32> = fresh.iter().copied().filter(may_be_saved).collect();
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Vec<u8>> = slots.iter().map(|slot| self.place.key(self.key(*slot))).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let values = self.place.backend.get_many(self.place.family, &keys)?;
        let saved = slots.into_iter().zip(values);
        Ok(saved.filter_map(|(slot, value)| Some((slot, value?))).collect())
    }

    /// The keys from `from` until `until`, without it, that only the backend holds.
    pub fn saved_keys(&self, from: &[u8], until: &[u8]) -> Result<Vec<Box<[u8]>>> {
        if let Dropped::Nothing = self.dropped {
            return Ok(Vec::new());
        }
        let (start, end) = (self.place.key(from), self.place.key(until));
        let saved = self.place.backend.scan(self.place.family, &start..&end, usize::MAX)?;
        let keys = saved.iter().map(|(key, _)| &key[8..]);
        Ok(keys.filter(|key| self.find(key).is_none()).map(Box::from).collect())
    }

    /// Removes keys before `until` that only the backend holds.
    pub fn remove_saved_before(&self, until: &[u8], batch: &mut WriteBatch) {
        if !matches!(self.dropped, Dropped::Nothing) {
            batch.delete_range(self.place.family, self.place.key(&[])..self.place.key(until));
        }
    }

    /// Bytes that may stay in memory.
    pub fn memory_max(&self) -> usize {
        self.place.memory_max
    }

    /// The key of a slot in use.
    pub fn key(&self, slot: u32) -> &[u8] {
        &self.keys[slot as usize]
    }

    /// Notes that the state of a slot changed.
    pub fn touch(&mut self, slot: u32) {
        if !std::mem::replace(&mut self.dirty[slot as usize], true) {
            self.touched.push(slot);
        }
    }

    /// The slots touched since the last call, and forgets that they were.
    pub fn take_touched(&mut self) -> Vec<u32> {
        let touched = std::mem::take(&mut self.touched);
        touched.iter().for_each(|slot| self.dirty[*slot as usize] = false);
        touched
    }

    /// Writes the saved state of a slot.
    pub fn save(&self, slot: u32, state: &[u8], batch: &mut WriteBatch) {
        batch.put(self.place.family, self.place.key(self.key(slot)), state);
    }

    /// Removes keys for good; their slots are free.
    pub fn remove(&mut self, slots: &[u32], batch: &mut WriteBatch) {
        for slot in slots {
            let key = std::mem::take(&mut self.keys[*slot as usize]);
            batch.delete(self.place.family, self.place.key(&key));
            let entry = self.table.find_entry(hash(&key), |other| other == slot);
            if let Ok(entry) = entry {
                entry.remove();
                self.key_bytes -= key.len();
                self.free.push(*slot);
            }
            if std::mem::take(&mut self.dirty[*slot as usize]) {
                self.touched.retain(|touched| touched != slot);
            }
        }
    }

    /// Drops all keys from memory. Only between a commit and the next change: nothing is dirty.
    pub fn clear(&mut self) {
        assert!(self.touched.is_empty());
        let bytes = self.place.filter_bytes();
        self.dropped.add(self.table.iter().map(|slot| &*self.keys[*slot as usize]), bytes);
        self.table = HashTable::new();
        self.keys = Vec::new();
        self.free = Vec::new();
        self.dirty = Vec::new();
        self.touched = Vec::new();
        self.key_bytes = 0;
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.key_bytes
            + self.keys.capacity() * size_of::<Box<[u8]>>()
            + self.table.allocation_size()
            + self.dropped.memory()
    }
}

fn hash(key: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = ahash::AHasher::default();
    hasher.write(key);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array};
    use arrow::datatypes::DataType;

    use super::super::{Backend, Family, MemoryBackend, RowCodec, StoreId};
    use super::*;

    #[test]
    fn keys_keep_their_slot_and_are_read_back() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 0, shard: 0 };
        let place = Place::new(Arc::clone(&backend), Family::Operator, id);
        let codec = RowCodec::new(vec![DataType::Int32]).unwrap();
        let rows = |values: Vec<i32>| {
            let len = values.len();
            codec.encode(&[Arc::new(Int32Array::from(values)) as ArrayRef], len).unwrap()
        };
        let mut slots = Slots::open(place).unwrap();
        let found = slots.intern(&rows(vec![7, 8, 7])).unwrap();
        assert_eq!((found.slots, found.fresh), (vec![0, 1, 0], vec![0, 1]));
        slots.touch(1);
        assert_eq!(slots.take_touched(), [1]);
        let mut batch = WriteBatch::default();
        slots.save(1, b"eight", &mut batch);
        backend.write(batch).unwrap();
        slots.clear();

        let found = slots.intern(&rows(vec![9, 8])).unwrap();
        assert_eq!(found.saved, [(1, b"eight".to_vec())]);
        let mut batch = WriteBatch::default();
        slots.remove(&[1], &mut batch);
        assert_eq!(slots.intern(&rows(vec![10])).unwrap().slots, [1]);
    }
}
