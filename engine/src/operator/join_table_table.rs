//! Joins the rows of two tables that have the same key.
//!
//! A change on either side gives the new joined row, or a deletion where there is none any more.
//! Where the other side has no row and its absence leaves nothing to show, nothing is given. The
//! time of a joined row is the later one of its halves.
//!
//! Both sides' latest rows are kept here, so the inputs need not say what a row was before.

use std::ops::Range;

use sql::ast::JoinKind;

use super::join_shape::{
    Incoming, JoinShape, halves, kept_sides, split_time, stretches, with_time,
};
use super::joined::{Half, Joined, JoinedRow};
use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::state::{RowStore, WriteBatch};

/// A running table–table join.
#[derive(Debug)]
pub struct JoinTableTable {
    shape: JoinShape,
    keeps: [bool; 2],
    with_before: bool,
    stores: [RowStore; 2],
}

/// A row of one side that changes, and what it meets.
struct Meeting<'a> {
    port: usize,
    row: usize,
    time: i64,
    before: Option<&'a [u8]>,
    is_there: bool,
    other: Option<&'a [u8]>,
}

impl JoinTableTable {
    /// A join whose sides' rows are in these stores; with `with_before`, what a joined row was
    /// goes before what it is.
    pub fn new(
        shape: JoinShape,
        kind: JoinKind,
        with_before: bool,
        left: RowStore,
        right: RowStore,
    ) -> Self {
        Self { shape, keeps: kept_sides(kind), with_before, stores: [left, right] }
    }

    fn join(&mut self, incoming: &mut Incoming, changed: Range<usize>) -> Result<()> {
        let Incoming { port, input, keys, rows, joined } = incoming;
        let port = *port;
        for row in changed.filter(|row| input.op(*row) != Op::UpdateBefore) {
            let Some(key) = keys.get(row) else { continue };
            let time = input.times.value(row);
            let after = input.op(row).adds().then(|| with_time(time, rows.get(row)));
            let before = self.stores[port].replace(key, after.as_deref())?;
            let before = before.as_deref().map(split_time).transpose()?.map(|(_, row)| row);
            let other = self.stores[1 - port].get(key)?.map(split_time).transpose()?;
            let time = other.map_or(time, |(other, _)| other.max(time));
            let other = other.map(|(_, row)| row);
            let meeting = Meeting { port, row, time, before, is_there: after.is_some(), other };
            meeting.emit(self.keeps, self.with_before, joined);
        }
        Ok(())
    }
}

impl Meeting<'_> {
    fn emit(&self, keeps: [bool; 2], with_before: bool, joined: &mut Joined) {
        let (keeps_own, keeps_other) = (keeps[self.port], keeps[1 - self.port]);
        if self.other.is_none() && !keeps_own {
            return;
        }
        let exists = |own: bool| own || (keeps_other && self.other.is_some());
        let own_before = self.before.map_or(Half::Nothing, Half::Kept);
        match (exists(self.before.is_some()), exists(self.is_there)) {
            (true, true) if with_before => {
                self.push(own_before, Op::UpdateBefore, joined);
                self.push(self.own_now(), Op::UpdateAfter, joined);
            }
            (_, true) => self.push(self.own_now(), Op::Insert, joined),
            (true, false) => self.push(own_before, Op::Delete, joined),
            // A full join knows that there was nothing; the others pass the tombstone on.
            (false, false) if keeps_own && keeps_other => {}
            (false, false) => self.push(Half::Input(self.row), Op::Tombstone, joined),
        }
    }

    fn own_now(&self) -> Half<'static> {
        if self.is_there { Half::Input(self.row) } else { Half::Nothing }
    }

    fn push(&self, own: Half<'_>, op: Op, joined: &mut Joined) {
        let other = self.other.map_or(Half::Nothing, Half::Kept);
        let (halves, key) = (halves(self.port, own, other), Half::Input(self.row));
        joined.push(self.row, JoinedRow { halves, key, op, time: self.time });
    }
}

impl Operator for JoinTableTable {
    fn process(&mut self, port: usize, input: Changes, output: &mut Output) -> Result<()> {
        self.process_round(vec![(port, input)], output)
    }

    fn process_round(&mut self, inputs: Vec<(usize, Changes)>, output: &mut Output) -> Result<()> {
        let mut incoming = self.shape.incoming(inputs, &[0, 1], &mut output.errors)?;
        for (at, rows) in stretches(&incoming) {
            self.join(&mut incoming[at], rows)?;
        }
        self.shape.emit(&incoming, output)
    }

    fn turns(&self) -> Turns {
        Turns::InOrder
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.stores.iter_mut().for_each(|store| store.save(batch));
        Ok(())
    }

