//! Literals.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use sqlparser::ast::{DataType as SyntaxType, TypedString, Value};

use crate::error::{Code, Result, invalid};
use crate::function::datetime::iso;
use crate::function::operator::parse_decimal;

/// Most digits of a DECIMAL.
const PRECISION_MAX: usize = 38;

/// A literal value.
pub fn value(value: &Value) -> Result<Expr> {
    let scalar = match value {
        Value::Number(text, _) => return number(text),
        Value::SingleQuotedString(text) => ScalarValue::Utf8(Some(text.clone())),
        Value::Boolean(value) => ScalarValue::Boolean(Some(*value)),
        Value::Null => ScalarValue::Null,
        other => {
            let message = format!("literal {other} is not supported");
            return Err(invalid(Code::NotSupported, message));
        }
    };
    Ok(Expr::Literal(scalar, None))
}

/// A number: INTEGER or BIGINT where it fits, DECIMAL with a point, DOUBLE with an exponent.
pub fn number(text: &str) -> Result<Expr> {
    let scalar = if text.contains(['e', 'E']) {
        text.parse().ok().map(|value| ScalarValue::Float64(Some(value)))
    } else if let Ok(small) = text.parse() {
        Some(ScalarValue::Int32(Some(small)))
    } else if let Ok(large) = text.parse() {
        Some(ScalarValue::Int64(Some(large)))
    } else {
        decimal(text)
    };
    let unreadable = || invalid(Code::InvalidValue, format!("{text} is not a number that fits"));
    Ok(Expr::Literal(scalar.ok_or_else(unreadable)?, None))
}

/// `DECIMAL '1.50'`, `DATE '2024-01-31'`, `TIME '10:30'`, `TIMESTAMP '2024-01-31T10:30'`.
pub fn typed(typed: &TypedString) -> Result<Expr> {
    let text = typed.value.value.clone().into_string().unwrap_or_default();
    let scalar = match &typed.data_type {
        SyntaxType::Decimal(_) => decimal(&text),
        SyntaxType::Date => iso::parse_date(&text).ok().map(|days| ScalarValue::Date32(Some(days))),
        SyntaxType::Time(..) => {
            iso::parse_time(&text).ok().map(|millis| ScalarValue::Time32Millisecond(Some(millis)))
        }
        SyntaxType::Timestamp(..) => iso::parse_timestamp(&text)
            .ok()
            .map(|millis| ScalarValue::TimestampMillisecond(Some(millis), None)),
        other => {
            let message = format!(
                "unknown literal type {other}: expected DECIMAL, DATE, TIME or TIMESTAMP before a text"
            );
            return Err(invalid(Code::NotSupported, message).hint("use CAST('…' AS type)"));
        }
    };
    match scalar {
        Some(scalar) => Ok(Expr::Literal(scalar, None)),
        None => Err(invalid(Code::InvalidValue, format!("'{text}' is not a {}", typed.data_type))),
    }
}

fn decimal(text: &str) -> Option<ScalarValue> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let significant = whole.trim_start_matches('0').len() + fraction.len();
    if !all_digits || whole.len() + fraction.len() == 0 || significant > PRECISION_MAX {
        return None;
    }
    let unscaled: i128 = format!("{sign}{whole}{fraction}").parse().ok()?;
    let scale = i8::try_from(fraction.len()).ok()?;
    Some(ScalarValue::Decimal128(Some(unscaled), significant.max(1) as u8, scale))
}

/// The number that a text spells, as Java's BigDecimal reads it: INTEGER or BIGINT where it fits,
/// else DECIMAL, and DOUBLE where that has too few digits. None if it spells no number.
pub fn spelled(text: &str) -> Option<ScalarValue> {
    let text = text.trim();
    if let Ok(small) = text.parse() {
        return Some(ScalarValue::Int32(Some(small)));
    }
    if let Ok(large) = text.parse() {
        return Some(ScalarValue::Int64(Some(large)));
    }
    let (digits, exponent) = parse_decimal(text)?;
    let zeros = 10_i128.checked_pow(exponent.max(0).unsigned_abs());
    let unscaled = zeros.and_then(|zeros| digits.checked_mul(zeros));
    let scale = usize::try_from(-exponent).unwrap_or(0);
    match unscaled.map(|unscaled| (unscaled, unscaled.to_string().trim_start_matches('-').len())) {
        Some((unscaled, count)) if count.max(scale) <= PRECISION_MAX => {
            Some(ScalarValue::Decimal128(Some(unscaled), count.max(scale) as u8, scale as i8))
        }
        _ => text.parse().ok().map(|value| ScalarValue::Float64(Some(value))),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn a_text_spells_the_number_that_java_reads_in_it() {
        let shown = |text| spelled(text).map(|number| (number.to_string(), number.data_type()));
        let decimal = |text: &str, p, s| Some((text.to_owned(), DataType::Decimal128(p, s)));
        assert_eq!(shown(" 7 "), Some(("7".to_owned(), DataType::Int32)));
        assert_eq!(shown("2147483648"), Some(("2147483648".to_owned(), DataType::Int64)));
        assert_eq!(shown("4.000"), decimal("4.000", 4, 3));
        assert_eq!(shown("2e1"), decimal("20", 2, 0));
        assert_eq!(shown("-2.5E-3"), decimal("-0.0025", 4, 4));
        for no_number in ["", "ten", "e", "0x1", "NaN"] {
            assert_eq!(shown(no_number), None, "{no_number}");
        }
    }

    fn typed_as(text: &str) -> String {
        let Expr::Literal(scalar, _) = number(text).unwrap() else { panic!("not a literal") };
        crate::types::sql_name(&scalar.data_type())
    }

    #[test]
    fn numbers_have_the_smallest_type_that_holds_them() {
        assert_eq!(typed_as("1"), "INTEGER");
        assert_eq!(typed_as("-2147483648"), "INTEGER");
        assert_eq!(typed_as("2147483648"), "BIGINT");
        assert_eq!(typed_as("1.10"), "DECIMAL(3, 2)");
        assert_eq!(typed_as("0.01"), "DECIMAL(2, 2)");
        assert_eq!(typed_as("1E3"), "DOUBLE");
        assert_eq!(typed_as("9223372036854775808"), "DECIMAL(19, 0)");
    }
}
