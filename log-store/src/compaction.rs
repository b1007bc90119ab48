//! When a log is compacted, and which records stay.
//!
//! Compaction keeps the last record of every key, in its place and under its offset. It is asked in
//! two steps: [`compaction`] decides from numbers whether it is worth a run and up to where, and
//! [`Rewriter`] makes of each old batch the new one. The partition reads, writes and replaces.
//!
//! Only what is decided is looked at: below the last stable offset a record's transaction has ended.
//! So the records of aborted transactions go, and those of committed ones become plain records; no
//! marker is needed any more to tell that they count. Markers and tombstones stay until their delete
//! horizon, which the first run that sees them writes into the batch, as Kafka does.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::batch::{AppendBatch, Attributes, Batch, BatchHeader, HEADROOM};
use crate::config::Values;
use crate::error::Result;
use crate::record::{Header, Record, put_record};
use crate::value::{Offset, Timestamp};

/// What compaction needs to know of a segment, oldest first; the active one is not among them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CleanableFacts {
    pub(crate) end: Offset,
    pub(crate) bytes: u64,
    pub(crate) max_timestamp: Timestamp,
}

/// What is known of the log as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompactionState {
    /// Everything below was looked at by an earlier run.
    pub(crate) clean_to: Offset,
    /// The earliest delete horizon that an earlier run has written.
    pub(crate) next_horizon: Option<Timestamp>,
    /// Everything below is decided.
    pub(crate) stable: Offset,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compaction {
    /// Nothing yet.
    Wait,
    /// Compact the first so many segments.
    Run {
        /// How many.
        segments: usize,
    },
}

/// Decides whether a run is worth it: when enough of the log is new, when something new has waited
/// for too long, or when a delete horizon has come.
pub(crate) fn compaction(
    segments: &[CleanableFacts],
    state: &CompactionState,
    values: &Values,
    now: Timestamp,
) -> Compaction {
    let may_clean = |s: &&CleanableFacts| {
        s.end <= state.stable
            && now.0.saturating_sub(s.max_timestamp.0) >= values.min_compaction_lag_ms
    };
    let cleanable: Vec<&CleanableFacts> = segments.iter().take_while(may_clean).collect();
    let dirty = || cleanable.iter().filter(|segment| segment.end > state.clean_to);
    let dirty_bytes: u64 = dirty().map(|segment| segment.bytes).sum();
    let bytes: u64 = cleanable.iter().map(|segment| segment.bytes).sum();
    let worth_it =
        dirty_bytes > 0 && dirty_bytes as f64 >= values.min_cleanable_dirty_ratio * bytes as f64;
    let overdue =
        dirty().any(|s| now.0.saturating_sub(s.max_timestamp.0) >= values.max_compaction_lag_ms);
    let horizon = state.next_horizon.is_some_and(|horizon| horizon <= now) && bytes > 0;
    match worth_it || overdue || horizon {
        true => Compaction::Run { segments: cleanable.len() },
        false => Compaction::Wait,
    }
}

/// Where the last record of each key is. Keys are kept as 128-bit hashes, so that the map's size
/// does not depend on them; at a billion keys, two share a hash with a chance of one in 10²⁰.
pub(crate) struct LastOffsets {
    hashers: [RandomState; 2],
    offsets: HashMap<u128, Offset>,
}

impl LastOffsets {
    pub(crate) fn new() -> LastOffsets {
        LastOffsets { hashers: [RandomState::new(), RandomState::new()], offsets: HashMap::new() }
    }

