//! Formats: bytes of keys and values on one side, Arrow columns on the other.
//!
//! A format is a pair: a [`Decoder`] takes the payloads of a batch of records and gives the
//! wanted columns, an [`Encoder`] takes columns and gives payloads. Both are made once per
//! query and side (key or value) and work on whole batches.
//!
//! A payload that does not decode is a [`BadRow`], never an error: what to do about it is not
//! decided here. The bytes that a window adds to a key are not seen here either.

mod check;
mod column;
mod columnar;
mod delimited;
mod digits;
mod java_double;
mod json;
mod kafka;
mod mismatch;
mod name;
mod none;
mod payloads;
mod printer;
mod scalar_column;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Fields;

use crate::error::{Code, Error, Result, invalid};

pub use check::check;
pub use columnar::{ColumnsBuilder, Frame, Layout, RecordColumns, records_of};
pub(crate) use columnar::{headers_at, mismatch};
pub use java_double::write_java_double;

/// How the payloads of one side of a topic are written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// JSON text.
    Json,
    /// One line of delimited text.
    Delimited {
        /// The character between fields, a comma unless told.
        delimiter: char,
    },
    /// Kafka's serialisers for one column of INT, BIGINT, DOUBLE, STRING or BYTES.
    Kafka,
    /// No payload at all.
    None,
    /// Columns: batches of records as they are in memory. Single payloads are not written so.
    Arrow,
}

/// One side of a topic: its format, its columns and whether a single column stands alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// How payloads are written.
    pub format: Format,
    /// Columns in order.
    pub columns: Fields,
    /// Whether a single column is wrapped in an object (`{"A": 1}`) or stands alone (`1`).
    ///
    /// Several columns are always wrapped, and only some formats know the difference.
    pub wrapped: bool,
}

/// Columns out of a batch of payloads.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The wanted columns, each as long as the batch.
    pub columns: Vec<ArrayRef>,
    /// Rows whose payload is there and says that there is no value, ascending: the JSON text
    /// `null`. Their columns are null, as those of an absent payload.
    pub absent: Vec<usize>,
    /// Rows that do not decode, ascending; their columns are null.
    pub bad: Vec<BadRow>,
}

/// A payload that does not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Index in the batch.
    pub row: usize,
    /// What was expected and found.
    pub message: String,
}

/// Turns payloads into columns.
pub trait Decoder: Send + Sync {
    /// Decodes a batch; `None` is an absent payload and gives nulls.
    ///
    /// A payload is checked whole: whether it is bad does not depend on the columns wanted.
    fn decode(&self, payloads: &[Option<&[u8]>]) -> Decoded;
}

/// Turns columns into payloads.
pub trait Encoder: Send + Sync {
    /// Encodes `rows` rows; rows that are null in `present` get no payload.
    fn encode(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        present: Option<&NullBuffer>,
    ) -> Result<BinaryArray>;
}

/// The decoder of `side` for the columns at the indexes `wanted`.
///
/// A side without columns takes whatever the payloads hold.
pub fn decoder(side: &Side, wanted: &[usize]) -> Result<Arc<dyn Decoder>> {
    check(side)?;
    if let Some(index) = wanted.iter().find(|index| **index >= side.columns.len()) {
        return Err(Error::Internal(format!("no column {index} to decode")));
    }
    let wanted = wanted.to_vec();
    Ok(match &side.format {
        _ if side.columns.is_empty() => Arc::new(none::NoColumns),
        Format::Arrow => Arc::new(columnar::SinglePayloads::new(side, &wanted)),
        Format::Json => Arc::new(json::JsonDecoder::new(side, wanted)),
        Format::Delimited { delimiter } => {
            Arc::new(delimited::DelimitedDecoder::new(side.columns.clone(), *delimiter, wanted))
        }
        Format::Kafka => Arc::new(kafka::KafkaDecoder::new(side.columns[0].data_type(), wanted)),
        Format::None => Arc::new(none::NoColumns),
    })
}

/// The encoder of `side`; an error says why the format cannot hold the columns.
pub fn encoder(side: &Side) -> Result<Arc<dyn Encoder>> {
    check(side)?;
    Ok(match &side.format {
        Format::Arrow => return Err(no_payloads()),
        Format::Json => Arc::new(json::JsonEncoder::new(side)),
        Format::Delimited { delimiter } => {
            Arc::new(delimited::DelimitedEncoder::new(side.columns.clone(), *delimiter))
        }
        Format::Kafka if side.columns.is_empty() => Arc::new(none::NoColumns),
        Format::Kafka => Arc::new(kafka::KafkaEncoder),
        Format::None => Arc::new(none::NoColumns),
    })
}

fn no_payloads() -> Error {
    invalid(Code::NotSupported, "the 'ARROW' format holds batches of records, not single payloads")
}
