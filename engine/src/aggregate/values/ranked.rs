//! Every value in the order of its key; those with equal keys in order of arrival.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Rules, Slot, Value};

/// All values of a group by key.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Ranked {
    values: BTreeSet<Entry>,
    /// Number of the next value, which parts values with equal keys.
    next: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Box<[u8]>,
    key: usize,
    number: u64,
}

impl Entry {
    fn key(&self) -> &[u8] {
        &self.value[..self.key]
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key()).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl Ranked {
    fn insert(&mut self, value: Box<[u8]>, key: usize) {
        self.bytes += value.len();
        self.values.insert(Entry { value, key, number: self.next });
        self.next += 1;
    }
}

impl Slot for Ranked {
    fn add(&mut self, value: Value<'_>, _: i64, _: &Rules) {
        self.insert(value.bytes.into(), value.key);
    }

    fn remove(&mut self, value: Value<'_>, _: &Rules) {
        let mut entry = Entry { value: value.bytes.into(), key: value.key, number: u64::MAX };
        let alike = self
            .values
            .range::<Entry, _>(..&entry)
            .rev()
            .take_while(|kept| kept.key() == entry.key());
        let last = { alike }.find(|kept| kept.value == entry.value);
        if let Some(number) = last.map(|last| last.number) {
            entry.number = number;
            self.values.remove(&entry);
            self.bytes -= entry.value.len();
        }
    }

    fn absorb(&mut self, from: Self, _: &Rules) {
        from.values.into_iter().for_each(|entry| self.insert(entry.value, entry.key));
    }

    fn restore(&mut self, value: Value<'_>, _: i64) {
        self.insert(value.bytes.into(), value.key);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.values.iter().map(|entry| (&*entry.value, 0))
    }

    fn heap_bytes(&self) -> usize {
        // Nodes of the tree are two thirds full on average.
        self.values.len() * size_of::<Entry>() * 3 / 2 + self.bytes
    }
}
