//! ATTR: the value that all rows are expected to share.

use std::sync::Arc;

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::codec::Item;
use super::values::{Counted, Keeping, Order, Rules, Shape};
use crate::error::Result;

pub(super) const ATTR: Builtin = Builtin {
    definition: define(
        "ATTR",
        "The value that all rows of the group share; NULL if they have more than one. NULL is a \
         value like others here.",
        &["ATTR(value ANY) → ANY"],
        &[("ATTR(currency)", "'EUR'")],
    ),
    bind,
};

/// Two values are enough to know that there is more than one.
const KEEP: usize = 2;

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let data_type = call.only()?;
    let rules = Rules { order: Order::Any, keep: call.keep(KEEP), ..Rules::new(call.input) };
    let rules = Rules { skip_nulls: false, tagged: true, ..rules };
    Keeping::<Counted>::bound(Item::plain(data_type.clone()), data_type, Shape::Only, rules)
}