    /// Takes note of the records of a data batch that counts.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<()> {
        if batch.is_columnar() {
            return Ok(());
        }
        for record in batch.records()?.iter() {
            let record = record?;
            if let Some(key) = record.key {
                self.offsets.insert(self.hash(key), record.offset);
            }
        }
        Ok(())
    }

    fn is_last(&self, key: &[u8], offset: Offset) -> bool {
        self.offsets.get(&self.hash(key)).is_none_or(|last| offset >= *last)
    }

    fn hash(&self, key: &[u8]) -> u128 {
        let [high, low] = [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)];
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Makes new batches of old ones.
pub(crate) struct Rewriter<'a> {
    pub(crate) last: &'a LastOffsets,
    pub(crate) now: Timestamp,
    pub(crate) delete_retention_ms: i64,
    /// The earliest delete horizon of any batch that stays.
    pub(crate) next_horizon: Option<Timestamp>,
}

/// What becomes of a batch.
pub(crate) enum Rewritten {
    Gone,
    /// It stays as it is.
    Same,
    New(AppendBatch),
}

impl Rewriter<'_> {
    /// Says what becomes of a batch, whose transaction may have been aborted.
    pub(crate) fn rewrite(&mut self, batch: &Batch, aborted: bool) -> Result<Rewritten> {
        if aborted {
            return Ok(Rewritten::Gone);
        }
        if batch.is_columnar() {
            return Ok(match batch.is_transactional() {
                true => Rewritten::New(AppendBatch::settled(batch)?),
                false => Rewritten::Same,
            });
        }
        let horizon = horizon_of(batch);
        let expired = horizon.is_some_and(|horizon| horizon <= self.now);
        if batch.is_control() && expired {
            return Ok(Rewritten::Gone);
        }
        let (last, is_control) = (self.last, batch.is_control());
        let stays = move |record: &Record<'_>| {
            let superseded = record.key.is_some_and(|key| !last.is_last(key, record.offset));
            let outdated = record.value.is_none() && expired;
            is_control || !(superseded || outdated)
        };
        let remains = what_stays(batch, stays)?;
        let horizon = (remains.tombstones || is_control).then(|| self.horizon(horizon));
        match remains.count {
            0 => Ok(Rewritten::Gone),
            count if count == batch.record_count() && is_final(batch, horizon) => {
                Ok(Rewritten::Same)
            }
            _ => rebuilt(batch, horizon, stays).map(Rewritten::New),
        }
    }

    /// The horizon of a batch that has something to go one day; remembers the earliest.
    fn horizon(&mut self, written: Option<Timestamp>) -> Timestamp {
        let horizon =
            written.unwrap_or(Timestamp(self.now.0.saturating_add(self.delete_retention_ms)));
        self.next_horizon = Some(self.next_horizon.map_or(horizon, |next| next.min(horizon)));
        horizon
    }
}

/// Whether the header says already what it should say.
fn is_final(batch: &Batch, horizon: Option<Timestamp>) -> bool {
    horizon_of(batch) == horizon
        && settled(batch.attributes(), batch.is_control()) == batch.attributes()
}

/// What a run leaves of a batch.
#[derive(Default)]
struct Remains {
    count: u32,
    tombstones: bool,
}

