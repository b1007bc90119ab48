//! Joins each row of the left table with the row of the right table whose key it holds.
//!
//! The result has the left table's key. Kept are the left rows, each with the key that it refers
//! to; the right rows; who refers to whom; and, where somebody above takes rows back, what was
//! given last for each left key.
//!
//! A change on the right gives one row per left row that refers to it, in order of the left key:
//! joined, or, when the right row is deleted, padded in a left join and deleted in an inner one.
//!
//! A change on the left gives
//! - for a new row: the joined row; without a partner a padded one in a left join, else nothing;
//! - for a changed row: the same, but a deletion instead of nothing. In a left join a row that
//!   now refers elsewhere first leaves its old partner, as a padded row;
//! - for a deleted row: a deletion;
//! - when the foreign key is or was NULL: nothing.
//!
//! The time of a joined row is the later one of its halves.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};

use super::join_shape::{Incoming, JoinShape, split_time, stretches, with_time};
use super::joined::{Half, Joined, JoinedRow};
use super::references::References;
use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::{EncodedRows, Place, RowCodec, RowStore, WriteBatch};

/// Where a foreign-key join keeps what it has to know.
#[derive(Debug)]
pub struct ForeignKeyPlaces {
    /// The left rows by their key.
    pub left: Place,
    /// The right rows by their key.
    pub right: Place,
    /// Nothing by right key and left key: who refers to whom.
    pub references: Place,
    /// What was given last, by left key.
    pub given: Place,
}

/// A running foreign-key join.
#[derive(Debug)]
pub struct JoinForeignKey {
    shape: JoinShape,
    foreign_key: Evaluator,
    foreign_codec: RowCodec,
    pads: bool,
    left: RowStore,
    right: RowStore,
    references: References,
    given: Option<RowStore>,
}

/// The right rows that the rows of a batch refer to: the columns, and the bytes.
type ForeignKeys = (Vec<ArrayRef>, EncodedRows);

/// A left row with what it refers to. As bytes: `time (8) | refers (1) | length of the foreign
/// key (4) | foreign key | row`.
#[derive(Debug, Clone, Copy)]
struct Referring<'a> {
    time: i64,
    foreign: Option<&'a [u8]>,
    row: &'a [u8],
}

/// A right row with its time.
struct RightRow {
    time: i64,
    row: Box<[u8]>,
}

/// A change of a left row.
struct LeftChange<'a> {
    cause: usize,
    key: &'a [u8],
    time: i64,
    /// The row; none where it is deleted.
    now: Option<Referring<'a>>,
}

/// What becomes of the result for a left key.
struct Outcome<'a> {
    /// The row of the input that is the reason.
    cause: usize,
    key: &'a [u8],
    left: &'a [u8],
    partner: Partner<'a>,
    time: i64,
}

/// What a left row meets.
#[derive(Clone, Copy)]
enum Partner<'a> {
    /// A right row.
    Row(&'a [u8]),
    /// None, and the left row stands alone.
    Padding,
    /// None, and there is no result.
    Gone,
}

impl JoinForeignKey {
    /// A join in which left rows hold `foreign_key`; with `pads`, left rows without a partner
    /// are kept; with `with_before`, what a row was goes before what it is.
    pub fn new(
        shape: JoinShape,
        foreign_key: Evaluator,
        pads: bool,
        with_before: bool,
        places: ForeignKeyPlaces,
    ) -> Result<Self> {
        Ok(Self {
            shape,
            foreign_codec: RowCodec::new(foreign_key.types().cloned().collect())?,
            foreign_key,
            pads,
            left: RowStore::open(places.left)?,
            right: RowStore::open(places.right)?,
            references: References::at(places.references),
            given: with_before.then(|| RowStore::open(places.given)).transpose()?,
        })
    }

    fn foreign_keys(&self, input: &Changes, errors: &mut RowErrors) -> Result<ForeignKeys> {
        let columns = self.foreign_key.evaluate(&input.rows, errors)?;
        let keys = self.foreign_codec.encode(&columns, input.len())?;
        Ok((columns, keys))
    }

    fn change_left(
        &mut self,
        incoming: &mut Incoming,
        changed: Range<usize>,
        (columns, foreign): &ForeignKeys,
    ) -> Result<()> {
        let Incoming { input, keys, rows, joined, .. } = incoming;
        for row in changed.filter(|row| input.op(*row) != Op::UpdateBefore) {
            let refers = columns.iter().all(|column| column.is_valid(row));
            let now = input.op(row).adds().then(|| Referring {
                time: input.times.value(row),
                foreign: refers.then(|| foreign.get(row)),
                row: rows.get(row),
            });
            let (cause, key, time) = (row, keys.get_with_nulls(row), input.times.value(row));
            self.change_left_row(LeftChange { cause, key, time, now }, joined)?;
        }
        Ok(())
    }

