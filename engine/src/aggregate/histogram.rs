//! HISTOGRAM: how often each value comes.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::codec::Item;
use super::values::{Counted, Keeping, Rules, Shape};
use crate::error::Result;
use crate::types::map_of;

/// Distinct values that are counted, as in ksqlDB.
const KEYS_MAX: usize = 1000;

pub(super) const HISTOGRAM: Builtin = Builtin {
    definition: define(
        "HISTOGRAM",
        "A map of each distinct value that is not NULL to the number of times it comes. At most \
         1000 distinct values are counted; those that arrive later are ignored.",
        &["HISTOGRAM(value STRING) → MAP<STRING, BIGINT>"],
        &[("HISTOGRAM(city)", "{Rome=2, Oslo=1}")],
    ),
    bind,
};

fn bind(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    if call.only()? != DataType::Utf8 {
        return Err(call.no_match());
    }
    let keep = call.keep(KEYS_MAX);
    let rules = Rules { keep, show: KEYS_MAX, tagged: true, ..Rules::new(call.input) };
    let result = map_of(DataType::Utf8, DataType::Int64);
    Keeping::<Counted>::bound(Item::plain(DataType::Utf8), result, Shape::Map, rules)
}
