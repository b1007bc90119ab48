//! What texts and bytes have in common: joining, padding, splitting, cutting.
//!
//! Several functions take either; they are written once over [`Sequence`], a run of characters
//! or of bytes.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayAccessor, ArrayRef, BinaryArray, BinaryBuilder, Int32Array, ListBuilder, StringArray,
    StringBuilder,
};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::arguments::{Arguments, Column};

/// A run of characters or bytes.
pub(super) trait Sequence {
    /// The number of characters or bytes.
    fn len(&self) -> usize;

    /// The part between two positions, counted from 0, both within the length.
    fn part(&self, range: Range<usize>) -> &Self;

    /// The parts between the delimiters; single characters or bytes if the delimiter is empty.
    fn parts<'a>(&'a self, delimiter: &Self) -> Vec<&'a Self>;

    /// Its bytes.
    fn bytes(&self) -> &[u8];
}

impl Sequence for str {
    fn len(&self) -> usize {
        if self.is_ascii() { str::len(self) } else { self.chars().count() }
    }

    fn part(&self, range: Range<usize>) -> &Self {
        if self.is_ascii() {
            return &self[range];
        }
        let offset = |position: usize| {
            self.char_indices().nth(position).map_or(str::len(self), |(offset, _)| offset)
        };
        &self[offset(range.start)..offset(range.end)]
    }

    fn parts<'a>(&'a self, delimiter: &Self) -> Vec<&'a Self> {
        match delimiter.is_empty() {
            true => (0..Sequence::len(self)).map(|index| self.part(index..index + 1)).collect(),
            false => self.split(delimiter).collect(),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Sequence for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn part(&self, range: Range<usize>) -> &Self {
        &self[range]
    }

    fn parts<'a>(&'a self, delimiter: &Self) -> Vec<&'a Self> {
        if delimiter.is_empty() {
            return self.chunks(1).collect();
        }
        let mut parts = Vec::new();
        let mut start = 0;
        for at in memchr::memmem::find_iter(self, delimiter) {
            parts.push(&self[start..at]);
            start = at + delimiter.len();
        }
        parts.push(&self[start..]);
        parts
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

/// CONCAT: nulls are left out.
pub(super) fn concat(args: &Arguments) -> Result<ArrayRef> {
    match args.return_type() {
        DataType::Binary => {
            let values = args.columns::<BinaryArray>(0)?;
            args.each::<BinaryArray, _>(|row| Some(join(&values, row, &[])))
        }
        _ => {
            let values = args.columns::<StringArray>(0)?;
            args.each::<StringArray, _>(|row| text(join(&values, row, "")))
        }
    }
}

/// CONCAT_WS: nulls are left out, but a null separator gives null.
pub(super) fn concat_ws(args: &Arguments) -> Result<ArrayRef> {
    match args.return_type() {
        DataType::Binary => {
            let separators = args.column::<BinaryArray>(0)?;
            let values = args.columns::<BinaryArray>(1)?;
            args.each::<BinaryArray, _>(|row| Some(join(&values, row, separators.get(row)?)))
        }
        _ => {
            let separators = args.column::<StringArray>(0)?;
            let values = args.columns::<StringArray>(1)?;
            args.each::<StringArray, _>(|row| text(join(&values, row, separators.get(row)?)))
        }
    }
}

fn join<'a, A, S>(values: &[Column<'a, A>], row: usize, separator: &S) -> Vec<u8>
where
    &'a A: ArrayAccessor<Item = &'a S>,
    S: Sequence + ?Sized + 'a,
{
    let mut joined = Vec::new();
    for (index, value) in values.iter().filter_map(|value| value.get(row)).enumerate() {
        if index > 0 {
            joined.extend_from_slice(separator.bytes());
        }
        joined.extend_from_slice(value.bytes());
    }
    joined
}

/// Bytes put together from whole texts.
fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// LPAD and RPAD.
pub(super) fn pad(args: &Arguments, left: bool) -> Result<ArrayRef> {
    let lengths = args.column::<Int32Array>(1)?;
    match args.return_type() {
        DataType::Binary => {
            let (values, pads) = (args.column::<BinaryArray>(0)?, args.column::<BinaryArray>(2)?);
            args.each::<BinaryArray, _>(|row| {
                padded(values.get(row)?, lengths.get(row)?, pads.get(row)?, left)
            })
        }
        _ => {
            let (values, pads) = (args.column::<StringArray>(0)?, args.column::<StringArray>(2)?);
            args.each::<StringArray, _>(|row| {
                text(padded(values.get(row)?, lengths.get(row)?, pads.get(row)?, left)?)
            })
        }
    }
}

fn padded<S>(value: &S, length: i32, padding: &S, left: bool) -> Option<Vec<u8>>
where
    S: Sequence + ?Sized,
{
    let length = usize::try_from(length).ok()?;
    if padding.len() == 0 {
        return None;
    }
    let kept = value.part(0..value.len().min(length)).bytes();
    let missing = length.saturating_sub(value.len());
    let mut fill = padding.bytes().repeat(missing / padding.len());
    fill.extend_from_slice(padding.part(0..missing % padding.len()).bytes());
    Some(if left { [&fill, kept].concat() } else { [kept, &fill].concat() })
}

/// SPLIT.
pub(super) fn split(args: &Arguments) -> Result<ArrayRef> {
    match args.data_type(0) {
        DataType::Binary => {
            let (values, by) = (args.column::<BinaryArray>(0)?, args.column::<BinaryArray>(1)?);
            let mut lists = ListBuilder::new(BinaryBuilder::new());
            for row in 0..args.rows() {
                let parts = values.get(row).zip(by.get(row)).map(|(value, by)| value.parts(by));
                lists.append_option(parts.map(|parts| parts.into_iter().map(Some)));
            }
            Ok(Arc::new(lists.finish()))
        }
        _ => {
            let (values, by) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
            let mut lists = ListBuilder::new(StringBuilder::new());
            for row in 0..args.rows() {
                let parts = values.get(row).zip(by.get(row)).map(|(value, by)| value.parts(by));
                lists.append_option(parts.map(|parts| parts.into_iter().map(Some)));
            }
            Ok(Arc::new(lists.finish()))
        }
    }
}

/// The part of each value that `range` gives for its row and length.
pub(super) fn take_range(
    args: &Arguments,
    range: impl Fn(usize, usize) -> Option<Range<usize>>,
) -> Result<ArrayRef> {
    match args.data_type(0) {
        DataType::Binary => {
            let values = args.column::<BinaryArray>(0)?;
            args.each::<BinaryArray, _>(|row| {
                let value = values.get(row)?;
                Some(value.part(range(row, value.len())?))
            })
        }
        _ => {
            let values = args.column::<StringArray>(0)?;
            args.each::<StringArray, _>(|row| {
                let value = values.get(row)?;
                Some(value.part(range(row, Sequence::len(value))?))
            })
        }
    }
}

/// What SUBSTRING takes out of `count` characters: from `position`, counted from 1 or from the
/// end, as many as `length` says. Always within the count.
pub(super) fn position_range(count: usize, position: i32, length: Option<i32>) -> Range<usize> {
    let (count, position) = (count as i64, i64::from(position));
    let start = match position < 0 {
        true => (count + position).max(0),
        false => (position - 1).clamp(0, count),
    };
    let end = length.map_or(count, |length| (start + i64::from(length)).clamp(start, count));
    start as usize..end as usize
}
