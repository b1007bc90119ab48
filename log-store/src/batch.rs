//! A batch as it is read: a slice of the log and its decoded header.
//!
//! Holding a batch holds the memory map it lies in, and nothing else: a segment may be deleted,
//! replaced or closed meanwhile.

mod append;
mod control;
mod header;

use std::path::Path;

use bytes::Bytes;

pub use append::{AppendBatch, ColumnarBuilder};
pub(crate) use append::{COLUMNAR_ALIGNMENT, HEADROOM};
pub(crate) use control::{decode_marker, marker};
pub(crate) use header::checksum;
pub use header::{Attributes, BatchHeader, HEADER_BYTES, HeaderFault};

use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::record::Records;
use crate::value::{Offset, Timestamp};

/// A batch of the log.
#[derive(Clone, Debug)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

/// What a batch carries.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Records one after the other, as Kafka lays them out.
    Records(Records),
    /// Columns in a format that the log store does not look into.
    Columnar(Columnar),
}

/// The rows of a columnar batch.
#[derive(Clone, Debug)]
pub struct Columnar {
    /// What the writer gave. It begins at an address that divides by 64, and holds the memory map.
    pub bytes: Bytes,
    /// How many rows there are.
    pub rows: u32,
    /// The offset of row 0.
    pub base_offset: Offset,
}

impl Batch {
    /// Takes bytes that hold exactly one batch. The checksum is not looked at; see
    /// [`Batch::verify`].
    pub fn from_bytes(bytes: Bytes) -> Result<Batch> {
        let header = BatchHeader::decode(&bytes)
            .map_err(|fault| Error::InvalidInput(format!("not a batch: {fault}")))?;
        if header.total_bytes() != bytes.len() {
            return Err(Error::InvalidInput(format!(
                "expected a batch of {} bytes, found {}",
                header.total_bytes(),
                bytes.len()
            )));
        }
        Ok(Batch { header, bytes })
    }

    pub(crate) fn new(header: BatchHeader, bytes: Bytes) -> Batch {
        assert_eq!(header.total_bytes(), bytes.len());
        Batch { header, bytes }
    }

    /// The header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The batch as it lies in the log, header included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The offset of the first record.
    pub fn base_offset(&self) -> Offset {
        self.header.base_offset
    }

    /// The offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.header.last_offset()
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.header.next_offset()
    }

    /// What the records' time stamps are counted from; usually the first record's.
    pub fn base_timestamp(&self) -> Timestamp {
        self.header.base_timestamp
    }

    /// The largest time stamp in the batch.
    pub fn max_timestamp(&self) -> Timestamp {
        self.header.max_timestamp
    }

    /// How many records or rows there are.
    pub fn record_count(&self) -> u32 {
        self.header.record_count as u32
    }

    /// The batch's bytes in the log.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// What the batch is.
    pub fn attributes(&self) -> Attributes {
        self.header.attributes
    }

    /// Whether the batch ends a transaction and holds no data.
    pub fn is_control(&self) -> bool {
        self.attributes().has(Attributes::CONTROL)
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes().has(Attributes::TRANSACTIONAL)
    }

    /// Whether the records were computed from other topics.
    pub fn is_derived(&self) -> bool {
        self.attributes().has(Attributes::DERIVED)
    }

    /// Whether the payload is columnar.
    pub fn is_columnar(&self) -> bool {
        self.attributes().has(Attributes::COLUMNAR)
    }

    /// Who wrote it, or −1.
    pub fn producer_id(&self) -> i64 {
        self.header.producer_id
    }

    /// Under which epoch, or −1.
    pub fn producer_epoch(&self) -> i16 {
        self.header.producer_epoch
    }

    /// The producer's number for the first record, or −1.
    pub fn base_sequence(&self) -> i32 {
        self.header.base_sequence
    }

    /// How the records are compressed.
    pub fn codec(&self) -> Result<Codec> {
        Codec::of(self.attributes())
    }

    /// Compares the bytes with their checksum. Batches that come out of a partition were compared
    /// when they were first read.
    pub fn verify(&self) -> Result<()> {
        let found = checksum(&self.bytes);
        if found == self.header.crc {
            return Ok(());
        }
        Err(Error::corrupt(
            Path::new("batch"),
            0,
            format!("checksum {:08x} at offset {}", self.header.crc, self.base_offset()),
            format!("{found:08x}"),
        ))
    }

    /// The payload: a slice of the log, unless it must be decompressed.
    pub fn payload(&self) -> Result<Payload> {
        let body = self.bytes.slice(HEADER_BYTES..);
        if self.is_columnar() {
            return Ok(Payload::Columnar(self.columnar(body)?));
        }
        let codec = self.codec()?;
        let records =
            if codec == Codec::None { body } else { Bytes::from(codec.decompress(&body)?) };
        Ok(Payload::Records(Records::new(self.header, records)))
    }

    /// The payload if it is records; columnar batches are refused.
    pub fn records(&self) -> Result<Records> {
        match self.payload()? {
            Payload::Records(records) => Ok(records),
            Payload::Columnar(_) => Err(Error::InvalidInput(format!(
                "expected records at offset {}, found a columnar batch",
                self.base_offset()
            ))),
        }
    }

    fn columnar(&self, body: Bytes) -> Result<Columnar> {
        let start = body
            .first()
            .map(|padding| 1 + usize::from(*padding))
            .filter(|start| *start <= body.len());
        let start = start.ok_or_else(|| {
            Error::InvalidInput(format!(
                "columnar batch at offset {} is too short",
                self.base_offset()
            ))
        })?;
        Ok(Columnar {
            bytes: body.slice(start..),
            rows: self.record_count(),
            base_offset: self.base_offset(),
        })
    }
}