fn what_stays(batch: &Batch, stays: impl Fn(&Record<'_>) -> bool) -> Result<Remains> {
    let mut remains = Remains::default();
    for record in batch.records()?.iter() {
        let record = record?;
        if stays(&record) {
            remains.count += 1;
            remains.tombstones |= record.value.is_none();
        }
    }
    Ok(remains)
}

/// When tombstones and markers of the batch may go, if an earlier run has said so.
fn horizon_of(batch: &Batch) -> Option<Timestamp> {
    batch.attributes().has(Attributes::DELETE_HORIZON).then(|| batch.base_timestamp())
}

/// The batch with the records that stay. Offsets, producer and sequence remain; the base time stamp
/// is the horizon if there is one, and the records' deltas are counted from it.
fn rebuilt(
    batch: &Batch,
    horizon: Option<Timestamp>,
    stays: impl Fn(&Record<'_>) -> bool,
) -> Result<AppendBatch> {
    let base_timestamp = horizon.unwrap_or(first_timestamp(batch)?);
    let mut payload = Vec::with_capacity(batch.size_bytes());
    let (mut count, mut max_timestamp) = (0, Timestamp(i64::MIN));
    for record in batch.records()?.iter() {
        let record = record?;
        if stays(&record) {
            put_again(&mut payload, &record, base_timestamp, batch.base_offset())?;
            max_timestamp = max_timestamp.max(record.timestamp);
            count += 1;
        }
    }
    let mut attributes = settled(batch.attributes(), batch.is_control());
    attributes = match horizon {
        Some(_) => attributes.with(Attributes::DELETE_HORIZON),
        None => attributes.without(Attributes::DELETE_HORIZON),
    };
    let header = BatchHeader {
        attributes,
        base_timestamp,
        max_timestamp,
        record_count: count,
        ..*batch.header()
    };
    let mut buffer = vec![0; HEADROOM];
    batch.codec()?.compress(&payload, &mut buffer);
    Ok(AppendBatch::new(header, buffer))
}

fn first_timestamp(batch: &Batch) -> Result<Timestamp> {
    match batch.records()?.iter().next() {
        Some(record) => Ok(record?.timestamp),
        None => Ok(batch.base_timestamp()),
    }
}

/// A marker stays what it is; data counts without one from now on.
fn settled(attributes: Attributes, is_control: bool) -> Attributes {
    if is_control { attributes } else { attributes.without(Attributes::TRANSACTIONAL) }
}

impl AppendBatch {
    /// A columnar batch, which compaction cannot look into, moved elsewhere.
    fn settled(batch: &Batch) -> Result<AppendBatch> {
        let mut moved = AppendBatch::from_encoded(batch.bytes())?;
        moved.header.attributes = settled(moved.header.attributes, false);
        Ok(moved)
    }
}

fn put_again(
    payload: &mut Vec<u8>,
    record: &Record<'_>,
    base_timestamp: Timestamp,
    base_offset: Offset,
) -> Result<()> {
    let headers: Vec<Header<'_>> = record.headers().collect::<Result<_>>()?;
    let timestamp_delta = record.timestamp.0.wrapping_sub(base_timestamp.0);
    put_record(
        payload,
        timestamp_delta,
        record.offset - base_offset,
        record.key,
        record.value,
        &headers,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;

    fn decide(
        settings: &[(&str, &str)],
        clean_to: i64,
        next_horizon: Option<i64>,
        stable: i64,
    ) -> Compaction {
        let segments: Vec<CleanableFacts> = (1..=4)
            .map(|i| CleanableFacts {
                end: Offset(10 * i),
                bytes: 100,
                max_timestamp: Timestamp(10 * i),
            })
            .collect();
        let mut config = TopicConfig::new();
        settings.iter().for_each(|(name, value)| config.set(name, value).unwrap());
        let state = CompactionState {
            clean_to: Offset(clean_to),
            next_horizon: next_horizon.map(Timestamp),
            stable: Offset(stable),
        };
        compaction(&segments, &state, config.values(), Timestamp(50))
    }

    #[test]
    fn a_run_waits_until_it_is_worth_it() {
        assert_eq!(decide(&[], 0, None, 40), Compaction::Run { segments: 4 });
        assert_eq!(decide(&[], 30, None, 40), Compaction::Wait);
        assert_eq!(
            decide(&[("min.cleanable.dirty.ratio", "0.25")], 30, None, 40),
            Compaction::Run { segments: 4 }
        );
        assert_eq!(
            decide(&[("max.compaction.lag.ms", "10")], 30, None, 40),
            Compaction::Run { segments: 4 }
        );
        assert_eq!(
            decide(&[("min.compaction.lag.ms", "25")], 0, None, 40),
            Compaction::Run { segments: 2 }
        );
        assert_eq!(decide(&[], 0, None, 35), Compaction::Run { segments: 3 });
        assert_eq!(decide(&[], 40, None, 40), Compaction::Wait);
        assert_eq!(decide(&[], 40, Some(50), 40), Compaction::Run { segments: 4 });
    }
}
