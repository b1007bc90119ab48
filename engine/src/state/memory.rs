//! A backend in memory, for tests, for push queries and for engines without a directory.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Arc;

use parking_lot::RwLock;

use super::{Backend, Entry, Family, View, Write, WriteBatch};
use crate::error::Result;

type Tree = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// Ordered maps in memory; a view shares them until the next write.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    trees: RwLock<Trees>,
}

#[derive(Debug, Default, Clone)]
struct Trees([Arc<Tree>; 3]);

impl Trees {
    fn apply(&mut self, family: Family, write: Write) {
        let tree = Arc::make_mut(&mut self.0[family as usize]);
        match write {
            Write::Put(key, value) => {
                tree.insert(key.into(), value.into());
            }
            Write::Delete(key) => {
                tree.remove(key.as_slice());
            }
            Write::DeleteRange(range) => {
                let bounds = (Bound::Included(&range.start[..]), Bound::Excluded(&range.end[..]));
                let keys = tree.range::<[u8], _>(bounds);
                let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
                keys.iter().for_each(|key| drop(tree.remove(key)));
            }
        }
    }
}

impl View for Trees {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0[family as usize].get(key).map(|value| value.to_vec()))
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(range.start), Bound::Excluded(range.end));
        let entries = self.0[family as usize].range::<[u8], _>(bounds);
        Ok(entries.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl View for MemoryBackend {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.trees.read().get(family, key)
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        self.trees.read().scan(family, range, limit)
    }
}

impl Backend for MemoryBackend {
    fn write(&self, batch: WriteBatch) -> Result<()> {
        let mut trees = self.trees.write();
        batch.writes.into_iter().for_each(|(family, write)| trees.apply(family, write));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn view(&self) -> Arc<dyn View> {
        Arc::new(self.trees.read().clone())
    }
}
