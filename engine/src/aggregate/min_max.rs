//! MIN and MAX: one number per slot where rows stay; where they go, all values in order.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, PrimitiveArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimeUnit, TimestampMillisecondType,
};

use super::call::{Builtin, Call, define, is_ordered};
use super::codec::Item;
use super::fold::{Fold, Folding, column, each_value};
use super::values::{Keeping, Order, Rules, Shape, Single, Sorted};
use super::{BoundAggregate, Input};
use crate::error::Result;

pub(super) const MIN: Builtin = Builtin {
    definition: define(
        "MIN",
        "The smallest value that is not NULL; NULL if there is none.",
        &["MIN(value INTEGER | BIGINT | DOUBLE | DECIMAL | DATE | TIME | TIMESTAMP | STRING | \
           BYTES) → the same"],
        &[("MIN(price)", "1.5")],
    ),
    bind: bind::<false>,
};

pub(super) const MAX: Builtin = Builtin {
    definition: define(
        "MAX",
        "The greatest value that is not NULL; NULL if there is none.",
        &["MAX(value INTEGER | BIGINT | DOUBLE | DECIMAL | DATE | TIME | TIMESTAMP | STRING | \
           BYTES) → the same"],
        &[("MAX(price)", "8.0")],
    ),
    bind: bind::<true>,
};

fn bind<const MAX: bool>(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let data_type = call.only()?;
    if !is_ordered(&data_type) {
        return Err(call.no_match());
    }
    Ok(match (call.input, &data_type) {
        (Input::Changing, _) => changing::<MAX>(data_type)?,
        (_, DataType::Int32) => extreme::<Int32Type, MAX>(data_type),
        (_, DataType::Int64) => extreme::<Int64Type, MAX>(data_type),
        (_, DataType::Float64) => extreme::<Float64Type, MAX>(data_type),
        (_, DataType::Decimal128(..)) => extreme::<Decimal128Type, MAX>(data_type),
        (_, DataType::Date32) => extreme::<Date32Type, MAX>(data_type),
        (_, DataType::Time32(TimeUnit::Millisecond)) => {
            extreme::<Time32MillisecondType, MAX>(data_type)
        }
        (_, DataType::Timestamp(TimeUnit::Millisecond, _)) => {
            extreme::<TimestampMillisecondType, MAX>(data_type)
        }
        _ => bytes::<MAX>(data_type)?,
    })
}

/// Values as bytes of which the least is the wanted one.
fn item<const MAX: bool>(data_type: &DataType) -> Item {
    Item::Plain(data_type.clone(), SortOptions { descending: MAX, nulls_first: false })
}

fn changing<const MAX: bool>(data_type: DataType) -> Result<Arc<dyn BoundAggregate>> {
    let rules = Rules { tagged: true, show: 1, ..Rules::new(Input::Changing) };
    Keeping::<Sorted>::bound(item::<MAX>(&data_type), data_type, Shape::First, rules)
}

fn bytes<const MAX: bool>(data_type: DataType) -> Result<Arc<dyn BoundAggregate>> {
    let rules = Rules { order: Order::Least, keep: 1, show: 1, ..Rules::new(Input::AppendOnly) };
    Keeping::<Single>::bound(item::<MAX>(&data_type), data_type, Shape::First, rules)
}

fn extreme<T, const MAX: bool>(data_type: DataType) -> Arc<dyn BoundAggregate>
where
    T: ArrowPrimitiveType + Debug,
    T::Native: ArrowNativeTypeOp,
{
    let fold = Extreme::<T, MAX> { data_type: data_type.clone(), number: PhantomData };
    Folding::bound(fold, vec![data_type.clone()], data_type)
}

/// The smallest or greatest number so far.
#[derive(Debug)]
struct Extreme<T, const MAX: bool> {
    data_type: DataType,
    number: PhantomData<fn() -> T>,
}

/// The better of two numbers. Doubles are in total order, in which NaN is the greatest.
#[inline]
fn better<N: ArrowNativeTypeOp, const MAX: bool>(best: Option<N>, value: N) -> Option<N> {
    match best {
        Some(best) if best.is_ge(value) == MAX => Some(best),
        _ => Some(value),
    }
}

impl<T, const MAX: bool> Fold for Extreme<T, MAX>
where
    T: ArrowPrimitiveType + Debug,
    T::Native: ArrowNativeTypeOp,
{
    type State = Option<T::Native>;

    fn update(
        &self,
        states: &mut [Self::State],
        slots: &[u32],
        arguments: &[ArrayRef],
    ) -> Result<()> {
        each_value(slots, column::<T>(arguments, 0)?, |slot, value| {
            states[slot] = better::<_, MAX>(states[slot], value);
        });
        Ok(())
    }

    fn undo(&self, _: &mut [Self::State], _: &[u32], _: &[ArrayRef]) -> Result<()> {
        Err(super::values::append_only())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        if let Some(value) = from {
            *into = better::<_, MAX>(*into, value);
        }
        Ok(())
    }

    fn evaluate(&self, states: impl Iterator<Item = Self::State>) -> ArrayRef {
        let column: PrimitiveArray<T> = states.collect();
        Arc::new(column.with_data_type(self.data_type.clone()))
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![self.data_type.clone()]
    }

    fn save(&self, states: impl Iterator<Item = Self::State> + Clone) -> Vec<ArrayRef> {
        vec![self.evaluate(states)]
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        Ok(column::<T>(columns, 0)?.iter().collect())
    }
}
