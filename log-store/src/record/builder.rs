//! Records on their way into a batch: pushed straight into the bytes that will be written.

use super::{Header, Records, put_varint, varint_len};
use crate::batch::{AppendBatch, Attributes, BatchHeader, HEADROOM};
use crate::codec::Codec;
use crate::error::Result;
use crate::value::{Offset, Timestamp};

/// Collects records for one batch. Pushing allocates only when the buffer must grow.
#[derive(Debug)]
pub struct RecordsBuilder {
    buffer: Vec<u8>,
    codec: Codec,
    count: i32,
    base_timestamp: Timestamp,
    max_timestamp: Timestamp,
}

impl RecordsBuilder {
    /// No records yet, not to be compressed.
    pub fn new() -> RecordsBuilder {
        RecordsBuilder::with_capacity(0)
    }

    /// No records yet, with room for `bytes` of them.
    pub fn with_capacity(bytes: usize) -> RecordsBuilder {
        RecordsBuilder {
            buffer: empty_buffer(bytes),
            codec: Codec::None,
            count: 0,
            base_timestamp: Timestamp(0),
            max_timestamp: Timestamp(i64::MIN),
        }
    }

    /// Compresses the batch. A topic with a `compression.type` of its own overrules this.
    pub fn with_compression(mut self, codec: Codec) -> RecordsBuilder {
        self.codec = codec;
        self
    }

    /// Adds a record.
    pub fn push(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Timestamp,
        headers: &[Header<'_>],
    ) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let timestamp_delta = timestamp.0.wrapping_sub(self.base_timestamp.0);
        put_record(&mut self.buffer, timestamp_delta, i64::from(self.count), key, value, headers);
        self.count += 1;
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records' bytes so far, before compression.
    pub fn size_bytes(&self) -> usize {
        self.buffer.len() - HEADROOM
    }

    /// The batch. The builder is empty afterwards, and has as much room as it took.
    pub fn build(&mut self) -> AppendBatch {
        let header = BatchHeader {
            attributes: Attributes(0).with(self.codec.bits()),
            last_offset_delta: (self.count - 1).max(0),
            record_count: self.count,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            ..BatchHeader::default()
        };
        let capacity = self.buffer.len() - HEADROOM;
        let records = std::mem::replace(&mut self.buffer, empty_buffer(capacity));
        self.count = 0;
        self.max_timestamp = Timestamp(i64::MIN);
        AppendBatch::new(header, compressed(self.codec, records))
    }

    /// The records as if they stood in the log from an offset on, without being written: for
    /// whoever makes records of what lies there as columns.
    pub fn build_records(&mut self, base_offset: Offset) -> Result<Records> {
        let batch = self.build();
        let header = BatchHeader { base_offset, ..batch.header };
        Ok(Records::new(header, batch.records()?.bytes().clone()))
    }
}

impl Default for RecordsBuilder {
    fn default() -> RecordsBuilder {
        RecordsBuilder::new()
    }
}

fn empty_buffer(capacity: usize) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(HEADROOM + capacity);
    buffer.resize(HEADROOM, 0);
    buffer
}

fn compressed(codec: Codec, records: Vec<u8>) -> Vec<u8> {
    if codec == Codec::None {
        return records;
    }
    let mut buffer = empty_buffer(records.len() / 2);
    codec.compress(&records[HEADROOM..], &mut buffer);
    buffer
}

/// Appends one record. Its length comes first, so it is added up before anything is written.
pub(crate) fn put_record(
    buffer: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) {
    let body = 1
        + varint_len(timestamp_delta)
        + varint_len(offset_delta)
        + nullable_len(key)
        + nullable_len(value)
        + headers_len(headers);
    buffer.reserve(body + super::varint::VARINT_BYTES_MAX);
    put_varint(buffer, body as i64);
    buffer.push(0);
    put_varint(buffer, timestamp_delta);
    put_varint(buffer, offset_delta);
    put_nullable(buffer, key);
    put_nullable(buffer, value);
    put_varint(buffer, headers.len() as i64);
    for header in headers {
        put_nullable(buffer, Some(header.key.as_bytes()));
        put_nullable(buffer, header.value);
    }
}

fn headers_len(headers: &[Header<'_>]) -> usize {
    let each = headers.iter().map(|h| nullable_len(Some(h.key.as_bytes())) + nullable_len(h.value));
    varint_len(headers.len() as i64) + each.sum::<usize>()
}

fn nullable_len(bytes: Option<&[u8]>) -> usize {
    match bytes {
        None => 1,
        Some(bytes) => varint_len(bytes.len() as i64) + bytes.len(),
    }
}

fn put_nullable(buffer: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(buffer, -1),
        Some(bytes) => {
            put_varint(buffer, bytes.len() as i64);
            buffer.extend_from_slice(bytes);
        }
    }
}
