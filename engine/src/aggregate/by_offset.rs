//! EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: the values that arrived first or last.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::call::{Builtin, Call, define};
use super::codec::Item;
use super::values::{Indexed, Keeping, Listed, Order, Rules, Shape, Single};
use super::{BoundAggregate, Input};
use crate::error::Result;
use crate::types::array_of;

pub(super) const EARLIEST_BY_OFFSET: Builtin = Builtin {
    definition: define(
        "EARLIEST_BY_OFFSET",
        "The value that arrived first, or the first n of them in order of arrival. NULL is \
         skipped unless ignoreNulls is false.",
        &[
            "EARLIEST_BY_OFFSET(value ANY[, ignoreNulls BOOLEAN]) → ANY",
            "EARLIEST_BY_OFFSET(value ANY, n INTEGER[, ignoreNulls BOOLEAN]) → ARRAY<ANY>",
        ],
        &[
            ("EARLIEST_BY_OFFSET(city)", "'Rome'"),
            ("EARLIEST_BY_OFFSET(city, 2)", "['Rome', 'Oslo']"),
        ],
    ),
    bind: |call| bind(call, Order::Earliest),
};

pub(super) const LATEST_BY_OFFSET: Builtin = Builtin {
    definition: define(
        "LATEST_BY_OFFSET",
        "The value that arrived last, or the last n of them in order of arrival. NULL is skipped \
         unless ignoreNulls is false.",
        &[
            "LATEST_BY_OFFSET(value ANY[, ignoreNulls BOOLEAN]) → ANY",
            "LATEST_BY_OFFSET(value ANY, n INTEGER[, ignoreNulls BOOLEAN]) → ARRAY<ANY>",
        ],
        &[("LATEST_BY_OFFSET(city)", "'Oslo'"), ("LATEST_BY_OFFSET(city, 2)", "['Rome', 'Oslo']")],
    ),
    bind: |call| bind(call, Order::Latest),
};

/// What a call asks for.
struct Form {
    /// How many values; without a number it is one, and not in an array.
    n: Option<usize>,
    skip_nulls: bool,
}

fn form(call: &Call<'_>) -> Result<Form> {
    let types = call.types();
    let is_number = |at: usize| matches!(types[at], DataType::Int32 | DataType::Int64);
    let is_flag = |at: usize| types[at] == DataType::Boolean;
    match types.len() {
        1 => Ok(Form { n: None, skip_nulls: true }),
        2 if is_flag(1) => Ok(Form { n: None, skip_nulls: call.literal_flag(1)? }),
        2 if is_number(1) => Ok(Form { n: Some(call.literal_count(1)?), skip_nulls: true }),
        3 if is_number(1) && is_flag(2) => {
            Ok(Form { n: Some(call.literal_count(1)?), skip_nulls: call.literal_flag(2)? })
        }
        _ => Err(call.no_match()),
    }
}

fn bind(call: &Call<'_>, order: Order) -> Result<Arc<dyn BoundAggregate>> {
    let Form { n, skip_nulls } = form(call)?;
    let show = n.unwrap_or(1);
    let rules = Rules { skip_nulls, order, tagged: true, ..Rules::new(call.input) };
    let rules = Rules { keep: call.keep(show), show, ..rules };
    let data_type = call.types().swap_remove(0);
    let item = Item::plain(data_type.clone());
    let (result, shape) = match n {
        None => (data_type, Shape::First),
        Some(_) => (array_of(data_type), Shape::List),
    };
    match (n, call.input) {
        (_, Input::Changing) => Keeping::<Indexed>::bound(item, result, shape, rules),
        (None, _) => Keeping::<Single>::bound(item, result, shape, rules),
        (Some(_), _) => Keeping::<Listed>::bound(item, result, shape, rules),
    }
}
