//! Joined rows in the making.
//!
//! While a join goes through a batch it only notes, for each row of its output, where the halves
//! of that row come from. At the end each column is gathered at once from three pieces: nothing,
//! the input, and the rows that were kept, which are decoded together.

use arrow::array::{ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow::compute::{interleave, take};

use crate::change::{Changes, Op, pick_turns};
use crate::error::Result;
use crate::state::RowCodec;

const NOTHING: usize = 0;
const INPUT: usize = 1;
const KEPT: usize = 2;

/// Where a half of a joined row, or its key, comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Half<'a> {
    /// There is no partner: all columns are NULL.
    Nothing,
    /// A row of the input.
    Input(usize),
    /// A row that was kept, as bytes.
    Kept(&'a [u8]),
}

/// A joined row.
pub(super) struct JoinedRow<'a> {
    /// The left and the right half.
    pub halves: [Half<'a>; 2],
    /// The key that they were joined on.
    pub key: Half<'a>,
    /// What happened to it.
    pub op: Op,
    /// Its event time.
    pub time: i64,
}

/// The rows of an output batch.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub halves: [Gathered; 2],
    pub keys: Gathered,
    pub ops: Vec<Op>,
    pub times: Vec<i64>,
    /// The row of the input with which each came.
    causes: Vec<u32>,
    /// Which of them are there because time went on.
    overdue: Vec<bool>,
}

/// One half of all rows.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Piece, and row of that piece.
    places: Vec<(usize, usize)>,
    /// The kept rows, one after the other, and where each ends.
    kept: Vec<u8>,
    ends: Vec<usize>,
}

impl Joined {
    /// Adds a row that is there because of a row of the input.
    pub fn push(&mut self, cause: usize, row: JoinedRow<'_>) {
        self.add(cause, false, row);
    }

    /// Adds a row that is there because time went on with a row of the input.
    pub fn push_overdue(&mut self, cause: usize, row: JoinedRow<'_>) {
        self.add(cause, true, row);
    }

    fn add(&mut self, cause: usize, is_overdue: bool, row: JoinedRow<'_>) {
        let [left, right] = row.halves;
        self.halves[0].push(left);
        self.halves[1].push(right);
        self.keys.push(row.key);
        self.ops.push(row.op);
        self.times.push(row.time);
        self.causes.push(cause as u32);
        self.overdue.push(is_overdue);
    }

    /// Takes their right half from the rows for which `holds` is false.
    pub fn pad_right(&mut self, holds: &BooleanArray) {
        let places = self.halves[1].places.iter_mut().enumerate();
        places.filter(|(row, _)| !holds.value(*row)).for_each(|(_, place)| *place = (NOTHING, 0));
    }

    /// The headers of the records that caused the rows.
    pub fn headers(&self, input: &Changes) -> Result<Option<ArrayRef>> {
        let Some(headers) = &input.headers else { return Ok(None) };
        let causes = self.causes.iter().zip(&self.overdue);
        let causes = causes.map(|(cause, overdue)| (!overdue).then_some(*cause));
        Ok(Some(take(headers, &causes.collect::<UInt32Array>(), None)?))
    }

    /// The turns of the rows.
    pub fn turns(&self, input: &Changes) -> Option<UInt32Array> {
        let turns = input.turns.as_ref()?;
        Some(pick_turns(turns, &self.causes.clone().into()))
    }
}

impl Gathered {
    fn push(&mut self, half: Half<'_>) {
        self.places.push(match half {
            Half::Nothing => (NOTHING, 0),
            Half::Input(row) => (INPUT, row),
            Half::Kept(bytes) => {
                self.kept.extend_from_slice(bytes);
                self.ends.push(self.kept.len());
                (KEPT, self.ends.len() - 1)
            }
        });
    }

    fn kept(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.kept[start..*end])
    }

    /// The rows of the input, if all come from there.
    fn input_rows(&self) -> Option<UInt32Array> {
        let rows = self.places.iter().map(|(piece, row)| (*piece == INPUT).then_some(*row as u32));
        rows.collect::<Option<Vec<u32>>>().map(UInt32Array::from)
    }

    /// The columns, given those of the input if it was this side's.
    pub fn columns(&self, codec: &RowCodec, input: Option<&[ArrayRef]>) -> Result<Vec<ArrayRef>> {
        if let (Some(input), Some(rows)) = (input, self.input_rows()) {
            return input.iter().map(|column| Ok(take(column, &rows, None)?)).collect();
        }
        let kept = codec.decode(self.kept())?;
        let columns = kept.iter().enumerate().map(|(at, kept)| {
            let nothing = new_null_array(kept.data_type(), 1);
            let input = input.map_or(&nothing, |columns| &columns[at]);
            Ok(interleave(&[&nothing, input, kept], &self.places)?)
        });
        columns.collect()
    }
}
