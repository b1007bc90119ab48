//! Arithmetic of decimals: the sizes of results, and the results.
//!
//! Sizes follow ksqlDB: a sum has one digit more, a product the digits of both and one more, a
//! quotient at least six fraction digits; all are bounded by 38 digits. Results are rounded half
//! up to the scale of their type, and must fit it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array};
use arrow::datatypes::{DataType, i256};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, internal_err};

use super::super::arguments::{Arguments, Column};
use super::super::coercion::{as_decimal, bounded_decimal, canonical};
use super::super::java_number::plain_decimal;
use super::arithmetic::ArithmeticOperator;
use super::cast_array;

/// Precision and scale.
type Size = (u8, i8);

/// The type of `left operator right`.
pub(super) fn decimal_type(operator: ArithmeticOperator, left: Size, right: Size) -> DataType {
    let ((p1, s1), (p2, s2)) = (wide(left), wide(right));
    let (whole1, whole2, scale) = (p1 - s1, p2 - s2, s1.max(s2));
    let (precision, scale) = match operator {
        ArithmeticOperator::Add | ArithmeticOperator::Subtract => {
            (scale + whole1.max(whole2) + 1, scale)
        }
        ArithmeticOperator::Multiply => (p1 + p2 + 1, s1 + s2),
        ArithmeticOperator::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            (whole1 + s2 + scale, scale)
        }
        ArithmeticOperator::Modulo => (whole1.min(whole2) + scale, scale),
    };
    bounded_decimal(precision, scale)
}

fn wide((precision, scale): Size) -> (i16, i16) {
    (precision.into(), scale.into())
}

/// An operand: unscaled digits and their scale.
struct Operand<'a> {
    values: Column<'a, Decimal128Array>,
    scale: i8,
}

/// Computes a batch.
pub(super) fn decimal_arithmetic(
    operator: ArithmeticOperator,
    operands: &Arguments,
) -> Result<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *operands.return_type() else {
        return internal_err!("expected a decimal result, found {}", operands.return_type());
    };
    let (left, right) = (as_decimals(operands, 0)?, as_decimals(operands, 1)?);
    let arguments = operands.replace(vec![left.0, right.0]);
    let left = Operand { values: arguments.column(0)?, scale: left.1 };
    let right = Operand { values: arguments.column(1)?, scale: right.1 };
    let compute = |row| {
        let (Some(a), Some(b)) = (left.values.get(row), right.values.get(row)) else {
            return Ok(None);
        };
        let exact = compute(operator, (a, left.scale), (b, right.scale), scale)?;
        fitted(exact, precision, scale).map(Some)
    };
    let results = (0..operands.rows()).map(compute).collect::<Result<Decimal128Array>>()?;
    Ok(Arc::new(results.with_data_type(operands.return_type().clone())))
}

/// An operand as decimal, and its scale.
fn as_decimals(operands: &Arguments, index: usize) -> Result<(ArrayRef, i8)> {
    let given = canonical(operands.data_type(index));
    let (precision, scale) = match given {
        DataType::Null => (1, 0),
        ref known => {
            as_decimal(known).ok_or_else(|| exec_datafusion_err!("{known} is no decimal"))?
        }
    };
    let array = cast_array(operands.values(index), &DataType::Decimal128(precision, scale))?;
    Ok((array, scale))
}

/// The result with `scale` fraction digits.
fn compute(
    operator: ArithmeticOperator,
    (a, a_scale): (i128, i8),
    (b, b_scale): (i128, i8),
    scale: i8,
) -> Result<i256> {
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let common = a_scale.max(b_scale);
    let aligned =
        || Ok::<_, DataFusionError>((rescale(a, a_scale, common)?, rescale(b, b_scale, common)?));
    let (exact, exact_scale) = match operator {
        ArithmeticOperator::Add => {
            let (a, b) = aligned()?;
            (a.wrapping_add(b), common)
        }
        ArithmeticOperator::Subtract => {
            let (a, b) = aligned()?;
            (a.wrapping_sub(b), common)
        }
        ArithmeticOperator::Multiply => (a.wrapping_mul(b), a_scale + b_scale),
        ArithmeticOperator::Divide | ArithmeticOperator::Modulo if b == i256::ZERO => {
            return exec_err!("division by zero");
        }
        ArithmeticOperator::Divide => {
            let numerator = rescale(a, a_scale, scale + b_scale)?;
            (divide_half_up(numerator, b), scale)
        }
        ArithmeticOperator::Modulo => {
            let (a, b) = aligned()?;
            (a.wrapping_rem(b), common)
        }
    };
    rescale(exact, exact_scale, scale)
}

/// The same number with another scale, rounded half up if that is smaller.
fn rescale(value: i256, from: i8, to: i8) -> Result<i256> {
    let power = |exponent: i8| i256::from_i128(10).checked_pow(exponent.unsigned_abs().into());
    let rescaled = match to >= from {
        true => power(to - from).and_then(|unit| value.checked_mul(unit)),
        false => power(from - to).map(|unit| divide_half_up(value, unit)),
    };
    rescaled.ok_or_else(|| exec_datafusion_err!("numeric overflow in decimal arithmetic"))
}

fn divide_half_up(value: i256, by: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(by), value.wrapping_rem(by));
    let doubled = rest.wrapping_abs().wrapping_add(rest.wrapping_abs());
    if doubled < by.wrapping_abs() {
        return quotient;
    }
    match value.is_negative() == by.is_negative() {
        true => quotient.wrapping_add(i256::ONE),
        false => quotient.wrapping_sub(i256::ONE),
    }
}

/// The unscaled digits, if there are not more than `precision`.
fn fitted(value: i256, precision: u8, scale: i8) -> Result<i128> {
    match value.to_i128() {
        Some(value) => fit(value, precision, scale),
        None => exec_err!(
            "numeric field overflow: the result does not fit DECIMAL({precision}, {scale})"
        ),
    }
}

/// The unscaled digits, if there are not more than `precision`.
pub(super) fn fit(value: i128, precision: u8, scale: i8) -> Result<i128> {
    match value.unsigned_abs() < 10_u128.pow(precision.into()) {
        true => Ok(value),
        false => exec_err!(
            "numeric field overflow: {} does not fit DECIMAL({precision}, {scale})",
            plain_decimal(value, scale)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_as_wide_as_in_ksqldb() {
        let cases = [
            (ArithmeticOperator::Add, (4, 2), (5, 3), (6, 3)),
            (ArithmeticOperator::Multiply, (4, 2), (5, 3), (10, 5)),
            (ArithmeticOperator::Divide, (4, 2), (5, 3), (13, 8)),
            (ArithmeticOperator::Divide, (2, 1), (2, 0), (7, 6)),
            (ArithmeticOperator::Modulo, (4, 2), (5, 3), (5, 3)),
        ];
        for (operator, left, right, (precision, scale)) in cases {
            let expected = DataType::Decimal128(precision, scale);
            assert_eq!(decimal_type(operator, left, right), expected, "{operator}");
        }
    }

    #[test]
    fn quotients_round_half_up() {
        let divide =
            |a, b| compute(ArithmeticOperator::Divide, a, b, 2).map(|value| value.to_string());
        assert_eq!(divide((1, 0), (3, 0)).expect("a quotient"), "33");
        assert_eq!(divide((-2, 0), (3, 0)).expect("a quotient"), "-67");
        assert!(divide((1, 0), (0, 0)).is_err());
    }
}
