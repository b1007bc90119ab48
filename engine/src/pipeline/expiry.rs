//! Forgets the rows of a materialised windowed table when their retention is over.
//!
//! A row is forgotten when a window begins (for sessions: ends) more than the retention after its
//! own, as the aggregation forgets its groups. Rows are written under an index by that time, in
//! the operators' family: `time, order-preserving (8) | key of the row`, one index per shard, so
//! that a shard that is behind keeps its windows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::error::Result;
use crate::plan::WindowPlan;
use crate::state::{Backend, Family, Place, StoreId, WriteBatch};
use crate::window::StreamTime;

/// The most entries of an index that are remembered, so as not to be written again.
const REMEMBERED: usize = 1 << 17;

/// The windows of a materialised table.
pub struct Expiry {
    backend: Arc<dyn Backend>,
    query: u32,
    window: WindowPlan,
    shards: BTreeMap<u16, Shard>,
}

struct Shard {
    index: Place,
    /// The latest window.
    latest: StreamTime,
    forgotten: i64,
    /// What the commit to come writes.
    written: Vec<Vec<u8>>,
    /// Entries that are known to be there: a row that changes needs no second one.
    known: HashSet<Vec<u8>>,
}

impl Expiry {
    /// The expiry of what `query` keeps, whose windows are these.
    pub fn new(backend: Arc<dyn Backend>, query: u32, window: WindowPlan) -> Self {
        Self { backend, query, window, shards: BTreeMap::new() }
    }

    /// Notes that the row of a window was written or removed.
    pub fn note(
        &mut self,
        shard: usize,
        bounds: (i64, i64),
        key: &[u8],
        adds: bool,
        batch: &mut WriteBatch,
    ) -> Result<()> {
        let time = match self.window {
            WindowPlan::Time(_) => bounds.0,
            WindowPlan::Session(_) => bounds.1,
        };
        let shard = self.shard(shard as u16)?;
        shard.latest.advance(time);
        let entry = [&time_bytes(time), key].concat();
        match adds {
            true => shard.add(entry, batch),
            false => {
                batch.delete(shard.index.family, shard.index.key(&entry));
                shard.known.remove(&entry);
            }
        }
        Ok(())
    }

    fn shard(&mut self, shard: u16) -> Result<&mut Shard> {
        if !self.shards.contains_key(&shard) {
            let id = StoreId { query: self.query, store: 0, shard };
            let index = Place::new(Arc::clone(&self.backend), Family::Operator, id);
            let latest = StreamTime::open(&index)?;
            let (written, known) = Default::default();
            let opened = Shard { index, latest, forgotten: i64::MIN, written, known };
            self.shards.insert(shard, opened);
        }
        let missing = || crate::Error::Internal("a shard without windows".into());
        self.shards.get_mut(&shard).ok_or_else(missing)
    }

    /// Adds the removal of forgotten rows, whose full keys begin with `table`, to the batch.
    pub fn expire(&mut self, table: &[u8], batch: &mut WriteBatch) -> Result<()> {
        let kept_ms = self.window.kept_ms();
        self.shards.values_mut().try_for_each(|shard| shard.expire(kept_ms, table, batch))
    }
}

impl Shard {
    fn add(&mut self, entry: Vec<u8>, batch: &mut WriteBatch) {
        if self.known.contains(&entry) {
            return;
        }
        if self.known.len() == REMEMBERED {
            self.known.clear();
        }
        batch.put(self.index.family, self.index.key(&entry), []);
        self.known.insert(entry.clone());
        self.written.push(entry);
    }

    fn expire(&mut self, kept_ms: i64, table: &[u8], batch: &mut WriteBatch) -> Result<()> {
        let written = std::mem::take(&mut self.written);
        let Some(latest) = self.latest.get() else { return Ok(()) };
        let horizon = latest.saturating_sub(kept_ms);
        if horizon <= self.forgotten {
            return Ok(());
        }
        let (start, end) = (time_bytes(self.forgotten), time_bytes(horizon));
        let (from, until) = (self.index.key(&start), self.index.key(&end));
        let saved = self.index.backend.scan(self.index.family, &from..&until, usize::MAX)?;
        let saved = saved.iter().map(|(key, _)| &key[8..]);
        let fresh = written.iter().map(Vec::as_slice).filter(|entry| *entry < &end[..]);
        for entry in saved.chain(fresh) {
            batch.delete(Family::Table, [table, &entry[8..]].concat());
            batch.delete(self.index.family, self.index.key(entry));
        }
        self.known.retain(|entry| entry[..] >= end[..]);
        self.forgotten = horizon;
        self.latest.save(batch);
        Ok(())
    }
}

/// With the sign turned, times sort as their bytes do.
fn time_bytes(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryBackend;
    use crate::window::{SessionWindow, TimeWindow};

    const TABLE: &[u8] = b"table/";

    /// Commits one batch of windows, each with the key that is its start as text; gives the keys
    /// that are left.
    fn commit(
        backend: &Arc<dyn Backend>,
        expiry: &mut Expiry,
        windows: &[(i64, i64)],
    ) -> Vec<String> {
        let mut batch = WriteBatch::default();
        for (start, end) in windows {
            let key = start.to_string();
            batch.put(Family::Table, [TABLE, key.as_bytes()].concat(), []);
            expiry.note(0, (*start, *end), key.as_bytes(), true, &mut batch).unwrap();
        }
        expiry.expire(TABLE, &mut batch).unwrap();
        backend.write(batch).unwrap();
        let left = backend.scan(Family::Table, TABLE..b"table0", usize::MAX).unwrap();
        left.iter().map(|(key, _)| String::from_utf8_lossy(&key[TABLE.len()..]).into()).collect()
    }

    #[test]
    fn rows_go_when_a_window_begins_more_than_the_retention_later() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let time = TimeWindow { size_ms: 10, advance_ms: 10, grace_ms: 0, retention_ms: 20 };
        let open = || Expiry::new(Arc::clone(&backend), 1, WindowPlan::Time(time));
        let mut expiry = open();
        assert_eq!(commit(&backend, &mut expiry, &[(0, 10), (10, 20)]), ["0", "10"]);
        assert_eq!(commit(&backend, &mut expiry, &[(20, 30)]), ["0", "10", "20"]);
        assert_eq!(commit(&backend, &mut open(), &[(30, 40)]), ["10", "20", "30"]);
        assert_eq!(commit(&backend, &mut open(), &[(40, 50), (90, 100)]), ["90"]);
        let operators = backend.scan(Family::Operator, &[0]..&[255], usize::MAX).unwrap();
        assert_eq!(operators.len(), 2, "the index of one row, and the time");
    }

    #[test]
    fn sessions_go_by_their_end() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let session = SessionWindow { gap_ms: 10, grace_ms: 0, retention_ms: 20 };
        let mut expiry = Expiry::new(Arc::clone(&backend), 1, WindowPlan::Session(session));
        assert_eq!(commit(&backend, &mut expiry, &[(0, 15), (5, 5)]), ["0", "5"]);
        assert_eq!(commit(&backend, &mut expiry, &[(35, 35)]), ["0", "35"]);
    }
}
