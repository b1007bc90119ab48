//! Writes the changes that leave a pipeline: to a topic, and to the materialised table.
//!
//! A stream's row becomes a record, a table's change an upsert or a tombstone, with the headers of
//! the record that it came from. The row taken back by an update is not written.
//!
//! Batches are encoded by themselves, on several threads where there are several, and then written
//! one after the other.

mod columns;
mod materialized;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use log_store::{Header, Topic, partition_for_key};

use super::coalesce::last_of_each;
use super::commit::Writer;
use super::expiry::Expiry;
use super::graph::{Emitted, Shards};
use crate::catalog::Source;
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::format::{Encoder, Format, Layout, encoder, headers_at};
use crate::function::datetime::TimePattern;
use crate::row_type::Windowing;
use crate::state::WriteBatch;

use materialized::KeptRows;
pub use materialized::Materialized;

/// Encodes rows of a stream or table as records.
pub struct Sink {
    key: Option<Arc<dyn Encoder>>,
    value: Option<Arc<dyn Encoder>>,
    keys: usize,
    columns: usize,
    window: Option<Windowing>,
    time: Option<(usize, Option<TimePattern>)>,
    makes_keys: bool,
    /// What a batch looks like where records are written as columns.
    layout: Option<Layout>,
}

/// A sink that writes to a topic.
pub struct TopicSink {
    sink: Sink,
    topic: Arc<Topic>,
    table: Option<Materialized>,
    expiry: Option<Expiry>,
    /// Whether of a table's changes only the last one per key and batch is written.
    coalesces: bool,
}

/// A batch as it is written.
pub struct Encoded {
    shards: Shards,
    changes: Changes,
    records: Records,
    /// The rows that are kept.
    kept: Option<KeptRows>,
}

/// Records of a batch.
enum Records {
    /// One by one.
    Single(Box<Single>),
    /// As columns for each partition.
    Columns(Vec<(usize, RecordBatch)>),
}

/// Records one by one; those without a time are left out.
struct Single {
    keys: Option<BinaryArray>,
    values: BinaryArray,
    times: Vec<Option<i64>>,
}

impl Sink {
    /// A sink for a stream or table whose columns are its keys, then its values, then the bounds
    /// of its window.
    pub fn new(source: &Source) -> Result<Self> {
        let (key, value) = (source.key_bytes_side(), source.value_side());
        let keys = key.columns.len();
        let columnar = value.format == Format::Arrow;
        let layout = columnar.then(|| Layout::new(&key, &value, source.window.is_some()));
        let writes_values = !columnar && !value.columns.is_empty();
        let time = source.timestamp.as_ref().map(|time| {
            let at = source.columns.iter().position(|column| column.name == time.column);
            let pattern = time.format.as_deref().map(TimePattern::compile);
            Ok::<_, crate::Error>((at.unwrap_or_default(), pattern.transpose()?))
        });
        Ok(Self {
            keys,
            columns: keys + value.columns.len(),
            key: if keys > 0 { Some(encoder(&key)?) } else { None },
            value: if writes_values { Some(encoder(&value)?) } else { None },
            window: source.window,
            time: time.transpose()?,
            makes_keys: false,
            layout,
        })
    }

    /// The key of each row; null where all its columns are, unless the query made it.
    pub fn keys(&self, rows: &[ArrayRef], len: usize) -> Result<Option<BinaryArray>> {
        let Some(key) = &self.key else { return Ok(None) };
        let keys = key.encode(&rows[..self.keys], len, Some(&self.keyed(rows, len)))?;
        match self.window {
            None => Ok(Some(keys)),
            Some(window) => Ok(Some(self.windowed(&keys, rows, window))),
        }
    }

    /// Which rows have a key.
    fn keyed(&self, rows: &[ArrayRef], len: usize) -> NullBuffer {
        let columns = &rows[..self.keys];
        if self.makes_keys || columns.iter().any(|column| column.null_count() == 0) {
            return NullBuffer::new_valid(len);
        }
        let some = |row: usize| columns.iter().any(|column| column.is_valid(row));
        (0..len).map(some).collect::<Vec<bool>>().into()
    }

    fn windowed(&self, keys: &BinaryArray, rows: &[ArrayRef], window: Windowing) -> BinaryArray {
        let starts = rows[self.columns].as_primitive::<Int64Type>();
        let ends = rows[self.columns + 1].as_primitive::<Int64Type>();
        let windowed = (0..keys.len()).map(|row| {
            let mut key = keys.is_valid(row).then(|| keys.value(row).to_vec())?;
            if window == Windowing::Session {
                key.extend(ends.value(row).to_be_bytes());
            }
            key.extend(starts.value(row).to_be_bytes());
            Some(key)
        });
        windowed.collect()
    }

    /// The value of each row; none where `present` says so.
    pub fn values(
        &self,
        rows: &[ArrayRef],
        len: usize,
        present: &NullBuffer,
    ) -> Result<BinaryArray> {
        match &self.value {
            Some(value) => value.encode(&rows[self.keys..self.columns], len, Some(present)),
            None => Ok(BinaryArray::new_null(len)),
        }
    }

    /// The records of a batch, one by one.
    fn records(&self, changes: &Changes) -> Result<Records> {
        let (rows, len) = (changes.rows.columns(), changes.len());
        let present: NullBuffer = changes.each_op().map(Op::adds).collect::<Vec<bool>>().into();
        let keys = self.keys(rows, len)?;
        let values = self.values(rows, len, &present)?;
        Ok(Records::Single(Box::new(Single { keys, values, times: self.times(rows, changes) })))
    }

