//! Columns that grow while payloads are decoded.
//!
//! Arrow's own builders cannot give back what they took. These can: when a payload turns out to
//! be bad after half of its fields, or repeats a field, `truncate` drops the values at the end.
//!
//! A column made with `keep: false` takes every call and holds nothing. Columns that a query
//! does not want are read through it, so that a payload is checked the same way for everybody.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder,
    NullBufferBuilder, PrimitiveArray, StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::ArrowNativeType;

use super::mismatch::{Mismatch, Result};

/// Values of a fixed width.
pub(super) struct Values<T> {
    keep: bool,
    values: Vec<T>,
    valid: NullBufferBuilder,
}

impl<T: ArrowNativeType> Values<T> {
    pub(super) fn new(keep: bool, rows: usize) -> Self {
        let rows = if keep { rows } else { 0 };
        Self { keep, values: Vec::with_capacity(rows), valid: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub(super) fn push(&mut self, value: T) {
        if self.keep {
            self.values.push(value);
            self.valid.append_non_null();
        }
    }

    pub(super) fn push_null(&mut self) {
        if self.keep {
            self.values.push(T::default());
            self.valid.append_null();
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if self.keep {
            self.values.truncate(len);
            self.valid.truncate(len);
        }
    }

    pub(super) fn finish<A: ArrowPrimitiveType<Native = T>>(self) -> PrimitiveArray<A> {
        PrimitiveArray::new(self.values.into(), self.valid.build())
    }
}

/// Truth values, a bit each.
pub(super) struct Booleans {
    keep: bool,
    values: BooleanBufferBuilder,
    valid: NullBufferBuilder,
}

impl Booleans {
    pub(super) fn new(keep: bool, rows: usize) -> Self {
        let rows = if keep { rows } else { 0 };
        let values = BooleanBufferBuilder::new(rows);
        Self { keep, values, valid: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub(super) fn push(&mut self, value: bool) {
        if self.keep {
            self.values.append(value);
            self.valid.append_non_null();
        }
    }

    pub(super) fn push_null(&mut self) {
        if self.keep {
            self.values.append(false);
            self.valid.append_null();
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if self.keep {
            self.values.truncate(len);
            self.valid.truncate(len);
        }
    }

    pub(super) fn finish(self) -> BooleanArray {
        BooleanArray::new(self.values.build(), self.valid.build())
    }
}

/// Where values of varying length end, and which of them are null.
pub(super) struct Extents {
    keep: bool,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl Extents {
    pub(super) fn new(keep: bool, rows: usize) -> Self {
        let rows = if keep { rows } else { 0 };
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { keep, offsets, valid: NullBufferBuilder::new(rows) }
    }

    pub(super) fn keep(&self) -> bool {
        self.keep
    }

    /// Where the next value starts.
    pub(super) fn start(&self) -> usize {
        self.offsets.last().map_or(0, |offset| *offset as usize)
    }

    /// Ends a value at `end`.
    #[inline]
    pub(super) fn push(&mut self, end: usize) -> Result<()> {
        if self.keep {
            let end = i32::try_from(end).map_err(|_| too_large())?;
            self.offsets.push(end);
            self.valid.append_non_null();
        }
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        if self.keep {
            self.offsets.push(self.offsets[self.offsets.len() - 1]);
            self.valid.append_null();
        }
    }

    /// Drops all but `len` values and says where the last of them ends.
    pub(super) fn truncate(&mut self, len: usize) -> usize {
        if self.keep {
            self.offsets.truncate(len + 1);
            self.valid.truncate(len);
        }
        self.start()
    }

    pub(super) fn finish(self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        (OffsetBuffer::new(self.offsets.into()), self.valid.build())
    }
}

#[cold]
fn too_large() -> Box<Mismatch> {
    Mismatch::expected("a batch of at most 2 GiB in one column", "more")
}

/// Strings or byte strings.
pub(super) struct Bytes {
    extents: Extents,
    bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(keep: bool, rows: usize) -> Self {
        Self { extents: Extents::new(keep, rows), bytes: Vec::new() }
    }

    pub(super) fn keep(&self) -> bool {
        self.extents.keep()
    }

    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> Result<()> {
        self.push_with(|bytes| bytes.extend_from_slice(value))
    }

    /// Appends what `write` appends, as one value. Not called if nothing is kept.
    #[inline]
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if self.keep() {
            write(&mut self.bytes);
        }
        self.extents.push(self.bytes.len())
    }

    /// Appends what `write` appends, as one value, unless it finds that there is none.
    ///
    /// Always called, so that an unwanted value is checked as a wanted one is.
    pub(super) fn try_push_with(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let written = write(&mut self.bytes);
        if !self.keep() {
            self.bytes.clear();
        }
        written?;
        self.extents.push(self.bytes.len())
    }

    pub(super) fn push_null(&mut self) {
        self.extents.push_null();
    }

    /// Drops all but `len` values, and what a failed write left behind.
    pub(super) fn truncate(&mut self, len: usize) {
        let end = self.extents.truncate(len);
        self.bytes.truncate(end);
    }

    /// The values from index `first` on.
    pub(super) fn tail(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let offsets = self.extents.offsets.get(first..).unwrap_or_default();
        offsets.windows(2).map(|ends| &self.bytes[ends[0] as usize..ends[1] as usize])
    }

    pub(super) fn finish_binary(self) -> BinaryArray {
        let (offsets, nulls) = self.extents.finish();
        BinaryArray::new(offsets, self.bytes.into(), nulls)
    }

    /// The column as text: whoever filled it has checked that every value is UTF-8.
    pub(super) fn finish_text(self) -> StringArray {
        let (offsets, nulls) = self.extents.finish();
        StringArray::new(offsets, self.bytes.into(), nulls)
    }
}

/// `array` as a column.
pub(super) fn shared(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn truncation_gives_values_and_nulls_back() {
        let mut values = Values::new(true, 4);
        values.push(1);
        values.push_null();
        values.push(3);
        values.truncate(1);
        values.push(4);
        let array = shared(values.finish::<Int32Type>());
        assert_eq!(array.as_primitive::<Int32Type>().values(), &[1, 4]);
        assert_eq!(array.null_count(), 0);
    }

    #[test]
    fn truncation_drops_a_half_written_string() {
        let mut strings = Bytes::new(true, 4);
        strings.push(b"one").unwrap();
        strings.bytes.extend_from_slice(b"half");
        strings.truncate(1);
        strings.push(b"two").unwrap();
        assert_eq!(strings.tail(1).collect::<Vec<_>>(), [b"two"]);
        assert_eq!(strings.finish_text(), StringArray::from(vec!["one", "two"]));
    }

    #[test]
    fn an_unwanted_column_holds_nothing() {
        let mut strings = Bytes::new(false, 4);
        strings.push(b"one").unwrap();
        strings.push_null();
        assert!(strings.finish_text().is_empty());
    }
}
