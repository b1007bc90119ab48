//! Distinct values with their number, the least first.

use std::collections::BTreeMap;

use super::{Rules, Slot, Value};

/// How often a group has each value, by size.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Sorted {
    counts: BTreeMap<Box<[u8]>, i64>,
    bytes: usize,
}

impl Sorted {
    fn count(&mut self, value: &[u8], by: i64) {
        if let Some(count) = self.counts.get_mut(value) {
            *count += by;
        } else {
            self.counts.insert(value.into(), by);
            self.bytes += value.len();
        }
    }

    fn trim(&mut self, rules: &Rules) {
        while self.counts.len() > rules.keep {
            self.bytes -= self.counts.pop_last().map_or(0, |(value, _)| value.len());
        }
    }

    /// Whether a value would be dropped as soon as it was in.
    fn is_beyond(&self, value: &[u8], rules: &Rules) -> bool {
        self.counts.len() >= rules.keep
            && self.counts.last_key_value().is_some_and(|(last, _)| value > &**last)
    }
}

impl Slot for Sorted {
    fn add(&mut self, value: Value<'_>, _: i64, rules: &Rules) {
        if !self.is_beyond(value.bytes, rules) {
            self.count(value.bytes, 1);
            self.trim(rules);
        }
    }

    fn remove(&mut self, value: Value<'_>, _: &Rules) {
        let Some(count) = self.counts.get_mut(value.bytes) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(value.bytes);
            self.bytes -= value.bytes.len();
        }
    }

    fn absorb(&mut self, from: Self, rules: &Rules) {
        from.counts.iter().for_each(|(value, count)| self.count(value, *count));
        self.trim(rules);
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
        // Nodes of the tree are two thirds full on average.
        self.counts.len() * size_of::<(Box<[u8]>, i64)>() * 3 / 2 + self.bytes
    }
}
