//! Functions that deal with null: COALESCE, IFNULL, NULLIF; and AS_VALUE, which passes on.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_not_null, nullif};
use datafusion::common::Result;

use super::arguments::Arguments;
use super::equality::Rows;
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "COALESCE",
            "The first of the values that is not null.",
            &["COALESCE(value T...) → T"],
            &[("COALESCE(NULL, 2, 3)", "2")],
            coalesce,
        ),
        define(
            "IFNULL",
            "The value, or the alternative if it is null.",
            &["IFNULL(value T, alternative T) → T"],
            &[("IFNULL(CAST(NULL AS STRING), 'none')", "'none'")],
            coalesce,
        ),
        define(
            "NULLIF",
            "NULL if both values are equal, else the first.",
            &["NULLIF(value T, other T) → T"],
            &[("NULLIF('a', 'a')", "NULL"), ("NULLIF(1, 2)", "1")],
            null_if,
        ),
        define(
            "AS_VALUE",
            "The value as it is: a copy of a key column among the value columns.",
            &["AS_VALUE(value T) → T"],
            &[("AS_VALUE(5)", "5")],
            |args| args.array(0),
        ),
    ]
}

fn coalesce(args: &Arguments) -> Result<ArrayRef> {
    let mut result = args.array(0)?;
    for index in 1..args.len() {
        if result.null_count() == 0 {
            break;
        }
        result = zip(&is_not_null(&result)?, &result, &args.array(index)?)?;
    }
    Ok(result)
}

fn null_if(args: &Arguments) -> Result<ArrayRef> {
    let (values, others) = (args.array(0)?, args.array(1)?);
    let (left, right) = Rows::pair(&values, &others)?;
    let equal: BooleanArray = (0..args.rows())
        .map(|row| Some(values.is_valid(row) && left.row(row) == right.row(row)))
        .collect();
    Ok(nullif(&values, &equal)?)
}
