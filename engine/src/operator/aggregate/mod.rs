//! Groups rows by key, and by window if there is one, and keeps an aggregate per group.
//!
//! 1. Rows without a value or with a NULL in a group key are skipped.
//! 2. Each row is given its windows; windows that are closed (end ≤ stream time − grace) are
//!    skipped and counted as late. Without a window there is one group per key.
//! 3. Keys are interned to slots; states that are not in memory are read back.
//! 4. The aggregates' columns are updated; rows taken back are undone. Windows that overlap may
//!    [share](panes) what they have in common.
//! 5. One change per touched group leaves, in the order in which the groups were touched first –
//!    or none, when results are final: then those whose window has closed leave, once.
//!
//! Where every change has to leave, steps 4 and 5 go through the batch in pieces in which no group
//! changes twice. A group that becomes empty stays, with the result over no rows.
//!
//! Groups in memory are a cache: when they outgrow the budget, all of them are dropped at a
//! commit, and come back as they are touched or as their windows close.

mod closing;
mod grouped;
mod panes;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::{Operator, Output};
use crate::aggregate::{BoundAggregate, Groups};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::{Members, Place, RowCodec, Slots, WriteBatch, batch_of};
use crate::window::{StreamTime, TimeWindow};

use grouped::{Grouped, first_seen, pieces};
use panes::Partials;

/// What an aggregation computes.
#[derive(Debug, Clone)]
pub struct AggregateSpec {
    /// The group's key columns.
    pub keys: Evaluator,
    /// The arguments of each aggregate, already of the types that it takes.
    pub arguments: Vec<Evaluator>,
    /// For each aggregate, the condition of `FILTER (WHERE …)`.
    pub filters: Vec<Option<Evaluator>>,
    /// The aggregates.
    pub functions: Vec<Arc<dyn BoundAggregate>>,
    /// Keys, results and, with a window, WINDOWSTART and WINDOWEND.
    pub schema: SchemaRef,
    /// Whether the old result goes before the new one.
    pub with_before: bool,
    /// Whether only final results leave.
    pub is_final: bool,
    /// Whether every change of a group leaves, not only the last one of a batch.
    pub every: bool,
}

/// A running aggregation without window, or over tumbling or hopping windows.
pub struct Aggregate {
    spec: AggregateSpec,
    window: Option<TimeWindow>,
    /// Whether windows share what they have in common.
    shares: bool,
    stream_time: StreamTime,
    key_codec: RowCodec,
    /// The key without the window.
    pane_codec: RowCodec,
    state_codec: RowCodec,
    slots: Slots,
    groups: Vec<Box<dyn Groups>>,
    /// The states of the aggregates that grow.
    members: Members,
    times: Vec<i64>,
    /// Whether a result of the slot has left before.
    emitted: Vec<bool>,
    /// Slots in memory by the start of their window; empty without a window.
    by_start: BTreeMap<i64, Vec<u32>>,
    /// Windows that begin before this have left as final results.
    closed_before: i64,
    /// Windows that begin before this have been forgotten.
    expired_before: i64,
}

/// A batch on its way through the steps.
struct Batch<'a> {
    input: &'a Changes,
    grouped: Grouped,
    slots: Vec<u32>,
    /// For each aggregate, what it is given.
    arguments: Vec<Arguments>,
    /// What it is given instead, where windows share.
    partials: Option<Partials>,
}

/// What an aggregate is given: columns, and which of their rows.
struct Arguments {
    columns: Vec<ArrayRef>,
    chosen: Option<BooleanArray>,
}

