//! The first values in the order of their keys; those with equal keys in order of arrival.
//!
//! For few values per group: they lie in one vector. Values that go need [`Ranked`](super::Ranked).

use super::{Rules, Slot, Value};

/// The first values of a group by key.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Top {
    values: Vec<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Box<[u8]>,
    key: usize,
}

impl Entry {
    fn key(&self) -> &[u8] {
        &self.value[..self.key]
    }
}

impl Top {
    fn insert(&mut self, entry: Entry, rules: &Rules) {
        let place = self.values.partition_point(|other| other.key() <= entry.key());
        if place >= rules.keep {
            return;
        }
        if self.values.len() >= rules.keep {
            self.bytes -= self.values.pop().map_or(0, |last| last.value.len());
        }
        self.bytes += entry.value.len();
        self.values.insert(place, entry);
    }
}

impl Slot for Top {
    fn add(&mut self, value: Value<'_>, _: i64, rules: &Rules) {
        let full = self.values.len() >= rules.keep;
        let beyond = |last: &Entry| last.key() <= &value.bytes[..value.key];
        if !(full && self.values.last().is_none_or(beyond)) {
            self.insert(Entry { value: value.bytes.into(), key: value.key }, rules);
        }
    }

    /// Not called: what was dropped cannot come back when others go.
    fn remove(&mut self, _: Value<'_>, _: &Rules) {
        unreachable!("the top values cannot be taken back");
    }

    fn absorb(&mut self, from: Self, rules: &Rules) {
        from.values.into_iter().for_each(|entry| self.insert(entry, rules));
    }

    fn restore(&mut self, value: Value<'_>, _: i64) {
        self.values.push(Entry { value: value.bytes.into(), key: value.key });
        self.bytes += value.bytes.len();
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.values.iter().map(|entry| (&*entry.value, 0))
    }

    fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Entry>() + self.bytes
    }
}
