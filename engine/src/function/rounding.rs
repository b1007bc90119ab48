//! ROUND and TRUNC.
//!
//! A DOUBLE is rounded by its shortest decimal digits, not by its binary value: what prints as
//! 2.675 rounds to 2.68. Halves are rounded away from zero; only ROUND of a DOUBLE without a
//! scale rounds them up, as Java's `Math.round` does.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::common::Result;

use super::arguments::Arguments;
use super::scalar::{Scalar, define};

/// What becomes of digits that are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Half away from zero.
    HalfUp,
    /// Toward zero.
    Down,
}

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "ROUND",
            "The value rounded to a number of decimal places, or to a whole number. A negative \
             scale rounds to tens, hundreds and so on.",
            &[
                "ROUND(value INTEGER) → INTEGER",
                "ROUND(value BIGINT) → BIGINT",
                "ROUND(value DOUBLE) → BIGINT",
                "ROUND(value DECIMAL) → DECIMAL",
                "ROUND(value DOUBLE, scale INTEGER) → DOUBLE",
                "ROUND(value DECIMAL, scale INTEGER) → DECIMAL",
                "ROUND(value INTEGER, scale INTEGER) → INTEGER",
                "ROUND(value BIGINT, scale INTEGER) → BIGINT",
            ],
            &[("ROUND(1.27, 1)", "1.30"), ("ROUND(1.5)", "2"), ("ROUND(1250, -2)", "1300")],
            |args| shorten(args, Rounding::HalfUp),
        )
        .returning(return_type),
        define(
            "TRUNC",
            "The value cut off after a number of decimal places, or to a whole number. A negative \
             scale cuts to tens, hundreds and so on.",
            &[
                "TRUNC(value INTEGER) → INTEGER",
                "TRUNC(value BIGINT) → BIGINT",
                "TRUNC(value DOUBLE) → BIGINT",
                "TRUNC(value DECIMAL) → DECIMAL",
                "TRUNC(value DOUBLE, scale INTEGER) → DOUBLE",
                "TRUNC(value DECIMAL, scale INTEGER) → DECIMAL",
                "TRUNC(value INTEGER, scale INTEGER) → INTEGER",
                "TRUNC(value BIGINT, scale INTEGER) → BIGINT",
            ],
            &[("TRUNC(1.27, 1)", "1.20"), ("TRUNC(-1.7)", "-1")],
            |args| shorten(args, Rounding::Down),
        )
        .returning(return_type),
    ]
}

/// Without a scale, a DOUBLE gives a BIGINT and a DECIMAL one of its integer digits; a carry into
/// one more digit (9.9 to 10) is kept all the same. With a scale, the type stays.
fn return_type(arguments: &[DataType]) -> Result<DataType> {
    Ok(match arguments {
        [DataType::Float64] => DataType::Int64,
        [DataType::Decimal128(precision, scale)] if *scale > 0 => {
            DataType::Decimal128(precision.saturating_sub(scale.unsigned_abs()).max(1), 0)
        }
        _ => arguments.first().cloned().unwrap_or(DataType::Null),
    })
}

fn shorten(args: &Arguments, rounding: Rounding) -> Result<ArrayRef> {
    match (args.data_type(0), args.len()) {
        (DataType::Float64, 1) => double_to_bigint(args, rounding),
        (DataType::Float64, _) => doubles(args, rounding),
        (DataType::Decimal128(_, scale), 1) => decimals_to_whole(args, *scale, rounding),
        (DataType::Decimal128(_, scale), _) => decimals(args, *scale, rounding),
        (DataType::Int32, 2) => {
            let (values, scales) = (args.column::<Int32Array>(0)?, args.column::<Int32Array>(1)?);
            args.each::<Int32Array, _>(|row| {
                Some(shorten_at(values.get(row)?.into(), 0, scales.get(row)?, rounding) as i32)
            })
        }
        (DataType::Int64, 2) => {
            let (values, scales) = (args.column::<Int64Array>(0)?, args.column::<Int32Array>(1)?);
            args.each::<Int64Array, _>(|row| {
                Some(shorten_at(values.get(row)?.into(), 0, scales.get(row)?, rounding) as i64)
            })
        }
        _ => args.array(0),
    }
}

