//! Functions of real numbers: angles, powers, logarithms. All take and give DOUBLE; outside of
//! their domain they give NaN, as IEEE arithmetic does.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use datafusion::common::Result;

use super::arguments::Arguments;
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    [inverse(), angles(), powers()].into_iter().flatten().collect()
}

fn inverse() -> Vec<Scalar> {
    vec![
        define(
            "ACOS",
            "The angle in radians whose cosine is the value.",
            &["ACOS(value DOUBLE) → DOUBLE"],
            &[("ACOS(1)", "0.0")],
            |args| map(args, f64::acos),
        ),
        define(
            "ASIN",
            "The angle in radians whose sine is the value.",
            &["ASIN(value DOUBLE) → DOUBLE"],
            &[("ASIN(0)", "0.0")],
            |args| map(args, f64::asin),
        ),
        define(
            "ATAN",
            "The angle in radians whose tangent is the value.",
            &["ATAN(value DOUBLE) → DOUBLE"],
            &[("ATAN(0)", "0.0")],
            |args| map(args, f64::atan),
        ),
        define(
            "ATAN2",
            "The angle in radians between the x axis and the point (x, y).",
            &["ATAN2(y DOUBLE, x DOUBLE) → DOUBLE"],
            &[("ATAN2(0, 1)", "0.0")],
            |args| combine(args, f64::atan2),
        ),
    ]
}

fn angles() -> Vec<Scalar> {
    vec![
        define(
            "COS",
            "The cosine of an angle in radians.",
            &["COS(angle DOUBLE) → DOUBLE"],
            &[("COS(0)", "1.0")],
            |args| map(args, f64::cos),
        ),
        define(
            "COSH",
            "The hyperbolic cosine.",
            &["COSH(value DOUBLE) → DOUBLE"],
            &[("COSH(0)", "1.0")],
            |args| map(args, f64::cosh),
        ),
        define(
            "COT",
            "The cotangent of an angle in radians; Infinity for 0.",
            &["COT(angle DOUBLE) → DOUBLE"],
            &[("COT(0)", "Infinity")],
            |args| map(args, |angle| 1.0 / angle.tan()),
        ),
        define(
            "SIN",
            "The sine of an angle in radians.",
            &["SIN(angle DOUBLE) → DOUBLE"],
            &[("SIN(0)", "0.0")],
            |args| map(args, f64::sin),
        ),
        define(
            "SINH",
            "The hyperbolic sine.",
            &["SINH(value DOUBLE) → DOUBLE"],
            &[("SINH(0)", "0.0")],
            |args| map(args, f64::sinh),
        ),
        define(
            "TAN",
            "The tangent of an angle in radians.",
            &["TAN(angle DOUBLE) → DOUBLE"],
            &[("TAN(0)", "0.0")],
            |args| map(args, f64::tan),
        ),
        define(
            "TANH",
            "The hyperbolic tangent.",
            &["TANH(value DOUBLE) → DOUBLE"],
            &[("TANH(0)", "0.0")],
            |args| map(args, f64::tanh),
        ),
        define(
            "DEGREES",
            "An angle in radians, in degrees.",
            &["DEGREES(angle DOUBLE) → DOUBLE"],
            &[("DEGREES(PI())", "180.0")],
            |args| map(args, f64::to_degrees),
        ),
        define(
            "RADIANS",
            "An angle in degrees, in radians.",
            &["RADIANS(angle DOUBLE) → DOUBLE"],
            &[("RADIANS(180)", "3.141592653589793")],
            |args| map(args, f64::to_radians),
        ),
    ]
}

fn powers() -> Vec<Scalar> {
    vec![
        define(
            "EXP",
            "The number e raised to the value.",
            &["EXP(value DOUBLE) → DOUBLE"],
            &[("EXP(0)", "1.0")],
            |args| map(args, f64::exp),
        ),
        define(
            "LN",
            "The natural logarithm.",
            &["LN(value DOUBLE) → DOUBLE"],
            &[("LN(1)", "0.0")],
            |args| map(args, f64::ln),
        ),
        define(
            "LOG",
            "The logarithm to a base; the natural logarithm if no base is given.",
            &["LOG(value DOUBLE) → DOUBLE", "LOG(base DOUBLE, value DOUBLE) → DOUBLE"],
            &[("LOG(2, 8)", "3.0"), ("LOG(1)", "0.0")],
            log,
        ),
        define(
            "SQRT",
            "The square root.",
            &["SQRT(value DOUBLE) → DOUBLE"],
            &[("SQRT(9)", "3.0"), ("SQRT(-1)", "NaN")],
            |args| map(args, f64::sqrt),
        ),
        define(
            "CBRT",
            "The cube root.",
            &["CBRT(value DOUBLE) → DOUBLE"],
            &[("CBRT(27)", "3.0")],
            |args| map(args, f64::cbrt),
        ),
        define(
            "POWER",
            "The base raised to the exponent.",
            &["POWER(base DOUBLE, exponent DOUBLE) → DOUBLE"],
            &[("POWER(2, 10)", "1024.0")],
            |args| combine(args, f64::powf),
        ),
    ]
}

fn map(args: &Arguments, function: fn(f64) -> f64) -> Result<ArrayRef> {
    let values = args.array(0)?;
    Ok(Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(function)))
}

fn combine(args: &Arguments, function: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (left, right) = (args.column::<Float64Array>(0)?, args.column::<Float64Array>(1)?);
    args.each::<Float64Array, _>(|row| Some(function(left.get(row)?, right.get(row)?)))
}

fn log(args: &Arguments) -> Result<ArrayRef> {
    match args.len() {
        1 => map(args, f64::ln),
        _ => combine(args, |base, value| value.ln() / base.ln()),
    }
}
