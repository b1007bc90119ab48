//! Every value, in order of arrival.

use std::collections::VecDeque;

use super::{Order, Rules, Slot, Value};

/// The values of a group as they arrived.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Listed {
    values: VecDeque<(Box<[u8]>, i64)>,
    bytes: usize,
}

impl Listed {
    fn trim(&mut self, rules: &Rules) {
        while self.values.len() > rules.keep {
            let gone = match rules.order {
                Order::Latest => self.values.pop_front(),
                _ => self.values.pop_back(),
            };
            self.bytes -= gone.map_or(0, |(value, _)| value.len());
        }
    }
}

impl Slot for Listed {
    fn add(&mut self, value: Value<'_>, arrival: i64, rules: &Rules) {
        if self.values.len() < rules.keep || rules.order == Order::Latest {
            self.restore(value, arrival);
            self.trim(rules);
        }
    }

    fn remove(&mut self, value: Value<'_>, _: &Rules) {
        let place = self.values.iter().rposition(|(kept, _)| **kept == *value.bytes);
        if let Some((gone, _)) = place.and_then(|place| self.values.remove(place)) {
            self.bytes -= gone.len();
        }
    }

    fn absorb(&mut self, from: Self, rules: &Rules) {
        self.values.extend(from.values);
        self.bytes += from.bytes;
        if rules.order != Order::Appended {
            self.values.make_contiguous().sort_by_key(|(_, arrival)| *arrival);
        }
        self.trim(rules);
    }

    fn restore(&mut self, value: Value<'_>, tag: i64) {
        self.values.push_back((value.bytes.into(), tag));
        self.bytes += value.bytes.len();
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.values.iter().map(|(value, arrival)| (&**value, *arrival))
    }

    fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<(Box<[u8]>, i64)>() + self.bytes
    }
}