    fn change_left_row(&mut self, change: LeftChange<'_>, joined: &mut Joined) -> Result<()> {
        let LeftChange { key, now, .. } = change;
        let old = self.left.replace(key, now.map(|now| now.encode()).as_deref())?;
        let old = old.as_deref().map(Referring::decode).transpose()?;
        self.refer(key, old.and_then(|old| old.foreign), now.and_then(|now| now.foreign));
        if [old, now].into_iter().flatten().any(|row| row.foreign.is_none()) {
            return Ok(());
        }
        if let Some(old) = old {
            self.leave(&change, old, joined)?;
        }
        match now {
            Some(now) => self.meet(&change, old.is_some(), now, joined),
            None => Ok(()),
        }
    }

    /// What a left row gives that goes, or that in a left join refers elsewhere now.
    fn leave(
        &mut self,
        change: &LeftChange<'_>,
        old: Referring<'_>,
        joined: &mut Joined,
    ) -> Result<()> {
        let (left, partner) = match change.now {
            None => (old.row, Partner::Gone),
            Some(now) if self.pads && now.foreign != old.foreign => (now.row, Partner::Padding),
            Some(_) => return Ok(()),
        };
        let right = self.partner(old.foreign)?;
        self.give(change.outcome(left, partner, right.as_ref()), joined)
    }

    /// What a left row gives that is there.
    fn meet(
        &mut self,
        change: &LeftChange<'_>,
        was_there: bool,
        now: Referring<'_>,
        joined: &mut Joined,
    ) -> Result<()> {
        let right = self.partner(now.foreign)?;
        let partner = match &right {
            Some(right) => Partner::Row(&right.row),
            None if self.pads || was_there => self.without_partner(),
            None => return Ok(()),
        };
        self.give(change.outcome(now.row, partner, right.as_ref()), joined)
    }

    fn change_right(&mut self, incoming: &mut Incoming, changed: Range<usize>) -> Result<()> {
        let Incoming { input, keys, rows, joined, .. } = incoming;
        for row in changed.filter(|row| input.op(*row) != Op::UpdateBefore) {
            let Some(foreign) = keys.get(row) else { continue };
            let (time, op) = (input.times.value(row), input.op(row));
            let now = op.adds().then(|| with_time(time, rows.get(row)));
            self.right.set(foreign, now.as_deref());
            let partner = match op.adds() {
                true => Partner::Row(rows.get(row)),
                false => self.without_partner(),
            };
            for key in &self.references.of(foreign)? {
                let Some(left) = self.left.get(key)?.map(<[u8]>::to_vec) else { continue };
                let left = Referring::decode(&left)?;
                let time = time.max(left.time);
                self.give(Outcome { cause: row, key, left: left.row, partner, time }, joined)?;
            }
        }
        Ok(())
    }

    /// What a left row has whose partner is not there.
    fn without_partner(&self) -> Partner<'static> {
        if self.pads { Partner::Padding } else { Partner::Gone }
    }

    /// The right row with this key.
    fn partner(&mut self, foreign: Option<&[u8]>) -> Result<Option<RightRow>> {
        let Some(foreign) = foreign else { return Ok(None) };
        let kept = self.right.get(foreign)?.map(split_time).transpose()?;
        Ok(kept.map(|(time, row)| RightRow { time, row: row.into() }))
    }

    /// Notes that a left row refers to another right row than before.
    fn refer(&mut self, key: &[u8], old: Option<&[u8]>, now: Option<&[u8]>) {
        if old == now {
            return;
        }
        if let Some(old) = old {
            self.references.set(old, key, false);
        }
        if let Some(now) = now {
            self.references.set(now, key, true);
        }
    }

    /// Adds the result for a left key to the output.
    fn give(&mut self, outcome: Outcome<'_>, joined: &mut Joined) -> Result<()> {
        let before = match &mut self.given {
            Some(given) => given.replace(outcome.key, outcome.encode().as_deref())?,
            None => None,
        };
        let before = before.as_deref().map(decode_halves).transpose()?;
        let mut push = |halves, op| {
            let (key, time) = (Half::Nothing, outcome.time);
            joined.push(outcome.cause, JoinedRow { halves, key, op, time });
        };
        match (before, outcome.halves()) {
            (Some(before), Some(now)) => {
                push(before, Op::UpdateBefore);
                push(now, Op::UpdateAfter);
            }
            (None, Some(now)) => push(now, Op::Insert),
            (Some(before), None) => push(before, Op::Delete),
            (None, None) => push([Half::Kept(outcome.left), Half::Nothing], Op::Tombstone),
        }
        Ok(())
    }
}

