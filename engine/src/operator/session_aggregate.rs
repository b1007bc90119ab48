//! Aggregates per key and session.
//!
//! A record joins the sessions of its key that are at most the gap away, both ends inclusive,
//! and makes one session of them; without one it begins its own. When sessions grow or merge, a
//! deletion of each old one leaves first, then the new one. A record is late when the session
//! that it would end in is older than stream time − gap − grace.
//!
//! A batch is processed in **pieces**: as a whole, or record by record where every change has to
//! leave; final results end a piece where a session closes. In a piece each record first finds its
//! session, which needs no aggregate; the aggregates take all records at once, and before them only
//! where sessions merge. What leaves is what the piece made of the sessions that it touched.
//!
//! Sessions in memory are a cache: when they outgrow the budget, all of them are dropped at a
//! commit, and come back with their keys or when they close. They are [stored](stored) twice.

mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt32Array};
use arrow::compute::{concat, interleave, take};
use arrow::datatypes::{DataType, Int64Type};
use hashbrown::HashMap;

use super::{AggregateSpec, Operator, Output};
use crate::aggregate::Groups;
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::state::{Place, RowCodec, WriteBatch, batch_of};
use crate::window::{SessionWindow, StreamTime};

use stored::{BY_KEY, by_end, by_key, from_end, split_end, split_start};

/// Bytes of bookkeeping per key, roughly.
const SESSION_OVERHEAD: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    start: i64,
    end: i64,
    slot: u32,
    /// Whether a record of the piece is in it.
    is_touched: bool,
}

type Key = Arc<[u8]>;

/// The sessions of a key.
#[derive(Debug, Default)]
struct OfKey {
    sessions: Vec<Session>,
    /// Its place among those that the piece has touched.
    touched: Option<usize>,
}

/// A running aggregation over sessions.
pub struct SessionAggregate {
    spec: AggregateSpec,
    window: SessionWindow,
    stream_time: StreamTime,
    place: Place,
    key_codec: RowCodec,
    state_codec: RowCodec,
    sessions: HashMap<Key, OfKey>,
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

/// What a batch gives the aggregates: for each of them the columns, and which of their rows.
type Arguments = Vec<(Vec<ArrayRef>, Option<BooleanArray>)>;

/// What a piece has done so far.
#[derive(Default)]
struct Piece {
    keys: Vec<Key>,
    /// Sessions from before the piece that its records joined: of which key, and what it was.
    olds: Vec<(usize, Session)>,
    /// Results of the first of them.
    old_results: Vec<Vec<ArrayRef>>,
    /// How many these are.
    evaluated: usize,
    /// Rows that the aggregates have not taken yet, with the slots of their sessions.
    rows: Vec<u32>,
    slots: Vec<u32>,
    /// The earliest end of a session that was touched.
    earliest_end: Option<i64>,
}

/// Output rows.
#[derive(Default)]
struct Emitted {
    keys: Vec<Key>,
    bounds: Vec<(i64, i64)>,
    ops: Vec<Op>,
    /// Results, in pieces, and of each row in which piece and where they are.
    results: Vec<Vec<ArrayRef>>,
    places: Vec<(usize, usize)>,
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

    /// Has the sessions of a key in memory. Gives the key as they share it.
    fn load(&mut self, key: &[u8]) -> Result<Key> {
        if let Some((key, _)) = self.sessions.get_key_value(key) {
            return Ok(Key::clone(key));
        }
        let shared = Key::from(key);
        self.sessions.insert(Key::clone(&shared), OfKey::default());
        if self.complete {
            return Ok(shared);
        }
        for (stored, state) in self.place.scan_prefix(&[&[BY_KEY], key].concat())? {
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
            let session = Session { start, end, slot, is_touched: false };
            if let Some(of_key) = self.sessions.get_mut(key) {
                of_key.sessions.push(session);
            }
            self.by_end.entry(end).or_default().insert(Key::clone(&shared));
        }
        Ok(shared)
    }