impl Aggregate {
    /// An aggregation whose state is at this place.
    pub fn open(spec: AggregateSpec, window: Option<TimeWindow>, place: Place) -> Result<Self> {
        let window_key = window.iter().map(|_| DataType::Int64);
        let key_types = window_key.chain(spec.keys.types().cloned()).collect();
        let state_types = spec.functions.iter().flat_map(|function| saved_types(function.as_ref()));
        // After the states: the time of the result, and whether one has left.
        let state_types = state_types.chain([DataType::Int64, DataType::Boolean]).collect();
        let groups = spec.functions.iter().map(|function| function.groups()).collect();
        let stream_time = StreamTime::open(&place)?;
        let closed_before = window.zip(stream_time.get()).map(|(w, now)| w.closed_before(now));
        Ok(Self {
            window,
            shares: panes::can_share(&spec, window.as_ref()),
            stream_time,
            key_codec: RowCodec::new(key_types)?,
            pane_codec: RowCodec::new(spec.keys.types().cloned().collect())?,
            state_codec: RowCodec::new(state_types)?,
            members: Members::of_groups(&place),
            slots: Slots::open(place)?,
            groups,
            times: Vec::new(),
            emitted: Vec::new(),
            by_start: BTreeMap::new(),
            closed_before: closed_before.unwrap_or(i64::MIN),
            expired_before: i64::MIN,
            spec,
        })
    }

