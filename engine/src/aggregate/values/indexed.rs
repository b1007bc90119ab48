//! Every value in order of arrival, and found by what it is when it goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Order, Rules, Slot, Value};

/// The values of a group as they arrived, with an index.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Indexed {
    by_place: BTreeMap<Place, Arc<[u8]>>,
    /// The places of each value, in order.
    places: HashMap<Arc<[u8]>, Vec<Place>>,
    /// Number of the next value.
    next: u64,
    bytes: usize,
}

/// Arrival, and a number that parts the values of merged groups that were numbered alike.
type Place = (i64, u64);

impl Indexed {
    /// The one copy of a value that is kept.
    fn intern(&mut self, value: &[u8]) -> Arc<[u8]> {
        if let Some((known, _)) = self.places.get_key_value(value) {
            return known.clone();
        }
        self.bytes += value.len();
        value.into()
    }

    fn insert(&mut self, value: &[u8], arrival: i64) {
        let value = self.intern(value);
        let place = (arrival, self.next);
        self.next += 1;
        self.by_place.insert(place, value.clone());
        let places = self.places.entry(value).or_default();
        places.insert(places.partition_point(|other| *other < place), place);
    }
}

impl Slot for Indexed {
    fn add(&mut self, value: Value<'_>, arrival: i64, _: &Rules) {
        self.insert(value.bytes, arrival);
    }

    fn remove(&mut self, value: Value<'_>, _: &Rules) {
        let Some(places) = self.places.get_mut(value.bytes) else { return };
        if let Some(last) = places.pop() {
            self.by_place.remove(&last);
        }
        if places.is_empty() {
            self.places.remove(value.bytes);
            self.bytes -= value.bytes.len();
        }
    }

    fn absorb(&mut self, from: Self, _: &Rules) {
        for ((arrival, _), value) in from.by_place {
            self.insert(&value, arrival);
        }
    }

    fn restore(&mut self, value: Value<'_>, tag: i64) {
        self.insert(value.bytes, tag);
    }

    fn len(&self) -> usize {
        self.by_place.len()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.by_place.iter().map(|((arrival, _), value)| (&**value, *arrival))
    }

    /// Goes to the end from the end: the tree cannot skip.
    fn shown(&self, count: usize, order: Order) -> impl Iterator<Item = (&[u8], i64)> {
        let all = self.by_place.iter();
        let mut shown: Vec<_> = match order {
            Order::Latest => all.rev().take(count).collect(),
            _ => all.take(count).collect(),
        };
        if order == Order::Latest {
            shown.reverse();
        }
        shown.into_iter().map(|((arrival, _), value)| (&**value, *arrival))
    }

    fn heap_bytes(&self) -> usize {
        // Nodes of the tree are two thirds full on average; each place stands in the index too.
        const PLACE_BYTES: usize = size_of::<(Place, Arc<[u8]>)>() * 3 / 2 + size_of::<Place>();
        const VALUE_BYTES: usize = size_of::<(Arc<[u8]>, Vec<Place>)>();
        self.by_place.len() * PLACE_BYTES + self.places.len() * VALUE_BYTES + self.bytes
    }
}
