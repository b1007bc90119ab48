//! Names at the Postgres edge.
//!
//! The dialect's canonical case is upper, Postgres's is lower. Names of a single case are
//! therefore swapped on their way through this edge, in both directions: `ORDERS` inside is shown
//! as `orders`, and the quoted `"ORDERS"` of a client means `orders` inside. Names of mixed case
//! stay as they are. Nothing inside knows of it.
//!
//! Only ASCII letters are looked at, so that a name keeps its length and the way back is exact.

use std::borrow::Cow;

/// How a client sees the name `inside`.
pub(crate) fn shown(inside: &str) -> Cow<'_, str> {
    swap_single_case(inside)
}

/// The name that a client means by the quoted name `shown`.
pub(crate) fn inside(shown: &str) -> Cow<'_, str> {
    swap_single_case(shown)
}

fn swap_single_case(name: &str) -> Cow<'_, str> {
    let upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = name.bytes().any(|byte| byte.is_ascii_lowercase());
    match (upper, lower) {
        (true, false) => Cow::Owned(name.to_ascii_lowercase()),
        (false, true) => Cow::Owned(name.to_ascii_uppercase()),
        _ => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_case_are_swapped_and_mixed_ones_stay() {
        assert_eq!(shown("ORDERS_2"), "orders_2");
        assert_eq!(shown("orders"), "ORDERS");
        assert_eq!(shown("OrderId"), "OrderId");
        assert_eq!(shown("_1"), "_1");
    }

    #[test]
    fn the_way_back_is_exact() {
        for name in ["ORDERS", "orders", "OrderId", "STRAßE", "_", ""] {
            assert_eq!(inside(&shown(name)), name);
        }
    }
}
