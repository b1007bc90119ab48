//! A DataFusion accumulator of many groups.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::{filter, prep_null_mask_filter};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::aggregate::{BoundAggregate, Groups};

/// Many groups. Group `i` is slot `first + i`: groups leave from the front.
pub(super) struct ManyGroups {
    bound: Arc<dyn BoundAggregate>,
    groups: Box<dyn Groups>,
    first: usize,
    end: usize,
}

impl ManyGroups {
    /// No groups yet.
    pub fn new(bound: Arc<dyn BoundAggregate>) -> Self {
        Self { groups: bound.groups(), bound, first: 0, end: 0 }
    }

    fn grow(&mut self, groups: usize) {
        self.end = self.first + groups;
        self.groups.resize(self.end);
    }

    fn slots(&self, groups: &[usize]) -> Vec<u32> {
        groups.iter().map(|group| (self.first + group) as u32).collect()
    }

    /// The slots of groups that leave.
    fn leaving(&self, emit: EmitTo) -> Vec<u32> {
        let end = match emit {
            EmitTo::All => self.end,
            EmitTo::First(count) => self.first + count,
        };
        (self.first as u32..end as u32).collect()
    }

    fn leave(&mut self, slots: &[u32]) {
        self.groups.reset(slots);
        self.first += slots.len();
        if self.first == self.end {
            *self = Self::new(self.bound.clone());
        }
    }
}

/// The rows that pass a filter.
fn passing(
    slots: Vec<u32>,
    values: &[ArrayRef],
    mask: Option<&BooleanArray>,
) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
    let Some(mask) = mask else { return Ok((slots, values.to_vec())) };
    let mask = if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() };
    let chosen = slots.iter().zip(mask.values()).filter(|(_, passes)| *passes);
    let slots = chosen.map(|(&slot, _)| slot).collect();
    let values = values.iter().map(|column| Ok(filter(column, &mask)?));
    Ok((slots, values.collect::<Result<_>>()?))
}

impl GroupsAccumulator for ManyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        mask: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let columns = &values[..self.bound.argument_types().len()];
        let (slots, columns) = passing(self.slots(groups), columns, mask)?;
        Ok(self.groups.update(&slots, &columns)?)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let from: Vec<u32> = (self.end as u32..).take(groups.len()).collect();
        self.groups.resize(self.end + groups.len());
        self.groups.load(&from, states)?;
        Ok(self.groups.merge(&self.slots(groups), &from)?)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let slots = self.leaving(emit);
        let results = self.groups.evaluate(&slots)?;
        self.leave(&slots);
        Ok(results)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let slots = self.leaving(emit);
        let states = self.groups.save(&slots)?;
        self.leave(&slots);
        Ok(states)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        mask: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let all: Vec<u32> = (0..rows as u32).collect();
        let mut groups = self.bound.groups();
        groups.resize(rows);
        let columns = &values[..self.bound.argument_types().len()];
        let (slots, columns) = passing(all.clone(), columns, mask)?;
        groups.update(&slots, &columns)?;
        Ok(groups.save(&all)?)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.memory()
    }
}
