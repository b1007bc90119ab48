//! Payloads written one behind the other into one buffer.

use arrow::array::{ArrayRef, BinaryArray, NullBufferBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};

use crate::error::{Error, Result};

/// What payloads are written into: text or bytes.
pub(super) trait Buffer: Default {
    fn len(&self) -> usize;
    fn into_bytes(self) -> Vec<u8>;
}

impl Buffer for String {
    fn len(&self) -> usize {
        self.len()
    }

    fn into_bytes(self) -> Vec<u8> {
        self.into_bytes()
    }
}

impl Buffer for Vec<u8> {
    fn len(&self) -> usize {
        self.len()
    }

    fn into_bytes(self) -> Vec<u8> {
        self
    }
}

/// Whether a row has a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Written,
    Absent,
}

/// Lets `write` append the payload of each of `rows` rows that are present.
pub(super) fn encode_rows<B: Buffer>(
    rows: usize,
    present: Option<&NullBuffer>,
    mut write: impl FnMut(usize, &mut B) -> Payload,
) -> Result<BinaryArray> {
    let mut buffer = B::default();
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut valid = NullBufferBuilder::new(rows);
    offsets.push(0);
    for row in 0..rows {
        let written = present.is_none_or(|present| present.is_valid(row))
            && write(row, &mut buffer) == Payload::Written;
        valid.append(written);
        offsets.push(i32::try_from(buffer.len()).map_err(|_| too_large(rows))?);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(BinaryArray::new(offsets, buffer.into_bytes().into(), valid.build()))
}

fn too_large(rows: usize) -> Error {
    Error::Internal(format!("the payloads of a batch of {rows} rows are larger than 2 GiB"))
}

/// Whether `columns` are as many and as long as they should be.
pub(super) fn check_columns(columns: &[ArrayRef], count: usize, rows: usize) -> Result<()> {
    if columns.len() != count {
        let message = format!("expected {count} columns to encode, found {}", columns.len());
        return Err(Error::Internal(message));
    }
    match columns.iter().find(|column| column.len() < rows) {
        Some(short) => {
            let message = format!("expected {rows} rows to encode, found {}", short.len());
            Err(Error::Internal(message))
        }
        None => Ok(()),
    }
}
