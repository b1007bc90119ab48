//! Who refers to whom: the left rows of a foreign-key join by the key of their right row.
//!
//! An entry is the right key and then the left key, with nothing as its value. They lie in the
//! state store; in memory are the changes of the commit to come.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::state::{Place, WriteBatch, prefix_end};

/// References of left rows.
#[derive(Debug)]
pub(super) struct References {
    place: Place,
    /// Whether an entry is there now.
    changed: BTreeMap<Vec<u8>, bool>,
    bytes: usize,
}

impl References {
    /// The references at this place.
    pub fn at(place: Place) -> Self {
        Self { place, changed: BTreeMap::new(), bytes: 0 }
    }

    /// Notes that a left row refers to a right row, or does so no longer.
    pub fn set(&mut self, foreign: &[u8], key: &[u8], refers: bool) {
        let entry = [foreign, key].concat();
        self.bytes += entry.len();
        self.changed.insert(entry, refers);
    }

    /// The keys of the left rows that refer to a right row, in their order.
    pub fn of(&self, foreign: &[u8]) -> Result<BTreeSet<Box<[u8]>>> {
        let key = |entry: &[u8]| Box::<[u8]>::from(&entry[foreign.len()..]);
        let saved = self.place.scan_prefix(foreign)?;
        let mut keys: BTreeSet<_> = saved.iter().map(|(entry, _)| key(entry)).collect();
        for (entry, refers) in self.changed.range(foreign.to_vec()..prefix_end(foreign)) {
            match refers {
                true => keys.insert(key(entry)),
                false => keys.remove(&key(entry)),
            };
        }
        Ok(keys)
    }

    /// Adds what has changed to the batch of the commit.
    pub fn save(&mut self, batch: &mut WriteBatch) {
        for (entry, refers) in std::mem::take(&mut self.changed) {
            let entry = self.place.key(&entry);
            match refers {
                true => batch.put(self.place.family, entry, []),
                false => batch.delete(self.place.family, entry),
            }
        }
        self.bytes = 0;
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::{Backend, Family, MemoryBackend, StoreId};

    #[test]
    fn references_are_there_before_and_after_a_commit() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 1, shard: 0 };
        let mut references = References::at(Place::new(Arc::clone(&backend), Family::Operator, id));
        let of = |references: &References| -> Vec<Box<[u8]>> {
            references.of(b"r").unwrap().into_iter().collect()
        };
        for (foreign, key) in [(b"r", b"2"), (b"r", b"1"), (b"s", b"3")] {
            references.set(foreign, key, true);
        }
        assert_eq!(of(&references), [(*b"1").into(), Box::<[u8]>::from(*b"2")]);
        let mut batch = WriteBatch::default();
        references.save(&mut batch);
        backend.write(batch).unwrap();
        assert_eq!(of(&references).len(), 2);
        references.set(b"r", b"1", false);
        references.set(b"r", b"4", true);
        assert_eq!(of(&references), [(*b"2").into(), Box::<[u8]>::from(*b"4")]);
    }
}
