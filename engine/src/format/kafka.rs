//! KAFKA: one column, written as Kafka's own serialisers write it.
//!
//! | type | payload |
//! |---|---|
//! | INTEGER | 4 bytes, big-endian |
//! | BIGINT | 8 bytes, big-endian |
//! | DOUBLE | 8 bytes, IEEE 754, big-endian |
//! | STRING | its UTF-8 |
//! | BYTES | themselves |

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::mismatch::{Mismatch, Result as DecodeResult, not_text};
use super::payloads::{Payload, check_columns, encode_rows};
use super::scalar_column::ScalarColumn;
use super::{BadRow, Decoded, Decoder, Encoder};
use crate::error::{Error, Result};

/// Reads the payloads of one column.
pub(super) struct KafkaDecoder {
    data_type: DataType,
    wanted: Vec<usize>,
}

impl KafkaDecoder {
    pub(super) fn new(data_type: &DataType, wanted: Vec<usize>) -> Self {
        Self { data_type: data_type.clone(), wanted }
    }
}

impl Decoder for KafkaDecoder {
    fn decode(&self, payloads: &[Option<&[u8]>]) -> Decoded {
        let keep = !self.wanted.is_empty();
        let mut column = ScalarColumn::new(&self.data_type, keep, payloads.len())
            .expect("the type was checked when the decoder was made");
        let mut bad = Vec::new();
        for (row, payload) in payloads.iter().enumerate() {
            match payload.map(|payload| push(&mut column, payload)) {
                None => column.push_null(),
                Some(Ok(())) => {}
                Some(Err(mismatch)) => {
                    column.push_null();
                    bad.push(BadRow { row, message: mismatch.to_string() });
                }
            }
        }
        let column = column.finish();
        let columns = self.wanted.iter().map(|_| ArrayRef::clone(&column)).collect();
        Decoded { columns, absent: Vec::new(), bad }
    }
}

fn push(column: &mut ScalarColumn, payload: &[u8]) -> DecodeResult<()> {
    match column {
        ScalarColumn::Int(values) => values.push(i32::from_be_bytes(exactly(payload, "INTEGER")?)),
        ScalarColumn::BigInt(values) => {
            values.push(i64::from_be_bytes(exactly(payload, "BIGINT")?));
        }
        ScalarColumn::Double(values) => {
            values.push(f64::from_be_bytes(exactly(payload, "DOUBLE")?));
        }
        ScalarColumn::String(values) => {
            std::str::from_utf8(payload).map_err(|error| not_text(payload, &error))?;
            values.push(payload)?;
        }
        ScalarColumn::Bytes(values) => values.push(payload)?,
        other => return Err(other.mismatch("a type that the format does not have")),
    }
    Ok(())
}

fn exactly<const N: usize>(payload: &[u8], name: &str) -> DecodeResult<[u8; N]> {
    payload.try_into().map_err(|_| {
        Mismatch::expected(format!("{name} of {N} bytes"), format!("{} bytes", payload.len()))
    })
}

/// Writes the payloads of one column.
pub(super) struct KafkaEncoder;

impl Encoder for KafkaEncoder {
    fn encode(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        present: Option<&NullBuffer>,
    ) -> Result<BinaryArray> {
        check_columns(columns, 1, rows)?;
        let column = &columns[0];
        let nulls = column.nulls();
        match column.data_type() {
            DataType::Int32 => {
                let values = column.as_primitive::<Int32Type>();
                encode(rows, present, nulls, |row| values.value(row).to_be_bytes())
            }
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>();
                encode(rows, present, nulls, |row| values.value(row).to_be_bytes())
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>();
                encode(rows, present, nulls, |row| values.value(row).to_be_bytes())
            }
            DataType::Utf8 => {
                let values = column.as_string::<i32>();
                encode(rows, present, nulls, |row| values.value(row))
            }
            DataType::Binary => {
                let values = column.as_binary::<i32>();
                encode(rows, present, nulls, |row| values.value(row))
            }
            other => Err(Error::Internal(format!("the 'KAFKA' format has no type {other}"))),
        }
    }
}

fn encode<V: AsRef<[u8]>>(
    rows: usize,
    present: Option<&NullBuffer>,
    nulls: Option<&NullBuffer>,
    value: impl Fn(usize) -> V,
) -> Result<BinaryArray> {
    encode_rows(rows, present, |row, out: &mut Vec<u8>| {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Payload::Absent;
        }
        out.extend_from_slice(value(row).as_ref());
        Payload::Written
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;

    #[test]
    fn integers_are_big_endian() {
        let column: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(-2)]));
        let present = NullBuffer::from(vec![true, true, false]);
        let payloads = KafkaEncoder.encode(&[column], 3, Some(&present)).unwrap();
        assert_eq!(payloads, BinaryArray::from(vec![Some(&[0, 0, 0, 1][..]), None, None]));
    }

    #[test]
    fn a_payload_of_another_length_is_bad() {
        let decoder = KafkaDecoder::new(&DataType::Int64, vec![0]);
        let decoded = decoder.decode(&[Some(&[0; 8]), Some(&[0; 4]), None]);
        assert_eq!(decoded.columns[0].null_count(), 2);
        let message = "expected BIGINT of 8 bytes, found 4 bytes".to_owned();
        assert_eq!(decoded.bad, [BadRow { row: 1, message }]);
    }

    #[test]
    fn strings_are_utf8_even_if_nobody_wants_them() {
        let decoder = KafkaDecoder::new(&DataType::Utf8, vec![]);
        let decoded = decoder.decode(&[Some(b"ok"), Some(b"a\xff")]);
        assert_eq!(decoded.columns.len(), 0);
        assert_eq!(decoded.bad[0].message, "expected text in UTF-8, found byte 0xff at 1");
    }
}
