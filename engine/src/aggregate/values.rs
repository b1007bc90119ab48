//! Aggregates that keep values.
//!
//! Whatever the function, the state of a slot is a sequence of (value, tag): the tag is the count
//! of a counted value, or the number of the row that a value arrived with. How the sequence is
//! kept is the [`Slot`]'s matter:
//!
//! | slot | keeps | order | tag |
//! |---|---|---|---|
//! | [`Single`] | one value | – | arrival |
//! | [`Listed`] | each value | arrival | arrival |
//! | [`Indexed`] | each value, found quickly when it goes | arrival | arrival |
//! | [`Counted`] | distinct values | first arrival | count |
//! | [`Sorted`] | distinct values | size | count |
//! | [`Top`] | the first values | size of the key, then arrival | – |
//! | [`Ranked`] | each value | size of the key, then arrival | – |
//!
//! All else is done once, in [`Kept`].

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::codec::{Codec, Item};
use super::{BoundAggregate, Groups, Input};
use crate::error::{Error, Result};
use crate::types::array_of;

mod counted;
mod indexed;
mod kept;
mod listed;
mod ranked;
mod single;
mod sorted;
mod top;

pub(super) use counted::Counted;
pub(super) use indexed::Indexed;
pub(super) use kept::Kept;
pub(super) use listed::Listed;
pub(super) use ranked::Ranked;
pub(super) use single::Single;
pub(super) use sorted::Sorted;
pub(super) use top::Top;

/// A value that comes or goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    /// The value, encoded.
    pub bytes: &'a [u8],
    /// How many of the bytes are its key.
    pub key: usize,
}

/// The kept values of one group.
pub(super) trait Slot: Default + Send + Sync + 'static {
    /// Whether it knows which values have come lately.
    const GROWS: bool = false;

    /// Keeps a value that came with row number `arrival`.
    fn add(&mut self, value: Value<'_>, arrival: i64, rules: &Rules);

    /// Forgets a value, the last of equal ones.
    fn remove(&mut self, value: Value<'_>, rules: &Rules);

    /// Takes over the values of another group.
    fn absorb(&mut self, from: Self, rules: &Rules);

    /// Puts the next value of a saved sequence back.
    fn restore(&mut self, value: Value<'_>, tag: i64);

    /// Number of values.
    fn len(&self) -> usize;

    /// The values with their tags, in order.
    fn entries(&self) -> impl Iterator<Item = (&[u8], i64)>;

    /// The values that are shown when there may be `count`: of the latest the last ones, else the
    /// first ones.
    fn shown(&self, count: usize, order: Order) -> impl Iterator<Item = (&[u8], i64)> {
        let hidden = match order {
            Order::Latest => self.len().saturating_sub(count),
            _ => 0,
        };
        self.entries().skip(hidden).take(count)
    }

    /// The values that have come since the last call; none where values may go or be counted.
    fn grown(&mut self) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }

    /// Bytes of memory behind the slot, known without looking at the values.
    fn heap_bytes(&self) -> usize;
}

/// What is kept, and what of it is shown.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Whether values are taken back.
    pub input: Input,
    /// Whether a row is skipped whose (first) column is NULL.
    pub skip_nulls: bool,
    /// Which values go when there are more than `keep`.
    pub order: Order,
    /// How many values are kept.
    pub keep: usize,
    /// How many values are shown.
    pub show: usize,
    /// Whether tags are part of the saved state.
    pub tagged: bool,
}

impl Rules {
    /// Keeps everything but NULL.
    pub fn new(input: Input) -> Self {
        let order = Order::Earliest;
        Self { input, skip_nulls: true, order, keep: usize::MAX, show: usize::MAX, tagged: false }
    }
}

/// Which values come first, where the slot does not say it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Any order will do.
    Any,
    /// In order of arrival; groups are appended to each other.
    Appended,
    /// The first to arrive stay.
    Earliest,
    /// The last to arrive stay.
    Latest,
    /// The least stay.
    Least,
}

/// What the result of a slot is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// The first value, or NULL.
    First,
    /// The value, if there is exactly one; or NULL.
    Only,
    /// An array of the values.
    List,
    /// A map of values to counts.
    Map,
    /// The number of values.
    Number,
}

/// An aggregate that keeps values in slots of this kind.
pub(super) struct Keeping<S> {
    item: Item,
    argument_types: Vec<DataType>,
    return_type: DataType,
    shape: Shape,
    rules: Rules,
    slot: PhantomData<fn() -> S>,
}

impl<S> std::fmt::Debug for Keeping<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeping")
            .field("item", &self.item)
            .field("shape", &self.shape)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl<S: Slot> Keeping<S> {
    /// An aggregate with these types and rules.
    pub fn bound(
        item: Item,
        return_type: DataType,
        shape: Shape,
        rules: Rules,
    ) -> Result<Arc<dyn BoundAggregate>> {
        // Fails here, and not in `groups`, for types that have no order or equality.
        Codec::new(item.clone())?;
        let (argument_types, slot) = (item.columns(), PhantomData);
        Ok(Arc::new(Self { item, argument_types, return_type, shape, rules, slot }))
    }
}

impl<S: Slot> BoundAggregate for Keeping<S> {
    fn argument_types(&self) -> &[DataType] {
        &self.argument_types
    }

    fn return_type(&self) -> &DataType {
        &self.return_type
    }

    fn state_types(&self) -> Vec<DataType> {
        state_types(&self.item, self.rules.tagged)
    }

    /// How often there is a value does not show in their number.
    fn grows(&self) -> bool {
        let stays = self.rules.input == Input::AppendOnly && self.rules.keep == usize::MAX;
        S::GROWS && stays && matches!(self.shape, Shape::Number)
    }

    fn groups(&self) -> Box<dyn Groups> {
        let codec = Codec::new(self.item.clone()).expect("the same codec was built when binding");
        Box::new(Shown { kept: Kept::<S>::new(codec, self.rules.clone()), shape: self.shape })
    }
}

/// The types of the columns that kept values are saved as.
pub(super) fn state_types(item: &Item, tagged: bool) -> Vec<DataType> {
    let tags = tagged.then(|| array_of(DataType::Int64));
    std::iter::once(array_of(item.data_type())).chain(tags).collect()
}

/// The error of taking a row back that an aggregate was not asked to remember.
pub(super) fn append_only() -> Error {
    Error::Internal("a row was taken back from an aggregate bound for rows that stay".into())
}

/// Kept values with the result that is made of them.
struct Shown<S> {
    kept: Kept<S>,
    shape: Shape,
}

impl<S: Slot> Groups for Shown<S> {
    fn resize(&mut self, slots: usize) {
        self.kept.resize(slots);
    }

    fn arrive(&mut self, next: i64) {
        self.kept.arrive(next);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.kept.update(slots, arguments)
    }

    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()> {
        self.kept.undo(slots, arguments)
    }

    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        self.kept.merge(into, from);
        Ok(())
    }

    fn grown(&mut self, slots: &[u32], put: &mut dyn FnMut(usize, &[u8])) {
        self.kept.grown(slots, put);
    }

    fn regrow(&mut self, slot: u32, value: &[u8]) {
        self.kept.regrow(slot, value);
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.kept.evaluate(slots, self.shape)
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        self.kept.save(slots)
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        self.kept.load(slots, state)
    }

    fn reset(&mut self, slots: &[u32]) {
        self.kept.reset(slots);
    }

    fn memory(&self) -> usize {
        self.kept.memory()
    }
}
