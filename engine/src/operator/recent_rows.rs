//! The recent rows of one side of a stream–stream join.
//!
//! Rows are kept by key, in order of time and arrival, until they are older than a given span before
//! the latest row of the side. A row may be *waiting*: nobody has met it so far, and when its window
//! closes it leaves without a partner. A waiting row is kept until then in any case.
//!
//! In the store:
//!
//! | key | value |
//! |---|---|
//! | `r`, key, time, arrival | `waiting (1)`, row |
//! | `t`, time, key, arrival | nothing; only while the row waits |
//! | `x`, time of the latest, arrival of the first | the rows that came between two commits ([`Came`]) |
//! | `m` | time of the latest row (8), arrivals so far (8) |
//!
//! Times are written so that they sort as their bytes do. Rows are forgotten as they came, all of a
//! commit's when the latest of them is too old: until then the older ones are there, and are not
//! met. Rows in memory are a cache: when they outgrow the budget, all of them are dropped at a commit,
//! and those of a key come back when it is asked for.

mod came;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::state::{Dropped, Place, WriteBatch, prefix_end};

use came::Came;

const ROWS: u8 = b'r';
const WAITING: u8 = b't';
const CAME: u8 = b'x';
const STATE: &[u8] = b"m";

/// Rows that are read at once when a side is opened; more are read as they are needed.
const OPEN_ROWS: usize = 1 << 14;

/// Bytes of bookkeeping per row, roughly.
const ROW_OVERHEAD: usize = size_of::<Kept>() + size_of::<RowId>() + 32;

/// Key and value of a saved entry.
type Saved = (Vec<u8>, Box<[u8]>);

/// Rows by key and time.
#[derive(Debug)]
pub(super) struct RecentRows {
    place: Place,
    retained_ms: i64,
    /// The time of the latest row that was offered.
    latest: i64,
    arrivals: u64,
    /// The same as last saved.
    saved: (i64, u64),
    /// No row before this time waits.
    settled: i64,
    /// Rows before this time have been forgotten.
    forgotten: i64,
    by_key: HashMap<Arc<[u8]>, OfKey>,
    waiting: BTreeSet<RowId>,
    /// What came between two commits, by the time of the latest and the arrival of the first.
    came: BTreeMap<(i64, u64), Vec<RowId>>,
    /// What came since the last commit.
    fresh: Vec<RowId>,
    /// Rows that stopped waiting since then.
    met: Vec<RowId>,
    /// Whether every row is in memory.
    complete: bool,
    /// Keys of which only the backend may hold rows.
    dropped: Dropped,
    bytes: usize,
}

/// The rows of a key in memory, in order of time and arrival.
#[derive(Debug, Default)]
struct OfKey {
    rows: Vec<Kept>,
    /// Whether they are all that there are.
    is_whole: bool,
}

#[derive(Debug)]
struct Kept {
    time: i64,
    arrival: u64,
    waits: bool,
    row: Box<[u8]>,
}

/// What tells a kept row from the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowId {
    time: i64,
    key: Arc<[u8]>,
    arrival: u64,
}

/// A row that has waited in vain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Overdue {
    /// Its time.
    pub time: i64,
    /// Its key.
    pub key: Arc<[u8]>,
    arrival: u64,
    /// Its bytes.
    pub row: Box<[u8]>,
}

impl RecentRows {
    /// The rows at this place, of which those older than `retained_ms` are forgotten.
    pub fn open(place: Place, retained_ms: i64) -> Result<Self> {
        let state = place.get(STATE)?.as_deref().and_then(split_state);
        let saved = state.unwrap_or((i64::MIN, 0));
        let (by_key, waiting, came, fresh, met) = Default::default();
        let mut rows = Self {
            place,
            retained_ms,
            latest: saved.0,
            arrivals: saved.1,
            saved,
            settled: i64::MIN,
            forgotten: i64::MIN,
            by_key,
            waiting,
            came,
            fresh,
            met,
            complete: true,
            dropped: Dropped::Nothing,
            bytes: 0,
        };
        rows.read_all()?;
        Ok(rows)
    }

