//! A growing column of one of the scalar SQL types.

use arrow::array::ArrayRef;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};

use super::column::{Booleans, Bytes, Values, shared};
use super::mismatch::{Mismatch, Result, quoted};
use super::text;
use crate::types;

/// A growing column, by its SQL type.
pub(super) enum ScalarColumn {
    Boolean(Booleans),
    Int(Values<i32>),
    BigInt(Values<i64>),
    Double(Values<f64>),
    Decimal(Decimals),
    String(Bytes),
    Bytes(Bytes),
    Date(Values<i32>),
    Time(Values<i32>),
    Timestamp(Values<i64>),
}

/// Values of a DECIMAL(precision, scale).
pub(super) struct Decimals {
    pub(super) values: Values<i128>,
    pub(super) precision: u8,
    pub(super) scale: i8,
}

impl ScalarColumn {
    /// An empty column, or `None` if `data_type` is no scalar SQL type.
    pub(super) fn new(data_type: &DataType, keep: bool, rows: usize) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean(Booleans::new(keep, rows)),
            DataType::Int32 => Self::Int(Values::new(keep, rows)),
            DataType::Int64 => Self::BigInt(Values::new(keep, rows)),
            DataType::Float64 => Self::Double(Values::new(keep, rows)),
            DataType::Decimal128(precision, scale) => {
                let values = Values::new(keep, rows);
                Self::Decimal(Decimals { values, precision: *precision, scale: *scale })
            }
            DataType::Utf8 => Self::String(Bytes::new(keep, rows)),
            DataType::Binary => Self::Bytes(Bytes::new(keep, rows)),
            DataType::Date32 => Self::Date(Values::new(keep, rows)),
            data_type if *data_type == types::TIME => Self::Time(Values::new(keep, rows)),
            data_type if *data_type == types::TIMESTAMP => Self::Timestamp(Values::new(keep, rows)),
            _ => return None,
        })
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Boolean(values) => values.push_null(),
            Self::Int(values) | Self::Date(values) | Self::Time(values) => values.push_null(),
            Self::BigInt(values) | Self::Timestamp(values) => values.push_null(),
            Self::Double(values) => values.push_null(),
            Self::Decimal(decimals) => decimals.values.push_null(),
            Self::String(values) | Self::Bytes(values) => values.push_null(),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Boolean(values) => values.truncate(len),
            Self::Int(values) | Self::Date(values) | Self::Time(values) => values.truncate(len),
            Self::BigInt(values) | Self::Timestamp(values) => values.truncate(len),
            Self::Double(values) => values.truncate(len),
            Self::Decimal(decimals) => decimals.values.truncate(len),
            Self::String(values) | Self::Bytes(values) => values.truncate(len),
        }
    }

    /// Reads a value out of its text.
    pub(super) fn push_text(&mut self, value: &str) -> Result<()> {
        let pushed = match self {
            Self::Boolean(values) => text::boolean(value).map(|value| values.push(value)),
            Self::Int(values) => {
                let number = text::integer(value).and_then(|number| number.try_into().ok());
                number.map(|number| values.push(number))
            }
            Self::BigInt(values) | Self::Timestamp(values) => {
                text::integer(value).map(|number| values.push(number))
            }
            Self::Double(values) => text::double(value).map(|number| values.push(number)),
            Self::Decimal(Decimals { values, precision, scale }) => {
                text::decimal(value, *precision, *scale).map(|number| values.push(number))
            }
            Self::Date(values) => {
                text::integer(value).and_then(text::date).map(|days| values.push(days))
            }
            Self::Time(values) => {
                text::integer(value).and_then(text::time).map(|ms| values.push(ms))
            }
            Self::String(values) => return values.push(value.as_bytes()),
            Self::Bytes(values) => return push_base64(values, value.as_bytes()),
        };
        pushed.ok_or_else(|| self.mismatch(quoted(value.as_bytes())))
    }

    /// The complaint that `found` is not of the column's type.
    #[cold]
    pub(super) fn mismatch(&self, found: impl std::fmt::Display) -> Box<Mismatch> {
        Mismatch::expected(self.expectation(), found)
    }

    fn expectation(&self) -> String {
        let name = match self {
            Self::Boolean(_) => "BOOLEAN",
            Self::Int(_) => "INTEGER",
            Self::BigInt(_) => "BIGINT",
            Self::Double(_) => "DOUBLE",
            Self::Decimal(Decimals { precision, scale, .. }) => {
                return format!("DECIMAL({precision}, {scale}) without rounding");
            }
            Self::String(_) => "STRING",
            Self::Bytes(_) => "BYTES in base64",
            Self::Date(_) => "DATE as days since 1970-01-01",
            Self::Time(_) => "TIME as milliseconds of the day",
            Self::Timestamp(_) => "TIMESTAMP as milliseconds since 1970-01-01",
        };
        name.to_owned()
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(values) => shared(values.finish()),
            Self::Int(values) => shared(values.finish::<Int32Type>()),
            Self::BigInt(values) => shared(values.finish::<Int64Type>()),
            Self::Double(values) => shared(values.finish::<Float64Type>()),
            Self::Decimal(decimals) => decimals.finish(),
            Self::String(values) => shared(values.finish_text()),
            Self::Bytes(values) => shared(values.finish_binary()),
            Self::Date(values) => shared(values.finish::<Date32Type>()),
            Self::Time(values) => shared(values.finish::<Time32MillisecondType>()),
            Self::Timestamp(values) => shared(values.finish::<TimestampMillisecondType>()),
        }
    }
}

impl Decimals {
    fn finish(self) -> ArrayRef {
        let data_type = DataType::Decimal128(self.precision, self.scale);
        shared(self.values.finish::<Decimal128Type>().with_data_type(data_type))
    }
}

/// Appends the bytes whose base64 is `text`.
pub(super) fn push_base64(values: &mut Bytes, text: &[u8]) -> Result<()> {
    let wrong = || Mismatch::expected("BYTES in base64", quoted(text));
    values.try_push_with(|out| text::base64(text, out).ok_or_else(wrong))
}
