//! The plain values that everything here is counted in.
//!
//! Each is a newtype with a public field: they exist so that an offset is never added to a time
//! stamp, not to hide a number.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The position of a record in its partition: 0, 1, 2, …, never used twice.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Offset(pub i64);

impl Offset {
    /// The first offset that a partition ever gives.
    pub const ZERO: Offset = Offset(0);
}

impl Add<i64> for Offset {
    type Output = Offset;

    fn add(self, records: i64) -> Offset {
        Offset(self.0 + records)
    }
}

impl Sub for Offset {
    type Output = i64;

    fn sub(self, earlier: Offset) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since the start of 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a partition within its topic, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u32);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A partition by its topic's name and its number; printed as `topic-0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: PartitionId,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition: PartitionId(partition) }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Who wrote: an id given once by the store, and an epoch that grows whenever a successor takes
/// over, which shuts out whoever still writes under an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerIdentity {
    /// The producer's id.
    pub id: i64,
    /// The producer's epoch.
    pub epoch: i16,
}

impl fmt::Display for ProducerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.epoch)
    }
}

/// Names one transaction for ever: a producer uses a new epoch for each. Printed as `7.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId {
    /// The producer that the transaction's batches carry.
    pub producer_id: i64,
    /// The epoch that they carry.
    pub epoch: i16,
}

impl TransactionId {
    /// The bytes to keep in another store; they sort as the ids do.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.producer_id.to_be_bytes());
        bytes[8..].copy_from_slice(&self.epoch.to_be_bytes());
        bytes
    }

    /// Reads back what [`TransactionId::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 10]) -> TransactionId {
        let [a, b, c, d, e, f, g, h, i, j] = bytes;
        TransactionId {
            producer_id: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            epoch: i16::from_be_bytes([i, j]),
        }
    }

    pub(crate) fn producer(self) -> ProducerIdentity {
        ProducerIdentity { id: self.producer_id, epoch: self.epoch }
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.producer().fmt(f)
    }
}

impl FromStr for TransactionId {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<TransactionId, crate::Error> {
        let parts = text
            .split_once('.')
            .and_then(|(id, epoch)| Some((id.parse().ok()?, epoch.parse().ok()?)));
        let (producer_id, epoch) = parts.ok_or_else(|| {
            crate::Error::InvalidInput(format!(
                "expected a transaction id such as 7.3, found '{text}'"
            ))
        })?;
        Ok(TransactionId { producer_id, epoch })
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its records become visible to readers of committed records.
    Commit,
    /// Its records stay invisible to them.
    Abort,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Commit => "commit",
            Outcome::Abort => "abort",
        })
    }
}

/// Which batches a reader wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// All data up to the high watermark, whatever becomes of its transaction.
    ReadUncommitted,
    /// Data up to the last stable offset, without that of aborted transactions.
    ReadCommitted,
    /// Every batch up to the high watermark, control batches included, as a replica wants them.
    Everything,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_id_survives_bytes_and_text() {
        let id = TransactionId { producer_id: 4711, epoch: 12 };
        assert_eq!(TransactionId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.to_string().parse::<TransactionId>().unwrap(), id);
    }

    #[test]
    fn a_wrong_transaction_id_says_what_was_expected() {
        let error = "seven".parse::<TransactionId>().unwrap_err();
        assert_eq!(error.to_string(), "expected a transaction id such as 7.3, found 'seven'");
    }
}
