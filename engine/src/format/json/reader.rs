//! Reading values of one type into a column.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::nested::{List, Map, Struct};
use super::scanner::Scanner;
use super::string::Str;
use super::stringify::stringify;
use crate::format::column::Bytes;
use crate::format::mismatch::{Result, excerpt};
use crate::format::scalar_column::{Decimals, ScalarColumn, push_base64};
use crate::format::text;

/// A column with the knowledge of how JSON writes its type.
pub(super) enum Reader {
    Scalar(ScalarColumn),
    List(Box<List>),
    Map(Box<Map>),
    Struct(Box<Struct>),
}

impl Reader {
    /// An empty column of `data_type`, which is one that JSON can hold.
    pub(super) fn new(data_type: &DataType, keep: bool, rows: usize) -> Self {
        match data_type {
            DataType::List(item) => Self::List(Box::new(List::new(item, keep, rows))),
            DataType::Map(entries, _) => Self::Map(Box::new(Map::new(entries, keep, rows))),
            DataType::Struct(fields) => Self::Struct(Box::new(Struct::new(fields, keep, rows))),
            scalar => Self::Scalar(
                ScalarColumn::new(scalar, keep, rows)
                    .expect("the types were checked when the decoder was made"),
            ),
        }
    }

    /// Reads a value of any kind. Where it fails the column may have a part of it.
    #[inline]
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        match (self, scanner.peek()) {
            (Self::Scalar(column), Some(b'"')) => read_string(column, scanner),
            (Self::Scalar(column), Some(b'-' | b'0'..=b'9')) => read_number(column, scanner),
            (reader, Some(b'n')) => {
                scanner.literal("null")?;
                reader.push_null();
                Ok(())
            }
            (Self::Scalar(column), _) => read_other(column, scanner),
            (Self::List(list), _) => list.read(scanner),
            (Self::Map(map), _) => map.read(scanner),
            (Self::Struct(object), _) => object.read(scanner),
        }
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Scalar(column) => column.push_null(),
            Self::List(list) => list.push_null(),
            Self::Map(map) => map.push_null(),
            Self::Struct(object) => object.push_null(),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Scalar(column) => column.truncate(len),
            Self::List(list) => list.truncate(len),
            Self::Map(map) => map.truncate(len),
            Self::Struct(object) => object.truncate(len),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Scalar(column) => column.finish(),
            Self::List(list) => list.finish(),
            Self::Map(map) => map.finish(),
            Self::Struct(object) => object.finish(),
        }
    }
}

#[inline]
fn read_string(column: &mut ScalarColumn, scanner: &mut Scanner<'_>) -> Result<()> {
    let start = scanner.position();
    let string = scanner.string()?;
    match column {
        ScalarColumn::String(values) => values.push_with(|out| string.append_to(out)),
        ScalarColumn::Boolean(_) => {
            scanner.rewind(start);
            Err(column.mismatch(scanner.describe()))
        }
        other => read_text(other, string),
    }
}

/// Numbers, dates and bytes in a string.
fn read_text(column: &mut ScalarColumn, string: Str<'_>) -> Result<()> {
    match column {
        ScalarColumn::Bytes(values) => push_base64(values, &string.content()),
        other => other.push_text(&string.text()),
    }
}

#[inline]
fn read_number(column: &mut ScalarColumn, scanner: &mut Scanner<'_>) -> Result<()> {
    let number = scanner.number()?;
    let pushed = match column {
        ScalarColumn::Int(values) => {
            let value = number.to_i64().and_then(|value| value.try_into().ok());
            value.map(|value| values.push(value))
        }
        ScalarColumn::BigInt(values) | ScalarColumn::Timestamp(values) => {
            number.to_i64().map(|value| values.push(value))
        }
        ScalarColumn::Double(values) => number.to_f64().map(|value| values.push(value)),
        ScalarColumn::Decimal(Decimals { values, precision, scale }) => {
            number.to_decimal(*precision, *scale).map(|value| values.push(value))
        }
        ScalarColumn::Date(values) => {
            number.to_i64().and_then(text::date).map(|days| values.push(days))
        }
        ScalarColumn::Time(values) => {
            number.to_i64().and_then(text::time).map(|ms| values.push(ms))
        }
        ScalarColumn::String(values) => return values.push(number.text),
        ScalarColumn::Boolean(_) | ScalarColumn::Bytes(_) => None,
    };
    pushed.ok_or_else(|| column.mismatch(excerpt(number.text)))
}

/// Truth values; objects and arrays, which only STRING takes; and what is no value at all.
fn read_other(column: &mut ScalarColumn, scanner: &mut Scanner<'_>) -> Result<()> {
    match (column, scanner.peek()) {
        (ScalarColumn::Boolean(values), Some(b't')) => {
            scanner.literal("true")?;
            values.push(true);
            Ok(())
        }
        (ScalarColumn::Boolean(values), Some(b'f')) => {
            scanner.literal("false")?;
            values.push(false);
            Ok(())
        }
        (ScalarColumn::String(values), _) => read_any(values, scanner),
        (column, Some(b't' | b'f' | b'{' | b'[')) => Err(column.mismatch(scanner.describe())),
        _ => Err(scanner.unexpected("a JSON value")),
    }
}

fn read_any(values: &mut Bytes, scanner: &mut Scanner<'_>) -> Result<()> {
    if values.keep() {
        values.try_push_with(|out| stringify(scanner, out))
    } else {
        scanner.skip_value()
    }
}
