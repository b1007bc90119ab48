//! SUM_LIST: the sum of the elements of arrays. The arrays of a batch lie end to end in one
//! column, which is summed with the slot of its array repeated for each element.

use std::fmt::Debug;
use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, ListArray};
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::BoundAggregate;
use super::call::{Builtin, Call, canonical, define};
use super::fold::{Fold, Folding};
use super::sum::Sum;
use crate::error::{Error, Result};
use crate::types::array_of;

pub(super) const SUM_LIST: Builtin = Builtin {
    definition: define(
        "SUM_LIST",
        "Sums up the elements of arrays; NULL elements and NULL arrays count as 0.",
        &[
            "SUM_LIST(values ARRAY<INTEGER>) → INTEGER",
            "SUM_LIST(values ARRAY<BIGINT>) → BIGINT",
            "SUM_LIST(values ARRAY<DOUBLE>) → DOUBLE",
        ],
        &[("SUM_LIST(ARRAY[1, 2, NULL])", "3")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let DataType::List(item) = call.only()? else { return Err(call.no_match()) };
    let item = canonical(item.data_type());
    let arguments = vec![array_of(item.clone())];
    Ok(match item {
        DataType::Int32 => Folding::bound(SumList(Sum::<Int32Type>::of(&item)), arguments, item),
        DataType::Int64 => Folding::bound(SumList(Sum::<Int64Type>::of(&item)), arguments, item),
        DataType::Float64 => {
            Folding::bound(SumList(Sum::<Float64Type>::of(&item)), arguments, item)
        }
        _ => return Err(call.no_match()),
    })
}

#[derive(Debug)]
struct SumList<T: ArrowPrimitiveType>(Sum<T>);

/// The elements of a batch's arrays, each with the slot of its array.
fn elements(slots: &[u32], lists: &ListArray) -> Result<(Vec<u32>, ArrayRef)> {
    if lists.null_count() > 0 {
        // A NULL array may have elements below it that must not be seen.
        let present = is_not_null(lists)?;
        let slots = slots.iter().zip(present.values()).filter(|(_, present)| *present);
        let slots: Vec<u32> = slots.map(|(&slot, _)| slot).collect();
        return elements(&slots, filter(lists, &present)?.as_list());
    }
    let (first, last) = (lists.value_offsets()[0], lists.value_offsets()[lists.len()]);
    let values = lists.values().slice(first as usize, (last - first) as usize);
    let lengths = lists.offsets().lengths();
    let slots = slots.iter().zip(lengths).flat_map(|(&slot, length)| repeat_n(slot, length));
    Ok((slots.collect(), values))
}

fn lists(columns: &[ArrayRef]) -> Result<&ListArray> {
    let lists = columns.first().and_then(|column| column.as_list_opt::<i32>());
    lists.ok_or_else(|| Error::Internal("SUM_LIST needs a list column".into()))
}

impl<T> Fold for SumList<T>
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
        let (slots, values) = elements(slots, lists(arguments)?)?;
        self.0.update(states, &slots, &[values])
    }

    fn undo(&self, states: &mut [T::Native], slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let (slots, values) = elements(slots, lists(arguments)?)?;
        self.0.undo(states, &slots, &[values])
    }

    fn merge(&self, into: &mut T::Native, from: T::Native) -> Result<()> {
        self.0.merge(into, from)
    }

    fn evaluate(&self, states: impl Iterator<Item = T::Native>) -> ArrayRef {
        self.0.evaluate(states)
    }

    fn state_types(&self) -> Vec<DataType> {
        self.0.state_types()
    }

    fn save(&self, states: impl Iterator<Item = T::Native> + Clone) -> Vec<ArrayRef> {
        self.0.save(states)
    }

    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<T::Native>> {
        self.0.load(columns)
    }
}
