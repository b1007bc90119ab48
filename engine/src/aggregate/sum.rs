//! SUM: a number per slot, of the type of the argument.
//!
//! Whole numbers wrap around, as Java's do. A decimal that outgrows its type is an error that
//! stops the query: no digit is ever dropped.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType};
use arrow::datatypes::{DataType, Decimal128Type, DecimalType, Float64Type, Int32Type, Int64Type};

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::fold::{Fold, Folding, column, each_value, numbers};
use crate::error::{Code, Result, invalid};

pub(super) const SUM: Builtin = Builtin {
    definition: define(
        "SUM",
        "Sums up values that are not NULL; 0 if there are none. Whole numbers wrap around at the \
         end of their range; a DECIMAL that outgrows its type stops the query.",
        &[
            "SUM(value INTEGER) → INTEGER",
            "SUM(value BIGINT) → BIGINT",
            "SUM(value DOUBLE) → DOUBLE",
            "SUM(value DECIMAL(p, s)) → DECIMAL(p, s)",
        ],
        &[("SUM(price)", "12.5")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let data_type = call.only()?;
    let arguments = vec![data_type.clone()];
    Ok(match data_type {
        DataType::Int32 => Folding::bound(Sum::<Int32Type>::of(&data_type), arguments, data_type),
        DataType::Int64 => Folding::bound(Sum::<Int64Type>::of(&data_type), arguments, data_type),
        DataType::Float64 => {
            Folding::bound(Sum::<Float64Type>::of(&data_type), arguments, data_type)
        }
        DataType::Decimal128(precision, scale) => {
            Folding::bound(DecimalSum::of(precision, scale), arguments, data_type)
        }
        _ => return Err(call.no_match()),
    })
}

/// A sum that wraps around.
#[derive(Debug)]
pub(super) struct Sum<T: ArrowPrimitiveType> {
    data_type: DataType,
    number: PhantomData<fn() -> T>,
}

impl<T: ArrowPrimitiveType> Sum<T> {
    /// A sum of this type, which is `T`'s.
    pub fn of(data_type: &DataType) -> Self {
        Self { data_type: data_type.clone(), number: PhantomData }
    }
}

impl<T> Fold for Sum<T>
where
    T: ArrowPrimitiveType + Debug,
    T::Native: ArrowNativeTypeOp,
{
    type State = T::Native;

    fn update(
        &self,
        states: &mut [T::Native],
        slots: &[u32],
        arguments: &[ArrayRef],
    ) -> Result<()> {
        each_value(slots, column::<T>(arguments, 0)?, |slot, value| {
            states[slot] = states[slot].add_wrapping(value);
        });
        Ok(())
    }

    fn undo(&self, states: &mut [T::Native], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        each_value(slots, column::<T>(arguments, 0)?, |slot, value| {
            states[slot] = states[slot].sub_wrapping(value);
        });
        Ok(())
    }

    fn merge(&self, into: &mut T::Native, from: T::Native) -> Result<()> {
        *into = into.add_wrapping(from);
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = T::Native>) -> ArrayRef {
        numbers::<T>(&self.data_type, states)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![self.data_type.clone()]
    }

    fn save(&self, states: impl Iterator<Item = T::Native> + Clone) -> Vec<ArrayRef> {
        vec![self.evaluate(states)]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<T::Native>> {
        Ok(column::<T>(columns, 0)?.values().to_vec())
    }
}

/// A sum that stays within the digits of its type.
#[derive(Debug)]
struct DecimalSum {
    wrapping: Sum<Decimal128Type>,
    precision: u8,
    scale: i8,
    /// The first whole number of units that no longer fits.
    bound: i128,
}

impl DecimalSum {
    fn of(precision: u8, scale: i8) -> Self {
        let data_type = DataType::Decimal128(precision, scale);
        let bound = 10_i128.pow(u32::from(precision));
        Self { wrapping: Sum::of(&data_type), precision, scale, bound }
    }

    /// The sum, if it fits. Two values below 10^38 cannot wrap an `i128`.
    fn add(&self, sum: i128, value: i128) -> Result<i128> {
        let sum = sum.wrapping_add(value);
        if sum.unsigned_abs() < self.bound.unsigned_abs() { Ok(sum) } else { Err(self.full(sum)) }
    }

    fn full(&self, sum: i128) -> crate::error::Error {
        let Self { precision, scale, .. } = *self;
        let digits = i32::from(precision) - i32::from(scale);
        let found = Decimal128Type::format_decimal(sum, Decimal128Type::MAX_PRECISION, scale);
        let message = format!(
            "numeric field overflow: a sum of DECIMAL({precision}, {scale}) must stay below \
             10^{digits}, found {found}"
        );
        invalid(Code::InvalidValue, message)
    }
}

impl Fold for DecimalSum {
    type State = i128;

    fn update(&self, states: &mut [i128], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let mut outcome = Ok(());
        each_value(slots, column::<Decimal128Type>(arguments, 0)?, |slot, value| {
            match self.add(states[slot], value) {
                Ok(sum) => states[slot] = sum,
                Err(error) => outcome = Err(error),
            }
        });
        outcome
    }

    fn undo(&self, states: &mut [i128], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.wrapping.undo(states, slots, arguments)
    }

    fn merge(&self, into: &mut i128, from: i128) -> Result<()> {
        *into = self.add(*into, from)?;
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = i128>) -> ArrayRef {
        self.wrapping.evaluate(states)
    }

    fn state_types(&self) -> Vec<DataType> {
        self.wrapping.state_types()
    }

    fn save(&self, states: impl Iterator<Item = i128> + Clone) -> Vec<ArrayRef> {
        self.wrapping.save(states)
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<i128>> {
        self.wrapping.load(columns)
    }
}
