//! Slots that hold rows, out of which results are computed anew.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::{Plan, accumulator};
use crate::aggregate::codec::{Codec, Item};
use crate::aggregate::values::{Kept, Listed, Rules, state_types};
use crate::aggregate::{BoundAggregate, Groups, Input};
use crate::error::Result;

/// A function whose slots hold the rows, in order of arrival.
#[derive(Debug)]
pub(super) struct Replayed {
    plan: Arc<Plan>,
    item: Item,
}

impl Replayed {
    /// The function in this form.
    pub fn new(plan: Plan) -> Result<Self> {
        let item = Item::Row(plan.schema.fields().clone());
        Codec::new(item.clone())?;
        Ok(Self { plan: Arc::new(plan), item })
    }
}

impl BoundAggregate for Replayed {
    fn argument_types(&self) -> &[DataType] {
        &self.plan.argument_types
    }

    fn return_type(&self) -> &DataType {
        &self.plan.return_type
    }

    fn state_types(&self) -> Vec<DataType> {
        state_types(&self.item, true)
    }

    fn groups(&self) -> Box<dyn Groups> {
        let codec = Codec::new(self.item.clone()).expect("the same codec was built when binding");
        let rules = Rules { skip_nulls: false, tagged: true, ..Rules::new(Input::Changing) };
        Box::new(Rows { plan: self.plan.clone(), kept: Kept::new(codec, rules) })
    }
}

struct Rows {
    plan: Arc<Plan>,
    kept: Kept<Listed>,
}

impl Groups for Rows {
    fn resize(&mut self, slots: usize) {
        self.kept.resize(slots);
    }

    fn arrive(&mut self, next: i64) {
        self.kept.arrive(next);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.kept.update(slots, arguments)
    }

    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.kept.undo(slots, arguments)
    }

    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        self.kept.merge(into, from);
        Ok(())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        let result = |&slot: &u32| {
            let mut accumulator = accumulator(&self.plan, Input::AppendOnly)?;
            accumulator.update_batch(&self.kept.columns(slot)?)?;
            Ok(accumulator.evaluate()?)
        };
        self.plan.results(slots.iter().map(result).collect::<Result<_>>()?)
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        self.kept.save(slots)
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        self.kept.load(slots, state)
    }

    fn reset(&mut self, slots: &[u32]) {
        self.kept.reset(slots);
    }

    fn memory(&self) -> usize {
        self.kept.memory()
    }
}