    /// The keys of stored sessions whose end lies in a range, with their starts, by end.
    fn stored_ends(&self, from: i64, until: i64) -> Result<Vec<(i64, Key, i64)>> {
        if self.complete || from >= until {
            return Ok(Vec::new());
        }
        let (start, end) = (self.place.key(&from_end(from)), self.place.key(&from_end(until)));
        let entries = self.place.backend.scan(self.place.family, &start..&end, usize::MAX)?;
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

    /// Finds the session of a record.
    fn add_row(
        &mut self,
        key: &[u8],
        (row, time): (u32, i64),
        arguments: &Arguments,
        piece: &mut Piece,
        output: &mut Output,
    ) -> Result<()> {
        let stream_time = self.stream_time.advance(time);
        let closing_end = self.closing_end(stream_time);
        let key = self.load(key)?;
        let Some(of_key) = self.sessions.get_mut(&key) else { return Ok(()) };
        let (earliest, latest) =
            (time.saturating_sub(self.window.gap_ms), time.saturating_add(self.window.gap_ms));
        let is_near = |session: &Session| session.end >= earliest && session.start <= latest;
        let near = of_key.sessions.iter().filter(|session| is_near(session));
        let (start, end) = near.fold((time, time), |(start, end), session| {
            (start.min(session.start), end.max(session.end))
        });
        if end < closing_end {
            output.late.add(time, stream_time);
            return Ok(());
        }
        let at = *of_key.touched.get_or_insert_with(|| {
            piece.keys.push(Key::clone(&key));
            piece.keys.len() - 1
        });
        let joined = of_key.sessions.extract_if(.., |session| is_near(session));
        let mut joined: Vec<Session> = joined.collect();
        joined.sort_unstable();
        piece.olds.extend(joined.iter().filter(|old| !old.is_touched).map(|old| (at, *old)));
        let slot = match joined.as_slice() {
            [] => self.allocate(),
            [session] => session.slot,
            [first, others @ ..] => {
                self.flush(arguments, piece)?;
                for other in others {
                    let groups = self.groups.iter_mut();
                    groups
                        .into_iter()
                        .try_for_each(|groups| groups.merge(&[first.slot], &[other.slot]))?;
                    self.free.push(other.slot);
                }
                first.slot
            }
        };
        if let Some(of_key) = self.sessions.get_mut(&key) {
            of_key.sessions.push(Session { start, end, slot, is_touched: true });
        }
        piece.rows.push(row);
        piece.slots.push(slot);
        piece.earliest_end = Some(piece.earliest_end.map_or(end, |earliest| earliest.min(end)));
        Ok(())
    }

    /// Has the aggregates take the rows that they have not taken, after noting what sessions were
    /// before.
    fn flush(&mut self, arguments: &Arguments, piece: &mut Piece) -> Result<()> {
        if !self.spec.is_final && piece.evaluated < piece.olds.len() {
            let olds: Vec<u32> =
                piece.olds[piece.evaluated..].iter().map(|(_, old)| old.slot).collect();
            piece.old_results.push(self.results(&olds)?);
            piece.evaluated = piece.olds.len();
        }
        let (rows, slots) = (std::mem::take(&mut piece.rows), std::mem::take(&mut piece.slots));
        if rows.is_empty() {
            return Ok(());
        }
        for (groups, (columns, filter)) in self.groups.iter_mut().zip(arguments) {
            let is_chosen = |row: u32| filter.as_ref().is_none_or(|mask| mask.value(row as usize));
            let chosen = rows.iter().zip(&slots).filter(|(row, _)| is_chosen(**row));
            let (rows, slots): (Vec<u32>, Vec<u32>) = chosen.unzip();
            let rows = UInt32Array::from(rows);
            let columns = columns.iter().map(|column| Ok(take(column, &rows, None)?));
            groups.update(&slots, &columns.collect::<Result<Vec<_>>>()?)?;
        }
        Ok(())
    }

    /// Ends a piece: what it made of its sessions goes to the state and to the output.
    fn settle(
        &mut self,
        arguments: &Arguments,
        piece: &mut Piece,
        emitted: &mut Emitted,
    ) -> Result<()> {
        self.flush(arguments, piece)?;
        let Piece { keys, olds, old_results, .. } = std::mem::take(piece);
        let mut olds_of: Vec<Vec<(usize, Session)>> = vec![Vec::new(); keys.len()];
        for (row, (key, old)) in olds.iter().enumerate() {
            olds_of[*key].push((row, *old));
        }
        let (before, after) = (emitted.results.len(), emitted.results.len() + 1);
        let mut slots = Vec::new();
        for (key, olds) in keys.iter().zip(&olds_of) {
            let news = self.untouch(key);
            self.note(key, olds, &news);
            if self.spec.is_final {
                continue;
            }
            let stays = |old: &Session| {
                let same = news.iter().find(|new| (new.start, new.end) == (old.start, old.end));
                // Where every change leaves, only a session at a single point of time that stays
                // there is replaced without a deletion.
                same.filter(|new| !self.spec.every || new.start == new.end)
            };
            for (row, old) in olds.iter().filter(|(_, old)| stays(old).is_none()) {
                emitted.push(key, old, Op::Delete, (before, *row));
            }
            for new in &news {
                let mut op = Op::Insert;
                let same =
                    olds.iter().find(|(_, old)| stays(old).is_some_and(|stays| stays == new));
                if let Some((row, old)) = same.filter(|_| self.spec.with_before) {
                    emitted.push(key, old, Op::UpdateBefore, (before, *row));
                    op = Op::UpdateAfter;
                }
                emitted.push(key, new, op, (after, slots.len()));
                slots.push(new.slot);
            }
        }
        if !self.spec.is_final {
            emitted.results.push(self.joined_results(&old_results)?);
            emitted.results.push(self.results(&slots)?);
        }
        Ok(())
    }

    /// The sessions of a key that were touched, by start; they are not any longer.
    fn untouch(&mut self, key: &Key) -> Vec<Session> {
        let Some(of_key) = self.sessions.get_mut(key) else { return Vec::new() };
        of_key.touched = None;
        let touched = of_key.sessions.iter_mut().filter(|session| session.is_touched);
        let untouched = touched.map(|session| {
            session.is_touched = false;
            *session
        });
        let mut sessions: Vec<Session> = untouched.collect();
        sessions.sort_unstable();
        sessions
    }

    /// Notes that sessions of a key have become others.
    fn note(&mut self, key: &Key, olds: &[(usize, Session)], news: &[Session]) {
        for (_, old) in olds {
            self.unmake(key, old);
        }
        for new in news {
            self.by_end.entry(new.end).or_default().insert(Key::clone(key));
            self.dirty.insert(by_key(key, new.start), Some(*new));
            self.dirty_ends.insert(by_end(new.end, key, new.start), true);
        }
    }

    /// Notes that a session is gone, which is no longer among those of its key.
    fn unmake(&mut self, key: &Key, session: &Session) {
        let of_key = self.sessions.get(key);
        let sessions = of_key.into_iter().flat_map(|of_key| &of_key.sessions);
        let same_end = sessions.into_iter().any(|other| other.end == session.end);
        if let (false, Some(keys)) = (same_end, self.by_end.get_mut(&session.end)) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_end.remove(&session.end);
            }
        }
        self.dirty.insert(by_key(key, session.start), None);
        self.dirty_ends.insert(by_end(session.end, key, session.start), false);
    }

