//! Aggregates per key and session.
//!
//! A record joins the sessions of its key that are at most the gap away, both ends inclusive,
//! and makes one session of them; without one it begins its own. When sessions grow or merge, a
//! deletion of each old one leaves first, then the new one. A record is late when the session
//! that it would end in is older than stream time − gap − grace.
//!
//! Sessions in memory are a cache: when they outgrow the budget, all of them are dropped at a
//! commit, and come back with their keys or when they close. They are stored twice:
//!
//! | key | value |
//! |---|---|
//! | `s`, key, start | end, states of the aggregates |
//! | `e`, end, key, start | nothing |

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Int64Type};

use super::{AggregateSpec, Operator, Output};
use crate::aggregate::Groups;
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::state::{Place, RowCodec, WriteBatch, batch_of};
use crate::window::{SessionWindow, StreamTime};

/// Bytes of bookkeeping per key, roughly.
const SESSION_OVERHEAD: usize = 128;

const BY_KEY: u8 = b's';
const BY_END: u8 = b'e';

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    start: i64,
    end: i64,
    slot: u32,
}

type Key = Arc<[u8]>;

/// A running aggregation over sessions.
pub struct SessionAggregate {
    spec: AggregateSpec,
    window: SessionWindow,
    stream_time: StreamTime,
    place: Place,
    key_codec: RowCodec,
    state_codec: RowCodec,
    sessions: HashMap<Key, Vec<Session>>,
    /// Keys with a session of this end, for closing and expiry.
    by_end: BTreeMap<i64, BTreeSet<Key>>,
    groups: Vec<Box<dyn Groups>>,
    slots: u32,
    free: Vec<u32>,
    /// What was touched since the last commit: where it is now, or `None` where it is gone.
    dirty: BTreeMap<Vec<u8>, Option<Session>>,
    /// Entries by end that were made (true) or unmade since the last commit.
    dirty_ends: BTreeMap<Vec<u8>, bool>,
    /// Whether all sessions are in memory.
    complete: bool,
    expired_before: i64,
    /// Sessions that ended before this time have left as final results.
    closed_until: Option<i64>,
}

/// Collects output rows: deletions of old sessions and new results.
#[derive(Default)]
struct Emitted {
    keys: Vec<Key>,
    bounds: Vec<(i64, i64)>,
    ops: Vec<Op>,
    results: Vec<Vec<ArrayRef>>,
}

impl SessionAggregate {
    /// An aggregation whose state is at this place.
    pub fn open(spec: AggregateSpec, window: SessionWindow, place: Place) -> Result<Self> {
        let state_types = spec.functions.iter().flat_map(|function| function.state_types());
        let mut aggregate = Self {
            window,
            stream_time: StreamTime::open(&place)?,
            key_codec: RowCodec::new(spec.keys.types().cloned().collect())?,
            state_codec: RowCodec::new([DataType::Int64].into_iter().chain(state_types).collect())?,
            sessions: HashMap::new(),
            by_end: BTreeMap::new(),
            groups: spec.functions.iter().map(|function| function.groups()).collect(),
            slots: 0,
            free: Vec::new(),
            dirty: BTreeMap::new(),
            dirty_ends: BTreeMap::new(),
            complete: place.is_empty()?,
            expired_before: i64::MIN,
            closed_until: None,
            spec,
            place,
        };
        aggregate.closed_until = aggregate.stream_time.get().map(|now| aggregate.closing_end(now));
        Ok(aggregate)
    }

    /// Reads the sessions of a key into memory, if they are not there.
    fn load(&mut self, key: &Key) -> Result<()> {
        if self.complete || self.sessions.contains_key(key) {
            return Ok(());
        }
        self.sessions.insert(Key::clone(key), Vec::new());
        for (stored, state) in self.place.scan_prefix(&[&[BY_KEY], &**key].concat())? {
            let start = split_start(&stored)?.1;
            let columns = self.state_codec.decode([&*state])?;
            let [end, states @ ..] = columns.as_slice() else { continue };
            let end = end.as_primitive::<Int64Type>().value(0);
            let slot = self.allocate();
            let mut states = states;
            for (groups, function) in self.groups.iter_mut().zip(&self.spec.functions) {
                let (own, rest) = states.split_at(function.state_types().len());
                groups.load(&[slot], own)?;
                states = rest;
            }
            self.keep(key, Session { start, end, slot });
        }
        Ok(())
    }

