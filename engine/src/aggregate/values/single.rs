//! One value per slot: where rows stay, that is all that many functions need.

use super::{Order, Rules, Slot, Value};

/// The one value that a group has kept.
#[derive(Debug, Default)]
pub(in crate::aggregate) struct Single {
    value: Option<Box<[u8]>>,
    arrival: i64,
}

impl Single {
    fn is_replaced_by(&self, value: &[u8], arrival: i64, order: Order) -> bool {
        let Some(current) = self.value.as_deref() else { return true };
        match order {
            Order::Any | Order::Appended | Order::Earliest => arrival < self.arrival,
            Order::Latest => arrival >= self.arrival,
            Order::Least => value < current,
        }
    }
}

impl Slot for Single {
    fn add(&mut self, value: Value<'_>, arrival: i64, rules: &Rules) {
        if self.is_replaced_by(value.bytes, arrival, rules.order) {
            self.restore(value, arrival);
        }
    }

    /// Not called: a single value is kept of rows that stay.
    fn remove(&mut self, _: Value<'_>, _: &Rules) {
        unreachable!("a single value cannot be taken back");
    }

    fn absorb(&mut self, from: Self, rules: &Rules) {
        if let Some(value) = &from.value
            && self.is_replaced_by(value, from.arrival, rules.order)
        {
            *self = from;
        }
    }

    /// Values of equal length, as all numbers are, take the place of the old one.
    fn restore(&mut self, value: Value<'_>, tag: i64) {
        match &mut self.value {
            Some(place) if place.len() == value.bytes.len() => place.copy_from_slice(value.bytes),
            place => *place = Some(value.bytes.into()),
        }
        self.arrival = tag;
    }

    fn len(&self) -> usize {
        usize::from(self.value.is_some())
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.value.iter().map(|value| (&**value, self.arrival))
    }

    fn heap_bytes(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.len())
    }
}
