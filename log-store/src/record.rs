//! Records: what a batch that is not columnar is made of.
//!
//! ```text
//! record = length varint, attributes i8, time stamp delta varint, offset delta varint,
//!          key length varint (−1: null), key, value length varint (−1: null), value,
//!          header count varint, headers
//! header = key length varint, key, value length varint (−1: null), value
//! ```
//!
//! The deltas are counted from the batch's base time stamp and base offset. Reading gives slices;
//! nothing is copied, and headers are decoded only by who asks for them.

mod builder;
mod varint;

use bytes::Bytes;

pub use builder::RecordsBuilder;
pub(crate) use builder::put_record;
use varint::take_varint;
use varint::{put_varint, varint_len};

use crate::batch::{Attributes, BatchHeader};
use crate::error::{Error, Result};
use crate::value::{Offset, Timestamp};

/// One record, as slices of the batch it came in.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Its time stamp.
    pub timestamp: Timestamp,
    /// Its key; null differs from empty.
    pub key: Option<&'a [u8]>,
    /// Its value; null differs from empty, and is a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    header_count: u32,
    header_bytes: &'a [u8],
}

/// A record header: a name and perhaps some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name; names may repeat.
    pub key: &'a str,
    /// The value; null differs from empty.
    pub value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// How many headers the record has.
    pub fn header_count(&self) -> usize {
        self.header_count as usize
    }

    /// The headers in their order.
    pub fn headers(&self) -> impl Iterator<Item = Result<Header<'a>>> + use<'a> {
        let offset = self.offset;
        let mut rest = self.header_bytes;
        (0..self.header_count).map(move |_| take_header(&mut rest).ok_or_else(|| malformed(offset)))
    }
}

/// The records of a batch, decompressed.
#[derive(Clone, Debug)]
pub struct Records {
    header: BatchHeader,
    bytes: Bytes,
}

impl Records {
    pub(crate) fn new(header: BatchHeader, bytes: Bytes) -> Records {
        Records { header, bytes }
    }

    /// How many records the batch's header promises.
    pub fn count(&self) -> usize {
        self.header.record_count as usize
    }

    /// The records' bytes, decompressed: what the slices of every [`Record`] point into.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The records in their order. A malformed one is an error and ends the iteration.
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter { header: &self.header, rest: &self.bytes, left: self.header.record_count }
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = Result<Record<'a>>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// Walks the records of a batch.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    header: &'a BatchHeader,
    rest: &'a [u8],
    left: i32,
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>>;

    fn next(&mut self) -> Option<Result<Record<'a>>> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        let record = take_record(&mut self.rest, self.header);
        if record.is_none() {
            self.left = 0;
        }
        Some(record.ok_or_else(|| malformed(self.header.base_offset)))
    }
}

fn malformed(base_offset: Offset) -> Error {
    Error::InvalidInput(format!("a record of the batch at offset {base_offset} is malformed"))
}

fn take_record<'a>(bytes: &mut &'a [u8], header: &BatchHeader) -> Option<Record<'a>> {
    let length = usize::try_from(take_varint(bytes)?).ok()?;
    let mut body = take_bytes(bytes, length)?;
    let _attributes = take_bytes(&mut body, 1)?;
    let timestamp_delta = take_varint(&mut body)?;
    let offset_delta = take_varint(&mut body)?;
    let key = take_nullable(&mut body)?;
    let value = take_nullable(&mut body)?;
    let header_count = u32::try_from(take_varint(&mut body)?).ok()?;
    Some(Record {
        offset: Offset(header.base_offset.0.checked_add(offset_delta)?),
        timestamp: timestamp_of(header, timestamp_delta)?,
        key,
        value,
        header_count,
        header_bytes: body,
    })
}

/// With append time, every record has the time of its batch.
fn timestamp_of(header: &BatchHeader, delta: i64) -> Option<Timestamp> {
    if header.attributes.has(Attributes::LOG_APPEND_TIME) {
        return Some(header.max_timestamp);
    }
    Some(Timestamp(header.base_timestamp.0.checked_add(delta)?))
}

fn take_header<'a>(bytes: &mut &'a [u8]) -> Option<Header<'a>> {
    let key = take_nullable(bytes)??;
    let value = take_nullable(bytes)?;
    Some(Header { key: std::str::from_utf8(key).ok()?, value })
}

/// Outer nothing: malformed. Inner nothing: null.
fn take_nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match take_varint(bytes)? {
        -1 => Some(None),
        length => take_bytes(bytes, usize::try_from(length).ok()?).map(Some),
    }
}

fn take_bytes<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::codec::Codec;

    #[test]
    fn records_survive_every_codec() {
        for codec in Codec::ALL {
            let mut builder = RecordsBuilder::new().with_compression(codec);
            builder.push(
                Some(b"k"),
                Some(b"v"),
                Timestamp(100),
                &[Header { key: "h", value: Some(b"1") }],
            );
            builder.push(None, Some(b""), Timestamp(90), &[Header { key: "h", value: None }]);
            builder.push(Some(b""), None, Timestamp(110), &[]);
            let mut batch = builder.build();
            let bytes = Bytes::copy_from_slice(batch.place(Offset(7), 0));
            let batch = Batch::from_bytes(bytes).unwrap();
            batch.verify().unwrap();
            let records = batch.records().unwrap();
            let records: Vec<_> = records.iter().map(|r| describe(&r.unwrap())).collect();
            assert_eq!(
                records,
                ["7@100 k=v h=1", "8@90 null= h=null", "9@110 =null"],
                "codec {codec}"
            );
            assert_eq!(batch.max_timestamp(), Timestamp(110));
        }
    }

    fn describe(record: &Record<'_>) -> String {
        let text = |bytes: Option<&[u8]>| match bytes {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => "null".to_owned(),
        };
        let mut out = format!(
            "{}@{} {}={}",
            record.offset,
            record.timestamp,
            text(record.key),
            text(record.value)
        );
        for header in record.headers() {
            let header = header.unwrap();
            out += &format!(" {}={}", header.key, text(header.value));
        }
        out
    }
}
