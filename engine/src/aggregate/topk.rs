//! TOPK and TOPKDISTINCT: the greatest values, the greatest first.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Fields};

use super::call::{Builtin, Call, define, is_ordered};
use super::codec::Item;
use super::values::{Keeping, Ranked, Rules, Shape, Slot, Sorted, Top};
use super::{BoundAggregate, Input};
use crate::error::Result;
use crate::types::array_of;

pub(super) const TOPK: Builtin = Builtin {
    definition: define(
        "TOPK",
        "The k greatest values that are not NULL, the greatest first. With further columns, the \
         rows of the k greatest values as structs; of rows alike the first ones to arrive.",
        &[
            "TOPK(value ANY, k INTEGER) → ARRAY<ANY>",
            "TOPK(value ANY, other ANY…, k INTEGER) → ARRAY<STRUCT<sort_col ANY, col0 ANY…>>",
        ],
        &[("TOPK(score, 2)", "[9, 9]"), ("TOPK(score, name, 1)", "[{sort_col=9, col0=Ann}]")],
    ),
    bind: topk,
};

pub(super) const TOPKDISTINCT: Builtin = Builtin {
    definition: define(
        "TOPKDISTINCT",
        "The k greatest distinct values that are not NULL, the greatest first.",
        &["TOPKDISTINCT(value ANY, k INTEGER) → ARRAY<ANY>"],
        &[("TOPKDISTINCT(score, 2)", "[9, 7]")],
    ),
    bind: topk_distinct,
};

/// The greatest first.
const DESCENDING: SortOptions = SortOptions { descending: true, nulls_first: false };

fn topk(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    let types = call.types();
    match types.as_slice() {
        [sort, _] if is_ordered(sort) => ranked(call, Item::Plain(sort.clone(), DESCENDING), 1),
        [sort, others @ .., _] if !others.is_empty() && is_ordered(sort) => {
            let item = Item::Keyed(struct_fields(sort, others), DESCENDING);
            ranked(call, item, types.len() - 1)
        }
        _ => Err(call.no_match()),
    }
}

fn ranked(call: &Call<'_>, item: Item, k_index: usize) -> Result<Arc<dyn BoundAggregate>> {
    match call.input {
        Input::AppendOnly => bind::<Top>(call, item, k_index, false),
        Input::Changing => bind::<Ranked>(call, item, k_index, false),
    }
}

fn topk_distinct(call: &Call<'_>) -> Result<Arc<dyn BoundAggregate>> {
    match call.types().as_slice() {
        [sort, _] if is_ordered(sort) => {
            bind::<Sorted>(call, Item::Plain(sort.clone(), DESCENDING), 1, true)
        }
        _ => Err(call.no_match()),
    }
}

/// The fields of a row in the result, named as in ksqlDB.
fn struct_fields(sort: &DataType, others: &[DataType]) -> Fields {
    let sort = Field::new("sort_col", sort.clone(), true);
    let others = others.iter().enumerate();
    let others =
        others.map(|(index, other)| Field::new(format!("col{index}"), other.clone(), true));
    std::iter::once(sort).chain(others).collect()
}

fn bind<S: Slot>(
    call: &Call<'_>,
    item: Item,
    k_index: usize,
    tagged: bool,
) -> Result<Arc<dyn BoundAggregate>> {
    let k = call.literal_count(k_index)?;
    let rules = Rules { keep: call.keep(k), show: k, tagged, ..Rules::new(call.input) };
    let result = array_of(item.data_type());
    Keeping::<S>::bound(item, result, Shape::List, rules)
}