    /// Reads the rows into memory if they are few.
    fn read_all(&mut self) -> Result<()> {
        let saved = self.scan(&[ROWS], OPEN_ROWS + 1)?;
        self.complete = saved.len() <= OPEN_ROWS;
        if !self.complete {
            self.dropped = Dropped::Anything;
            return Ok(());
        }
        for (id, value) in saved {
            let ((key, time, arrival), (waits, row)) = (split_row_key(&id)?, split_row(&value)?);
            let key = self.interned(key);
            if waits {
                self.waiting.insert(RowId { time, key: Arc::clone(&key), arrival });
            }
            self.keep(&key, Kept { time, arrival, waits, row: row.into() });
        }
        for (place, ids) in self.scan(&[CAME], usize::MAX)? {
            let at = split_came_key(&place)?;
            let ids = Came::split(&ids)?.into_iter();
            let ids =
                ids.map(|(key, time, arrival)| RowId { time, key: self.shared(key), arrival });
            let ids = ids.collect();
            self.came.insert(at, ids);
        }
        Ok(())
    }

    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Saved>> {
        self.scan_between(prefix, &prefix_end(prefix), limit)
    }

    /// Saved entries, without the store's own prefix.
    fn scan_between(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Saved>> {
        let (start, end) = (self.place.key(start), self.place.key(end));
        let saved = self.place.backend.scan(self.place.family, &start..&end, limit)?;
        Ok(saved.into_iter().map(|(key, value)| (key[8..].to_vec(), value)).collect())
    }

    /// A key as the rows of it share it, if there are any.
    fn shared(&self, key: &[u8]) -> Arc<[u8]> {
        let known = self.by_key.get_key_value(key).map(|(known, _)| Arc::clone(known));
        known.unwrap_or_else(|| key.into())
    }

    /// The same, with room for rows of it.
    fn interned(&mut self, key: &[u8]) -> Arc<[u8]> {
        if let Some((known, _)) = self.by_key.get_key_value(key) {
            return Arc::clone(known);
        }
        let new: Arc<[u8]> = key.into();
        let of_key = OfKey { rows: Vec::new(), is_whole: !self.dropped.may_have(key) };
        self.bytes += key.len() + size_of::<OfKey>();
        self.by_key.insert(Arc::clone(&new), of_key);
        new
    }

    /// Puts a row among those of its key, unless it is there.
    fn keep(&mut self, key: &Arc<[u8]>, row: Kept) {
        let Some(of_key) = self.by_key.get_mut(key) else { return };
        if let Err(at) = of_key.find(row.time, row.arrival) {
            self.bytes += row.row.len() + ROW_OVERHEAD;
            of_key.rows.insert(at, row);
        }
    }

    /// Offers a row. Says whether it is kept: one that is older than the retained span is not.
    pub fn insert(&mut self, key: &[u8], time: i64, row: &[u8], waits: bool) -> bool {
        self.latest = self.latest.max(time);
        if time < self.horizon() && !waits {
            return false;
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        let key = self.interned(key);
        self.keep(&key, Kept { time, arrival, waits, row: row.into() });
        let id = RowId { time, key, arrival };
        if waits {
            self.waiting.insert(id.clone());
        }
        self.fresh.push(id);
        true
    }

    /// Notes the time of a row that is not to be kept.
    pub fn pass(&mut self, time: i64) {
        self.latest = self.latest.max(time);
    }

    /// Rows older than this are forgotten.
    fn horizon(&self) -> i64 {
        self.latest.saturating_sub(self.retained_ms)
    }

    /// Has all rows of a key in memory, if there are any.
    fn load(&mut self, key: &[u8]) -> Result<()> {
        let is_whole = match self.by_key.get(key) {
            Some(of_key) => of_key.is_whole,
            None => !self.dropped.may_have(key),
        };
        if is_whole {
            return Ok(());
        }
        let saved = self.scan(&[&[ROWS], key].concat(), usize::MAX)?;
        let shared = self.interned(key);
        for (id, value) in saved {
            let ((_, time, arrival), (waits, row)) = (split_row_key(&id)?, split_row(&value)?);
            self.keep(&shared, Kept { time, arrival, waits, row: row.into() });
        }
        if let Some(of_key) = self.by_key.get_mut(key) {
            of_key.is_whole = true;
        }
        Ok(())
    }

    /// Calls `meet` with the time and bytes of each row of a key whose time is within `times`, in
    /// order of time and arrival. None of them waits any longer.
    pub fn meet(
        &mut self,
        key: &[u8],
        times: RangeInclusive<i64>,
        mut meet: impl FnMut(i64, &[u8]),
    ) -> Result<()> {
        let earliest = (*times.start()).max(self.horizon());
        if earliest > *times.end() {
            return Ok(());
        }
        self.load(key)?;
        let Some((key, _)) = self.by_key.get_key_value(key) else { return Ok(()) };
        let key = Arc::clone(key);
        let Some(of_key) = self.by_key.get_mut(&key) else { return Ok(()) };
        let first = of_key.rows.partition_point(|row| row.time < earliest);
        for kept in of_key.rows[first..].iter_mut().take_while(|row| row.time <= *times.end()) {
            meet(kept.time, &kept.row);
            if std::mem::take(&mut kept.waits) {
                let id = RowId { time: kept.time, key: Arc::clone(&key), arrival: kept.arrival };
                self.waiting.remove(&id);
                self.met.push(id);
            }
        }
        Ok(())
    }

    /// The rows before a time that still wait, in order of time and key. They wait no longer.
    pub fn take_waiting(&mut self, before: i64) -> Result<Vec<Overdue>> {
        if before <= self.settled {
            return Ok(Vec::new());
        }
        self.load_waiting(before)?;
        let first = RowId { time: before, key: Arc::default(), arrival: 0 };
        let later = self.waiting.split_off(&first);
        let mut overdue = Vec::new();
        for id in std::mem::replace(&mut self.waiting, later) {
            self.load(&id.key)?;
            let found = self.by_key.get_mut(&id.key).and_then(|of_key| of_key.row(&id));
            let Some(kept) = found.filter(|kept| kept.waits) else { continue };
            kept.waits = false;
            let RowId { time, key, arrival } = id.clone();
            overdue.push(Overdue { time, key, arrival, row: kept.row.clone() });
            self.met.push(id);
        }
        self.settled = before;
        Ok(overdue)
    }

    /// Has the rows in memory that may wait and end before a time.
    fn load_waiting(&mut self, before: i64) -> Result<()> {
        if self.complete {
            return Ok(());
        }
        let (from, until) = (waiting_from(self.settled), waiting_from(before));
        for (id, _) in self.scan_between(&from, &until, usize::MAX)? {
            let (time, key, arrival) = split_waiting_key(&id)?;
            let key = self.interned(key);
            self.waiting.insert(RowId { time, key, arrival });
        }
        Ok(())
    }

    /// Forgets what is too old, and adds what has changed to the batch of the commit. With `waits`,
    /// rows are kept at least until they have been asked for by `take_waiting`.
    pub fn save(&mut self, waits: bool, batch: &mut WriteBatch) -> Result<()> {
        self.save_fresh(batch);
        for id in std::mem::take(&mut self.met) {
            self.put(&id, batch);
            batch.delete(self.place.family, self.place.key(&waiting_key(&id)));
        }
        self.expire(if waits { self.settled } else { i64::MAX }, batch)?;
        let state = (self.latest, self.arrivals);
        if state != self.saved {
            let bytes = [state.0.to_be_bytes(), state.1.to_be_bytes()].concat();
            batch.put(self.place.family, self.place.key(STATE), bytes);
            self.saved = state;
        }
        if self.memory() > self.place.memory_max {
            self.forget();
        }
        Ok(())
    }

    fn save_fresh(&mut self, batch: &mut WriteBatch) {
        let fresh = std::mem::take(&mut self.fresh);
        let (Some(first), Some(latest)) = (fresh.first(), fresh.iter().map(|id| id.time).max())
        else {
            return;
        };
        let at = (latest, first.arrival);
        let mut came = Came::default();
        for id in &fresh {
            if self.put(id, batch) {
                batch.put(self.place.family, self.place.key(&waiting_key(id)), []);
            }
            came.add(&id.key, id.time, id.arrival);
        }
        batch.put(self.place.family, self.place.key(&came_key(at)), came.into_bytes());
        if self.complete {
            self.came.insert(at, fresh);
        }
    }

    /// Adds a row to the batch of the commit; says whether it waits.
    fn put(&self, id: &RowId, batch: &mut WriteBatch) -> bool {
        let of_key = self.by_key.get(&id.key);
        let Some(Ok(at)) = of_key.map(|of_key| of_key.find(id.time, id.arrival)) else {
            return false;
        };
        let Some(kept) = of_key.and_then(|of_key| of_key.rows.get(at)) else { return false };
        let value = [&[u8::from(kept.waits)], &kept.row[..]].concat();
        batch.put(self.place.family, self.place.key(&row_key(id)), value);
        kept.waits
    }

    /// Forgets what came so long ago that even the latest of it is too old.
    fn expire(&mut self, settled: i64, batch: &mut WriteBatch) -> Result<()> {
        let horizon = self.horizon().min(settled);
        if horizon <= self.forgotten {
            return Ok(());
        }
        self.forgotten = horizon;
        if self.complete {
            let kept = self.came.split_off(&(horizon, 0));
            for (at, ids) in std::mem::replace(&mut self.came, kept) {
                ids.iter().for_each(|id| self.remove(id, horizon, batch));
                batch.delete(self.place.family, self.place.key(&came_key(at)));
            }
            return Ok(());
        }
        let (from, until) = ([CAME], came_key((horizon, 0)));
        for (place, ids) in self.scan_between(&from, &until, usize::MAX)? {
            for (key, time, arrival) in Came::split(&ids)? {
                self.remove(&RowId { time, key: key.into(), arrival }, horizon, batch);
            }
            batch.delete(self.place.family, self.place.key(&place));
        }
        Ok(())
    }

    /// Removes a row, and from memory all of its key before the horizon.
    fn remove(&mut self, id: &RowId, horizon: i64, batch: &mut WriteBatch) {
        batch.delete(self.place.family, self.place.key(&row_key(id)));
        let Some(of_key) = self.by_key.get_mut(&id.key) else { return };
        let count = of_key.rows.partition_point(|row| row.time < horizon);
        let removed = of_key.rows.drain(..count);
        self.bytes -= removed.map(|kept| kept.row.len() + ROW_OVERHEAD).sum::<usize>();
        if of_key.rows.is_empty() {
            self.by_key.remove(&id.key);
            self.bytes -= id.key.len() + size_of::<OfKey>();
        }
    }

    /// Drops everything from memory; only right after it was saved.
    fn forget(&mut self) {
        self.dropped.add(self.by_key.keys().map(|key| &**key), self.place.filter_bytes());
        self.by_key = HashMap::new();
        self.waiting.clear();
        self.came.clear();
        self.complete = false;
        self.bytes = 0;
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.bytes + self.dropped.memory()
    }
}

impl OfKey {
    fn find(&self, time: i64, arrival: u64) -> std::result::Result<usize, usize> {
        // Rows mostly come in the order of their times.
        let end = self.rows.len();
        if self.rows.last().is_none_or(|last| (last.time, last.arrival) < (time, arrival)) {
            return Err(end);
        }
        self.rows.binary_search_by_key(&(time, arrival), |row| (row.time, row.arrival))
    }

    fn row(&mut self, id: &RowId) -> Option<&mut Kept> {
        let at = self.find(id.time, id.arrival).ok()?;
        self.rows.get_mut(at)
    }
}

/// With the sign turned, times sort as their bytes do.
fn time_bytes(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

fn row_key(RowId { time, key, arrival }: &RowId) -> Vec<u8> {
    [&[ROWS], &key[..], &time_bytes(*time), &arrival.to_be_bytes()].concat()
}

fn waiting_key(RowId { time, key, arrival }: &RowId) -> Vec<u8> {
    [&[WAITING][..], &time_bytes(*time), key, &arrival.to_be_bytes()].concat()
}

fn waiting_from(time: i64) -> Vec<u8> {
    [&[WAITING][..], &time_bytes(time)].concat()
}

fn came_key((latest, first): (i64, u64)) -> Vec<u8> {
    [&[CAME][..], &time_bytes(latest), &first.to_be_bytes()].concat()
}

fn split_row(value: &[u8]) -> Result<(bool, &[u8])> {
    let (waits, row) = value.split_first().ok_or_else(cut_off)?;
    Ok((*waits != 0, row))
}

fn split_row_key(id: &[u8]) -> Result<(&[u8], i64, u64)> {
    let (rest, arrival) = id.split_last_chunk::<8>().ok_or_else(cut_off)?;
    let (key, time) = rest.split_last_chunk::<8>().ok_or_else(cut_off)?;
    Ok((&key[1..], i64::from_be_bytes(*time) ^ i64::MIN, u64::from_be_bytes(*arrival)))
}

fn split_waiting_key(id: &[u8]) -> Result<(i64, &[u8], u64)> {
    let (rest, arrival) = id.split_last_chunk::<8>().ok_or_else(cut_off)?;
    let (time, key) = rest[1..].split_first_chunk::<8>().ok_or_else(cut_off)?;
    Ok((i64::from_be_bytes(*time) ^ i64::MIN, key, u64::from_be_bytes(*arrival)))
}

fn split_came_key(id: &[u8]) -> Result<(i64, u64)> {
    let (rest, first) = id.split_last_chunk::<8>().ok_or_else(cut_off)?;
    let (_, latest) = rest.split_last_chunk::<8>().ok_or_else(cut_off)?;
    Ok((i64::from_be_bytes(*latest) ^ i64::MIN, u64::from_be_bytes(*first)))
}

fn split_state(bytes: &[u8]) -> Option<(i64, u64)> {
    let (latest, arrivals) = bytes.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*latest), u64::from_be_bytes(arrivals.try_into().ok()?)))
}

