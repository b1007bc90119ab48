//! Windows that overlap share what they have in common.
//!
//! Where windows hop, each record belongs to several. Records of a batch that have the same key and
//! belong to the same windows are a **pane**: they are aggregated once, and the result is merged into
//! each of the windows. So a record costs what it costs in one window, and a pane what a record would.
//!
//! That is done where merging gives exactly what taking records one by one gives: of numbers with
//! fractions the sum depends on the order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use super::super::Output;
use super::grouped::Grouped;
use super::{Aggregate, AggregateSpec, Arguments, Batch};
use crate::aggregate::Groups;
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::window::TimeWindow;

/// What the panes of a batch hold.
pub(super) struct Partials {
    /// For each aggregate the states of all panes.
    states: Vec<Vec<ArrayRef>>,
    /// The pane of each group that is to be changed.
    panes: UInt32Array,
}

/// The panes of a batch.
#[derive(Default)]
struct Panes {
    /// The row of the input that each began with.
    firsts: Vec<u32>,
    /// The latest time in each.
    times: Vec<i64>,
    /// The starts of the first and of the last window of each.
    bounds: Vec<(i64, i64)>,
    /// The rows that count, and the pane of each.
    rows: Vec<u32>,
    of_rows: Vec<u32>,
    /// The stream times that the batch went through, ascending.
    advances: Vec<i64>,
}

/// Whether an aggregation can share panes.
pub(super) fn can_share(spec: &AggregateSpec, window: Option<&TimeWindow>) -> bool {
    let is_exact = |data_type: &DataType| !data_type.is_nested() && !data_type.is_floating();
    let merges = spec
        .functions
        .iter()
        .all(|function| !function.grows() && function.state_types().iter().all(is_exact));
    merges && !spec.every && window.is_some_and(|window| window.advance_ms < window.size_ms)
}

impl Aggregate {
    /// A batch of new facts as changes of groups by whole panes.
    pub(super) fn share<'a>(
        &mut self,
        input: &'a Changes,
        window: TimeWindow,
        output: &mut Output,
    ) -> Result<Batch<'a>> {
        let keys = self.spec.keys.evaluate(&input.rows, &mut output.errors)?;
        let panes = self.panes(input, window, &keys, output)?;
        let arguments = self.arguments(&input.rows, &mut output.errors)?;
        let states = self.aggregate_panes(&panes, &arguments)?;
        let (mut rows, mut starts, mut times, mut of_groups) = (vec![], vec![], vec![], vec![]);
        for (pane, (first, last)) in panes.bounds.iter().enumerate() {
            let mut start = *first;
            while start <= *last {
                rows.push(panes.firsts[pane]);
                starts.push(start);
                times.push(panes.times[pane]);
                of_groups.push(pane as u32);
                start += window.advance_ms;
            }
        }
        let rows = UInt32Array::from(rows);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(starts))];
        for key in keys {
            columns.push(take(&key, &rows, None)?);
        }
        let slots = self.intern(&columns, rows.len())?;
        let partials = Some(Partials { states, panes: of_groups.into() });
        let ops = vec![Op::Insert; rows.len()];
        let advances = panes.advances;
        let grouped = Grouped { rows, is_all: false, keys: columns, ops, times, advances };
        Ok(Batch { input, grouped, slots, arguments, partials })
    }

    fn panes(
        &mut self,
        input: &Changes,
        window: TimeWindow,
        keys: &[ArrayRef],
        output: &mut Output,
    ) -> Result<Panes> {
        let encoded = self.pane_codec.encode(keys, input.len())?;
        let mut panes = Panes::default();
        let mut known: HashMap<(i64, i64, &[u8]), u32> = HashMap::new();
        for row in (0..input.len()).filter(|row| keys.iter().all(|key| key.is_valid(*row))) {
            let time = input.times.value(row);
            let mut windows = self.open_windows(window, time, &mut panes.advances, output);
            let Some(first) = windows.next() else { continue };
            let last = windows.last().unwrap_or(first);
            let pane = *known.entry((first, last, encoded.get(row))).or_insert_with(|| {
                panes.firsts.push(row as u32);
                panes.times.push(time);
                panes.bounds.push((first, last));
                panes.firsts.len() as u32 - 1
            });
            let latest = &mut panes.times[pane as usize];
            *latest = (*latest).max(time);
            panes.rows.push(row as u32);
            panes.of_rows.push(pane);
        }
        Ok(panes)
    }

    /// For each aggregate the states of all panes.
    fn aggregate_panes(
        &self,
        panes: &Panes,
        arguments: &[Arguments],
    ) -> Result<Vec<Vec<ArrayRef>>> {
        let all: Vec<u32> = (0..panes.firsts.len() as u32).collect();
        let functions = self.spec.functions.iter().zip(arguments);
        let states = functions.map(|(function, Arguments { columns, chosen })| {
            let mut groups = function.groups();
            groups.resize(all.len());
            let is_chosen = |row: u32| chosen.as_ref().is_none_or(|mask| mask.value(row as usize));
            let rows = panes.rows.iter().zip(&panes.of_rows);
            let (rows, slots): (Vec<u32>, Vec<u32>) =
                rows.filter(|(row, _)| is_chosen(**row)).unzip();
            let rows = UInt32Array::from(rows);
            let columns = columns.iter().map(|column| Ok(take(column, &rows, None)?));
            groups.update(&slots, &columns.collect::<Result<Vec<_>>>()?)?;
            groups.save(&all)
        });
        states.collect()
    }
}

impl Partials {
    /// Merges what the panes hold into the groups of one aggregate. Slots from `free` on are in
    /// nobody's use.
    pub(super) fn merge(
        &self,
        index: usize,
        groups: &mut dyn Groups,
        slots: &[u32],
        free: usize,
    ) -> Result<()> {
        let scratch: Vec<u32> = (free as u32..).take(slots.len()).collect();
        groups.resize(free + scratch.len());
        let states = self.states[index].iter().map(|state| Ok(take(state, &self.panes, None)?));
        groups.load(&scratch, &states.collect::<Result<Vec<_>>>()?)?;
        groups.merge(slots, &scratch)
    }
}
