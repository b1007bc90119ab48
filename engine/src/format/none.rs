//! NONE: no columns and no payloads.

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::NullBuffer;

use super::payloads::check_columns;
use super::{Decoded, Decoder, Encoder};
use crate::error::Result;

/// Both directions of a side without columns: whatever is read is ignored, nothing is written.
pub(super) struct NoColumns;

impl Decoder for NoColumns {
    fn decode(&self, _payloads: &[Option<&[u8]>]) -> Decoded {
        Decoded { columns: Vec::new(), absent: Vec::new(), bad: Vec::new() }
    }
}

impl Encoder for NoColumns {
    fn encode(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        _present: Option<&NullBuffer>,
    ) -> Result<BinaryArray> {
        check_columns(columns, 0, rows)?;
        Ok(BinaryArray::new_null(rows))
    }
}