    /// The keys of stored sessions whose end lies in a range, with their starts, by end.
    fn stored_ends(&self, from: i64, until: i64) -> Result<Vec<(i64, Key, i64)>> {
        if self.complete || from >= until {
            return Ok(Vec::new());
        }
        let key = |end: i64| self.place.key(&[&[BY_END][..], &time_bytes(end)].concat());
        let (family, range) = (self.place.family, key(from)..key(until));
        let entries = self.place.backend.scan(family, &range.start..&range.end, usize::MAX)?;
        entries.iter().map(|(entry, _)| split_end(&entry[8..])).collect()
    }

    /// Sessions that end before this take no more records.
    fn closing_end(&self, stream_time: i64) -> i64 {
        stream_time.saturating_sub(self.window.gap_ms).saturating_sub(self.window.grace_ms)
    }

    fn allocate(&mut self) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            let slots = self.slots as usize;
            self.groups.iter_mut().for_each(|groups| groups.resize(slots));
            self.slots - 1
        });
        self.groups.iter_mut().for_each(|groups| groups.reset(&[slot]));
        slot
    }

    fn insert(&mut self, key: &Key, session: Session) {
        self.keep(key, session);
        self.dirty.insert(by_key(key, session.start), Some(session));
        self.dirty_ends.insert(by_end(session.end, key, session.start), true);
    }

    fn keep(&mut self, key: &Key, session: Session) {
        self.sessions.entry(Key::clone(key)).or_default().push(session);
        self.by_end.entry(session.end).or_default().insert(Key::clone(key));
    }

    fn remove(&mut self, key: &Key, session: Session) {
        if let Some(sessions) = self.sessions.get_mut(key) {
            sessions.retain(|other| *other != session);
            let same_end = sessions.iter().any(|other| other.end == session.end);
            if let (false, Some(keys)) = (same_end, self.by_end.get_mut(&session.end)) {
                keys.remove(key);
            }
        }
        if self.by_end.get(&session.end).is_some_and(BTreeSet::is_empty) {
            self.by_end.remove(&session.end);
        }
        self.dirty.insert(by_key(key, session.start), None);
        self.dirty_ends.insert(by_end(session.end, key, session.start), false);
        self.free.push(session.slot);
    }

    /// The sessions of a key that a record at `time` joins, by start.
    fn joined(&self, key: &Key, time: i64) -> Vec<Session> {
        let near = |session: &&Session| {
            session.end >= time.saturating_sub(self.window.gap_ms)
                && session.start <= time.saturating_add(self.window.gap_ms)
        };
        let sessions = self.sessions.get(key).into_iter().flatten();
        let mut joined: Vec<Session> = sessions.filter(near).copied().collect();
        joined.sort();
        joined
    }

    fn add_row(
        &mut self,
        key: &Key,
        time: i64,
        arguments: &[Option<Vec<ArrayRef>>],
        output: &mut Output,
        emitted: &mut Emitted,
    ) -> Result<()> {
        let stream_time = self.stream_time.advance(time);
        self.load(key)?;
        let joined = self.joined(key, time);
        let start = joined.iter().map(|session| session.start).fold(time, i64::min);
        let end = joined.iter().map(|session| session.end).fold(time, i64::max);
        if end < self.closing_end(stream_time) {
            output.late.add(time, stream_time);
            return Ok(());
        }
        let slot = self.allocate();
        for (index, arguments) in arguments.iter().enumerate() {
            let groups = &mut self.groups[index];
            for session in &joined {
                groups.merge(&[slot], &[session.slot])?;
            }
            if let Some(arguments) = arguments {
                groups.update(&[slot], arguments)?;
            }
        }
        // A session at a single point of time that stays there is replaced without a deletion.
        let unchanged = (start, end) == (time, time);
        for session in joined {
            if !unchanged && !self.spec.is_final {
                let old = self.results(session.slot)?;
                emitted.push(key, (session.start, session.end), Op::Delete, old);
            }
            self.remove(key, session);
        }
        self.insert(key, Session { start, end, slot });
        if !self.spec.is_final {
            emitted.push(key, (start, end), Op::Insert, self.results(slot)?);
        }
        Ok(())
    }

    fn results(&self, slot: u32) -> Result<Vec<ArrayRef>> {
        self.groups.iter().map(|groups| groups.evaluate(&[slot])).collect()
    }

    /// Sessions that have closed since the last look, in order of their window and key.
    fn close(&mut self, emitted: &mut Emitted) -> Result<()> {
        let Some(now) = self.stream_time.get() else { return Ok(()) };
        let until = self.closing_end(now);
        let from = self.closed_until.unwrap_or(i64::MIN);
        if from >= until {
            return Ok(());
        }
        for (_, key, _) in self.stored_ends(from, until)? {
            self.load(&key)?;
        }
        let mut due: Vec<(i64, i64, Key, u32)> = Vec::new();
        for (end, keys) in self.by_end.range(from..until) {
            for key in keys {
                let sessions = self.sessions[key].iter().filter(|session| session.end == *end);
                due.extend(sessions.map(|s| (s.start, s.end, Key::clone(key), s.slot)));
            }
        }
        due.sort();
        for (start, end, key, slot) in due {
            emitted.push(&key, (start, end), Op::Insert, self.results(slot)?);
        }
        self.closed_until = Some(until);
        Ok(())
    }

    fn expire(&mut self, batch: &mut WriteBatch) -> Result<()> {
        let Some(now) = self.stream_time.get() else { return Ok(()) };
        let horizon = now.saturating_sub(self.window.kept_ms());
        if horizon <= self.expired_before {
            return Ok(());
        }
        for (end, key, start) in self.stored_ends(self.expired_before, horizon)? {
            if !self.sessions.contains_key(&key) {
                batch.delete(self.place.family, self.place.key(&by_key(&key, start)));
                batch.delete(self.place.family, self.place.key(&by_end(end, &key, start)));
            }
        }
        self.expired_before = horizon;
        let old = self.by_end.range(..horizon);
        let old = old.map(|(end, keys)| (*end, keys.iter().cloned().collect()));
        let old: Vec<(i64, Vec<Key>)> = old.collect();
        for (end, keys) in old {
            for key in keys {
                let sessions = self.sessions.get(&key).into_iter().flatten();
                let ended: Vec<Session> = sessions.filter(|s| s.end == end).copied().collect();
                ended.into_iter().for_each(|session| self.remove(&key, session));
            }
        }
        Ok(())
    }

    /// Drops all sessions from memory; only right after all of them were saved.
    fn forget(&mut self) {
        self.sessions.clear();
        self.by_end.clear();
        self.groups = self.spec.functions.iter().map(|function| function.groups()).collect();
        self.slots = 0;
        self.free.clear();
        self.complete = false;
    }

    fn changes(&self, emitted: Emitted) -> Result<Option<Changes>> {
        if emitted.keys.is_empty() {
            return Ok(None);
        }
        let rows = emitted.keys.len();
        let mut columns = self.key_codec.decode(emitted.keys.iter().map(|key| &**key))?;
        let order: Vec<(usize, usize)> = (0..rows).map(|row| (row, 0)).collect();
        for index in 0..self.groups.len() {
            let parts: Vec<&dyn Array> = emitted.results.iter().map(|row| &*row[index]).collect();
            columns.push(interleave(&parts, &order)?);
        }
        let starts = emitted.bounds.iter().map(|(start, _)| *start);
        let ends = Int64Array::from_iter_values(emitted.bounds.iter().map(|(_, end)| *end));
        columns.push(Arc::new(Int64Array::from_iter_values(starts)));
        columns.push(Arc::new(ends.clone()));
        Ok(Some(Changes::new(batch_of(&self.spec.schema, columns, rows)?, emitted.ops, ends)))
    }
}

