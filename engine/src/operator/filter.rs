//! Keeps the rows that a condition holds for.
//!
//! Of a table's update, a row that no longer matches becomes a deletion, one that matches for the
//! first time an insertion; a row that neither did nor does is nothing. A stream's record without
//! a value matches nothing.

use arrow::array::{BooleanArray, UInt32Array};

use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::evaluate::Evaluator;

/// A running filter.
#[derive(Debug)]
pub struct Filter {
    condition: Evaluator,
}

impl Filter {
    /// A filter by the first expression of `condition`.
    pub fn new(condition: Evaluator) -> Self {
        Self { condition }
    }
}

impl Operator for Filter {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let matches = self.condition.matches(&input.rows, &mut output.errors)?;
        let kept = match &input.ops {
            None if matches.true_count() == 0 => return Ok(()),
            None if matches.true_count() == input.len() => input,
            None => input.filter(&matches)?,
            Some(ops) => filter_changes(&input, ops, &matches)?,
        };
        output.emit(kept);
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::RowByRow
    }
}

fn filter_changes(input: &Changes, ops: &[Op], matches: &BooleanArray) -> Result<Changes> {
    let mut rows = Vec::with_capacity(ops.len());
    let mut kept = Vec::with_capacity(ops.len());
    let mut keep = |row: usize, op: Op| {
        rows.push(row as u32);
        kept.push(op);
    };
    for (row, op) in ops.iter().enumerate() {
        let (was, is) = match op {
            Op::UpdateBefore => (matches.value(row), matches.value(row + 1)),
            Op::UpdateAfter => (matches.value(row - 1), matches.value(row)),
            _ => (false, matches.value(row)),
        };
        match (op, was, is) {
            (Op::UpdateBefore, true, false) => keep(row, Op::Delete),
            (Op::UpdateBefore, true, true) | (Op::UpdateAfter, true, true) => keep(row, *op),
            (Op::UpdateAfter, false, true) => keep(row, Op::Insert),
            (Op::Insert | Op::Delete, _, true) => keep(row, *op),
            _ => {}
        }
    }
    let taken = input.take(&UInt32Array::from(rows))?;
    Ok(Changes { ops: Some(kept), ..taken })
}
