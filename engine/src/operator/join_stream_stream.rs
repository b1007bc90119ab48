//! Joins the records of two streams whose key is the same and whose times are near.
//!
//! Records that what comes after the join sorts out anyway, for what they are themselves, move time
//! on and are nothing else. For each other record, in the order of arrival:
//! 1. stream time, which both sides share, moves on; a record without a value is dropped, one
//!    with a NULL key too, unless its side is kept without a partner;
//! 2. if the record is the latest so far, rows whose window has closed with it leave without a
//!    partner: in order of time, then left before right, then key;
//! 3. it meets the kept rows of the other side that are near enough. A pair has the later time;
//! 4. without any, on a side that is kept, it leaves without a partner at once, or waits: for a
//!    join with a grace period, until a partner comes or its window has closed;
//! 5. it is kept for those to come, unless it is older than what its side retains.

use arrow::array::BooleanArray;
use sql::ast::JoinKind;

use super::join_shape::{Incoming, JoinShape, halves, kept_sides, stretches};
use super::joined::{Half, Joined, JoinedRow};
use super::recent_rows::{Overdue, RecentRows};
use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::{Place, WriteBatch};
use crate::window::{JoinWindow, StreamTime};

/// A running stream–stream join.
#[derive(Debug)]
pub struct JoinStreamStream {
    shape: JoinShape,
    keeps: [bool; 2],
    window: JoinWindow,
    stream_time: StreamTime,
    sides: [RecentRows; 2],
    conditions: [Option<Evaluator>; 2],
}

impl JoinStreamStream {
    /// A join whose sides' recent rows are at these places.
    pub fn open(
        shape: JoinShape,
        kind: JoinKind,
        window: JoinWindow,
        left: Place,
        right: Place,
    ) -> Result<Self> {
        let stream_time = StreamTime::open(&left)?;
        let retained_ms = window.retained_ms();
        let sides = [RecentRows::open(left, retained_ms)?, RecentRows::open(right, retained_ms)?];
        let (keeps, conditions) = (kept_sides(kind), [None, None]);
        Ok(Self { shape, keeps, window, stream_time, sides, conditions })
    }

    /// The same join where somebody later sorts out all rows that have a side for which its
    /// condition does not hold. Only for one that keeps no side without a partner.
    #[must_use]
    pub fn with_conditions(self, conditions: [Option<Evaluator>; 2]) -> Self {
        assert!(self.keeps == [false, false] || conditions.iter().all(Option::is_none));
        Self { conditions, ..self }
    }

    /// Which records of a batch are wanted; `None` is all.
    fn wanted(&self, incoming: &Incoming) -> Result<Option<BooleanArray>> {
        let Some(condition) = &self.conditions[incoming.port] else { return Ok(None) };
        // Whoever sorts out tells what is wrong with a row.
        let mut errors = RowErrors::default();
        let wanted = condition.matches(&incoming.input.rows, &mut errors)?;
        Ok(errors.errors.is_empty().then_some(wanted))
    }

    /// Takes in a record; says whether it came in time to be kept.
    fn join(&mut self, at: Arrival<'_>, key: Option<&[u8]>, joined: &mut Joined) -> Result<bool> {
        let Arrival { port, time, .. } = at;
        let stream_time = self.stream_time.advance(time);
        if at.op == Op::Tombstone {
            return Ok(true);
        }
        let Some(key) = key else {
            if self.keeps[port] {
                at.push(Half::Nothing, time, joined);
            }
            return Ok(true);
        };
        if self.window.waits && time == stream_time {
            self.pad_closed(at.row, stream_time, joined)?;
        }
        if !at.is_wanted {
            self.sides[port].pass(time);
            return Ok(true);
        }
        let mut is_alone = true;
        self.sides[1 - port].meet(key, self.window.partners(port, time), |other_time, other| {
            is_alone = false;
            at.push(Half::Kept(other), time.max(other_time), joined);
        })?;
        let is_padded = is_alone && self.keeps[port];
        let waits = is_padded && self.window.waits && !self.window.is_past(port, time, stream_time);
        if is_padded && !waits {
            at.push(Half::Nothing, time, joined);
        }
        Ok(self.sides[port].insert(key, time, at.bytes, waits))
    }