    fn results(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        self.groups.iter().map(|groups| groups.evaluate(slots)).collect()
    }

    /// Results that were computed in pieces.
    fn joined_results(&self, parts: &[Vec<ArrayRef>]) -> Result<Vec<ArrayRef>> {
        if parts.is_empty() {
            return self.results(&[]);
        }
        let columns = (0..self.groups.len()).map(|at| {
            let parts: Vec<&dyn Array> = parts.iter().map(|part| &*part[at]).collect();
            Ok(concat(&parts)?)
        });
        columns.collect()
    }

    /// Whether a session has closed since the last look, given the earliest end in the piece.
    fn may_close(&self, piece: &Piece) -> bool {
        let Some(now) = self.stream_time.get() else { return false };
        let until = self.closing_end(now);
        let from = self.closed_until.unwrap_or(i64::MIN);
        from < until
            && (!self.complete
                || piece.earliest_end.is_some_and(|end| end < until)
                || self.by_end.range(from..until).next().is_some())
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
                let sessions =
                    self.sessions.get(key).into_iter().flat_map(|of_key| &of_key.sessions);
                let ended = sessions.filter(|session| session.end == *end);
                due.extend(ended.map(|s| (s.start, s.end, Key::clone(key), s.slot)));
            }
        }
        due.sort();
        let slots: Vec<u32> = due.iter().map(|(.., slot)| *slot).collect();
        for (row, (start, end, key, slot)) in due.iter().enumerate() {
            let session = Session { start: *start, end: *end, slot: *slot, is_touched: false };
            emitted.push(key, &session, Op::Insert, (emitted.results.len(), row));
        }
        emitted.results.push(self.results(&slots)?);
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
                let Some(of_key) = self.sessions.get_mut(&key) else { continue };
                let ended = of_key.sessions.extract_if(.., |session| session.end == end);
                let ended: Vec<Session> = ended.collect();
                for session in ended {
                    self.unmake(&key, &session);
                    self.free.push(session.slot);
                }
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
        let Emitted { keys, bounds, ops, results, places } = emitted;
        if keys.is_empty() {
            return Ok(None);
        }
        let mut columns = self.key_codec.decode(keys.iter().map(|key| &**key))?;
        for index in 0..self.groups.len() {
            let parts: Vec<&dyn Array> = results.iter().map(|part| &*part[index]).collect();
            columns.push(interleave(&parts, &places)?);
        }
        let starts = bounds.iter().map(|(start, _)| *start);
        let ends = Int64Array::from_iter_values(bounds.iter().map(|(_, end)| *end));
        columns.push(Arc::new(Int64Array::from_iter_values(starts)));
        columns.push(Arc::new(ends.clone()));
        Ok(Some(Changes::new(batch_of(&self.spec.schema, columns, keys.len())?, ops, ends)))
    }
}

