//! From records to rows: formats, windows of keys, event time, headers, pseudo columns.
//!
//! Records come one after the other ([`RecordDecoder::decode`]) or as columns (`columns`). Either
//! becomes [`Recorded`], and what is made of that is the same for both.

mod columns;
mod fetched;
mod headers;
mod time;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use log_store::PartitionId;
use sql::ast::SourceKind;

pub use self::fetched::{PIECE_BYTES, pieces};
use self::headers::{header, headers, no_headers};
use self::time::time_column;
pub use self::time::{TIME_ERROR, time_at};
use crate::catalog::{Role, Source};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::format::{Decoder, Format, decoder};
use crate::function::datetime::TimePattern;
use crate::processing_log::LogEntry;
use crate::row_type::{RowType, Windowing, pseudo};
use crate::state::batch_of;

/// A record as it is read.
#[derive(Debug, Clone, Default)]
pub struct RawRecord<'a> {
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value.
    pub value: Option<&'a [u8]>,
    /// Time stamp, milliseconds.
    pub timestamp: i64,
    /// Offset in its partition.
    pub offset: i64,
    /// Headers in order.
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// Rows out of a batch of records.
pub struct DecodedRecords {
    /// The rows.
    pub changes: Changes,
    /// The offset of each row's record.
    pub offsets: Vec<i64>,
    /// Records that gave no row.
    pub errors: Vec<LogEntry>,
    /// How many records there were.
    pub records: u64,
    /// The offset after the last of them.
    pub end: i64,
}

/// One side of the records of a source.
struct SideDecoder {
    decoder: Option<Arc<dyn Decoder>>,
    /// For each column of the output whether and where the decoder gives it.
    places: Vec<usize>,
}

/// Decodes the records of a stream or table.
pub struct RecordDecoder {
    topic: String,
    kind: SourceKind,
    rows: RowType,
    schema: SchemaRef,
    roles: Vec<Role>,
    key: SideDecoder,
    value: SideDecoder,
    wanted: Vec<bool>,
    window: Option<Windowing>,
    value_format: Format,
    timestamp: Option<(usize, Option<TimePattern>)>,
    has_key: bool,
    strict_time: bool,
}

/// The windows of keys: start and end of each row.
type Bounds = [ArrayRef; 2];

/// What a batch of records holds, whatever it lay in the log as.
struct Recorded {
    /// The declared columns.
    columns: Vec<ArrayRef>,
    /// The windows of keys, where keys have one.
    bounds: Option<Bounds>,
    /// Which records have a key, where it matters.
    keyed: Option<Vec<bool>>,
    /// Which records have a value; `None` where all have one.
    valued: Option<Vec<bool>>,
    /// Their time stamps.
    times: Int64Array,
    /// Their offsets.
    offsets: Vec<i64>,
    /// Their headers, if any has some.
    headers: Option<ArrayRef>,
}

/// Which records of a batch are read, and what is wrong with the others.
struct Faults {
    good: Vec<bool>,
    found: Vec<(usize, String)>,
}

impl Faults {
    fn new(records: usize) -> Self {
        Self { good: vec![true; records], found: Vec::new() }
    }

    fn reject(&mut self, row: usize, message: String) {
        if std::mem::replace(&mut self.good[row], false) {
            self.found.push((row, message));
        }
    }
}

impl RecordDecoder {
    /// A decoder of the wanted columns of `source`, whose rows have this shape.
    pub fn new(
        source: &Source,
        rows: &RowType,
        wanted: &[bool],
        strict_time: bool,
    ) -> Result<Self> {
        let mut wanted = wanted.to_vec();
        let timestamp = source.timestamp.as_ref().map(|t| time_column(source, t)).transpose()?;
        if let Some((column, _)) = &timestamp {
            wanted[*column] = true;
        }
        let roles: Vec<Role> = source.columns.iter().map(|column| column.role.clone()).collect();
        let key = SideDecoder::new(&source.key_bytes_side(), &roles, &Role::Key, &wanted)?;
        let value = SideDecoder::new(&source.value_side(), &roles, &Role::Value, &wanted)?;
        Ok(Self {
            topic: source.topic.clone(),
            kind: source.kind,
            schema: rows.schema(),
            rows: rows.clone(),
            has_key: roles.contains(&Role::Key),
            roles,
            key,
            value,
            wanted,
            window: source.window,
            value_format: source.value_format.clone(),
            timestamp,
            strict_time,
        })
    }