    /// Lets rows go whose window has closed while they were waiting, as row `cause` came in.
    fn pad_closed(&mut self, cause: usize, stream_time: i64, joined: &mut Joined) -> Result<()> {
        let mut overdue: Vec<(i64, usize, Overdue)> = Vec::new();
        for (port, side) in self.sides.iter_mut().enumerate() {
            let rows = side.take_waiting(self.window.closed_before(port, stream_time))?;
            overdue.extend(rows.into_iter().map(|row| (row.time, port, row)));
        }
        overdue.sort();
        for (time, port, Overdue { key, row, .. }) in &overdue {
            let halves = halves(*port, Half::Kept(row), Half::Nothing);
            let key = Half::Kept(key);
            joined.push_overdue(cause, JoinedRow { halves, key, op: Op::Insert, time: *time });
        }
        Ok(())
    }
}

/// A record that comes in.
#[derive(Debug, Clone, Copy)]
struct Arrival<'a> {
    port: usize,
    row: usize,
    bytes: &'a [u8],
    time: i64,
    op: Op,
    is_wanted: bool,
}

impl Arrival<'_> {
    /// Adds the record with a partner.
    fn push(&self, other: Half<'_>, time: i64, joined: &mut Joined) {
        let key = Half::Input(self.row);
        let halves = halves(self.port, key, other);
        joined.push(self.row, JoinedRow { halves, key, op: Op::Insert, time });
    }
}

impl Operator for JoinStreamStream {
    fn process(&mut self, port: usize, input: Changes, output: &mut Output) -> Result<()> {
        self.process_round(vec![(port, input)], output)
    }

    fn process_round(&mut self, inputs: Vec<(usize, Changes)>, output: &mut Output) -> Result<()> {
        let mut incoming = self.shape.incoming(inputs, &[0, 1], &mut output.errors)?;
        let wanted = incoming.iter().map(|incoming| self.wanted(incoming));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        for (at, records) in stretches(&incoming) {
            let wanted = wanted[at].as_ref();
            let Incoming { port, input, keys, rows, joined } = &mut incoming[at];
            for row in records {
                let (bytes, time, op) = (rows.get(row), input.times.value(row), input.op(row));
                let is_wanted = wanted.is_none_or(|wanted| wanted.value(row));
                let at = Arrival { port: *port, row, bytes, time, op, is_wanted };
                if !self.join(at, keys.get(row), joined)? {
                    output.late.add(time, self.stream_time.get().unwrap_or(time));
                }
            }
        }
        self.shape.emit(&incoming, output)
    }

    fn turns(&self) -> Turns {
        Turns::InOrder
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        let waits = self.window.waits;
        self.sides.iter_mut().try_for_each(|side| side.save(waits, batch))?;
        self.stream_time.save(batch);
        Ok(())
    }

