//! Casts from text.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Date32Array, Decimal128Array, Float64Array,
    Int32Array, Int64Array, PrimitiveArray, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, internal_err};

use super::super::datetime::iso;
use super::number_cast::decimal_of;
use crate::types::{TIME, TIMESTAMP, sql_name};

/// Texts as another type; a text that is none fails.
pub(super) fn cast_text(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        // As in Java, any text but `true` is false.
        DataType::Boolean => {
            let truths = texts.iter().map(|text| Some(text?.trim().eq_ignore_ascii_case("true")));
            Arc::new(truths.collect::<BooleanArray>())
        }
        DataType::Int32 => Arc::new(numbers::<Int32Type>(texts)? as Int32Array),
        DataType::Int64 => Arc::new(numbers::<Int64Type>(texts)? as Int64Array),
        DataType::Float64 => Arc::new(numbers::<Float64Type>(texts)? as Float64Array),
        DataType::Decimal128(precision, scale) => decimals(texts, *precision, *scale)?,
        DataType::Date32 => {
            let dates = texts.iter().map(|text| text.map(iso::parse_date).transpose());
            Arc::new(dates.collect::<Result<Date32Array>>()?)
        }
        data_type if *data_type == TIME => {
            let times = texts.iter().map(|text| text.map(iso::parse_time).transpose());
            Arc::new(times.collect::<Result<Time32MillisecondArray>>()?)
        }
        data_type if *data_type == TIMESTAMP => {
            let times = texts.iter().map(|text| text.map(iso::parse_timestamp).transpose());
            Arc::new(times.collect::<Result<TimestampMillisecondArray>>()?)
        }
        other => return internal_err!("there is no cast from STRING to {other}"),
    })
}

fn numbers<T: ArrowPrimitiveType>(texts: &StringArray) -> Result<PrimitiveArray<T>>
where
    T::Native: FromStr,
{
    let number = |text: &str| {
        let parsed = text.trim().parse::<T::Native>();
        parsed.map_err(|_| {
            exec_datafusion_err!(
                "invalid input syntax for type {}: \"{text}\"",
                sql_name(&T::DATA_TYPE)
            )
        })
    };
    let mut result = PrimitiveArray::<T>::builder(texts.len());
    for text in texts {
        result.append_option(text.map(number).transpose()?);
    }
    Ok(result.finish())
}

fn decimals(texts: &StringArray, precision: u8, scale: i8) -> Result<ArrayRef> {
    let decimal = |text: &str| {
        let (digits, exponent) = parse_decimal(text.trim()).ok_or_else(|| {
            exec_datafusion_err!("invalid input syntax for type DECIMAL: \"{text}\"")
        })?;
        decimal_of(digits, exponent, precision, scale)
    };
    let decimals = texts.iter().map(|text| text.map(decimal).transpose());
    let decimals = decimals.collect::<Result<Decimal128Array>>()?;
    Ok(Arc::new(decimals.with_precision_and_scale(precision, scale)?))
}

/// Digits and their exponent: `-1.50` is (-150, -2), `2e1` is (2, 1).
pub fn parse_decimal(text: &str) -> Option<(i128, i32)> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?))
}

/// The BOOLEAN that a literal text stands for where one is wanted: any start of `true`, `false`,
/// `yes` and `no`, in either case.
pub fn parse_boolean_literal(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let starts = |word: &str| !text.is_empty() && word.starts_with(&text);
    match (starts("true") || starts("yes"), starts("false") || starts("no")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_may_have_an_exponent() {
        assert_eq!(parse_decimal("-1.50"), Some((-150, -2)));
        assert_eq!(parse_decimal("2e1"), Some((2, 1)));
        assert_eq!(parse_decimal("1.x"), None);
        assert_eq!(parse_decimal(""), None);
    }

    #[test]
    fn boolean_literals_may_be_short() {
        assert_eq!(parse_boolean_literal("T"), Some(true));
        assert_eq!(parse_boolean_literal("no"), Some(false));
        assert_eq!(parse_boolean_literal("maybe"), None);
    }
}
