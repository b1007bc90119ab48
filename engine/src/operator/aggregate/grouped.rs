//! Which rows of a batch belong to which groups, and in which pieces they are applied.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow::compute::take;

use super::super::Output;
use super::Aggregate;
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::window::TimeWindow;

/// Rows with the groups that they belong to.
pub(super) struct Grouped {
    /// Index of the input row.
    pub rows: UInt32Array,
    /// Whether these are all rows of the input, once each and in order.
    pub is_all: bool,
    /// Key columns, the window's start first.
    pub keys: Vec<ArrayRef>,
    /// What happened to each.
    pub ops: Vec<Op>,
    /// Event times.
    pub times: Vec<i64>,
    /// The stream times that the batch went through, ascending.
    pub advances: Vec<i64>,
}

impl Aggregate {
    /// Steps 1 and 2.
    pub(super) fn group(&mut self, input: &Changes, output: &mut Output) -> Result<Grouped> {
        let keys = self.spec.keys.evaluate(&input.rows, &mut output.errors)?;
        let usable = |row: &usize| {
            input.op(*row) != Op::Tombstone && keys.iter().all(|key| key.is_valid(*row))
        };
        let usable = (0..input.len()).filter(usable);
        let (mut rows, mut starts, mut advances) = (Vec::new(), Vec::new(), Vec::new());
        match self.window {
            None => rows.extend(usable.map(|row| row as u32)),
            Some(window) => {
                for row in usable {
                    let time = input.times.value(row);
                    for start in self.open_windows(window, time, &mut advances, output) {
                        rows.push(row as u32);
                        starts.push(start);
                    }
                }
            }
        }
        let is_all = rows.len() == input.len() && (0..).zip(&rows).all(|(at, row)| at == *row);
        let rows = UInt32Array::from(rows);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(keys.len() + 1);
        if self.window.is_some() {
            columns.push(Arc::new(Int64Array::from(starts)));
        }
        for key in keys {
            columns.push(if is_all { key } else { take(&key, &rows, None)? });
        }
        let ops = rows.values().iter().map(|row| input.op(*row as usize)).collect();
        let times = rows.values().iter().map(|row| input.times.value(*row as usize)).collect();
        Ok(Grouped { rows, is_all, keys: columns, ops, times, advances })
    }

    /// The starts of the windows that a record at `time` counts in, ascending. Stream time goes on with
    /// it, and a record that comes too late for one is told of.
    pub(super) fn open_windows(
        &mut self,
        window: TimeWindow,
        time: i64,
        advances: &mut Vec<i64>,
        output: &mut Output,
    ) -> impl Iterator<Item = i64> + use<> {
        let before = self.stream_time.get();
        let stream_time = self.stream_time.advance(time);
        advances.extend((before != Some(stream_time)).then_some(stream_time));
        // Of the windows of a record the earlier ones close first.
        if window.starts(time).next().is_some_and(|start| window.is_closed(start, stream_time)) {
            output.late.add(time, stream_time);
        }
        window.starts(time).filter(move |start| !window.is_closed(*start, stream_time))
    }
}

/// Distinct slots in the order in which they come first.
pub(super) fn first_seen(slots: &[u32], capacity: usize) -> Vec<u32> {
    if slots.len() < capacity / 16 {
        // Few of many groups: do not go through all of them.
        let mut seen = HashSet::with_capacity(slots.len());
        return slots.iter().filter(|slot| seen.insert(**slot)).copied().collect();
    }
    let mut seen = vec![false; capacity];
    let new = |slot: &&u32| !std::mem::replace(&mut seen[**slot as usize], true);
    slots.iter().filter(new).copied().collect()
}

/// The batch as a whole, or in pieces in which no group changes twice. An update that stays in its
/// group changes it once.
pub(super) fn pieces(slots: &[u32], ops: &[Op], every: bool) -> Vec<Range<usize>> {
    if !every {
        return std::iter::once(0..slots.len()).collect();
    }
    let (mut pieces, mut start, mut seen) = (Vec::new(), 0, HashSet::new());
    for (at, slot) in slots.iter().enumerate() {
        let ends_update = at > start
            && (ops[at - 1], ops[at]) == (Op::UpdateBefore, Op::UpdateAfter)
            && slots[at - 1] == *slot;
        if !seen.insert(*slot) && !ends_update {
            pieces.push(start..at);
            start = at;
            seen.clear();
            seen.insert(*slot);
        }
    }
    pieces.push(start..slots.len());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_where_a_group_would_change_twice() {
        let (plus, before, after) = (Op::Insert, Op::UpdateBefore, Op::UpdateAfter);
        let cut = |slots: &[u32], ops: &[Op]| {
            let pieces = pieces(slots, ops, true).into_iter();
            pieces.map(|piece| (piece.start, piece.end)).collect::<Vec<_>>()
        };
        assert_eq!(cut(&[1, 2, 1, 1], &[plus; 4]), [(0, 2), (2, 3), (3, 4)]);
        assert_eq!(cut(&[1, 1, 2], &[before, after, plus]), [(0, 3)]);
        assert_eq!(cut(&[1, 1, 1, 2], &[plus, before, after, plus]), [(0, 1), (1, 4)]);
        assert_eq!(cut(&[1, 2, 1], &[before, after, plus]), [(0, 2), (2, 3)]);
        assert_eq!(pieces(&[1, 1], &[plus; 2], false).len(), 1);
    }
}