impl Operator for SessionAggregate {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let keys = self.spec.keys.evaluate(&input.rows, &mut output.errors)?;
        let encoded = self.key_codec.encode(&keys, input.len())?;
        let (mut arguments, mut filters) = (Vec::new(), Vec::new());
        for (evaluator, filter) in self.spec.arguments.iter().zip(&self.spec.filters) {
            arguments.push(evaluator.evaluate(&input.rows, &mut output.errors)?);
            let mask = filter.as_ref().map(|f| f.matches(&input.rows, &mut output.errors));
            filters.push(mask.transpose()?);
        }
        let mut emitted = Emitted::default();
        for row in 0..input.len() {
            if !input.op(row).adds() || keys.iter().any(|key| key.is_null(row)) {
                continue;
            }
            let at = UInt32Array::from(vec![row as u32]);
            let of_row = arguments.iter().zip(&filters).map(|(columns, filter)| {
                let chosen = filter.as_ref().is_none_or(|mask| mask.value(row));
                let columns = columns.iter().map(|column| Ok(take(column, &at, None)?));
                chosen.then(|| columns.collect::<Result<Vec<_>>>()).transpose()
            });
            let of_row = of_row.collect::<Result<Vec<_>>>()?;
            let key = Key::from(encoded.get(row));
            self.add_row(&key, input.times.value(row), &of_row, output, &mut emitted)?;
            if self.spec.is_final {
                self.close(&mut emitted)?;
            }
        }
        if let Some(changes) = self.changes(emitted)? {
            output.emit(changes);
        }
        Ok(())
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.expire(batch)?;
        for (stored, session) in std::mem::take(&mut self.dirty) {
            let key = self.place.key(&stored);
            let Some(session) = session else {
                batch.delete(self.place.family, key);
                continue;
            };
            let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![session.end]))];
            for groups in &self.groups {
                columns.extend(groups.save(&[session.slot])?);
            }
            batch.put(self.place.family, key, self.state_codec.encode(&columns, 1)?.get(0));
        }
        for (stored, made) in std::mem::take(&mut self.dirty_ends) {
            let key = self.place.key(&stored);
            match made {
                true => batch.put(self.place.family, key, []),
                false => batch.delete(self.place.family, key),
            }
        }
        self.stream_time.save(batch);
        self.sessions.retain(|_, sessions| !sessions.is_empty());
        if self.memory() > self.place.memory_max {
            self.forget();
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        let groups: usize = self.groups.iter().map(|groups| groups.memory()).sum();
        groups + self.sessions.len() * SESSION_OVERHEAD
    }
}

