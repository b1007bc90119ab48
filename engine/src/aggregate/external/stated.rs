//! Slots that hold the states which DataFusion's accumulators give out.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array, new_empty_array};
use arrow::compute::take_arrays;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Accumulator;

use super::{Plan, accumulator};
use crate::aggregate::values::append_only;
use crate::aggregate::{BoundAggregate, Groups, Input};
use crate::error::Result;

/// A function whose slots hold DataFusion's states.
#[derive(Debug)]
pub(super) struct Stated {
    plan: Arc<Plan>,
    input: Input,
    /// The state without rows.
    initial: Vec<ScalarValue>,
}

impl Stated {
    /// The function in this form.
    pub fn new(plan: Plan, input: Input) -> Result<Self> {
        let initial = accumulator(&plan, input)?.state()?;
        Ok(Self { plan: Arc::new(plan), input, initial })
    }
}

impl BoundAggregate for Stated {
    fn argument_types(&self) -> &[DataType] {
        &self.plan.argument_types
    }

    fn return_type(&self) -> &DataType {
        &self.plan.return_type
    }

    fn state_types(&self) -> Vec<DataType> {
        self.initial.iter().map(ScalarValue::data_type).collect()
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(States {
            plan: self.plan.clone(),
            input: self.input,
            initial: self.initial.clone(),
            states: Vec::new(),
            heap_bytes: 0,
        })
    }
}

/// The state of a group; none before its first row.
type State = Option<Vec<ScalarValue>>;

struct States {
    plan: Arc<Plan>,
    input: Input,
    initial: Vec<ScalarValue>,
    states: Vec<State>,
    heap_bytes: usize,
}

fn state_bytes(state: &State) -> usize {
    state.iter().flatten().map(ScalarValue::size).sum()
}

impl States {
    /// An accumulator that continues a state.
    fn open(&self, state: &State) -> Result<Box<dyn Accumulator>> {
        let mut accumulator = accumulator(&self.plan, self.input)?;
        if let Some(state) = state {
            accumulator.merge_batch(&columns_of(state)?)?;
        }
        Ok(accumulator)
    }

    fn set(&mut self, slot: u32, state: State) {
        let place = &mut self.states[slot as usize];
        self.heap_bytes = self.heap_bytes - state_bytes(place) + state_bytes(&state);
        *place = state;
    }

    /// Lets `apply` bring each touched slot's accumulator and rows together.
    fn apply(
        &mut self,
        slots: &[u32],
        arguments: &[ArrayRef],
        apply: impl Fn(&mut dyn Accumulator, &[ArrayRef]) -> datafusion::error::Result<()>,
    ) -> Result<()> {
        let (order, runs) = runs(slots);
        let arguments = take_arrays(arguments, &order, None)?;
        for (slot, start, length) in runs {
            let rows: Vec<_> = arguments.iter().map(|column| column.slice(start, length)).collect();
            let mut accumulator = self.open(&self.states[slot as usize])?;
            apply(accumulator.as_mut(), &rows)?;
            self.set(slot, Some(accumulator.state()?));
        }
        Ok(())
    }
}

/// A state as columns of one row.
fn columns_of(state: &[ScalarValue]) -> Result<Vec<ArrayRef>> {
    Ok(state.iter().map(ScalarValue::to_array).collect::<Result<_, _>>()?)
}

/// The rows ordered by slot, and the run of each slot: its start and length in that order.
fn runs(slots: &[u32]) -> (UInt32Array, Vec<(u32, usize, usize)>) {
    let mut order: Vec<u32> = (0..slots.len() as u32).collect();
    order.sort_by_key(|&row| slots[row as usize]);
    let mut start = 0;
    let mut runs = Vec::new();
    for run in order.chunk_by(|&a, &b| slots[a as usize] == slots[b as usize]) {
        runs.push((slots[run[0] as usize], start, run.len()));
        start += run.len();
    }
    (order.into(), runs)
}

impl Groups for States {
    fn resize(&mut self, slots: usize) {
        self.states.resize(slots.max(self.states.len()), None);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.apply(slots, arguments, |accumulator, rows| accumulator.update_batch(rows))
    }

    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        if self.input == Input::AppendOnly {
            return Err(append_only());
        }
        self.apply(slots, arguments, |accumulator, rows| accumulator.retract_batch(rows))
    }

    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let moved = self.states[from as usize].clone();
            self.set(from, None);
            if let Some(moved) = moved {
                let mut accumulator = self.open(&self.states[into as usize])?;
                accumulator.merge_batch(&columns_of(&moved)?)?;
                self.set(into, Some(accumulator.state()?));
            }
        }
        Ok(())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        let result = |&slot: &u32| Ok(self.open(&self.states[slot as usize])?.evaluate()?);
        self.plan.results(slots.iter().map(result).collect::<Result<_>>()?)
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let states = slots.iter().map(|&slot| self.states[slot as usize].as_ref());
        let states: Vec<_> = states.map(|state| state.unwrap_or(&self.initial)).collect();
        let column = |index: usize| match states.is_empty() {
            true => Ok(new_empty_array(&self.initial[index].data_type())),
            false => Ok(ScalarValue::iter_to_array(states.iter().map(|s| s[index].clone()))?),
        };
        (0..self.initial.len()).map(column).collect()
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        for (row, &slot) in slots.iter().enumerate() {
            let values = state.iter().map(|column| ScalarValue::try_from_array(column, row));
            self.set(slot, Some(values.collect::<Result<_, _>>()?));
        }
        Ok(())
    }

    fn reset(&mut self, slots: &[u32]) {
        slots.iter().for_each(|&slot| self.set(slot, None));
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<State>() + self.heap_bytes
    }
}
