//! From columns to payloads.

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Fields;

use super::writer::{Writer, members, write_object};
use crate::error::Result;
use crate::format::payloads::{Payload, check_columns, encode_rows};
use crate::format::{Encoder, Side};

/// Writes columns as JSON payloads.
pub(in crate::format) struct JsonEncoder {
    fields: Fields,
    wrapped: bool,
}

impl JsonEncoder {
    pub(in crate::format) fn new(side: &Side) -> Self {
        let wrapped = side.wrapped || side.columns.len() != 1;
        Self { fields: side.columns.clone(), wrapped }
    }
}

impl Encoder for JsonEncoder {
    fn encode(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        present: Option<&NullBuffer>,
    ) -> Result<BinaryArray> {
        check_columns(columns, self.fields.len(), rows)?;
        if self.wrapped {
            let names = self.fields.iter().map(|field| field.name().as_str());
            let members = members(names, columns)?;
            return encode_rows(rows, present, |row, out: &mut String| {
                write_object(&members, row, out);
                Payload::Written
            });
        }
        let writer = Writer::new(&columns[0])?;
        encode_rows(rows, present, |row, out: &mut String| {
            // A bare null is no payload at all, as in ksqlDB.
            if writer.is_null(row) {
                return Payload::Absent;
            }
            writer.write(row, out);
            Payload::Written
        })
    }
}