impl Emitted {
    fn push(&mut self, key: &Key, bounds: (i64, i64), op: Op, results: Vec<ArrayRef>) {
        self.keys.push(Key::clone(key));
        self.bounds.push(bounds);
        self.ops.push(op);
        self.results.push(results);
    }
}

fn by_key(key: &[u8], start: i64) -> Vec<u8> {
    [&[BY_KEY], key, &time_bytes(start)].concat()
}

fn by_end(end: i64, key: &[u8], start: i64) -> Vec<u8> {
    [&[BY_END][..], &time_bytes(end), key, &time_bytes(start)].concat()
}

/// With the sign turned, times sort as their bytes do.
fn time_bytes(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

fn time_of(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

fn split_start(stored: &[u8]) -> Result<(&[u8], i64)> {
    let (rest, start) = stored.split_last_chunk::<8>().ok_or_else(cut_off)?;
    Ok((rest, time_of(*start)))
}

fn split_end(stored: &[u8]) -> Result<(i64, Key, i64)> {
    let (rest, start) = split_start(stored)?;
    let (end, key) = rest[1..].split_first_chunk::<8>().ok_or_else(cut_off)?;
    Ok((time_of(*end), Key::from(key), start))
}

fn cut_off() -> Error {
    Error::Internal("a stored session is cut off".into())
}