fn cut_off() -> Error {
    Error::Internal("a kept row is cut off".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::{Family, MemoryBackend, StoreId};

    fn place() -> Place {
        let backend = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 1, shard: 0 };
        Place::new(backend, Family::Operator, id)
    }

    fn met(rows: &mut RecentRows, key: &[u8], times: RangeInclusive<i64>) -> Vec<(i64, Vec<u8>)> {
        let mut met = Vec::new();
        rows.meet(key, times, |time, row| met.push((time, row.to_vec()))).unwrap();
        met
    }

    /// Commits and opens the rows anew, with room for all of them in memory or for none.
    fn commit(rows: &mut RecentRows, place: &Place, memory_max: usize) -> RecentRows {
        let mut batch = WriteBatch::default();
        rows.save(true, &mut batch).unwrap();
        place.backend.write(batch).unwrap();
        RecentRows::open(place.clone().with_memory(memory_max), rows.retained_ms).unwrap()
    }

    fn count(place: &Place) -> usize {
        place.scan_prefix(&[ROWS]).unwrap().len()
    }

    #[test]
    fn rows_are_met_by_key_and_time_in_order_of_time_and_arrival() {
        let place = place();
        let mut rows = RecentRows::open(place.clone(), 100).unwrap();
        for (key, time, row) in
            [(b"a", 5, b"2"), (b"a", -5, b"1"), (b"b", 5, b"x"), (b"a", 5, b"3")]
        {
            assert!(rows.insert(key, time, row, false));
        }
        let expected = [(-5, b"1".to_vec()), (5, b"2".to_vec()), (5, b"3".to_vec())];
        assert_eq!(met(&mut rows, b"a", -5..=5), expected);
        assert_eq!(met(&mut commit(&mut rows, &place, usize::MAX), b"a", -5..=5), expected);
        assert_eq!(met(&mut rows, b"a", -4..=4), []);
    }

    #[test]
    fn rows_older_than_the_retained_span_are_forgotten() {
        let place = place();
        let mut rows = RecentRows::open(place.clone(), 10).unwrap();
        rows.insert(b"a", 0, b"old", false);
        rows.insert(b"a", 10, b"new", false);
        assert_eq!(met(&mut rows, b"a", 0..=10).len(), 2);
        rows.insert(b"b", 11, b"", false);
        assert_eq!(met(&mut rows, b"a", 0..=10).len(), 1);
        assert!(!rows.insert(b"a", 0, b"late", false));
        rows.take_waiting(100).unwrap();
        let mut rows = commit(&mut rows, &place, 0);
        rows.insert(b"b", 22, b"", false);
        rows.take_waiting(100).unwrap();
        commit(&mut rows, &place, 0);
        assert_eq!(count(&place), 1, "what came together goes together");
    }

    #[test]
    fn a_waiting_row_stays_until_it_is_met_or_told_to_go() {
        for memory_max in [0, usize::MAX] {
            let place = place();
            let mut rows = RecentRows::open(place.clone().with_memory(memory_max), 10).unwrap();
            rows.insert(b"b", 0, b"0", true);
            rows.insert(b"a", 0, b"1", true);
            rows.insert(b"a", 100, b"2", true);
            let mut rows = commit(&mut rows, &place, memory_max);
            assert_eq!(met(&mut rows, b"a", 100..=100).len(), 1);
            let gone = rows.take_waiting(1).unwrap();
            let gone: Vec<_> = gone.iter().map(|row| (&*row.key, &*row.row)).collect();
            assert_eq!(gone, [(&b"a"[..], &b"1"[..]), (b"b", b"0")]);
            assert_eq!(rows.take_waiting(1).unwrap(), []);
            let mut rows = commit(&mut rows, &place, memory_max);
            assert_eq!(rows.take_waiting(200).unwrap(), []);
            rows.insert(b"c", 200, b"3", true);
            commit(&mut rows, &place, memory_max);
            assert_eq!(count(&place), 1, "what came together goes together");
        }
    }
}
