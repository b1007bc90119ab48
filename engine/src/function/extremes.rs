//! GREATEST and LEAST: the extreme of several values, nulls left out.

use arrow::array::{Array, ArrayRef, BooleanArray, Datum};
use arrow::compute::kernels::cmp::{gt, lt};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and, is_not_null, is_null, or};
use arrow::error::ArrowError;
use datafusion::common::Result;

use super::arguments::Arguments;
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "GREATEST",
            "The greatest of the values that are not null; NULL if all are.",
            &[
                "GREATEST(value INTEGER...) → INTEGER",
                "GREATEST(value BIGINT...) → BIGINT",
                "GREATEST(value DOUBLE...) → DOUBLE",
                "GREATEST(value DECIMAL...) → DECIMAL",
                "GREATEST(value STRING...) → STRING",
                "GREATEST(value BYTES...) → BYTES",
                "GREATEST(value DATE...) → DATE",
                "GREATEST(value TIME...) → TIME",
                "GREATEST(value TIMESTAMP...) → TIMESTAMP",
            ],
            &[("GREATEST(3, NULL, 7)", "7"), ("GREATEST('apple', 'pear')", "'pear'")],
            |args| extreme(args, gt),
        ),
        define(
            "LEAST",
            "The least of the values that are not null; NULL if all are.",
            &[
                "LEAST(value INTEGER...) → INTEGER",
                "LEAST(value BIGINT...) → BIGINT",
                "LEAST(value DOUBLE...) → DOUBLE",
                "LEAST(value DECIMAL...) → DECIMAL",
                "LEAST(value STRING...) → STRING",
                "LEAST(value BYTES...) → BYTES",
                "LEAST(value DATE...) → DATE",
                "LEAST(value TIME...) → TIME",
                "LEAST(value TIMESTAMP...) → TIMESTAMP",
            ],
            &[("LEAST(3, NULL, 7)", "3"), ("LEAST('apple', 'pear')", "'apple'")],
            |args| extreme(args, lt),
        ),
    ]
}

type Better = fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>;

fn extreme(args: &Arguments, better: Better) -> Result<ArrayRef> {
    let mut best = args.array(0)?;
    for index in 1..args.len() {
        let next = args.array(index)?;
        let is_better = known(&better(&next, &best)?);
        let take_next = and(&or(&is_better, &is_null(&best)?)?, &is_not_null(&next)?)?;
        best = zip(&take_next, &next, &best)?;
    }
    Ok(best)
}

/// The mask with false for null.
fn known(mask: &BooleanArray) -> BooleanArray {
    match mask.nulls() {
        Some(nulls) => BooleanArray::new(mask.values() & nulls.inner(), None),
        None => mask.clone(),
    }
}
