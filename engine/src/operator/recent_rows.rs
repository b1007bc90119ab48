//! The recent rows of one side of a stream–stream join.
//!
//! Rows are kept by key, time and order of arrival, until they are older than a given span before
//! the latest row of the side. A row may be *waiting*: nobody has met it so far, and when its
//! window closes it leaves without a partner. A waiting row is kept until then in any case.
//!
//! All of it is in one sorted store, in two orders:
//!
//! | key | value |
//! |---|---|
//! | `r`, key, time, arrival | `waiting (1)`, row |
//! | `t`, time, key, arrival | nothing |
//! | `m` | time of the latest row (8), arrivals so far (8) |
//!
//! Times are written so that they sort as their bytes do. The first order is for meeting, the
//! second for leaving and forgetting.

use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::state::{Place, RowStore, WriteBatch};

const ROWS: u8 = b'r';
const TIMES: u8 = b't';
const STATE: &[u8] = b"m";

/// Rows by key and time.
#[derive(Debug)]
pub(super) struct RecentRows {
    store: RowStore,
    retained_ms: i64,
    /// The time of the latest row that was offered.
    latest: i64,
    arrivals: u64,
    /// No row before this time waits.
    settled: i64,
    /// Rows before this time have been forgotten.
    forgotten: i64,
}

/// What tells a kept row from the others.
struct RowId {
    time: i64,
    key: Box<[u8]>,
    arrival: u64,
}

/// A row that has waited in vain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Overdue {
    /// Its time.
    pub time: i64,
    /// Its key.
    pub key: Box<[u8]>,
    arrival: u64,
    /// Its bytes.
    pub row: Box<[u8]>,
}

impl RecentRows {
    /// The rows at this place, of which those older than `retained_ms` are forgotten.
    pub fn open(place: Place, retained_ms: i64) -> Result<Self> {
        let mut store = RowStore::open(place)?;
        let state = store.get(STATE)?.and_then(split_state).unwrap_or((i64::MIN, 0));
        let (latest, arrivals) = state;
        let (settled, forgotten) = (i64::MIN, i64::MIN);
        Ok(Self { store, retained_ms, latest, arrivals, settled, forgotten })
    }

    /// Offers a row. Says whether it is kept: one that is older than the retained span is not.
    pub fn insert(&mut self, key: &[u8], time: i64, row: &[u8], waits: bool) -> bool {
        self.latest = self.latest.max(time);
        if time < self.horizon() && !waits {
            return false;
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        let value = [&[u8::from(waits)], row].concat();
        self.store.set(&row_key(key, time, arrival), Some(&value));
        self.store.set(&time_key(time, key, arrival), Some(&[]));
        true
    }

    /// Rows older than this are forgotten.
    fn horizon(&self) -> i64 {
        self.latest.saturating_sub(self.retained_ms)
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
        let (first, last) = (row_key(key, earliest, 0), row_key(key, *times.end(), u64::MAX));
        self.store.load_prefix(&first[..=key.len()])?;
        let mut met = Vec::new();
        for (id, value) in self.store.range(&first..&last) {
            let (waits, row) = split_row(value)?;
            meet(split_row_key(id)?.1, row);
            if waits {
                met.push((Box::<[u8]>::from(id), Box::<[u8]>::from(row)));
            }
        }
        met.into_iter().for_each(|(id, row)| self.stop_waiting(&id, &row));
        Ok(())
    }

    fn stop_waiting(&mut self, id: &[u8], row: &[u8]) {
        self.store.set(id, Some(&[&[0], row].concat()));
    }

    /// The rows before a time that still wait, in order of time and key. They wait no longer.
    pub fn take_waiting(&mut self, before: i64) -> Result<Vec<Overdue>> {
        if before <= self.settled {
            return Ok(Vec::new());
        }
        let mut overdue = Vec::new();
        for RowId { time, key, arrival } in self.between(self.settled, before)? {
            let id = row_key(&key, time, arrival);
            let Some(value) = self.store.get(&id)? else { continue };
            let (waits, row) = split_row(value)?;
            if waits {
                let row = Box::<[u8]>::from(row);
                self.stop_waiting(&id, &row);
                overdue.push(Overdue { time, key, arrival, row });
            }
        }
        self.settled = before;
        Ok(overdue)
    }

    /// The rows of a span, in order of time, key and arrival.
    fn between(&mut self, from: i64, until: i64) -> Result<Vec<RowId>> {
        let (start, end) = (time_key(from, &[], 0), time_key(until, &[], 0));
        let (start, end) = (&start[..9], &end[..9]);
        self.store.load_range(start..end)?;
        self.store.range(start..end).map(|(id, _)| split_time_key(id)).collect()
    }

    /// Forgets what is too old and does not wait.
    fn expire(&mut self, settled: i64) -> Result<()> {
        let horizon = self.horizon().min(settled);
        if horizon <= self.forgotten {
            return Ok(());
        }
        for RowId { time, key, arrival } in self.between(self.forgotten, horizon)? {
            self.store.set(&row_key(&key, time, arrival), None);
            self.store.set(&time_key(time, &key, arrival), None);
        }
        self.forgotten = horizon;
        Ok(())
    }

    /// Forgets what is too old, and adds what was touched to the batch of the commit. With
    /// `waits`, rows are kept at least until they have been asked for by `take_waiting`.
    pub fn save(&mut self, waits: bool, batch: &mut WriteBatch) -> Result<()> {
        self.expire(if waits { self.settled } else { i64::MAX })?;
        let state = [self.latest.to_be_bytes(), self.arrivals.to_be_bytes()].concat();
        if self.arrivals > 0 && self.store.get(STATE)? != Some(&state[..]) {
            self.store.set(STATE, Some(&state));
        }
        self.store.save(batch);
        Ok(())
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.store.memory()
    }
}

/// With the sign turned, times sort as their bytes do.
fn time_bytes(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

fn row_key(key: &[u8], time: i64, arrival: u64) -> Vec<u8> {
    [&[ROWS], key, &time_bytes(time), &arrival.to_be_bytes()].concat()
}

fn time_key(time: i64, key: &[u8], arrival: u64) -> Vec<u8> {
    [&[TIMES][..], &time_bytes(time), key, &arrival.to_be_bytes()].concat()
}

fn split_row(value: &[u8]) -> Result<(bool, &[u8])> {
    let (waits, row) = value.split_first().ok_or_else(cut_off)?;
    Ok((*waits != 0, row))
}

fn split_row_key(id: &[u8]) -> Result<(&[u8], i64)> {
    let (rest, _) = id.split_last_chunk::<8>().ok_or_else(cut_off)?;
    let (key, time) = rest.split_last_chunk::<8>().ok_or_else(cut_off)?;
    Ok((&key[1..], i64::from_be_bytes(*time) ^ i64::MIN))
}

fn split_time_key(id: &[u8]) -> Result<RowId> {
    let (rest, arrival) = id.split_last_chunk::<8>().ok_or_else(cut_off)?;
    let (time, key) = rest[1..].split_first_chunk::<8>().ok_or_else(cut_off)?;
    let time = i64::from_be_bytes(*time) ^ i64::MIN;
    Ok(RowId { time, key: key.into(), arrival: u64::from_be_bytes(*arrival) })
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
        commit(&mut rows, &place, 0);
        assert_eq!(count(&place), 2);
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
            assert_eq!(count(&place), 1);
            assert_eq!(rows.take_waiting(200).unwrap(), []);
        }
    }
}
