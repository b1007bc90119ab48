//! A batch on its way into a partition.
//!
//! The payload lies behind [`HEADROOM`] free bytes. Only when the partition knows offset and
//! position are header and padding written right before it, so that one write takes the whole
//! batch and nothing is moved. The checksum is taken before the partition is locked as far as that
//! can be done: wholly for records, and for the payload of columns, whose padding comes later.

use std::io;

use bytes::Bytes;

use super::header::{CRC_START, HEADER_BYTES, LENGTH_END};
use super::{Attributes, Batch, BatchHeader};
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::record::Records;
use crate::value::{Offset, ProducerIdentity, Timestamp};

/// Columnar payloads begin at a multiple of this in the file, so that they do in memory.
pub(crate) const COLUMNAR_ALIGNMENT: usize = 64;
/// Room for a header, the padding's length and the padding.
pub(crate) const HEADROOM: usize = HEADER_BYTES + 1 + COLUMNAR_ALIGNMENT;

/// A batch that has no offset yet.
#[derive(Clone, Debug)]
pub struct AppendBatch {
    pub(crate) header: BatchHeader,
    buffer: Vec<u8>,
    ahead: Ahead,
}

/// The checksum as far as it is known.
#[derive(Clone, Debug)]
enum Ahead {
    Unknown,
    /// Of a columnar payload alone.
    Payload(u32),
    /// Of all that is covered, with the part of the header that was.
    Covered {
        header: [u8; HEADER_BYTES - CRC_START],
        crc: u32,
    },
}

impl AppendBatch {
    /// Wraps a payload that begins at [`HEADROOM`] in `buffer`.
    pub(crate) fn new(header: BatchHeader, buffer: Vec<u8>) -> AppendBatch {
        assert!(buffer.len() >= HEADROOM);
        AppendBatch { header, buffer, ahead: Ahead::Unknown }
    }

    /// A columnar batch of `rows` rows; the payload is copied once. See [`ColumnarBuilder`] for
    /// how not to.
    pub fn columnar(
        rows: u32,
        base_timestamp: Timestamp,
        max_timestamp: Timestamp,
        payload: &[u8],
    ) -> AppendBatch {
        let mut builder = ColumnarBuilder::with_capacity(payload.len());
        builder.buffer.extend_from_slice(payload);
        builder.build(rows, base_timestamp, max_timestamp)
    }

    /// Takes a batch that was encoded elsewhere, by a Kafka client for example. It must be whole,
    /// match its checksum, and number its records one by one.
    pub fn from_encoded(bytes: &[u8]) -> Result<AppendBatch> {
        let batch = Batch::from_bytes(Bytes::copy_from_slice(bytes))?;
        batch.verify()?;
        check_records(&batch)?;
        let body = match batch.is_columnar() {
            true => batch.columnar(batch.bytes.slice(HEADER_BYTES..))?.bytes,
            false => batch.bytes.slice(HEADER_BYTES..),
        };
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(&body);
        Ok(AppendBatch::new(*batch.header(), buffer))
    }

    /// Names the producer and the number of the batch's first record, for deduplication.
    pub fn with_producer(mut self, producer: ProducerIdentity, base_sequence: i32) -> AppendBatch {
        self.header.producer_id = producer.id;
        self.header.producer_epoch = producer.epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Says that the records were computed from other topics.
    pub fn derived(self) -> AppendBatch {
        self.with_attribute(Attributes::DERIVED)
    }

    pub(crate) fn with_attribute(mut self, flag: i16) -> AppendBatch {
        self.header.attributes = self.header.attributes.with(flag);
        self
    }

    /// How many records or rows there are.
    pub fn record_count(&self) -> u32 {
        self.header.record_count as u32
    }

    /// The largest time stamp in the batch.
    pub fn max_timestamp(&self) -> Timestamp {
        self.header.max_timestamp
    }

    /// The bytes that the batch takes in the log, padding apart.
    pub fn size_bytes(&self) -> usize {
        HEADER_BYTES + self.payload().len()
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.buffer[HEADROOM..]
    }

    pub(crate) fn is_columnar(&self) -> bool {
        self.header.attributes.has(Attributes::COLUMNAR)
    }

    /// The records, which a columnar batch does not have.
    pub(crate) fn records(&self) -> Result<Records> {
        let plain = Codec::of(self.header.attributes)?.decompress(self.payload())?;
        Ok(Records::new(self.header, Bytes::from(plain)))
    }

    /// The same records in another codec.
    pub(crate) fn recompressed(&self, codec: Codec) -> Result<AppendBatch> {
        let records = self.records()?;
        let mut buffer = vec![0; HEADROOM];
        codec.compress(records.bytes(), &mut buffer);
        let attributes = self.header.attributes.without(Attributes::CODEC_MASK).with(codec.bits());
        Ok(AppendBatch::new(BatchHeader { attributes, ..self.header }, buffer))
    }

    /// Does what can be done of the checksum without knowing the batch's place.
    pub(crate) fn checksum_ahead(&mut self) {
        if self.is_columnar() {
            self.ahead = Ahead::Payload(crc32c::crc32c(self.payload()));
            return;
        }
        let header = covered(&self.header);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), self.payload());
        self.ahead = Ahead::Covered { header, crc };
    }

    /// Writes header and padding for a place in a partition and gives the whole batch.
    pub(crate) fn place(&mut self, base_offset: Offset, position: u64) -> &[u8] {
        let start = self.start_at(position);
        let padding = HEADROOM - start - HEADER_BYTES;
        if let Some(length) = padding.checked_sub(1) {
            self.buffer[start + HEADER_BYTES..HEADROOM].fill(0);
            self.buffer[start + HEADER_BYTES] = length as u8;
        }
        self.header.base_offset = base_offset;
        self.header.length = (self.buffer.len() - start - LENGTH_END) as i32;
        self.encode_header(start);
        &self.buffer[start..]
    }

    /// Where in the buffer the batch begins if it goes to `position`.
    fn start_at(&self, position: u64) -> usize {
        if !self.is_columnar() {
            return HEADROOM - HEADER_BYTES;
        }
        let unpadded = (position % COLUMNAR_ALIGNMENT as u64) as usize + HEADER_BYTES + 1;
        let padding = unpadded.next_multiple_of(COLUMNAR_ALIGNMENT) - unpadded;
        HEADROOM - padding - 1 - HEADER_BYTES
    }

    fn encode_header(&mut self, start: usize) {
        self.header.crc = self.checksum(start);
        let mut header = [0; HEADER_BYTES];
        self.header.encode(&mut header);
        self.buffer[start..start + HEADER_BYTES].copy_from_slice(&header);
    }

    fn checksum(&self, start: usize) -> u32 {
        let header = covered(&self.header);
        match &self.ahead {
            Ahead::Covered { header: known, crc } if *known == header => *crc,
            Ahead::Payload(payload) => {
                let padding = &self.buffer[start + HEADER_BYTES..HEADROOM];
                let lead = crc32c::crc32c_append(crc32c::crc32c(&header), padding);
                crc32c::crc32c_combine(lead, *payload, self.payload().len())
            }
            _ => {
                crc32c::crc32c_append(crc32c::crc32c(&header), &self.buffer[start + HEADER_BYTES..])
            }
        }
    }
}

