//! Windows that close, with final results, and windows that are forgotten.
//!
//! A window closes when its grace is over. It is forgotten when its retention is: when another
//! begins that much later. A final result is given when the window closes; if the same step of
//! time that closes a window also ends its retention, its result is lost, as in ksqlDB, and the
//! processing log says so.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;

use super::super::Output;
use super::Aggregate;
use crate::error::Result;
use crate::state::{RowCodec, WriteBatch};
use crate::window::TimeWindow;

impl Aggregate {
    /// Step 5 for final results: the windows that have closed while stream time went through
    /// these times, in order of window and key.
    pub(super) fn close(&mut self, advances: &[i64], output: &mut Output) -> Result<()> {
        let (Some(window), Some(now)) = (self.window, self.stream_time.get()) else {
            return Ok(());
        };
        let (from, until) = (self.closed_before, window.closed_before(now));
        if from >= until {
            return Ok(());
        }
        self.closed_before = until;
        self.read_windows(from, until)?;
        let mut due: Vec<u32> = Vec::new();
        for (start, of_window) in self.by_start.range(from..until) {
            if is_lost(&window, *start, advances) {
                output.errors.add("EMIT FINAL", lost(&window, *start, of_window.len()));
                continue;
            }
            let first = due.len();
            due.extend(of_window);
            due[first..].sort_by(|a, b| self.slots.key(*a).cmp(self.slots.key(*b)));
        }
        due.iter().for_each(|slot| self.slots.touch(*slot));
        let results = self.running_results(&due, None)?;
        output.emit(results);
        Ok(())
    }

    /// Reads the groups of windows back that begin in this range, if some are not in memory.
    fn read_windows(&mut self, from: i64, until: i64) -> Result<()> {
        let (from, until) = (start_bytes(from)?, start_bytes(until)?);
        let saved = self.slots.saved_keys(&from, &until)?;
        let keys = self.key_codec.decode(saved.iter().map(|key| &**key))?;
        self.intern(&keys, saved.len())?;
        Ok(())
    }

    /// Forgets groups whose window nobody may ask for any more.
    pub(super) fn expire(&mut self, batch: &mut WriteBatch) -> Result<()> {
        let (Some(window), Some(now)) = (self.window, self.stream_time.get()) else {
            return Ok(());
        };
        let horizon = window.expired_before(now);
        if horizon <= self.expired_before {
            return Ok(());
        }
        self.expired_before = horizon;
        let kept = self.by_start.split_off(&horizon);
        let expired = std::mem::replace(&mut self.by_start, kept);
        let slots: Vec<u32> = expired.into_values().flatten().collect();
        self.slots.remove(&slots, batch);
        let horizon = start_bytes(horizon)?;
        self.slots.remove_saved_before(&horizon, batch);
        if self.spec.functions.iter().any(|function| function.grows()) {
            self.members.remove_before(&horizon, batch);
        }
        Ok(())
    }
}

/// What the keys of windows with this start begin with.
fn start_bytes(start: i64) -> Result<Vec<u8>> {
    let codec = RowCodec::new(vec![DataType::Int64])?;
    let column: ArrayRef = Arc::new(Int64Array::from(vec![start]));
    Ok(codec.encode(&[column], 1)?.get(0).to_vec())
}

/// Whether the retention of a window was over when its grace was.
fn is_lost(window: &TimeWindow, start: i64, advances: &[i64]) -> bool {
    let closing = advances.iter().find(|now| window.is_closed(start, **now));
    closing.is_some_and(|now| start < window.expired_before(*now))
}

fn lost(window: &TimeWindow, start: i64, groups: usize) -> String {
    format!(
        "the window from {start} to {} ms lost its final results (groups: {groups}): expected a \
         record at most {} ms after its start to close it, found a later one; a longer RETENTION \
         keeps them",
        window.end(start),
        window.kept_ms().saturating_add(window.advance_ms),
    )
}
