//! A DataFusion accumulator out of a single group.

use arrow::array::{Array, ArrayRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use crate::aggregate::{BoundAggregate, Groups};

/// One group: slot 0. The others hold states while they are merged.
pub(super) struct OneGroup {
    groups: Box<dyn Groups>,
    columns: usize,
    takes_back: bool,
}

impl std::fmt::Debug for OneGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneGroup").finish_non_exhaustive()
    }
}

impl OneGroup {
    /// The group without rows.
    pub fn new(bound: &dyn BoundAggregate, takes_back: bool) -> Self {
        let mut groups = bound.groups();
        groups.resize(1);
        Self { groups, columns: bound.argument_types().len(), takes_back }
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let slots = vec![0; values.first().map_or(0, |column| column.len())];
        Ok(self.groups.update(&slots, &values[..self.columns])?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let slots = vec![0; values.first().map_or(0, |column| column.len())];
        Ok(self.groups.undo(&slots, &values[..self.columns])?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.takes_back
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let count = states.first().map_or(0, |column| column.len());
        let from: Vec<u32> = (1..=count as u32).collect();
        self.groups.resize(count + 1);
        self.groups.load(&from, states)?;
        Ok(self.groups.merge(&vec![0; count], &from)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.groups.evaluate(&[0])?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let columns = self.groups.save(&[0])?;
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.memory()
    }
}