/// The part of the header that the checksum covers.
fn covered(header: &BatchHeader) -> [u8; HEADER_BYTES - CRC_START] {
    let mut bytes = [0; HEADER_BYTES];
    header.encode(&mut bytes);
    let mut covered = [0; HEADER_BYTES - CRC_START];
    covered.copy_from_slice(&bytes[CRC_START..]);
    covered
}

/// Whether the records inside are as many as the header says, numbered from 0 without a gap.
fn check_records(batch: &Batch) -> Result<()> {
    if batch.is_columnar() {
        return Ok(());
    }
    let mut expected = batch.base_offset();
    for record in batch.records()?.iter() {
        let found = record?.offset;
        if found != expected {
            return Err(Error::InvalidInput(format!(
                "expected the record of offset {expected}, found {found}"
            )));
        }
        expected = expected + 1;
    }
    if expected != batch.next_offset() {
        return Err(Error::InvalidInput(format!(
            "expected records up to offset {}, found them up to {}",
            batch.last_offset(),
            expected + -1
        )));
    }
    Ok(())
}

/// Takes the bytes of a columnar payload as they are written.
#[derive(Debug)]
pub struct ColumnarBuilder {
    buffer: Vec<u8>,
}

impl ColumnarBuilder {
    /// An empty payload.
    pub fn new() -> ColumnarBuilder {
        ColumnarBuilder::with_capacity(0)
    }

    /// An empty payload with room for `payload_bytes`.
    pub fn with_capacity(payload_bytes: usize) -> ColumnarBuilder {
        let mut buffer = Vec::with_capacity(HEADROOM + payload_bytes);
        buffer.resize(HEADROOM, 0);
        ColumnarBuilder { buffer }
    }

    /// The batch of what was written, which is `rows` rows.
    pub fn build(
        self,
        rows: u32,
        base_timestamp: Timestamp,
        max_timestamp: Timestamp,
    ) -> AppendBatch {
        let header = BatchHeader {
            attributes: Attributes(Attributes::COLUMNAR),
            last_offset_delta: rows.saturating_sub(1) as i32,
            record_count: rows as i32,
            base_timestamp,
            max_timestamp,
            ..BatchHeader::default()
        };
        AppendBatch::new(header, self.buffer)
    }
}

impl Default for ColumnarBuilder {
    fn default() -> ColumnarBuilder {
        ColumnarBuilder::new()
    }
}

impl io::Write for ColumnarBuilder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_columnar_payload_is_aligned_wherever_it_lands() {
        for position in 0..200_u64 {
            let mut batch = AppendBatch::columnar(3, Timestamp(1), Timestamp(2), b"columns");
            let bytes = Bytes::copy_from_slice(batch.place(Offset(5), position));
            let placed = Batch::from_bytes(bytes).unwrap();
            placed.verify().unwrap();
            let columnar = placed.columnar(placed.bytes().slice(HEADER_BYTES..)).unwrap();
            assert_eq!(&columnar.bytes[..], b"columns");
            let before = (placed.size_bytes() - columnar.bytes.len()) as u64;
            assert_eq!((position + before) % 64, 0);
        }
    }
}