    /// Decodes records of one partition.
    pub fn decode(
        &self,
        records: &[RawRecord<'_>],
        partition: PartitionId,
    ) -> Result<DecodedRecords> {
        let mut faults = Faults::new(records.len());
        let (keys, bounds) = self.split_keys(records, &mut faults);
        let (key_columns, _) = self.key.decode(&keys, &mut faults);
        let values: Vec<Option<&[u8]>> = records.iter().map(|record| record.value).collect();
        let (value_columns, absent) = self.value.decode(&values, &mut faults);
        let mut valued: Vec<bool> = values.iter().map(Option::is_some).collect();
        // A value that is written as a null is a record without a value.
        absent.into_iter().for_each(|row| valued[row] = false);
        let headers = headers(records);
        let sides = (key_columns.as_slice(), value_columns.as_slice());
        let recorded = Recorded {
            columns: self.columns(records.len(), sides, headers.as_ref()),
            bounds,
            keyed: Some(keys.iter().map(Option::is_some).collect()),
            valued: Some(valued),
            times: records.iter().map(|record| record.timestamp).collect::<Vec<_>>().into(),
            offsets: records.iter().map(|record| record.offset).collect(),
            headers,
        };
        self.rows(recorded, faults, partition)
    }

    /// The rows of a batch without those that are not read.
    fn rows(
        &self,
        recorded: Recorded,
        mut faults: Faults,
        partition: PartitionId,
    ) -> Result<DecodedRecords> {
        let times = self.times(&recorded, &mut faults);
        let mut columns = recorded.columns;
        let offsets = recorded.offsets;
        columns.extend(self.pseudo_columns(&offsets, recorded.bounds, &times, partition));
        if let (SourceKind::Table, true, Some(keyed)) = (self.kind, self.has_key, &recorded.keyed) {
            // A row without a key cannot be kept.
            faults.good.iter_mut().zip(keyed).for_each(|(good, keyed)| *good &= keyed);
        }
        let entry = |(row, message): (usize, String)| {
            LogEntry::of_record(&self.topic, partition.0, offsets[row], message)
        };
        let errors: Vec<LogEntry> = faults.found.into_iter().map(entry).collect();
        if let (true, Some(entry)) = (self.strict_time, errors.iter().find(|e| e.is_time)) {
            return Err(crate::error::invalid(crate::Code::InvalidValue, entry.message.clone()));
        }
        let (records, end) = (offsets.len() as u64, offsets.last().map_or(0, |last| last + 1));
        let rows = batch_of(&self.schema, columns, offsets.len())?;
        let changes =
            Changes { headers: recorded.headers, ..changes(rows, recorded.valued, times) };
        if faults.good.iter().all(|good| *good) {
            return Ok(DecodedRecords { changes, offsets, errors, records, end });
        }
        let kept = offsets.iter().zip(&faults.good).filter(|(_, good)| **good);
        let offsets = kept.map(|(offset, _)| *offset).collect();
        let changes = changes.filter(&BooleanArray::from(faults.good))?;
        Ok(DecodedRecords { changes, offsets, errors, records, end })
    }

    /// The keys without their windows.
    fn split_keys<'r>(
        &self,
        records: &[RawRecord<'r>],
        faults: &mut Faults,
    ) -> (Vec<Option<&'r [u8]>>, Option<Bounds>) {
        let Some(window) = self.window else {
            return (records.iter().map(|record| record.key).collect(), None);
        };
        let mut keys = Vec::with_capacity(records.len());
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for (row, record) in records.iter().enumerate() {
            let (key, start, end) = match record.key.map(|key| split_window(key, window)) {
                Some(Some((key, start, end))) => (Some(key), start, end),
                Some(None) => {
                    faults.reject(row, "key: expected a windowed key, found too few bytes".into());
                    (None, 0, 0)
                }
                None => (None, 0, 0),
            };
            keys.push(key);
            starts.push(start);
            ends.push(end);
        }
        (keys, Some([starts, ends].map(|bounds| Arc::new(Int64Array::from(bounds)) as ArrayRef)))
    }

    /// The declared columns: those that are wanted of key, value and headers; the others are null.
    fn columns(
        &self,
        records: usize,
        (keys, values): (&[ArrayRef], &[ArrayRef]),
        headers: Option<&ArrayRef>,
    ) -> Vec<ArrayRef> {
        let columns = self.roles.iter().enumerate().map(|(at, role)| {
            if !self.wanted[at] {
                return new_null_array(&self.rows.columns[at].data_type, records);
            }
            match role {
                Role::Key => Arc::clone(&keys[self.key.places[at]]),
                Role::Value => Arc::clone(&values[self.value.places[at]]),
                Role::Headers | Role::Header(_) => self.header_column(at, headers, records),
            }
        });
        columns.collect()
    }

    /// A column that is filled from headers.
    fn header_column(&self, at: usize, headers: Option<&ArrayRef>, records: usize) -> ArrayRef {
        match &self.roles[at] {
            Role::Header(name) => header(headers, name, records),
            _ => headers.map_or_else(|| no_headers(records), Arc::clone),
        }
    }

    /// The window's bounds, ROWTIME, ROWPARTITION and ROWOFFSET.
    fn pseudo_columns(
        &self,
        offsets: &[i64],
        bounds: Option<Bounds>,
        times: &Int64Array,
        partition: PartitionId,
    ) -> Vec<ArrayRef> {
        let mut bounds = bounds.into_iter().flatten();
        let columns = self.rows.columns[self.roles.len()..].iter().map(|column| -> ArrayRef {
            match column.name.as_str() {
                pseudo::ROWTIME => Arc::new(times.clone()),
                pseudo::ROWPARTITION => {
                    let partition = i32::try_from(partition.0).unwrap_or(i32::MAX);
                    Arc::new(Int32Array::from_value(partition, offsets.len()))
                }
                pseudo::ROWOFFSET => {
                    Arc::new(Int64Array::from_iter_values(offsets.iter().copied()))
                }
                _ => bounds
                    .next()
                    .unwrap_or_else(|| new_null_array(&column.data_type, offsets.len())),
            }
        });
        columns.collect()
    }
}

/// Rows that are there, or tombstones.
fn changes(rows: RecordBatch, valued: Option<Vec<bool>>, times: Int64Array) -> Changes {
    let op = |valued: bool| if valued { Op::Insert } else { Op::Tombstone };
    match valued {
        None => Changes::inserts(rows, times),
        Some(valued) => Changes::new(rows, valued.into_iter().map(op).collect(), times),
    }
}

impl SideDecoder {
    fn new(
        side: &crate::format::Side,
        roles: &[Role],
        role: &Role,
        wanted: &[bool],
    ) -> Result<Self> {
        let mut places = vec![usize::MAX; roles.len()];
        let mut picked = Vec::new();
        let own = (0..roles.len()).filter(|at| roles[*at] == *role);
        for (index, at) in own.enumerate() {
            if wanted[at] {
                places[at] = picked.len();
                picked.push(index);
            }
        }
        let decoder = match side.columns.is_empty() {
            true => None,
            false => Some(decoder(side, &picked)?),
        };
        Ok(Self { decoder, places })
    }

