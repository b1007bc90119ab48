//! `AGG(DISTINCT …)`: lets an aggregate see each row of arguments once.
//!
//! Per group it counts how often each row came. The first arrival of a row goes on to the
//! aggregate below; when the last one is taken back, so is the row below. Groups are merged by
//! giving the rows that are new to the other group to the aggregate there.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take_arrays;
use arrow::datatypes::{DataType, Field};

use super::codec::{Codec, Item};
use super::values::{Counted, Kept, Order, Rules, Slot, state_types};
use super::{BoundAggregate, Groups, Input};
use crate::error::{Code, Result, invalid};

/// The aggregate over distinct rows of its arguments.
pub fn distinct(inner: Arc<dyn BoundAggregate>) -> Result<Arc<dyn BoundAggregate>> {
    let item = match inner.argument_types() {
        [] => {
            return Err(invalid(Code::InvalidQuery, "DISTINCT needs a column to be distinct in"));
        }
        [only] => Item::plain(only.clone()),
        several => {
            let fields = several.iter().enumerate();
            let field = |(index, data_type): (usize, &DataType)| {
                Field::new(format!("c{index}"), data_type.clone(), true)
            };
            Item::Row(fields.map(field).collect())
        }
    };
    Codec::new(item.clone())?;
    Ok(Arc::new(Distinct { inner, item }))
}

#[derive(Debug)]
struct Distinct {
    inner: Arc<dyn BoundAggregate>,
    item: Item,
}

impl BoundAggregate for Distinct {
    fn argument_types(&self) -> &[DataType] {
        self.inner.argument_types()
    }

    fn return_type(&self) -> &DataType {
        self.inner.return_type()
    }

    fn state_types(&self) -> Vec<DataType> {
        let mut types = state_types(&self.item, true);
        types.extend(self.inner.state_types());
        types
    }

    fn groups(&self) -> Box<dyn Groups> {
        let codec = Codec::new(self.item.clone()).expect("the same codec was built when binding");
        let rules = Rules { tagged: true, order: Order::Any, ..Rules::new(Input::Changing) };
        Box::new(DistinctGroups { seen: Kept::new(codec, rules), inner: self.inner.groups() })
    }
}

struct DistinctGroups {
    seen: Kept<Counted>,
    inner: Box<dyn Groups>,
}

impl DistinctGroups {
    /// The rows at which `changes` says so of their group's counts.
    fn choose(
        &mut self,
        slots: &[u32],
        arguments: &[ArrayRef],
        changes: impl Fn(&mut Counted, &[u8], &Rules) -> bool,
    ) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
        let encoded = self.seen.codec().encode(arguments)?;
        let mut rows: Vec<u32> = Vec::new();
        for (row, &slot) in slots.iter().enumerate() {
            if self.seen.change(slot, |seen, rules| changes(seen, encoded.get(row).0, rules)) {
                rows.push(row as u32);
            }
        }
        let chosen = rows.iter().map(|&row| slots[row as usize]).collect();
        Ok((chosen, take_arrays(arguments, &UInt32Array::from(rows), None)?))
    }

    fn merge_one(&mut self, into: u32, from: u32) -> Result<()> {
        let moved = self.seen.change(from, |seen, _| std::mem::take(seen));
        let new: Vec<&[u8]> = self.seen.change(into, |seen, _| {
            let new = moved.entries().filter(|(value, count)| seen.count(value, *count));
            new.map(|(value, _)| value).collect()
        });
        let slots = vec![into; new.len()];
        let columns = self.seen.codec().decode_columns(new.into_iter())?;
        self.inner.update(&slots, &columns)?;
        self.inner.reset(&[from]);
        Ok(())
    }
}

impl Groups for DistinctGroups {
    fn resize(&mut self, slots: usize) {
        self.seen.resize(slots);
        self.inner.resize(slots);
    }

    fn arrive(&mut self, next: i64) {
        self.inner.arrive(next);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let (slots, arguments) =
            self.choose(slots, arguments, |seen, value, _| seen.count(value, 1))?;
        self.inner.update(&slots, &arguments)
    }

    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        let (slots, arguments) = self.choose(slots, arguments, Counted::discount)?;
        self.inner.undo(&slots, &arguments)
    }

    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        into.iter().zip(from).try_for_each(|(&into, &from)| self.merge_one(into, from))
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.inner.evaluate(slots)
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut columns = self.seen.save(slots)?;
        columns.extend(self.inner.save(slots)?);
        Ok(columns)
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let (seen, inner) = state.split_at(2);
        self.seen.load(slots, seen)?;
        self.inner.load(slots, inner)
    }

    fn reset(&mut self, slots: &[u32]) {
        self.seen.reset(slots);
        self.inner.reset(slots);
    }

    fn memory(&self) -> usize {
        self.seen.memory() + self.inner.memory()
    }
}
