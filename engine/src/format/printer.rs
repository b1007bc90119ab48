//! Scalars as text, row by row, into one buffer.

use std::fmt::Write;

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array,
    Int32Array, Int64Array, StringArray, Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::java_double::write_java_double;
use crate::types;

/// A column of a scalar SQL type that can print its values.
#[derive(Clone, Copy)]
pub(super) enum Printer<'a> {
    Boolean(&'a BooleanArray),
    Int(&'a Int32Array),
    BigInt(&'a Int64Array),
    Double(&'a Float64Array),
    Decimal(&'a Decimal128Array),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time32MillisecondArray),
    Timestamp(&'a TimestampMillisecondArray),
}

impl<'a> Printer<'a> {
    /// The printer of `array`, or `None` if its type is no scalar SQL type.
    pub(super) fn new(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Int32 => Self::Int(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::BigInt(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Utf8 => Self::String(array.as_string()),
            DataType::Binary => Self::Bytes(array.as_binary()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            data_type if *data_type == types::TIME => {
                Self::Time(array.as_primitive::<Time32MillisecondType>())
            }
            data_type if *data_type == types::TIMESTAMP => {
                Self::Timestamp(array.as_primitive::<TimestampMillisecondType>())
            }
            _ => return None,
        })
    }

    /// Appends the text of the value at `row`, which is not null.
    pub(super) fn print(self, row: usize, out: &mut String) {
        match self {
            Self::Boolean(array) => out.push_str(if array.value(row) { "true" } else { "false" }),
            Self::Int(array) => print_integer(array.value(row), out),
            Self::BigInt(array) => print_integer(array.value(row), out),
            Self::Double(array) => print_double(array.value(row), out),
            Self::Decimal(array) => print_decimal(array.value(row), array.scale(), out),
            Self::String(array) => out.push_str(array.value(row)),
            Self::Bytes(array) => STANDARD.encode_string(array.value(row), out),
            Self::Date(array) => print_integer(array.value(row), out),
            Self::Time(array) => print_integer(array.value(row), out),
            Self::Timestamp(array) => print_integer(array.value(row), out),
        }
    }
}

fn print_integer(value: impl itoa::Integer, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(value));
}

fn print_double(value: f64, out: &mut String) {
    write_java_double(value, out).expect("a string takes all that is written");
}

/// The number with exactly `scale` digits behind the point.
fn print_decimal(value: i128, scale: i8, out: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs());
    let scale = usize::try_from(scale).unwrap_or(0);
    if value < 0 {
        out.push('-');
    }
    match digits.len().checked_sub(scale) {
        Some(0) | None => {
            write!(out, "0.{digits:0>scale$}").expect("a string takes all that is written");
        }
        Some(point) => {
            out.push_str(&digits[..point]);
            out.push_str(if scale > 0 { "." } else { "" });
            out.push_str(&digits[point..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_all_digits_of_their_scale() {
        for (value, scale, text) in [
            (1250, 2, "12.50"),
            (-5, 2, "-0.05"),
            (50, 2, "0.50"),
            (0, 4, "0.0000"),
            (12, 0, "12"),
            (0, 0, "0"),
        ] {
            let mut out = String::new();
            print_decimal(value, scale, &mut out);
            assert_eq!(out, text);
        }
    }
}