impl<'a> LeftChange<'a> {
    /// The outcome for a right row that there is or was.
    fn outcome<'b>(
        &self,
        left: &'b [u8],
        partner: Partner<'b>,
        right: Option<&RightRow>,
    ) -> Outcome<'b>
    where
        'a: 'b,
    {
        let time = right.map_or(self.time, |right| right.time.max(self.time));
        Outcome { cause: self.cause, key: self.key, left, partner, time }
    }
}

impl<'a> Referring<'a> {
    fn encode(&self) -> Vec<u8> {
        let foreign = self.foreign.unwrap_or_default();
        let mut bytes = with_time(self.time, &[u8::from(self.foreign.is_some())]);
        bytes.extend_from_slice(&(foreign.len() as u32).to_be_bytes());
        bytes.extend_from_slice(foreign);
        bytes.extend_from_slice(self.row);
        bytes
    }

    fn decode(bytes: &'a [u8]) -> Result<Self> {
        let (time, rest) = split_time(bytes)?;
        let (refers, foreign, row) = split_flagged(rest)?;
        Ok(Self { time, foreign: refers.then_some(foreign), row })
    }
}

impl<'a> Outcome<'a> {
    fn halves(&self) -> Option<[Half<'a>; 2]> {
        match self.partner {
            Partner::Row(right) => Some([Half::Kept(self.left), Half::Kept(right)]),
            Partner::Padding => Some([Half::Kept(self.left), Half::Nothing]),
            Partner::Gone => None,
        }
    }

    /// What was given: `has a partner (1) | length of the left row (4) | left row | right row`.
    fn encode(&self) -> Option<Vec<u8>> {
        let (has_partner, right): (bool, &[u8]) = match self.partner {
            Partner::Row(right) => (true, right),
            Partner::Padding => (false, &[]),
            Partner::Gone => return None,
        };
        let length = (self.left.len() as u32).to_be_bytes();
        Some([&[u8::from(has_partner)], &length[..], self.left, right].concat())
    }
}

/// The halves that [`Outcome::encode`] kept.
fn decode_halves(bytes: &[u8]) -> Result<[Half<'_>; 2]> {
    let (has_partner, left, right) = split_flagged(bytes)?;
    let right = if has_partner { Half::Kept(right) } else { Half::Nothing };
    Ok([Half::Kept(left), right])
}

