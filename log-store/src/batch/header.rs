//! The 61 bytes that every batch begins with: Kafka's record batch header, version 2.
//!
//! ```text
//!  0        8      12      16    17    21      23       27          35         43       51       53        57       61
//!  ┌────────┬──────┬───────┬─────┬─────┬───────┬────────┬───────────┬──────────┬────────┬────────┬─────────┬────────┐
//!  │ base   │length│leader │magic│crc  │attri- │last    │base       │max       │producer│producer│base     │record  │
//!  │ offset │      │epoch  │ = 2 │     │butes  │offset  │time stamp │time stamp│id      │epoch   │sequence │count   │
//!  │ i64    │i32   │i32    │i8   │u32  │i16    │delta   │i64        │i64       │i64     │i16     │i32      │i32     │
//!  └────────┴──────┴───────┴─────┴─────┴───────┴────────┴───────────┴──────────┴────────┴────────┴─────────┴────────┘
//! ```
//!
//! All numbers are big-endian. The length counts what follows it. The CRC-32C covers everything
//! from the attributes to the end of the batch, so a server may set offset and leader epoch without
//! reading the rest.

use crate::value::{Offset, Timestamp};

/// The bytes of a header.
pub const HEADER_BYTES: usize = 61;
/// The bytes up to and including the length, which the length does not count.
pub(crate) const LENGTH_END: usize = 12;
/// Where the checksum's cover begins.
pub(crate) const CRC_START: usize = 21;
const CRC_AT: usize = 17;
const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;

/// What a batch is, as bits. Bits 0 to 6 are Kafka's; 13 and 14 are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    /// Which bits name the codec.
    pub const CODEC_MASK: i16 = 0b111;
    /// Time stamps are those of the append, not of the producer.
    pub const LOG_APPEND_TIME: i16 = 1 << 3;
    /// The batch belongs to a transaction.
    pub const TRANSACTIONAL: i16 = 1 << 4;
    /// The batch ends a transaction and holds no data.
    pub const CONTROL: i16 = 1 << 5;
    /// The base time stamp is the time from which tombstones in the batch may go.
    pub const DELETE_HORIZON: i16 = 1 << 6;
    /// The batch was computed from other topics, not written by somebody from outside. Kafka leaves
    /// this bit unused.
    pub const DERIVED: i16 = 1 << 13;
    /// The payload is columnar. Kafka leaves this bit unused.
    pub const COLUMNAR: i16 = 1 << 14;

    /// Whether all bits of `flag` are set.
    pub fn has(self, flag: i16) -> bool {
        self.0 & flag == flag
    }

    /// With the bits of `flag` set.
    pub fn with(self, flag: i16) -> Attributes {
        Attributes(self.0 | flag)
    }

    /// With the bits of `flag` cleared.
    pub fn without(self, flag: i16) -> Attributes {
        Attributes(self.0 & !flag)
    }
}

/// A batch header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record (which compaction may have removed).
    pub base_offset: Offset,
    /// How many bytes follow the length field.
    pub length: i32,
    /// Kafka's partition leader epoch; 0 here.
    pub leader_epoch: i32,
    /// The checksum of all that follows it.
    pub crc: u32,
    /// What the batch is.
    pub attributes: Attributes,
    /// The last offset, counted from the base offset.
    pub last_offset_delta: i32,
    /// What the records' time stamps are counted from.
    pub base_timestamp: Timestamp,
    /// The largest time stamp of any record.
    pub max_timestamp: Timestamp,
    /// Who wrote it, or −1.
    pub producer_id: i64,
    /// Under which epoch, or −1.
    pub producer_epoch: i16,
    /// The producer's number for the first record, or −1.
    pub base_sequence: i32,
    /// How many records there are.
    pub record_count: i32,
}

impl Default for BatchHeader {
    /// A header of no records, written by no producer.
    fn default() -> BatchHeader {
        BatchHeader {
            base_offset: Offset::ZERO,
            length: (HEADER_BYTES - LENGTH_END) as i32,
            leader_epoch: 0,
            crc: 0,
            attributes: Attributes(0),
            last_offset_delta: 0,
            base_timestamp: Timestamp(0),
            max_timestamp: Timestamp(0),
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 0,
        }
    }
}

impl BatchHeader {
    /// Reads a header, or says what about it cannot be.
    pub fn decode(bytes: &[u8]) -> Result<BatchHeader, HeaderFault> {
        let header: &[u8; HEADER_BYTES] = bytes
            .get(..HEADER_BYTES)
            .and_then(|b| b.try_into().ok())
            .ok_or(HeaderFault::Short(bytes.len()))?;
        if header[MAGIC_AT] != MAGIC {
            return Err(HeaderFault::Magic(header[MAGIC_AT]));
        }
        let decoded = Self::decode_fields(header);
        decoded.check()?;
        Ok(decoded)
    }