    /// A batch as changes of groups row by row.
    fn each<'a>(&mut self, input: &'a Changes, output: &mut Output) -> Result<Batch<'a>> {
        let grouped = self.group(input, output)?;
        let slots = self.intern(&grouped.keys, grouped.rows.len())?;
        let arguments = self.arguments(&input.rows, &mut output.errors)?;
        Ok(Batch { input, grouped, slots, arguments, partials: None })
    }

    /// Step 3: the slot of each row, with its state in place.
    fn intern(&mut self, keys: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let encoded = self.key_codec.encode(keys, rows)?;
        let found = self.slots.intern(&encoded)?;
        let capacity = self.slots.capacity();
        self.groups.iter_mut().for_each(|groups| groups.resize(capacity));
        self.times.resize(capacity, i64::MIN);
        self.emitted.resize(capacity, false);
        self.reset(&found.fresh);
        self.load(&found.saved)?;
        if self.window.is_some() && !found.fresh.is_empty() {
            self.index_windows(keys, &found.slots, &found.fresh);
        }
        Ok(found.slots)
    }

    fn reset(&mut self, slots: &[u32]) {
        self.groups.iter_mut().for_each(|groups| groups.reset(slots));
        for slot in slots {
            self.times[*slot as usize] = i64::MIN;
            self.emitted[*slot as usize] = false;
        }
    }

    fn load(&mut self, saved: &[(u32, Vec<u8>)]) -> Result<()> {
        if saved.is_empty() {
            return Ok(());
        }
        let slots: Vec<u32> = saved.iter().map(|(slot, _)| *slot).collect();
        let columns = self.state_codec.decode(saved.iter().map(|(_, state)| state.as_slice()))?;
        let [states @ .., times, emitted] = columns.as_slice() else {
            return Err(Error::Internal("a saved group has no columns".into()));
        };
        let mut states = states;
        let groups = self.groups.iter_mut().zip(&self.spec.functions);
        for (set, (groups, function)) in (0..).zip(groups) {
            if function.grows() {
                for slot in &slots {
                    let members = self.members.get(self.slots.key(*slot), set)?;
                    members.iter().for_each(|member| groups.regrow(*slot, member));
                }
                continue;
            }
            let (own, rest) = states.split_at(saved_types(function.as_ref()).len());
            groups.load(&slots, own)?;
            states = rest;
        }
        for (row, slot) in slots.iter().enumerate() {
            self.times[*slot as usize] = times.as_primitive::<Int64Type>().value(row);
            self.emitted[*slot as usize] = emitted.as_boolean().value(row);
        }
        Ok(())
    }

    fn index_windows(&mut self, keys: &[ArrayRef], slots: &[u32], fresh: &[u32]) {
        let starts = keys[0].as_primitive::<Int64Type>();
        let mut fresh: HashSet<u32> = fresh.iter().copied().collect();
        for (row, slot) in slots.iter().enumerate() {
            if fresh.remove(slot) {
                self.by_start.entry(starts.value(row)).or_default().push(*slot);
            }
        }
    }

    fn arguments(&self, rows: &RecordBatch, errors: &mut RowErrors) -> Result<Vec<Arguments>> {
        let evaluators = self.spec.arguments.iter().zip(&self.spec.filters);
        let arguments = evaluators.map(|(arguments, filter)| {
            let columns = arguments.evaluate(rows, errors)?;
            let chosen = filter.as_ref().map(|filter| filter.matches(rows, errors));
            Ok(Arguments { columns, chosen: chosen.transpose()? })
        });
        arguments.collect()
    }

    /// Steps 4 and 5 for a piece of a batch.
    fn change(
        &mut self,
        batch: &Batch<'_>,
        piece: Range<usize>,
        output: &mut Output,
    ) -> Result<()> {
        let slots = &batch.slots[piece.clone()];
        let touched = first_seen(slots, self.slots.capacity());
        let before = match self.spec.with_before && !self.spec.is_final {
            true => Some(self.results(&touched)?),
            false => None,
        };
        self.update(batch, piece.clone())?;
        for (slot, time) in slots.iter().zip(&batch.grouped.times[piece.clone()]) {
            let latest = &mut self.times[*slot as usize];
            *latest = (*latest).max(*time);
        }
        touched.iter().for_each(|slot| self.slots.touch(*slot));
        if !self.spec.is_final {
            let mut results = self.running_results(&touched, before)?;
            results.headers = batch.headers(&touched, piece, &results)?;
            output.emit(results);
        }
        Ok(())
    }

    /// Step 4: runs of rows with the same direction are applied at once.
    fn update(&mut self, batch: &Batch<'_>, piece: Range<usize>) -> Result<()> {
        if let Some(partials) = &batch.partials {
            let free = self.slots.capacity();
            let mut groups = self.groups.iter_mut().enumerate();
            return groups.try_for_each(|(index, groups)| {
                partials.merge(index, groups.as_mut(), &batch.slots, free)
            });
        }
        let ops = &batch.grouped.ops[..piece.end];
        for index in 0..self.spec.functions.len() {
            let mut start = piece.start;
            while start < ops.len() {
                let adds = ops[start].adds();
                let run = ops[start..].iter().take_while(|op| op.adds() == adds).count();
                self.apply(batch, index, adds, start..start + run)?;
                start += run;
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        batch: &Batch<'_>,
        index: usize,
        adds: bool,
        run: Range<usize>,
    ) -> Result<()> {
        let Arguments { columns, chosen } = &batch.arguments[index];
        let whole = batch.grouped.is_all && run.len() == batch.slots.len();
        if let (true, None) = (whole, chosen) {
            return change(self.groups[index].as_mut(), adds, &batch.slots, columns);
        }
        let row = |at: &usize| batch.grouped.rows.value(*at);
        let is_chosen =
            |at: &usize| chosen.as_ref().is_none_or(|mask| mask.value(row(at) as usize));
        let at: Vec<usize> = run.filter(is_chosen).collect();
        let rows: UInt32Array = at.iter().map(row).collect::<Vec<_>>().into();
        let taken = columns.iter().map(|column| Ok(take(column, &rows, None)?));
        let taken = taken.collect::<Result<Vec<_>>>()?;
        let slots: Vec<u32> = at.iter().map(|at| batch.slots[*at]).collect();
        change(self.groups[index].as_mut(), adds, &slots, &taken)
    }

    /// Step 5 for running results: what these slots hold now, after what they held before.
    fn running_results(
        &mut self,
        touched: &[u32],
        before: Option<Vec<ArrayRef>>,
    ) -> Result<Changes> {
        let after = self.results(touched)?;
        let (mut order, mut ops, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for (row, slot) in touched.iter().enumerate() {
            let seen = std::mem::replace(&mut self.emitted[*slot as usize], true);
            if seen && before.is_some() {
                order.push((0, row));
                ops.push(Op::UpdateBefore);
                times.push(self.times[*slot as usize]);
            }
            order.push((1, row));
            ops.push(if seen && before.is_some() { Op::UpdateAfter } else { Op::Insert });
            times.push(self.times[*slot as usize]);
        }
        let columns = match before {
            None => after,
            Some(before) => before
                .iter()
                .zip(&after)
                .map(|(before, after)| Ok(arrow::compute::interleave(&[before, after], &order)?))
                .collect::<Result<_>>()?,
        };
        let rows = batch_of(&self.spec.schema, columns, order.len())?;
        Ok(Changes::new(rows, ops, times.into()))
    }

    /// The output columns for these slots.
    fn results(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut columns = self.key_codec.decode(slots.iter().map(|slot| self.slots.key(*slot)))?;
        let start = self.window.as_ref().map(|_| columns.remove(0));
        for groups in &self.groups {
            columns.push(groups.evaluate(slots)?);
        }
        if let (Some(window), Some(start)) = (&self.window, start) {
            let end = start.as_primitive::<Int64Type>().unary::<_, Int64Type>(|s| window.end(s));
            columns.extend([start, Arc::new(end)]);
        }
        Ok(columns)
    }

    /// Drops all groups from memory; only right after all of them were saved.
    fn forget(&mut self) {
        self.slots.clear();
        self.groups = self.spec.functions.iter().map(|function| function.groups()).collect();
        self.times = Vec::new();
        self.emitted = Vec::new();
        self.by_start.clear();
    }

    fn state_of(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        for (groups, function) in self.groups.iter().zip(&self.spec.functions) {
            if !function.grows() {
                columns.extend(groups.save(slots)?);
            }
        }
        let times = slots.iter().map(|slot| self.times[*slot as usize]);
        columns.push(Arc::new(Int64Array::from_iter_values(times)));
        let emitted = slots.iter().map(|slot| Some(self.emitted[*slot as usize]));
        columns.push(Arc::new(emitted.collect::<arrow::array::BooleanArray>()));
        Ok(columns)
    }
}

fn change(
    groups: &mut dyn Groups,
    adds: bool,
    slots: &[u32],
    arguments: &[ArrayRef],
) -> Result<()> {
    match adds {
        true => groups.update(slots, arguments),
        false => groups.undo(slots, arguments),
    }
}

/// The columns of an aggregate in the saved state of a group.
fn saved_types(function: &dyn BoundAggregate) -> Vec<DataType> {
    if function.grows() { Vec::new() } else { function.state_types() }
}

impl Batch<'_> {
    /// The headers of the results of a piece: those of the last record that touched the group.
    fn headers(
        &self,
        touched: &[u32],
        piece: Range<usize>,
        results: &Changes,
    ) -> Result<Option<ArrayRef>> {
        let Some(headers) = &self.input.headers else { return Ok(None) };
        let mut last: BTreeMap<u32, u32> = BTreeMap::new();
        last.extend(piece.map(|at| (self.slots[at], self.grouped.rows.value(at))));
        let mut touched = touched.iter();
        let mut cause = None;
        let causes = results.each_op().map(|op| {
            // Both rows of an update have the same cause.
            if op != Op::UpdateAfter {
                cause = touched.next().and_then(|slot| last.get(slot)).copied();
            }
            cause
        });
        Ok(Some(take(headers, &causes.collect::<UInt32Array>(), None)?))
    }
}

impl Operator for Aggregate {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let is_plain = input.ops.is_none() && input.headers.is_none();
        let shared = self.window.filter(|_| is_plain && self.shares);
        let batch = match shared {
            Some(window) => self.share(&input, window, output)?,
            None => self.each(&input, output)?,
        };
        let every = self.spec.every && !self.spec.is_final;
        for piece in pieces(&batch.slots, &batch.grouped.ops, every) {
            self.change(&batch, piece, output)?;
        }
        if self.spec.is_final {
            self.close(&batch.grouped.advances, output)?;
        }
        Ok(())
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        let touched = self.slots.take_touched();
        let states = self.state_of(&touched)?;
        let encoded = self.state_codec.encode(&states, touched.len())?;
        for (row, slot) in touched.iter().enumerate() {
            self.slots.save(*slot, encoded.get(row), batch);
        }
        let (members, slots) = (&self.members, &self.slots);
        let groups = self.groups.iter_mut().zip(&self.spec.functions);
        for (set, (groups, _)) in (0..).zip(groups).filter(|(_, (_, function))| function.grows()) {
            groups.grown(&touched, &mut |at, member| {
                members.put(slots.key(touched[at]), set, member, batch);
            });
        }
        self.stream_time.save(batch);
        self.expire(batch)?;
        if self.memory() > self.slots.memory_max() {
            self.forget();
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        let groups: usize = self.groups.iter().map(|groups| groups.memory()).sum();
        groups + self.slots.memory() + self.times.capacity() * 9
    }
}
