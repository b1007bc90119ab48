//! STDDEV_SAMP and STDDEV_SAMPLE: count, sum and the sum of squared distances from the mean,
//! brought forward by the method of Youngs and Cramer, which loses few digits.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::fold::{Fold, Folding, column, each_value, numbers};
use crate::error::Result;

pub(super) const STDDEV_SAMP: Builtin = Builtin {
    definition: define(
        "STDDEV_SAMP",
        "The sample *variance* of the values that are not NULL, in spite of its name: what \
         queries written for ksqlDB get. STDDEV_SAMPLE is the standard deviation.",
        &["STDDEV_SAMP(value INTEGER | BIGINT | DOUBLE) → DOUBLE"],
        &[("STDDEV_SAMP(score)", "5.0")],
    ),
    bind: |call| bind(call, Measure::Variance),
};

pub(super) const STDDEV_SAMPLE: Builtin = Builtin {
    definition: define(
        "STDDEV_SAMPLE",
        "The sample standard deviation of the values that are not NULL; 0 for fewer than two.",
        &["STDDEV_SAMPLE(value INTEGER | BIGINT | DOUBLE) → DOUBLE"],
        &[("STDDEV_SAMPLE(score)", "2.23606797749979")],
    ),
    bind: |call| bind(call, Measure::Deviation),
};

fn bind(call: &Call<'_>, measure: Measure) -> Result<Arc<dyn BoundAggregate>> {
    match call.only()? {
        DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..) => {
            Ok(Folding::bound(measure, vec![DataType::Float64], DataType::Float64))
        }
        _ => Err(call.no_match()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    Variance,
    Deviation,
}

impl Measure {
    fn of(self, spread: Spread) -> f64 {
        if spread.count < 2 {
            return 0.0;
        }
        let variance = spread.squares / (spread.count - 1) as f64;
        match self {
            Measure::Variance => variance,
            // Taking rows back may leave a rounding error below zero.
            Measure::Deviation => variance.max(0.0).sqrt(),
        }
    }
}

/// How values lie around their mean.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: i64,
    sum: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += self.step(value);
    }

    fn remove(&mut self, value: f64) {
        self.squares -= self.step(value);
        self.count -= 1;
        self.sum -= value;
        if self.count < 2 {
            self.squares = 0.0;
        }
    }

    /// By how much the squares grow with `value`, which is already counted and summed.
    fn step(&self, value: f64) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let count = self.count as f64;
        let distance = value * count - self.sum;
        distance * distance / (count * (count - 1.0))
    }

    fn merge(&mut self, from: Self) {
        if self.count > 0 && from.count > 0 {
            let (here, there) = (self.count as f64, from.count as f64);
            let distance = self.sum / here - from.sum / there;
            self.squares += here * there * distance * distance / (here + there);
        }
        self.squares += from.squares;
        self.sum += from.sum;
        self.count += from.count;
    }
}

impl Fold for Measure {
    type State = Spread;

    fn update(&self, states: &mut [Spread], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let values = column::<Float64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].add(value));
        Ok(())
    }

    fn undo(&self, states: &mut [Spread], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let values = column::<Float64Type>(arguments, 0)?;
        each_value(slots, values, |slot, value| states[slot].remove(value));
        Ok(())
    }

    fn merge(&self, into: &mut Spread, from: Spread) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = Spread>) -> ArrayRef {
        numbers::<Float64Type>(&DataType::Float64, states.map(|spread| self.of(spread)))
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Int64, DataType::Float64, DataType::Float64]
    }

    fn save(&self, states: impl Iterator<Item = Spread> + Clone) -> Vec<ArrayRef> {
        let counts = states.clone().map(|spread| spread.count);
        let sums = states.clone().map(|spread| spread.sum);
        let squares = states.map(|spread| spread.squares);
        vec![
            numbers::<Int64Type>(&DataType::Int64, counts),
            numbers::<Float64Type>(&DataType::Float64, sums),
            numbers::<Float64Type>(&DataType::Float64, squares),
        ]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Spread>> {
        let counts = column::<Int64Type>(columns, 0)?.values();
        let sums = column::<Float64Type>(columns, 1)?.values();
        let squares = column::<Float64Type>(columns, 2)?.values();
        let rows = counts.iter().zip(sums).zip(squares);
        Ok(rows.map(|((&count, &sum), &squares)| Spread { count, sum, squares }).collect())
    }
}
