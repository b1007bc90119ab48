//! Control batches: the markers that end a transaction in one partition.
//!
//! A marker is one record. Key: version `i16` = 0, type `i16` (0 abort, 1 commit). Value: version
//! `i16` = 0, coordinator epoch `i32`. All of it is Kafka's.

use super::{AppendBatch, Attributes, Batch};
use crate::record::RecordsBuilder;
use crate::value::{Outcome, ProducerIdentity, Timestamp};

const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// The marker with which `producer` ends its transaction.
pub(crate) fn marker(producer: ProducerIdentity, outcome: Outcome, at: Timestamp) -> AppendBatch {
    let kind = match outcome {
        Outcome::Commit => COMMIT,
        Outcome::Abort => ABORT,
    };
    let [k0, k1] = kind.to_be_bytes();
    let mut records = RecordsBuilder::new();
    records.push(Some(&[0, 0, k0, k1]), Some(&[0; 6]), at, &[]);
    records
        .build()
        .with_producer(producer, -1)
        .with_attribute(Attributes::TRANSACTIONAL)
        .with_attribute(Attributes::CONTROL)
}

/// The outcome that a control batch tells, or nothing if it is of a kind that this crate does not
/// know (a reader steps over those).
pub(crate) fn decode_marker(batch: &Batch) -> Option<Outcome> {
    let records = batch.records().ok()?;
    let record = records.iter().next()?.ok()?;
    match record.key? {
        [_, _, k0, k1, ..] => match i16::from_be_bytes([*k0, *k1]) {
            ABORT => Some(Outcome::Abort),
            COMMIT => Some(Outcome::Commit),
            _ => None,
        },
        _ => None,
    }
}
