//! The kept values of all groups: encoding, results, saving, loading, accounting of memory.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, MapArray, StructArray, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};

use super::{Rules, Shape, Slot, Value, append_only};
use crate::aggregate::Input;
use crate::aggregate::codec::Codec;
use crate::error::{Error, Result};
use crate::types::map_entries;

/// The kept values of all groups.
pub(in crate::aggregate) struct Kept<S> {
    codec: Codec,
    rules: Rules,
    slots: Vec<S>,
    /// Number of the next row.
    arrival: i64,
    /// Sum of the slots' memory.
    heap_bytes: usize,
}

impl<S: Slot> Kept<S> {
    /// No groups yet.
    pub fn new(codec: Codec, rules: Rules) -> Self {
        Self { codec, rules, slots: Vec::new(), arrival: 0, heap_bytes: 0 }
    }

    /// Changes a slot, and accounts for its memory.
    pub fn change<R>(&mut self, slot: u32, change: impl FnOnce(&mut S, &Rules) -> R) -> R {
        let slot = &mut self.slots[slot as usize];
        let before = slot.heap_bytes();
        let result = change(slot, &self.rules);
        self.heap_bytes = self.heap_bytes - before + slot.heap_bytes();
        result
    }

    /// The codec of the values.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Calls `change` with the slot and the value of every row that counts.
    fn each(
        &mut self,
        slots: &[u32],
        columns: &[ArrayRef],
        mut change: impl FnMut(&mut S, Value<'_>, i64, &Rules),
    ) -> Result<()> {
        let encoded = self.codec.encode(columns)?;
        let nulls = if self.rules.skip_nulls { columns[0].logical_nulls() } else { None };
        let first = self.arrival;
        for (row, &slot) in slots.iter().enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                let (bytes, key) = encoded.get(row);
                let arrival = first + row as i64;
                self.change(slot, |slot, rules| change(slot, Value { bytes, key }, arrival, rules));
            }
        }
        self.arrival += slots.len() as i64;
        Ok(())
    }

    pub fn resize(&mut self, slots: usize) {
        self.slots.resize_with(slots.max(self.slots.len()), S::default);
    }

    pub fn arrive(&mut self, next: i64) {
        self.arrival = next;
    }

    pub fn update(&mut self, slots: &[u32], columns: &[ArrayRef]) -> Result<()> {
        self.each(slots, columns, |slot, value, arrival, rules| slot.add(value, arrival, rules))
    }

    pub fn undo(&mut self, slots: &[u32], columns: &[ArrayRef]) -> Result<()> {
        if self.rules.input == Input::AppendOnly {
            return Err(append_only());
        }
        self.each(slots, columns, |slot, value, _, rules| slot.remove(value, rules))
    }

    pub fn merge(&mut self, into: &[u32], from: &[u32]) {
        for (&into, &from) in into.iter().zip(from) {
            let moved = self.change(from, |slot, _| std::mem::take(slot));
            self.change(into, |slot, rules| slot.absorb(moved, rules));
        }
    }

    pub fn reset(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.change(slot, |slot, _| *slot = S::default());
        }
    }

    pub fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<S>() + self.heap_bytes
    }

    /// The state of a slot.
    pub fn slot(&self, slot: u32) -> &S {
        &self.slots[slot as usize]
    }

    /// The columns of a slot's values, in order.
    pub fn columns(&self, slot: u32) -> Result<Vec<ArrayRef>> {
        self.codec.decode_columns(self.slot(slot).entries().map(|(bytes, _)| bytes))
    }

    pub fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let values = self.list(slots, usize::MAX)?;
        let entries = slots.iter().flat_map(|&slot| self.slot(slot).entries());
        let tags = self.rules.tagged.then(|| entries.map(|(_, tag)| tag));
        let tags = tags.map(|tags| -> Result<ArrayRef> {
            let tags = Arc::new(Int64Array::from_iter_values(tags));
            let field = Arc::new(Field::new_list_field(DataType::Int64, true));
            Ok(Arc::new(ListArray::try_new(field, values.offsets().clone(), tags, None)?))
        });
        let mut columns: Vec<ArrayRef> = vec![Arc::new(values)];
        columns.extend(tags.transpose()?);
        Ok(columns)
    }

    /// Rows to come are numbered after all loaded ones.
    pub fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        self.reset(slots);
        let lists = state[0].as_list::<i32>();
        let encoded = self.codec.encode_items(lists.values())?;
        let tags = state.get(1).map(|tags| tags.as_list::<i32>().values().as_primitive());
        let tag = |entry: usize| tags.map_or(0, |tags: &Int64Array| tags.value(entry));
        for (row, &slot) in slots.iter().enumerate() {
            let bounds = &lists.value_offsets()[row..row + 2];
            for entry in bounds[0] as usize..bounds[1] as usize {
                let (bytes, key) = encoded.get(entry);
                self.change(slot, |slot, _| slot.restore(Value { bytes, key }, tag(entry)));
                self.arrival = self.arrival.max(tag(entry) + 1);
            }
        }
        Ok(())
    }

    /// Calls `put` with the place in `slots` and the value for each value that is new.
    pub fn grown(&mut self, slots: &[u32], put: &mut dyn FnMut(usize, &[u8])) {
        for (at, &slot) in slots.iter().enumerate() {
            self.slots[slot as usize].grown().for_each(|value| put(at, value));
        }
    }

    /// Puts such a value back, which is new no longer.
    pub fn regrow(&mut self, slot: u32, bytes: &[u8]) {
        self.change(slot, |slot, _| {
            slot.restore(Value { bytes, key: bytes.len() }, 1);
            slot.grown().for_each(drop);
        });
    }

    /// One array per slot of at most `show` values.
    fn list(&self, slots: &[u32], show: usize) -> Result<ListArray> {
        let lengths = slots.iter().map(|&slot| self.slot(slot).len().min(show));
        let entries = slots.iter().flat_map(|&slot| self.shown(slot, show));
        let values = self.codec.decode(entries.map(|(bytes, _)| bytes))?;
        let field = Arc::new(Field::new_list_field(self.codec.item().data_type(), true));
        Ok(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?)
    }

    fn shown(&self, slot: u32, show: usize) -> impl Iterator<Item = (&[u8], i64)> {
        self.slot(slot).shown(show, self.rules.order)
    }

    fn map(&self, slots: &[u32]) -> Result<MapArray> {
        let show = self.rules.show;
        let lists = self.list(slots, show)?;
        let counts = slots.iter().flat_map(|&slot| self.shown(slot, show));
        let counts = Int64Array::from_iter_values(counts.map(|(_, count)| count));
        let field = map_entries(self.codec.item().data_type(), DataType::Int64);
        let DataType::Struct(fields) = field.data_type().clone() else {
            return Err(Error::Internal("the entries of a map are no struct".into()));
        };
        let columns = vec![lists.values().clone(), Arc::new(counts)];
        let entries = StructArray::try_new(fields, columns, None)?;
        Ok(MapArray::try_new(field, lists.offsets().clone(), entries, None, false)?)
    }

    /// The first value shown of each slot that `has` one.
    fn first(&self, slots: &[u32], has: impl Fn(&S) -> bool) -> Result<ArrayRef> {
        let first = |&slot: &u32| {
            let first = self.shown(slot, 1).next().filter(|_| has(self.slot(slot)));
            first.map_or(self.codec.null(), |(bytes, _)| bytes)
        };
        if slots.is_empty() {
            return Ok(new_empty_array(&self.codec.item().data_type()));
        }
        self.codec.decode(slots.iter().map(first))
    }

    /// The results of these slots.
    pub fn evaluate(&self, slots: &[u32], shape: Shape) -> Result<ArrayRef> {
        Ok(match shape {
            Shape::First => self.first(slots, |_| true)?,
            Shape::Only => self.first(slots, |slot| slot.len() == 1)?,
            Shape::List => Arc::new(self.list(slots, self.rules.show)?),
            Shape::Map => Arc::new(self.map(slots)?),
            Shape::Number => {
                let numbers = slots.iter().map(|&slot| self.slot(slot).len() as i64);
                Arc::new(Int64Array::from_iter_values(numbers))
            }
        })
    }
}