impl Operator for SessionAggregate {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let keys = self.spec.keys.evaluate(&input.rows, &mut output.errors)?;
        let encoded = self.key_codec.encode(&keys, input.len())?;
        let mut arguments = Arguments::new();
        for (evaluator, filter) in self.spec.arguments.iter().zip(&self.spec.filters) {
            let columns = evaluator.evaluate(&input.rows, &mut output.errors)?;
            let mask = filter.as_ref().map(|f| f.matches(&input.rows, &mut output.errors));
            arguments.push((columns, mask.transpose()?));
        }
        let (mut piece, mut emitted) = (Piece::default(), Emitted::default());
        for row in 0..input.len() {
            if !input.op(row).adds() || keys.iter().any(|key| key.is_null(row)) {
                continue;
            }
            let at = (row as u32, input.times.value(row));
            self.add_row(encoded.get(row), at, &arguments, &mut piece, output)?;
            if self.spec.is_final {
                if self.may_close(&piece) {
                    self.settle(&arguments, &mut piece, &mut emitted)?;
                    self.close(&mut emitted)?;
                }
            } else if self.spec.every {
                self.settle(&arguments, &mut piece, &mut emitted)?;
            }
        }
        self.settle(&arguments, &mut piece, &mut emitted)?;
        if let Some(changes) = self.changes(emitted)? {
            output.emit(changes);
        }
        Ok(())
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.expire(batch)?;
        let dirty = std::mem::take(&mut self.dirty);
        let sessions: Vec<Session> = dirty.values().flatten().copied().collect();
        let slots: Vec<u32> = sessions.iter().map(|session| session.slot).collect();
        let ends = Int64Array::from_iter_values(sessions.iter().map(|session| session.end));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(ends)];
        for groups in &self.groups {
            columns.extend(groups.save(&slots)?);
        }
        let states = self.state_codec.encode(&columns, sessions.len())?;
        let mut states = states.iter();
        for (stored, session) in dirty {
            let key = self.place.key(&stored);
            match session.and_then(|_| states.next()) {
                Some(state) => batch.put(self.place.family, key, state),
                None => batch.delete(self.place.family, key),
            }
        }
        for (stored, made) in std::mem::take(&mut self.dirty_ends) {
            let key = self.place.key(&stored);
            match made {
                true => batch.put(self.place.family, key, []),
                false => batch.delete(self.place.family, key),
            }
        }
        self.stream_time.save(batch);
        self.sessions.retain(|_, of_key| !of_key.sessions.is_empty());
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
    fn push(&mut self, key: &Key, session: &Session, op: Op, place: (usize, usize)) {
        self.keys.push(Key::clone(key));
        self.bounds.push((session.start, session.end));
        self.ops.push(op);
        self.places.push(place);
    }
}
