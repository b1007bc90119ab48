//! COLLECT_LIST and COLLECT_SET: the values themselves. Unlike other aggregates they keep NULL.

use std::sync::Arc;

use super::BoundAggregate;
use super::call::{Builtin, Call, define};
use super::codec::Item;
use super::values::{Counted, Keeping, Listed, Order, Rules, Shape, Slot};
use crate::error::Result;
use crate::types::array_of;

pub(super) const COLLECT_LIST: Builtin = Builtin {
    definition: define(
        "COLLECT_LIST",
        "All values, NULL included, in order of arrival. The property \
         ksql.functions.collect_list.limit limits their number; later ones are then ignored.",
        &["COLLECT_LIST(value ANY) → ARRAY<ANY>"],
        &[("COLLECT_LIST(city)", "['Rome', 'Oslo', 'Rome']")],
    ),
    bind: |call| {
        let rules = Rules { order: Order::Appended, ..Rules::new(call.input) };
        bind::<Listed>(call, rules, call.settings.collect_list_limit)
    },
};

pub(super) const COLLECT_SET: Builtin = Builtin {
    definition: define(
        "COLLECT_SET",
        "The distinct values, NULL included, in order of first arrival. The property \
         ksql.functions.collect_set.limit limits their number; later ones are then ignored.",
        &["COLLECT_SET(value ANY) → ARRAY<ANY>"],
        &[("COLLECT_SET(city)", "['Rome', 'Oslo']")],
    ),
    bind: |call| {
        let rules = Rules { tagged: true, ..Rules::new(call.input) };
        bind::<Counted>(call, rules, call.settings.collect_set_limit)
    },
};

fn bind<S: Slot>(call: &Call<'_>, rules: Rules, limit: usize) -> Result<Arc<dyn BoundAggregate>> {
    let data_type = call.only()?;
    let rules = Rules { skip_nulls: false, keep: call.keep(limit), show: limit, ..rules };
    let result = array_of(data_type.clone());
    Keeping::<S>::bound(Item::plain(data_type), result, Shape::List, rules)
}