/// Splits `flag (1) | length (4) | first | second`.
fn split_flagged(bytes: &[u8]) -> Result<(bool, &[u8], &[u8])> {
    let split = || {
        let (flag, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (first, second) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some((*flag != 0, first, second))
    };
    split().ok_or_else(|| Error::Internal("a kept row of a foreign-key join is cut off".into()))
}

impl Operator for JoinForeignKey {
    fn process(&mut self, port: usize, input: Changes, output: &mut Output) -> Result<()> {
        self.process_round(vec![(port, input)], output)
    }

    fn process_round(&mut self, inputs: Vec<(usize, Changes)>, output: &mut Output) -> Result<()> {
        let mut incoming = self.shape.incoming(inputs, &[0, 1], &mut output.errors)?;
        let foreign = incoming.iter().map(|incoming| match incoming.port {
            0 => Ok(Some(self.foreign_keys(&incoming.input, &mut output.errors)?)),
            _ => Ok(None),
        });
        let foreign = foreign.collect::<Result<Vec<_>>>()?;
        for (at, rows) in stretches(&incoming) {
            match &foreign[at] {
                Some(foreign) => self.change_left(&mut incoming[at], rows, foreign)?,
                None => self.change_right(&mut incoming[at], rows)?,
            }
        }
        self.shape.emit(&incoming, output)
    }

    fn turns(&self) -> Turns {
        Turns::InOrder
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.references.save(batch);
        let stores = [&mut self.left, &mut self.right].into_iter().chain(&mut self.given);
        stores.for_each(|store| store.save(batch));
        Ok(())
    }

    fn memory(&self) -> usize {
        let stores = [&self.left, &self.right].into_iter().chain(&self.given);
        stores.map(RowStore::memory).sum::<usize>() + self.references.memory()
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
        [script::schema("A int, F int, V text"), script::schema("B int, W text")]
    }

    fn open(pads: bool, with_before: bool, places: &Places) -> JoinForeignKey {
        let sides = sides();
        let [left, right, references, given] = [1, 2, 3, 4].map(|store| places.place(store));
        let places = ForeignKeyPlaces { left, right, references, given };
        let foreign_key = script::column(&sides[0], "F");
        let shape = script::shape(&sides, None);
        JoinForeignKey::new(shape, foreign_key, pads, with_before, places).unwrap()
    }

    fn check(pads: bool, with_before: bool, script: &str) {
        script::check(&sides(), |places| Box::new(open(pads, with_before, places)), script);
    }

    #[test]
    fn an_inner_join_gives_pairs_and_deletions() {
        check(
            false,
            false,
            "L + 1 7 a @10; + 2 8 b @11; 0 3 _ _ @11
             R + 7 x @5 => + 1 7 a 7 x @10
             L + 2 7 b @4 => + 2 7 b 7 x @5
             restart
             R + 7 y @20 => + 1 7 a 7 y @20; + 2 7 b 7 y @20
             L + 1 9 c @21 => 0 1 9 c _ _ @21
             R 0 7 _ @22 => 0 2 7 b _ _ @22
             L 0 2 _ _ @19 => 0 2 7 b _ _ @19",
        );
    }

    #[test]
    fn a_left_join_pads_and_leaves_the_old_partner_first() {
        check(
            true,
            false,
            "L + 1 7 a @10 => + 1 7 a _ _ @10
             R + 7 x @20; + 8 y @5 => + 1 7 a 7 x @20
             L + 1 8 b @11 => + 1 8 b _ _ @20; + 1 8 b 8 y @11
             R 0 8 _ @12 => + 1 8 b _ _ @12
             L 0 1 _ _ @13 => 0 1 8 b _ _ @13",
        );
    }

    #[test]
    fn a_change_from_or_to_a_null_foreign_key_gives_nothing() {
        check(
            true,
            false,
            "R + 7 x @1
             L + 1 _ a @2; + 1 7 b @3
             R + 7 y @4 => + 1 7 b 7 y @4
             L + 1 _ c @5
             R + 7 z @6
             L 0 1 _ _ @7",
        );
    }

    #[test]
    fn what_was_given_last_is_taken_back() {
        check(
            false,
            true,
            "R + 7 x @1
             L + 1 7 a @2 => + 1 7 a 7 x @2
             L + 1 _ b @3; + 1 7 c @4
             restart
             R + 7 y @5 => U- 1 7 a 7 x @5; U+ 1 7 c 7 y @5
             R 0 7 _ @6 => - 1 7 c 7 y @6",
        );
    }

    #[test]
    fn left_rows_follow_a_right_change_in_order_of_their_key() {
        check(
            false,
            false,
            "L + 3 7 c @1; + 1 7 a @1; + 2 7 b @9
             R + 7 x @5 => + 1 7 a 7 x @5; + 2 7 b 7 x @9; + 3 7 c 7 x @5",
        );
    }

    #[test]
    fn any_order_of_changes_gives_the_join_of_the_final_rows() {
        for pads in [false, true] {
            let mut random = StdRng::seed_from_u64(3);
            let places = Places::default();
            let mut join = open(pads, true, &places);
            let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
            let mut output = Vec::new();
            for step in 0..500 {
                let (gone, key) = (random.random_bool(0.3), random.random_range(0..8));
                let foreign = random.random_range(0..4);
                let port = random.random_range(0..2usize);
                let row = match (port, gone) {
                    (0, true) => format!("0 {key} _ _ @{step}"),
                    (0, false) => format!("+ {key} {foreign} v{step} @{step}"),
                    (_, true) => format!("0 {foreign} _ @{step}"),
                    (_, false) => format!("+ {foreign} w{step} @{step}"),
                };
                match (port, gone) {
                    (0, true) => drop(left.remove(&key)),
                    (0, false) => drop(left.insert(key, (foreign, format!("v{step}")))),
                    (_, true) => drop(right.remove(&foreign)),
                    (_, false) => drop(right.insert(foreign, format!("w{step}"))),
                }
                let input = script::changes(&sides()[port], &row);
                output.extend(script::process(&mut join, port, input));
            }
            assert_eq!(script::table_of(&output), joined(pads, &left, &right));
        }
    }

    /// The join of two tables, computed at once.
    fn joined(
        pads: bool,
        left: &BTreeMap<i32, (i32, String)>,
        right: &BTreeMap<i32, String>,
    ) -> BTreeSet<String> {
        let rows = left.iter().filter_map(|(key, (foreign, value))| match right.get(foreign) {
            Some(right) => Some(format!("{key} {foreign} {value} {foreign} {right}")),
            None => pads.then(|| format!("{key} {foreign} {value} _ _")),
        });
        rows.collect()
    }
}
