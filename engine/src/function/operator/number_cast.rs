//! Casts between numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err, internal_err};

use super::super::java_number::plain_decimal;
use super::super::rounding::{Rounding, decimal_digits, divide, power_of_ten};
use super::decimal::fit;

/// A column of numbers as another number type.
pub(super) fn cast_number(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match to {
        DataType::Int32 => to_integer(array),
        DataType::Int64 => to_bigint(array),
        DataType::Float64 => to_double(array),
        DataType::Decimal128(precision, scale) => to_decimal(array, *precision, *scale),
        other => internal_err!("{other} is no number"),
    }
}

/// Integers wrap, fractions are cut; a DOUBLE past the range gives its end, as in Java.
fn to_integer(array: &ArrayRef) -> Result<ArrayRef> {
    let integers: Int32Array = match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().unary(|value| value as i32),
        DataType::Float64 => array.as_primitive::<Float64Type>().unary(|value| value as i32),
        DataType::Decimal128(_, scale) => {
            let unit = unit(*scale);
            array.as_primitive::<Decimal128Type>().unary(|value| (value / unit) as i32)
        }
        other => return internal_err!("{other} is no number"),
    };
    Ok(Arc::new(integers))
}

fn to_bigint(array: &ArrayRef) -> Result<ArrayRef> {
    let integers: Int64Array = match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().unary(i64::from),
        DataType::Float64 => array.as_primitive::<Float64Type>().unary(|value| value as i64),
        DataType::Decimal128(_, scale) => {
            let unit = unit(*scale);
            array.as_primitive::<Decimal128Type>().unary(|value| (value / unit) as i64)
        }
        other => return internal_err!("{other} is no number"),
    };
    Ok(Arc::new(integers))
}

fn to_double(array: &ArrayRef) -> Result<ArrayRef> {
    let doubles: Float64Array = match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().unary(f64::from),
        DataType::Int64 => array.as_primitive::<Int64Type>().unary(|value| value as f64),
        DataType::Decimal128(_, scale) => {
            array.as_primitive::<Decimal128Type>().unary(|value| decimal_to_double(value, *scale))
        }
        other => return internal_err!("{other} is no number"),
    };
    Ok(Arc::new(doubles))
}

/// The nearest DOUBLE. Where digits and unit are exact as DOUBLE, one division rounds right.
fn decimal_to_double(value: i128, scale: i8) -> f64 {
    const EXACT_DIGITS: u128 = 1 << 53;
    const EXACT_SCALE: i8 = 22;
    match value.unsigned_abs() <= EXACT_DIGITS && scale <= EXACT_SCALE {
        true => value as f64 / 10_f64.powi(scale.into()),
        false => plain_decimal(value, scale).parse().unwrap_or(f64::NAN),
    }
}

fn to_decimal(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef> {
    let cast = |value, exponent| decimal_of(value, exponent, precision, scale);
    let decimals: Decimal128Array = match array.data_type() {
        DataType::Int32 => {
            array.as_primitive::<Int32Type>().try_unary(|value| cast(value.into(), 0))?
        }
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().try_unary(|value| cast(value.into(), 0))?
        }
        DataType::Float64 => array.as_primitive::<Float64Type>().try_unary(|value| {
            if !value.is_finite() {
                return exec_err!("{value} is not a number that DECIMAL can hold");
            }
            let (digits, exponent) = decimal_digits(value);
            cast(digits, exponent)
        })?,
        DataType::Decimal128(_, from) => array
            .as_primitive::<Decimal128Type>()
            .try_unary(|value| cast(value, -i32::from(*from)))?,
        other => return internal_err!("{other} is no number"),
    };
    Ok(Arc::new(decimals.with_precision_and_scale(precision, scale)?))
}

/// `digits` × 10^`exponent` as unscaled digits of a DECIMAL, rounded half up.
pub(super) fn decimal_of(digits: i128, exponent: i32, precision: u8, scale: i8) -> Result<i128> {
    let shift = exponent.saturating_add(scale.into());
    let unscaled = match (shift >= 0, power_of_ten(shift.saturating_abs())) {
        (true, Some(unit)) => digits.checked_mul(unit),
        (true, None) => (digits == 0).then_some(0),
        (false, Some(unit)) => Some(divide(digits, unit, Rounding::HalfUp)),
        (false, None) => Some(0),
    };
    match unscaled {
        Some(unscaled) => fit(unscaled, precision, scale),
        None => exec_err!(
            "numeric field overflow: {digits}E{exponent} does not fit DECIMAL({precision}, {scale})"
        ),
    }
}

fn unit(scale: i8) -> i128 {
    power_of_ten(scale.into()).unwrap_or(1)
}