    /// The time of each record; none where the column that holds it cannot be read.
    fn times(&self, rows: &[ArrayRef], changes: &Changes) -> Vec<Option<i64>> {
        let Some((at, pattern)) = &self.time else {
            return changes.times.values().iter().map(|time| Some(*time)).collect();
        };
        let times = (0..changes.len()).map(|row| match changes.op(row).adds() {
            true => {
                super::decode::time_at(&rows[*at], row, pattern.as_ref()).ok().filter(|t| *t >= 0)
            }
            false => Some(changes.times.value(row)),
        });
        times.collect()
    }
}

impl TopicSink {
    /// A sink into the topic of `source`; with a query number, the rows are kept too.
    pub fn new(source: &Source, topic: Arc<Topic>, materialized_by: Option<u32>) -> Result<Self> {
        let table = materialized_by.map(|number| Materialized::new(source, number)).transpose()?;
        Ok(Self { sink: Sink::new(source)?, topic, table, expiry: None, coalesces: false })
    }

    /// Whether it keeps the rows too.
    pub fn keeps_rows(&self) -> bool {
        self.table.is_some()
    }

    /// The same sink, whose kept rows are forgotten with their windows.
    #[must_use]
    pub fn expiring(mut self, expiry: Option<Expiry>) -> Self {
        self.expiry = expiry.filter(|_| self.table.is_some());
        self
    }

    /// Adds the removal of kept rows whose window is forgotten to the batch of a commit.
    pub fn expire(&mut self, batch: &mut WriteBatch) -> Result<()> {
        match (&self.table, &mut self.expiry) {
            (Some(table), Some(expiry)) => expiry.expire(&table.prefix(), batch),
            _ => Ok(()),
        }
    }

    /// The same sink for a query that makes keys; see [`crate::plan::Plan::makes_keys`].
    #[must_use]
    pub fn making_keys(mut self, makes_keys: bool) -> Self {
        self.sink.makes_keys = makes_keys;
        self
    }

    /// The same sink, which writes one change per key and batch if it is a table's.
    #[must_use]
    pub fn coalescing(mut self, coalesces: bool) -> Self {
        self.coalesces = coalesces;
        self
    }

    /// The offset after the last record of each partition.
    pub fn ends(&self) -> Vec<i64> {
        self.topic.partitions().iter().map(|partition| partition.high_watermark().0).collect()
    }

    /// What is to be written of a batch.
    pub fn encode(&self, emitted: Emitted) -> Result<Encoded> {
        let Emitted { shards, changes, .. } = self.coalesced(emitted)?;
        let records = match &self.sink.layout {
            Some(layout) => Records::Columns(self.columns(layout, &shards, &changes)?),
            None => self.sink.records(&changes)?,
        };
        let kept = self.table.as_ref().map(|table| table.encode(&changes)).transpose()?;
        Ok(Encoded { shards, changes, records, kept })
    }

    /// Writes a batch. Gives the number of records.
    pub fn write(
        &mut self,
        encoded: &Encoded,
        writer: &mut Writer<'_>,
        batch: &mut WriteBatch,
    ) -> Result<u64> {
        if let (Some(table), Some(kept)) = (&self.table, &encoded.kept) {
            kept.write(&encoded.changes, batch);
            if let Some(expiry) = &mut self.expiry {
                table.note_windows(encoded, kept, expiry, batch)?;
            }
        }
        let partitions = self.topic.partitions();
        match &encoded.records {
            Records::Single(records) => self.write_single(encoded, records, writer),
            Records::Columns(columns) => {
                let mut written = 0;
                for (partition, rows) in columns {
                    written += rows.num_rows() as u64;
                    writer.push_columns(&partitions[*partition], rows.clone())?;
                }
                Ok(written)
            }
        }
    }

    fn write_single(
        &self,
        Encoded { shards, changes, .. }: &Encoded,
        Single { keys, values, times }: &Single,
        writer: &mut Writer<'_>,
    ) -> Result<u64> {
        let partitions = self.topic.partitions();
        let places: Vec<_> = partitions.iter().map(|partition| writer.place(partition)).collect();
        let mut written = 0;
        for row in (0..changes.len()).filter(|row| changes.op(*row) != Op::UpdateBefore) {
            let Some(time) = times[row] else { continue };
            let key = keys.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row));
            let partition = match key {
                Some(key) => partition_for_key(key, partitions.len() as u32) as usize,
                None => shards.of(row) % partitions.len(),
            };
            let value = values.is_valid(row).then(|| values.value(row));
            let headers = match &changes.headers {
                Some(headers) => headers_at(headers, row),
                _ => Vec::new(),
            };
            let headers: Vec<Header<'_>> = headers
                .iter()
                .map(|(key, value)| Header { key, value: value.as_deref() })
                .collect();
            writer.push(places[partition], key, value, time, &headers)?;
            written += 1;
        }
        Ok(written)
    }

    fn coalesced(&self, emitted: Emitted) -> Result<Emitted> {
        match self.table.as_ref().filter(|_| self.coalesces) {
            Some(table) => {
                let keys = table.keys(&emitted.changes)?;
                let last = last_of_each(&emitted.changes, &keys);
                emitted.filter(&last)
            }
            None => Ok(emitted),
        }
    }
}
