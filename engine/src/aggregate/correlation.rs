//! CORRELATION: Pearson's coefficient, out of six sums per slot.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type};

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::fold::{Fold, Folding, column, numbers};
use crate::error::Result;

pub(super) const CORRELATION: Builtin = Builtin {
    definition: define(
        "CORRELATION",
        "Pearson's correlation coefficient of the rows in which neither value is NULL; NaN where \
         it is not defined, as for a single row.",
        &["CORRELATION(x INTEGER | BIGINT | DOUBLE, y INTEGER | BIGINT | DOUBLE) → DOUBLE"],
        &[("CORRELATION(height, weight)", "0.7580764521133173")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let types = call.types();
    let fits = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..)
        )
    };
    if types.len() != 2 || !types.iter().all(fits) {
        return Err(call.no_match());
    }
    Ok(Folding::bound(Correlation, vec![DataType::Float64; 2], DataType::Float64))
}

#[derive(Debug)]
struct Correlation;

/// Number of rows, and the sums of x, y, x², y² and xy. The number is a sum as well, of ones:
/// doubles count exactly to 2^53.
type Sums = [f64; 6];

fn terms(x: f64, y: f64) -> Sums {
    [1.0, x, y, x * x, y * y, x * y]
}

/// Calls `apply` with slot, x and y of every row that has both.
fn each_pair(
    slots: &[u32],
    arguments: &[ArrayRef],
    mut apply: impl FnMut(usize, Sums),
) -> Result<()> {
    let x = column::<Float64Type>(arguments, 0)?;
    let y = column::<Float64Type>(arguments, 1)?;
    let nulls = NullBuffer::union(x.nulls(), y.nulls());
    for (row, &slot) in slots.iter().enumerate() {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            apply(slot as usize, terms(x.value(row), y.value(row)));
        }
    }
    Ok(())
}

fn coefficient([count, x, y, xx, yy, xy]: Sums) -> f64 {
    let shared = count * xy - x * y;
    let (own_x, own_y) = (count * xx - x * x, count * yy - y * y);
    shared / (own_x * own_y).sqrt()
}

impl Fold for Correlation {
    type State = Sums;

    fn update(&self, states: &mut [Sums], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        each_pair(slots, arguments, |slot, terms| {
            states[slot].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        })
    }

    fn undo(&self, states: &mut [Sums], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        each_pair(slots, arguments, |slot, terms| {
            states[slot].iter_mut().zip(terms).for_each(|(sum, term)| *sum -= term);
        })
    }

    fn merge(&self, into: &mut Sums, from: Sums) -> Result<()> {
        into.iter_mut().zip(from).for_each(|(sum, term)| *sum += term);
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = Sums>) -> ArrayRef {
        numbers::<Float64Type>(&DataType::Float64, states.map(coefficient))
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Float64; 6]
    }

    fn save(&self, states: impl Iterator<Item = Sums> + Clone) -> Vec<ArrayRef> {
        let sum = |index: usize| states.clone().map(move |sums| sums[index]);
        (0..6).map(|index| numbers::<Float64Type>(&DataType::Float64, sum(index))).collect()
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Sums>> {
        let mut states = vec![Sums::default(); columns.first().map_or(0, |column| column.len())];
        for index in 0..6 {
            let sums = column::<Float64Type>(columns, index)?.values();
            states.iter_mut().zip(sums).for_each(|(state, sum)| state[index] = *sum);
        }
        Ok(states)
    }
}
