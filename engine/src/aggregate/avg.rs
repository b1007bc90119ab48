//! AVG: a sum and a count per slot. Whole numbers are summed up in 128 bits, which no number of
//! rows can overflow, so that taking rows back is exact.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float64Type, Int64Type,
};

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::fold::{Fold, Folding, column, each_value, numbers};
use crate::error::Result;

pub(super) const AVG: Builtin = Builtin {
    definition: define(
        "AVG",
        "The average of the values that are not NULL; 0 if there are none.",
        &[
            "AVG(value INTEGER) → DOUBLE",
            "AVG(value BIGINT) → DOUBLE",
            "AVG(value DOUBLE) → DOUBLE",
        ],
        &[("AVG(price)", "1.6666666666666667")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let result = DataType::Float64;
    Ok(match call.only()? {
        DataType::Int32 | DataType::Int64 => {
            Folding::bound(WholeAverage, vec![DataType::Int64], result)
        }
        DataType::Float64 | DataType::Decimal128(..) => {
            Folding::bound(Average, vec![DataType::Float64], result)
        }
        _ => return Err(call.no_match()),
    })
}

/// A sum and the number of its terms.
#[derive(Debug, Clone, Copy, Default)]
struct Mean<N> {
    sum: N,
    count: i64,
}

impl<N: ArrowNativeTypeOp> Mean<N> {
    fn add(&mut self, value: N) {
        self.sum = self.sum.add_wrapping(value);
        self.count += 1;
    }

    fn remove(&mut self, value: N) {
        self.sum = self.sum.sub_wrapping(value);
        self.count -= 1;
    }

    fn merge(&mut self, from: Self) {
        self.sum = self.sum.add_wrapping(from.sum);
        self.count += from.count;
    }
}

fn quotient(sum: f64, count: i64) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

fn counts<N: Copy>(states: impl Iterator<Item = Mean<N>>) -> ArrayRef {
    numbers::<Int64Type>(&DataType::Int64, states.map(|mean| mean.count))
}

#[derive(Debug)]
struct Average;

impl Fold for Average {
    type State = Mean<f64>;

    fn update(
        &self,
        states: &mut [Mean<f64>],
        slots: &[u32],
        arguments: &[ArrayRef],
    ) -> Result<()> {
        let values = column::<Float64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].add(value));
        Ok(())
    }

    fn undo(&self, states: &mut [Mean<f64>], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let values = column::<Float64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].remove(value));
        Ok(())
    }

    fn merge(&self, into: &mut Mean<f64>, from: Mean<f64>) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = Mean<f64>>) -> ArrayRef {
        let means = states.map(|mean| quotient(mean.sum, mean.count));
        numbers::<Float64Type>(&DataType::Float64, means)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Float64, DataType::Int64]
    }

    fn save(&self, states: impl Iterator<Item = Mean<f64>> + Clone) -> Vec<ArrayRef> {
        let sums = states.clone().map(|mean| mean.sum);
        vec![numbers::<Float64Type>(&DataType::Float64, sums), counts(states)]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Mean<f64>>> {
        let sums = column::<Float64Type>(columns, 0)?.values();
        let counts = column::<Int64Type>(columns, 1)?.values();
        Ok(sums.iter().zip(counts).map(|(&sum, &count)| Mean { sum, count }).collect())
    }
}

#[derive(Debug)]
struct WholeAverage;

/// The type that sums of whole numbers are saved as.
const WHOLE: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);

impl Fold for WholeAverage {
    type State = Mean<i128>;

    fn update(
        &self,
        states: &mut [Mean<i128>],
        slots: &[u32],
        arguments: &[ArrayRef],
    ) -> Result<()> {
        let values = column::<Int64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].add(i128::from(value)));
        Ok(())
    }

    fn undo(&self, states: &mut [Mean<i128>], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let values = column::<Int64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].remove(i128::from(value)));
        Ok(())
    }

    fn merge(&self, into: &mut Mean<i128>, from: Mean<i128>) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = Mean<i128>>) -> ArrayRef {
        let means = states.map(|mean| quotient(mean.sum as f64, mean.count));
        numbers::<Float64Type>(&DataType::Float64, means)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![WHOLE, DataType::Int64]
    }

    fn save(&self, states: impl Iterator<Item = Mean<i128>> + Clone) -> Vec<ArrayRef> {
        let sums = states.clone().map(|mean| mean.sum);
        vec![numbers::<Decimal128Type>(&WHOLE, sums), counts(states)]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Mean<i128>>> {
        let sums = column::<Decimal128Type>(columns, 0)?.values();
        let counts = column::<Int64Type>(columns, 1)?.values();
        Ok(sums.iter().zip(counts).map(|(&sum, &count)| Mean { sum, count }).collect())
    }
}