    fn memory(&self) -> usize {
        self.stores.iter().map(RowStore::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use arrow::datatypes::SchemaRef;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::super::script::{self, Places};
    use super::*;

    fn sides() -> [SchemaRef; 2] {
        [script::schema("A int, V text"), script::schema("B int, W text")]
    }

    fn open(kind: JoinKind, with_before: bool, places: &Places) -> JoinTableTable {
        let shape = script::shape(&sides(), (kind == JoinKind::Full).then_some("ROWKEY"));
        let stores = [1, 2].map(|store| RowStore::open(places.place(store)).unwrap());
        let [left, right] = stores;
        JoinTableTable::new(shape, kind, with_before, left, right)
    }

    fn check(kind: JoinKind, with_before: bool, script: &str) {
        script::check(&sides(), |places| Box::new(open(kind, with_before, places)), script);
    }

    #[test]
    fn an_inner_join_is_silent_while_the_other_side_is_absent() {
        check(
            JoinKind::Inner,
            false,
            "L + 1 a @10
             L 0 1 _ @11
             L + 1 b @12
             R + 1 x @5 => + 1 b 1 x @12
             L + 1 c @3 => + 1 c 1 x @5
             restart
             R + 1 y @20 => + 1 c 1 y @20
             R 0 1 _ @21 => - 1 c 1 y @21
             L 0 1 _ @22",
        );
    }

    #[test]
    fn a_tombstone_for_a_row_that_was_not_there_is_passed_on() {
        check(JoinKind::Inner, false, "R + 1 x @5\nL 0 1 _ @6 => 0 1 _ 1 x @6");
        check(JoinKind::Left, false, "L 0 1 _ @6 => 0 1 _ _ _ @6");
        check(JoinKind::Full, false, "L 0 1 _ @6");
    }

    #[test]
    fn a_left_join_keeps_left_rows_and_a_right_join_right_ones() {
        check(
            JoinKind::Left,
            false,
            "R + 1 x @1
             R + 2 z @1
             L + 1 a @2; + 3 b @2 => + 1 a 1 x @2; + 3 b _ _ @2
             R 0 1 _ @3 => + 1 a _ _ @3
             L 0 1 _ @4; 0 3 _ @4 => - 1 a _ _ @4; - 3 b _ _ @4",
        );
        check(
            JoinKind::Right,
            false,
            "L + 1 a @1
             R + 1 x @2; + 2 y @2 => + 1 a 1 x @2; + _ _ 2 y @2
             L 0 1 _ @3 => + _ _ 1 x @3",
        );
    }

    #[test]
    fn a_full_join_has_its_key_in_a_column_of_its_own() {
        check(
            JoinKind::Full,
            true,
            "L + 1 a @1 => + 1 a _ _ 1 @1
             R + 1 x @2; + 2 y @2 => U- 1 a _ _ 1 @2; U+ 1 a 1 x 1 @2; + _ _ 2 y 2 @2
             L 0 1 _ @3 => U- 1 a 1 x 1 @3; U+ _ _ 1 x 1 @3
             R 0 1 _ @4 => - _ _ 1 x 1 @4",
        );
    }

    #[test]
    fn any_order_of_changes_gives_the_join_of_the_final_rows() {
        for (seed, kind) in [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full]
            .into_iter()
            .enumerate()
        {
            let mut random = StdRng::seed_from_u64(seed as u64);
            let places = Places::default();
            let mut join = open(kind, true, &places);
            let mut model = [BTreeMap::new(), BTreeMap::new()];
            let mut output = Vec::new();
            for step in 0..500 {
                let (port, key) = (random.random_range(0..2usize), random.random_range(0..6));
                let row = if random.random_bool(0.3) {
                    model[port].remove(&key);
                    format!("0 {key} _ @{step}")
                } else {
                    model[port].insert(key, format!("v{step}"));
                    format!("+ {key} v{step} @{step}")
                };
                let input = script::changes(&sides()[port], &row);
                output.extend(script::process(&mut join, port, input));
            }
            assert_eq!(script::table_of(&output), joined(kind, &model), "{kind:?}");
        }
    }

    /// The join of two tables, computed at once.
    fn joined(kind: JoinKind, sides: &[BTreeMap<i32, String>; 2]) -> BTreeSet<String> {
        let keeps = kept_sides(kind);
        let shown = |port: usize, key: &i32| {
            sides[port].get(key).map_or("_ _".to_owned(), |value| format!("{key} {value}"))
        };
        let rows = (0..6).filter_map(|key| {
            let there = [0, 1].map(|port: usize| sides[port].contains_key(&key));
            let kept = (there[0] && (keeps[0] || there[1])) || (there[1] && keeps[1]);
            let rowkey = if kind == JoinKind::Full { format!(" {key}") } else { String::new() };
            kept.then(|| format!("{} {}{rowkey}", shown(0, &key), shown(1, &key)))
        });
        rows.collect()
    }
}
