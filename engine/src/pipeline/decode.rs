//! From records to rows: formats, windows of keys, event time, headers, pseudo columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Int32Array, Int64Array, ListBuilder,
    StringBuilder, StructBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Fields, Int64Type, SchemaRef, TimestampMillisecondType};
use log_store::PartitionId;
use sql::ast::SourceKind;

use crate::catalog::{Role, Source, TimestampColumn, headers_type};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::format::{Decoder, decoder};
use crate::function::datetime::{TimePattern, Zone};
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
    timestamp: Option<(usize, Option<TimePattern>)>,
    has_key: bool,
    strict_time: bool,
}

/// The windows of keys: start and end of each row.
type Bounds = (Vec<i64>, Vec<i64>);

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
        let key = SideDecoder::new(&source.key_side(), &roles, &Role::Key, &wanted)?;
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
            timestamp,
            strict_time,
        })
    }

    /// Decodes a batch of one partition.
    pub fn decode(
        &self,
        records: &[RawRecord<'_>],
        partition: PartitionId,
    ) -> Result<DecodedRecords> {
        let mut errors = Vec::new();
        let mut good = vec![true; records.len()];
        let mut reject = |row: usize, message: String| {
            if std::mem::replace(&mut good[row], false) {
                let offset = records[row].offset;
                errors.push(LogEntry::of_record(&self.topic, partition.0, offset, message));
            }
        };
        let (keys, bounds) = self.split_keys(records, &mut reject);
        let (key_columns, _) = self.key.decode(&keys, &mut reject);
        let mut values: Vec<Option<&[u8]>> = records.iter().map(|record| record.value).collect();
        let (value_columns, absent) = self.value.decode(&values, &mut reject);
        // A value that is written as a null is a record without a value.
        absent.into_iter().for_each(|row| values[row] = None);
        let mut columns = self.columns(records, &key_columns, &value_columns)?;
        let times = self.times(records, &values, &columns, &mut reject)?;
        columns.extend(self.pseudo_columns(records, bounds, &times, partition));
        if self.kind == SourceKind::Table && self.has_key {
            // A row without a key cannot be kept.
            (0..records.len()).filter(|row| keys[*row].is_none()).for_each(|row| good[row] = false);
        }
        if let (true, Some(entry)) = (self.strict_time, errors.iter().find(|e| e.is_time)) {
            return Err(crate::error::invalid(crate::Code::InvalidValue, entry.message.clone()));
        }
        let ops = values.iter().map(|v| if v.is_none() { Op::Tombstone } else { Op::Insert });
        let rows = batch_of(&self.schema, columns, records.len())?;
        let mut changes = Changes::new(rows, ops.collect(), times);
        changes.headers = headers(records, |record| !record.headers.is_empty());
        let offsets = records.iter().map(|record| record.offset);
        if good.iter().all(|good| *good) {
            return Ok(DecodedRecords { changes, offsets: offsets.collect(), errors });
        }
        let offsets = offsets.zip(&good).filter(|(_, good)| **good).map(|(offset, _)| offset);
        let offsets = offsets.collect();
        Ok(DecodedRecords { changes: changes.filter(&BooleanArray::from(good))?, offsets, errors })
    }

    /// The keys without their windows.
    fn split_keys<'r>(
        &self,
        records: &[RawRecord<'r>],
        reject: &mut impl FnMut(usize, String),
    ) -> (Vec<Option<&'r [u8]>>, Bounds) {
        let Some(window) = self.window else {
            return (records.iter().map(|record| record.key).collect(), (Vec::new(), Vec::new()));
        };
        let mut keys = Vec::with_capacity(records.len());
        let mut bounds = (Vec::new(), Vec::new());
        for (row, record) in records.iter().enumerate() {
            let (key, start, end) = match record.key.map(|key| split_window(key, window)) {
                Some(Some((key, start, end))) => (Some(key), start, end),
                Some(None) => {
                    reject(row, "key: expected a windowed key, found too few bytes".to_owned());
                    (None, 0, 0)
                }
                None => (None, 0, 0),
            };
            keys.push(key);
            bounds.0.push(start);
            bounds.1.push(end);
        }
        (keys, bounds)
    }

    /// The declared columns.
    fn columns(
        &self,
        records: &[RawRecord<'_>],
        keys: &[ArrayRef],
        values: &[ArrayRef],
    ) -> Result<Vec<ArrayRef>> {
        let all_headers = || {
            let headers = headers(records, |_| true);
            headers.unwrap_or_else(|| new_null_array(&headers_type(), records.len()))
        };
        let columns = self.roles.iter().enumerate().map(|(at, role)| {
            if !self.wanted[at] {
                return new_null_array(&self.rows.columns[at].data_type, records.len());
            }
            match role {
                Role::Key => Arc::clone(&keys[self.key.places[at]]),
                Role::Value => Arc::clone(&values[self.value.places[at]]),
                Role::Headers => all_headers(),
                Role::Header(name) => header(records, name),
            }
        });
        Ok(columns.collect())
    }

    /// The window's bounds, ROWTIME, ROWPARTITION and ROWOFFSET.
    fn pseudo_columns(
        &self,
        records: &[RawRecord<'_>],
        bounds: Bounds,
        times: &Int64Array,
        partition: PartitionId,
    ) -> Vec<ArrayRef> {
        let mut bounds = [Some(bounds.0), Some(bounds.1)].into_iter();
        let columns = self.rows.columns[self.roles.len()..].iter().map(|column| -> ArrayRef {
            match column.name.as_str() {
                pseudo::ROWTIME => Arc::new(times.clone()),
                pseudo::ROWPARTITION => {
                    let partition = i32::try_from(partition.0).unwrap_or(i32::MAX);
                    Arc::new(Int32Array::from_value(partition, records.len()))
                }
                pseudo::ROWOFFSET => {
                    Arc::new(Int64Array::from_iter_values(records.iter().map(|r| r.offset)))
                }
                _ => Arc::new(Int64Array::from(bounds.next().flatten().unwrap_or_default())),
            }
        });
        columns.collect()
    }

    /// Event times: of the record, or of the column that holds them.
    fn times(
        &self,
        records: &[RawRecord<'_>],
        values: &[Option<&[u8]>],
        columns: &[ArrayRef],
        reject: &mut impl FnMut(usize, String),
    ) -> Result<Int64Array> {
        let mut times: Vec<i64> = records.iter().map(|record| record.timestamp).collect();
        if let Some((at, pattern)) = &self.timestamp {
            let column = &columns[*at];
            let name = &self.rows.columns[*at].name;
            for (row, time) in times.iter_mut().enumerate() {
                if values[row].is_none() {
                    continue;
                }
                match time_at(column, row, pattern.as_ref()) {
                    Ok(read) => *time = read,
                    Err(found) => {
                        reject(row, format!("{TIME_ERROR}{name}: expected a time, found {found}"))
                    }
                }
            }
        }
        for (row, time) in times.iter().enumerate().filter(|(_, time)| **time < 0) {
            reject(row, format!("{TIME_ERROR}expected a time since 1970, found {time} ms"));
        }
        Ok(times.into())
    }
}

/// How messages about event times begin.
pub const TIME_ERROR: &str = "event time: ";

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
        reject: &mut impl FnMut(usize, String),
    ) -> (Vec<ArrayRef>, Vec<usize>) {
        let Some(decoder) = &self.decoder else { return Default::default() };
        let decoded = decoder.decode(payloads);
        decoded.bad.into_iter().for_each(|bad| reject(bad.row, bad.message));
        (decoded.columns, decoded.absent)
    }
}

fn time_column(source: &Source, time: &TimestampColumn) -> Result<(usize, Option<TimePattern>)> {
    let at = source.columns.iter().position(|column| column.name == time.column);
    let at = at.ok_or_else(|| Error::Internal(format!("no TIMESTAMP column {}", time.column)))?;
    let pattern = time.format.as_deref().map(TimePattern::compile).transpose()?;
    Ok((at, pattern))
}

/// The time in a row of a TIMESTAMP column, or what was found instead.
pub(super) fn time_at(
    column: &ArrayRef,
    row: usize,
    pattern: Option<&TimePattern>,
) -> Result<i64, String> {
    if column.is_null(row) {
        return Err("NULL".to_owned());
    }
    match (column.data_type(), pattern) {
        (DataType::Int64, _) => Ok(column.as_primitive::<Int64Type>().value(row)),
        (DataType::Timestamp(..), _) => {
            Ok(column.as_primitive::<TimestampMillisecondType>().value(row))
        }
        (DataType::Utf8, Some(pattern)) => {
            let text = column.as_string::<i32>().value(row);
            pattern.parse_timestamp(text, &Zone::UTC).map_err(|error| format!("'{text}' ({error})"))
        }
        (other, _) => Err(other.to_string()),
    }
}

/// A windowed key: the key's bytes, then the window's start, or for a session its end and start.
fn split_window(key: &[u8], window: Windowing) -> Option<(&[u8], i64, i64)> {
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

/// The last header of a name, per record.
fn header(records: &[RawRecord<'_>], name: &str) -> ArrayRef {
    let mut column = BinaryBuilder::new();
    for record in records {
        let last = record.headers.iter().rev().find(|(key, _)| *key == name);
        column.append_option(last.and_then(|(_, value)| *value));
    }
    Arc::new(column.finish())
}

/// All headers of each record, if any record is one that `counts`.
fn headers(records: &[RawRecord<'_>], counts: impl Fn(&RawRecord<'_>) -> bool) -> Option<ArrayRef> {
    if !records.iter().any(counts) {
        return None;
    }
    let DataType::List(item) = headers_type() else { return None };
    let fields: Fields = match item.data_type() {
        DataType::Struct(fields) => fields.clone(),
        _ => return None,
    };
    let keys = Box::new(StringBuilder::new()) as Box<dyn arrow::array::ArrayBuilder>;
    let entries = StructBuilder::new(fields, vec![keys, Box::new(BinaryBuilder::new())]);
    let mut lists = ListBuilder::new(entries).with_field(item);
    for record in records {
        for (key, value) in &record.headers {
            let entries = lists.values();
            entries.field_builder::<StringBuilder>(0)?.append_value(key);
            entries.field_builder::<BinaryBuilder>(1)?.append_option(*value);
            entries.append(true);
        }
        lists.append(true);
    }
    Some(Arc::new(lists.finish()))
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