fn double_to_bigint(args: &Arguments, rounding: Rounding) -> Result<ArrayRef> {
    let values = args.array(0)?;
    let values = values.as_primitive::<Float64Type>();
    let whole: Int64Array = match rounding {
        Rounding::HalfUp => values.unary(|value| (value + 0.5).floor() as i64),
        Rounding::Down => values.unary(|value| value as i64),
    };
    Ok(Arc::new(whole))
}

fn doubles(args: &Arguments, rounding: Rounding) -> Result<ArrayRef> {
    let (values, scales) = (args.column::<Float64Array>(0)?, args.column::<Int32Array>(1)?);
    args.each::<Float64Array, _>(|row| {
        Some(shorten_double(values.get(row)?, scales.get(row)?, rounding))
    })
}

fn decimals_to_whole(args: &Arguments, scale: i8, rounding: Rounding) -> Result<ArrayRef> {
    let unit = power_of_ten(i32::from(scale)).unwrap_or(1);
    let values = args.array(0)?;
    let whole: Decimal128Array =
        values.as_primitive::<Decimal128Type>().unary(|value| divide(value, unit, rounding));
    Ok(Arc::new(whole.with_data_type(args.return_type().clone())))
}

fn decimals(args: &Arguments, scale: i8, rounding: Rounding) -> Result<ArrayRef> {
    let (values, scales) = (args.column::<Decimal128Array>(0)?, args.column::<Int32Array>(1)?);
    let shortened: Decimal128Array = (0..args.rows())
        .map(|row| Some(shorten_at(values.get(row)?, scale.into(), scales.get(row)?, rounding)))
        .collect();
    Ok(Arc::new(shortened.with_data_type(args.return_type().clone())))
}

/// Zeroes the digits of `unscaled` behind `places`.
fn shorten_at(unscaled: i128, scale: i32, places: i32, rounding: Rounding) -> i128 {
    if places >= scale {
        return unscaled;
    }
    match power_of_ten(scale - places) {
        Some(unit) => divide(unscaled, unit, rounding) * unit,
        None => 0,
    }
}

/// 10 to the power of `exponent`; none if it is past 128 bits.
pub(super) fn power_of_ten(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

/// A rounded quotient by a positive number.
pub(super) fn divide(value: i128, unit: i128, rounding: Rounding) -> i128 {
    let (quotient, rest) = (value / unit, value % unit);
    let half = unit / 2 + unit % 2;
    match rounding == Rounding::HalfUp && unit > 1 && rest.abs() >= half {
        true => quotient + value.signum(),
        false => quotient,
    }
}

/// The shortest decimal digits of a finite number and their exponent: 1.5 is (15, -1).
pub(super) fn decimal_digits(value: f64) -> (i128, i32) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = format!("{whole}{fraction}").parse().unwrap_or(0);
    let exponent: i32 = exponent.parse().unwrap_or(0);
    (mantissa, exponent - fraction.len() as i32)
}

fn shorten_double(value: f64, places: i32, rounding: Rounding) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let (mantissa, exponent) = decimal_digits(value);
    let surplus = (-exponent).saturating_sub(places);
    if surplus <= 0 {
        return value;
    }
    let rounded = power_of_ten(surplus).map_or(0, |unit| divide(mantissa, unit, rounding));
    let exponent = i64::from(places).saturating_neg();
    format!("{rounded}e{exponent}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_round_by_their_decimal_digits() {
        let cases = [
            (2.675, 2, 2.68),
            (-2.675, 2, -2.68),
            (1.005, 2, 1.01),
            (1234.5678, -2, 1200.0),
            (0.1, 5, 0.1),
            (12.0, -3, 0.0),
        ];
        for (value, places, rounded) in cases {
            assert_eq!(shorten_double(value, places, Rounding::HalfUp), rounded, "{value}");
        }
        assert_eq!(shorten_double(-1.79, 1, Rounding::Down), -1.7);
    }
}
