//! COUNT: a number per slot.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Int64Type};

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::fold::{Fold, Folding, column, numbers};
use crate::error::Result;

pub(super) const COUNT: Builtin = Builtin {
    definition: define(
        "COUNT",
        "Counts rows, or with an argument the rows in which it is not NULL.",
        &["COUNT(*) → BIGINT", "COUNT(value ANY) → BIGINT"],
        &[("COUNT(*)", "3")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    match call.arguments {
        [] => Ok(rows()),
        [only] if only.literal.as_ref().is_some_and(|value| !value.is_null()) => Ok(rows()),
        [only] => {
            let arguments = vec![only.data_type.clone()];
            Ok(Folding::bound(Count { of: Counted::Values }, arguments, DataType::Int64))
        }
        _ => Err(call.no_match()),
    }
}

fn rows() -> Arc<dyn BoundAggregate> {
    Folding::bound(Count { of: Counted::Rows }, vec![], DataType::Int64)
}

#[derive(Debug)]
struct Count {
    of: Counted,
}

#[derive(Debug)]
enum Counted {
    Rows,
    Values,
}

impl Count {
    fn apply(&self, counts: &mut [i64], slots: &[u32], arguments: &[ArrayRef], by: i64) {
        let nulls = match self.of {
            Counted::Rows => None,
            Counted::Values => arguments[0].logical_nulls(),
        };
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => slots.iter().for_each(|&slot| counts[slot as usize] += by),
            Some(nulls) => {
                nulls.valid_indices().for_each(|row| counts[slots[row] as usize] += by);
            }
        }
    }
}

impl Fold for Count {
    type State = i64;

    fn update(&self, states: &mut [i64], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.apply(states, slots, arguments, 1);
        Ok(())
    }

    fn undo(&self, states: &mut [i64], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.apply(states, slots, arguments, -1);
        Ok(())
    }

    fn merge(&self, into: &mut i64, from: i64) -> Result<()> {
        *into += from;
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = i64>) -> ArrayRef {
        numbers::<Int64Type>(&DataType::Int64, states)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Int64]
    }

    fn save(&self, states: impl Iterator<Item = i64> + Clone) -> Vec<ArrayRef> {
        vec![self.evaluate(states)]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<i64>> {
        Ok(column::<Int64Type>(columns, 0)?.values().to_vec())
    }
}
