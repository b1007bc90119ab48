//! Distinct values with their number, in order of first arrival.

use hashbrown::DefaultHashBuilder;
use indexmap::IndexMap;

use super::{Order, Rules, Slot, Value};

/// How often a group has each value.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Counted {
    /// Walked in order of insertion, so that results and saved states do not depend on hashes.
    counts: IndexMap<Box<[u8]>, i64, DefaultHashBuilder>,
    bytes: usize,
    /// How many of the first values are no longer new; only where none goes.
    known: usize,
}

impl Counted {
    /// Counts a value `by` times more. Whether it is new.
    pub fn count(&mut self, value: &[u8], by: i64) -> bool {
        if let Some(count) = self.counts.get_mut(value) {
            *count += by;
            return false;
        }
        self.counts.insert(value.into(), by);
        self.bytes += value.len();
        true
    }

    /// Counts a value once less. Whether it is gone.
    pub fn discount(&mut self, value: &[u8], rules: &Rules) -> bool {
        let Some(count) = self.counts.get_mut(value) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        match rules.order {
            Order::Any => self.counts.swap_remove(value),
            _ => self.counts.shift_remove(value),
        };
        self.bytes -= value.len();
        true
    }

    fn has_room(&self, value: &[u8], rules: &Rules) -> bool {
        self.counts.len() < rules.keep || self.counts.contains_key(value)
    }
}

impl Slot for Counted {
    const GROWS: bool = true;

    fn grown(&mut self) -> impl Iterator<Item = &[u8]> {
        let known = std::mem::replace(&mut self.known, self.counts.len());
        self.counts.keys().skip(known).map(|value| &**value)
    }

    fn add(&mut self, value: Value<'_>, _: i64, rules: &Rules) {
        if self.has_room(value.bytes, rules) {
            self.count(value.bytes, 1);
        }
    }

    fn remove(&mut self, value: Value<'_>, rules: &Rules) {
        self.discount(value.bytes, rules);
    }

    fn absorb(&mut self, from: Self, rules: &Rules) {
        for (value, count) in from.counts {
            if self.has_room(&value, rules) {
                self.count(&value, count);
            }
        }
    }

    fn restore(&mut self, value: Value<'_>, tag: i64) {
        self.count(value.bytes, tag);
    }

    fn len(&self) -> usize {
        self.counts.len()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.counts.iter().map(|(value, count)| (&**value, *count))
    }

    fn heap_bytes(&self) -> usize {
        // An entry is its value, count and hash, and an index in the table.
        const ENTRY_BYTES: usize = size_of::<(Box<[u8]>, i64, u64, usize)>();
        self.counts.capacity() * ENTRY_BYTES + self.bytes
    }
}
