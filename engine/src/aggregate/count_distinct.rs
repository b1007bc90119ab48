//! COUNT_DISTINCT: the number of distinct values, exactly.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::codec::Item;
use super::values::{Counted, Keeping, Order, Rules, Shape};
use crate::error::Result;

pub(super) const COUNT_DISTINCT: Builtin = Builtin {
    definition: define(
        "COUNT_DISTINCT",
        "The number of distinct values that are not NULL. It is exact, where ksqlDB's is an \
         estimate, and therefore keeps every distinct value; APPROX_DISTINCT is the estimate.",
        &["COUNT_DISTINCT(value ANY) → BIGINT"],
        &[("COUNT_DISTINCT(city)", "2")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let rules = Rules { order: Order::Any, tagged: true, ..Rules::new(call.input) };
    Keeping::<Counted>::bound(Item::plain(call.only()?), DataType::Int64, Shape::Number, rules)
}