    fn decode(
        &self,
        payloads: &[Option<&[u8]>],
        faults: &mut Faults,
    ) -> (Vec<ArrayRef>, Vec<usize>) {
        let Some(decoder) = &self.decoder else { return Default::default() };
        let decoded = decoder.decode(payloads);
        decoded.bad.into_iter().for_each(|bad| faults.reject(bad.row, bad.message));
        (decoded.columns, decoded.absent)
    }
}

/// A windowed key: the key's bytes, then the window's start, or for a session its end and start.
pub(crate) fn split_window(key: &[u8], window: Windowing) -> Option<(&[u8], i64, i64)> {
    let (rest, start) = key.split_last_chunk::<8>()?;
    let start = i64::from_be_bytes(*start);
    match window {
        Windowing::Session => {
            let (rest, end) = rest.split_last_chunk::<8>()?;
            Some((rest, start, i64::from_be_bytes(*end)))
        }
        Windowing::Tumbling { size_ms } | Windowing::Hopping { size_ms } => {
            Some((rest, start, start.saturating_add(size_ms)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windowed_keys_end_in_their_window() {
        let mut key = b"k".to_vec();
        key.extend(20i64.to_be_bytes());
        key.extend(10i64.to_be_bytes());
        assert_eq!(split_window(&key, Windowing::Session), Some((&b"k"[..], 10, 20)));
        let tumbling = Windowing::Tumbling { size_ms: 5 };
        assert_eq!(split_window(&key[..9], tumbling), Some((&b"k"[..], 20, 25)));
        assert_eq!(split_window(b"short", tumbling), None);
    }
}