    fn decode_fields(b: &[u8; HEADER_BYTES]) -> BatchHeader {
        BatchHeader {
            base_offset: Offset(i64_at(b, 0)),
            length: i32_at(b, 8),
            leader_epoch: i32_at(b, 12),
            crc: i32_at(b, CRC_AT) as u32,
            attributes: Attributes(i16_at(b, 21)),
            last_offset_delta: i32_at(b, 23),
            base_timestamp: Timestamp(i64_at(b, 27)),
            max_timestamp: Timestamp(i64_at(b, 35)),
            producer_id: i64_at(b, 43),
            producer_epoch: i16_at(b, 51),
            base_sequence: i32_at(b, 53),
            record_count: i32_at(b, 57),
        }
    }

    fn check(&self) -> Result<(), HeaderFault> {
        if self.length < (HEADER_BYTES - LENGTH_END) as i32 {
            return Err(HeaderFault::Length(self.length));
        }
        if self.base_offset.0 < 0 || self.last_offset_delta < 0 || self.record_count < 0 {
            return Err(HeaderFault::Negative);
        }
        if self.base_offset.0.checked_add(i64::from(self.last_offset_delta) + 1).is_none() {
            return Err(HeaderFault::Overflow);
        }
        if i64::from(self.record_count) > i64::from(self.last_offset_delta) + 1 {
            return Err(HeaderFault::Count {
                count: self.record_count,
                delta: self.last_offset_delta,
            });
        }
        Ok(())
    }

    /// Writes the header into the first 61 of `bytes`.
    pub fn encode(&self, bytes: &mut [u8; HEADER_BYTES]) {
        bytes[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.leader_epoch.to_be_bytes());
        bytes[MAGIC_AT] = MAGIC;
        bytes[CRC_AT..CRC_START].copy_from_slice(&self.crc.to_be_bytes());
        bytes[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        bytes[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        bytes[27..35].copy_from_slice(&self.base_timestamp.0.to_be_bytes());
        bytes[35..43].copy_from_slice(&self.max_timestamp.0.to_be_bytes());
        bytes[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        bytes[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        bytes[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.record_count.to_be_bytes());
    }

    /// The whole batch's bytes, header included.
    pub fn total_bytes(&self) -> usize {
        LENGTH_END + self.length as usize
    }

    /// The offset of the last record, counted before compaction.
    pub fn last_offset(&self) -> Offset {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The offset after the batch.
    pub fn next_offset(&self) -> Offset {
        self.last_offset() + 1
    }
}

/// Why bytes cannot be a batch header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// There are too few bytes.
    #[error("{0} bytes where a header has 61")]
    Short(usize),
    /// The format's version is not 2; 0 is what unwritten space looks like.
    #[error("magic {0} where a batch has 2")]
    Magic(u8),
    /// The length is less than the header's own.
    #[error("batch length {0}")]
    Length(i32),
    /// An offset or a count is below zero.
    #[error("a negative offset or count")]
    Negative,
    /// The last offset is beyond what a number can hold.
    #[error("an offset beyond the largest")]
    Overflow,
    /// There are more records than offsets.
    #[error("{count} records in {delta} + 1 offsets")]
    Count {
        /// The record count.
        count: i32,
        /// The last offset's delta.
        delta: i32,
    },
}

/// The checksum that a batch of these bytes should carry.
pub(crate) fn checksum(batch: &[u8]) -> u32 {
    crc32c::crc32c(&batch[CRC_START..])
}

fn i64_at(b: &[u8; HEADER_BYTES], at: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&b[at..at + 8]);
    i64::from_be_bytes(bytes)
}

fn i32_at(b: &[u8; HEADER_BYTES], at: usize) -> i32 {
    i32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

fn i16_at(b: &[u8; HEADER_BYTES], at: usize) -> i16 {
    i16::from_be_bytes([b[at], b[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let header = BatchHeader {
            base_offset: Offset(1 << 40),
            length: 1234,
            leader_epoch: 7,
            crc: 0xdead_beef,
            attributes: Attributes(Attributes::TRANSACTIONAL | Attributes::COLUMNAR | 4),
            last_offset_delta: 9,
            base_timestamp: Timestamp(-5),
            max_timestamp: Timestamp(1_700_000_000_000),
            producer_id: 42,
            producer_epoch: 3,
            base_sequence: i32::MAX,
            record_count: 10,
        };
        let mut bytes = [0; HEADER_BYTES];
        header.encode(&mut bytes);
        assert_eq!(BatchHeader::decode(&bytes), Ok(header));
    }

    #[test]
    fn unwritten_space_is_no_header() {
        assert_eq!(BatchHeader::decode(&[0; 100]), Err(HeaderFault::Magic(0)));
        assert_eq!(BatchHeader::decode(&[0; 10]), Err(HeaderFault::Short(10)));
    }
}