    fn memory(&self) -> usize {
        self.sides.iter().map(RecentRows::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::datatypes::SchemaRef;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::super::script::{self, Places};
    use super::*;

    fn sides() -> [SchemaRef; 2] {
        [script::schema("A int, V text"), script::schema("B int, W text")]
    }

    fn open(kind: JoinKind, window: JoinWindow, places: &Places) -> JoinStreamStream {
        let shape = script::shape(&sides(), (kind == JoinKind::Full).then_some("ROWKEY"));
        JoinStreamStream::open(shape, kind, window, places.place(1), places.place(2)).unwrap()
    }

    fn within(before_ms: i64, after_ms: i64, grace_ms: i64, waits: bool) -> JoinWindow {
        JoinWindow { before_ms, after_ms, grace_ms, waits }
    }

    fn check(kind: JoinKind, window: JoinWindow, script: &str) {
        script::check(&sides(), |places| Box::new(open(kind, window, places)), script);
    }

    #[test]
    fn records_meet_within_the_bounds_inclusive_and_pairs_have_the_later_time() {
        check(
            JoinKind::Inner,
            within(10, 5, 1000, false),
            "L + 1 a @100
             R + 1 w @89; + 1 x @90; + 1 y @105; + 1 z @106 => + 1 a 1 x @100; + 1 a 1 y @105
             restart
             L + 1 b @99; + 2 c @99; + _ d @99; 0 1 _ @99 => + 1 b 1 w @99; + 1 b 1 x @99",
        );
    }

    #[test]
    fn without_grace_rows_are_padded_at_once_and_met_later() {
        check(
            JoinKind::Full,
            within(10, 10, 1000, false),
            "L + 1 a @0 => + 1 a _ _ 1 @0
             R + 1 x @5; + 2 y @6; + _ z @7 => + 1 a 1 x 1 @5; + _ _ 2 y 2 @6; + _ _ _ z _ @7
             L + 1 b @1 => + 1 b 1 x 1 @5",
        );
        check(
            JoinKind::Left,
            within(10, 10, 1000, false),
            "R + 1 x @0; + _ y @0\nL + _ a @0 => + _ a _ _ @0",
        );
    }

    #[test]
    fn with_grace_rows_wait_until_their_window_has_closed() {
        check(
            JoinKind::Full,
            within(10, 10, 5, true),
            "R + 6 x @10
             L + 2 b @20; + 1 a @0; + 3 c @1 => + 1 a _ _ 1 @0; + 3 c _ _ 3 @1
             restart
             L + 6 d @15 => + 6 d 6 x 6 @15
             R + 9 n @35
             R + 9 o @36 => + 2 b _ _ 2 @20",
        );
    }

    #[test]
    fn rows_leave_in_order_of_time_then_left_before_right_then_key() {
        check(
            JoinKind::Full,
            within(10, 10, 0, true),
            "R + 4 w @1; + 1 x @2
             L + 3 a @2; + 2 b @2; + 5 c @1
             R + 9 n @100; + 9 o @50 => + 5 c _ _ 5 @1; + _ _ 4 w 4 @1; + 2 b _ _ 2 @2; \
              + 3 a _ _ 3 @2; + _ _ 1 x 1 @2; + _ _ 9 o 9 @50",
        );
    }

    #[test]
    fn rows_that_are_too_old_are_not_kept_but_look_for_partners() {
        check(
            JoinKind::Inner,
            within(10, 10, 0, false),
            "L + 1 a @100
             R + 1 x @75
             L + 1 b @79 => + 1 b 1 x @79
             R + 1 y @79
             L + 1 c @80 => + 1 c 1 x @80; + 1 c 1 y @80
             R + 1 z @81 => + 1 c 1 z @81",
        );
    }

    #[test]
    fn waiting_rows_survive_a_restart() {
        check(
            JoinKind::Left,
            within(10, 10, 10, true),
            "L + 1 a @0; + 1 b @0; + 2 c @3
             restart
             R + 2 x @4 => + 2 c 2 x @4
             restart
             L + 7 n @1000 => + 1 a _ _ @0; + 1 b _ _ @0
             restart
             L + 7 n @2000 => + 7 n _ _ @1000",
        );
    }

    #[test]
    fn random_records_give_every_pair_once_and_the_others_padded() {
        let mut random = StdRng::seed_from_u64(7);
        let places = Places::default();
        let mut join = open(JoinKind::Full, within(20, 10, 200, true), &places);
        let mut records: [Vec<(i32, i64, String)>; 2] = Default::default();
        let mut output = Vec::new();
        for step in 0..600 {
            let (port, key) = (random.random_range(0..2usize), random.random_range(0..8));
            // Late ones among them, but none so late that it would be padded at once.
            let time = step + random.random_range(0..10);
            let name = format!("v{step}");
            let input = script::changes(&sides()[port], &format!("+ {key} {name} @{time}"));
            records[port].push((key, time, name));
            output.extend(script::process(&mut join, port, input));
        }
        let last = script::changes(&sides()[0], "+ 99 last @9999");
        output.extend(script::process(&mut join, 0, last));
        assert_eq!(script::table_of(&output), joined(&records, -20..=10));
    }

    /// The full join of all records, computed at once.
    fn joined(
        sides: &[Vec<(i32, i64, String)>; 2],
        near: std::ops::RangeInclusive<i64>,
    ) -> BTreeSet<String> {
        let mut rows = BTreeSet::new();
        let mut met = BTreeSet::new();
        for (key, time, left) in &sides[0] {
            for (other, later, right) in &sides[1] {
                if key == other && near.contains(&(later - time)) {
                    rows.insert(format!("{key} {left} {key} {right} {key}"));
                    met.extend([left, right]);
                }
            }
        }
        let alone = |side: usize| sides[side].iter().filter(|(.., name)| !met.contains(name));
        rows.extend(alone(0).map(|(key, _, name)| format!("{key} {name} _ _ {key}")));
        rows.extend(alone(1).map(|(key, _, name)| format!("_ _ {key} {name} {key}")));
        rows
    }
}
