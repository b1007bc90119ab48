//! Aggregates whose state is a few numbers per slot.
//!
//! The states lie side by side in one vector indexed by slot, so that a row touches one place of
//! memory. A fold applies a whole column in one loop; there is no call per row.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::DataType;

use super::{BoundAggregate, Groups};
use crate::error::{Error, Result};

/// How rows change a state of fixed size.
pub(super) trait Fold: Debug + Send + Sync + 'static {
    /// What a slot holds. Its default is the state without rows.
    type State: Copy + Default + Send + Sync;

    /// Applies rows; `slots[i]` is the index in `states` of row `i`.
    fn update(
        &self,
        states: &mut [Self::State],
        slots: &[u32],
        arguments: &[ArrayRef],
    ) -> Result<()>;

    /// Takes rows back.
    fn undo(&self, states: &mut [Self::State], slots: &[u32], arguments: &[ArrayRef])
    -> Result<()>;

    /// Adds another state.
    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()>;

    /// The results of states.
    fn evaluate(&self, states: impl Iterator<Item = Self::State>) -> ArrayRef;

    /// The types of saved columns.
    fn state_types(&self) -> Vec<DataType>;

    /// States as columns.
    fn save(&self, states: impl Iterator<Item = Self::State> + Clone) -> Vec<ArrayRef>;

    /// The states in columns that [`save`](Fold::save) gave.
    fn load(&self, columns: &[ArrayRef]) -> Result<Vec<Self::State>>;
}

/// A fold with its types.
#[derive(Debug)]
pub(super) struct Folding<F> {
    fold: Arc<F>,
    argument_types: Vec<DataType>,
    return_type: DataType,
}

impl<F: Fold> Folding<F> {
    /// A fold over arguments of these types.
    pub fn bound(
        fold: F,
        argument_types: Vec<DataType>,
        return_type: DataType,
    ) -> Arc<dyn BoundAggregate> {
        Arc::new(Self { fold: Arc::new(fold), argument_types, return_type })
    }
}

impl<F: Fold> BoundAggregate for Folding<F> {
    fn argument_types(&self) -> &[DataType] {
        &self.argument_types
    }

    fn return_type(&self) -> &DataType {
        &self.return_type
    }

    fn state_types(&self) -> Vec<DataType> {
        self.fold.state_types()
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(FoldGroups { fold: self.fold.clone(), states: Vec::new() })
    }
}

struct FoldGroups<F: Fold> {
    fold: Arc<F>,
    states: Vec<F::State>,
}

impl<F: Fold> FoldGroups<F> {
    fn named<'a>(&'a self, slots: &'a [u32]) -> impl Iterator<Item = F::State> + Clone + 'a {
        slots.iter().map(|&slot| self.states[slot as usize])
    }
}

impl<F: Fold> Groups for FoldGroups<F> {
    fn resize(&mut self, slots: usize) {
        self.states.resize(slots.max(self.states.len()), F::State::default());
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.fold.update(&mut self.states, slots, arguments)
    }

    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.fold.undo(&mut self.states, slots, arguments)
    }

    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let moved = std::mem::take(&mut self.states[from as usize]);
            self.fold.merge(&mut self.states[into as usize], moved)?;
        }
        Ok(())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        Ok(self.fold.evaluate(self.named(slots)))
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(self.fold.save(self.named(slots)))
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        for (&slot, loaded) in slots.iter().zip(self.fold.load(state)?) {
            self.states[slot as usize] = loaded;
        }
        Ok(())
    }

    fn reset(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.states[slot as usize] = F::State::default();
        }
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<F::State>()
    }
}

/// The column at `index`, which is of type `T` by the contract of [`BoundAggregate`].
pub(super) fn column<T: ArrowPrimitiveType>(
    columns: &[ArrayRef],
    index: usize,
) -> Result<&PrimitiveArray<T>> {
    let column = columns.get(index).and_then(|column| column.as_primitive_opt::<T>());
    column.ok_or_else(|| {
        let found = columns.get(index).map_or("none".into(), |c| c.data_type().to_string());
        Error::Internal(format!("aggregate column {index} must be {}, is {found}", T::DATA_TYPE))
    })
}

/// Calls `apply` with the slot and the value of every row that has a value.
#[inline]
pub(super) fn each_value<T: ArrowPrimitiveType>(
    slots: &[u32],
    values: &PrimitiveArray<T>,
    mut apply: impl FnMut(usize, T::Native),
) {
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for (&slot, &value) in slots.iter().zip(values.values()) {
                apply(slot as usize, value);
            }
        }
        Some(nulls) => {
            for row in nulls.valid_indices() {
                apply(slots[row] as usize, values.value(row));
            }
        }
    }
}

/// Numbers as a column of type `T`; `data_type` is `T`'s with its parameters.
pub(super) fn numbers<T: ArrowPrimitiveType>(
    data_type: &DataType,
    values: impl Iterator<Item = T::Native>,
) -> ArrayRef {
    let column = PrimitiveArray::<T>::from_iter_values(values);
    Arc::new(column.with_data_type(data_type.clone()))
}
