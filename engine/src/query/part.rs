//! Reading one part of a stream or table: a stretch of a partition, or ranges of a table's keys.
//!
//! Only the columns that the query needs are decoded from a log; the others are null. The rows of
//! a table are decoded whole.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use log_store::{Isolation, Offset, Partition};

use super::key_range::{KeyRange, single};
use crate::catalog::{Role, Source};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::pipeline::{Materialized, RecordDecoder};
use crate::row_type::{RowType, pseudo};
use crate::state::{Entry, Family, View, batch_of};

/// Rows that are read from a table's state at once.
const ROWS: usize = 4096;

/// Bytes that are read from a partition at once.
const BYTES: usize = 4 << 20;

/// One part of a relation that is read on its own.
#[derive(Clone)]
pub enum Part {
    /// Records of a partition.
    Log {
        /// The partition.
        partition: Arc<Partition>,
        /// The first offset.
        start: Offset,
        /// The offset after the last.
        end: Offset,
        /// Batches whose records are all older than this have no row that is wanted.
        since: i64,
    },
    /// Rows of a table's state.
    State {
        /// The fixed point that they are read at.
        view: Arc<dyn View>,
        /// The number of the query that keeps the table.
        number: u32,
        /// Where their keys are.
        ranges: Vec<KeyRange>,
    },
}

/// Reads one part.
pub struct PartScan {
    part: Part,
    source: Source,
    rows: RowType,
    schema: SchemaRef,
    wanted: Vec<usize>,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

impl std::fmt::Debug for PartScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartScan").field("source", &self.source.name).finish_non_exhaustive()
    }
}

impl PartitionStream for PartScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let failed = |error| -> Batches { Box::new(std::iter::once(Err(error))) };
        let batches = futures::stream::iter(self.batches().unwrap_or_else(failed));
        let batches = batches.map(|batch| batch.map_err(Into::into));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

impl PartScan {
    /// A reader of the wanted columns of a part of `source`, whose rows have this shape.
    pub fn new(part: Part, source: &Source, rows: &RowType, wanted: Vec<usize>) -> Self {
        let schema = rows.schema();
        Self { part, source: source.clone(), rows: rows.clone(), schema, wanted }
    }

    fn batches(&self) -> Result<Batches> {
        match &self.part {
            Part::Log { partition, start, end, since } => {
                let mut wanted = vec![false; self.rows.columns.len()];
                self.wanted.iter().for_each(|at| wanted[*at] = true);
                Ok(Box::new(LogReader {
                    partition: Arc::clone(partition),
                    decoder: RecordDecoder::new(&self.source, &self.rows, &wanted, false)?,
                    next: *start,
                    end: *end,
                    since: *since,
                    ready: VecDeque::new(),
                }))
            }
            Part::State { view, number, ranges } => Ok(Box::new(StateReader {
                view: Arc::clone(view),
                table: Materialized::new(&self.source, *number)?,
                source: self.source.clone(),
                rows: self.rows.clone(),
                schema: Arc::clone(&self.schema),
                ranges: ranges.iter().cloned().collect(),
            })),
        }
    }
}

struct LogReader {
    partition: Arc<Partition>,
    decoder: RecordDecoder,
    next: Offset,
    end: Offset,
    since: i64,
    /// What was read and not taken yet.
    ready: VecDeque<RecordBatch>,
}

impl Iterator for LogReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && self.next < self.end {
            let read = self.read();
            if let Err(error) = read {
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl LogReader {
    /// Reads on; there is something ready afterwards, if only a batch without rows.
    fn read(&mut self) -> Result<()> {
        let from = self.next;
        let fetched = self.partition.read(from, BYTES, Isolation::ReadCommitted)?;
        if fetched.next_offset <= from {
            return Err(Error::Internal("reading does not move".into()));
        }
        self.next = fetched.next_offset;
        let recent = fetched.batches.into_iter().filter(|b| b.max_timestamp().0 >= self.since);
        let partition = self.partition.topic_partition().partition;
        let range = from..self.end;
        let decoded =
            self.decoder.decode_fetched(&recent.collect::<Vec<_>>(), &range, partition)?;
        for decoded in decoded {
            self.ready.push_back(rows(&decoded.changes)?);
        }
        Ok(())
    }
}

/// The rows of records with a value.
fn rows(changes: &Changes) -> Result<RecordBatch> {
    if changes.ops.is_none() {
        return Ok(changes.rows.clone());
    }
    let valued: Vec<bool> = changes.each_op().map(|op| op != Op::Tombstone).collect();
    Ok(changes.filter(&BooleanArray::from(valued))?.rows)
}

struct StateReader {
    view: Arc<dyn View>,
    table: Materialized,
    source: Source,
    rows: RowType,
    schema: SchemaRef,
    /// What is left to read.
    ranges: VecDeque<KeyRange>,
}

impl Iterator for StateReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.entries() {
            Ok(entries) if entries.is_empty() => None,
            Ok(entries) => Some(self.decode(&entries)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl StateReader {
    /// The next entries, as many as make a batch.
    fn entries(&mut self) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        while entries.len() < ROWS
            && let Some(range) = self.ranges.pop_front()
        {
            if let Some(key) = single(&range) {
                let value = self.view.get(Family::Table, key)?;
                entries.extend(value.map(|value| (key.into(), value.into())));
                continue;
            }
            let room = ROWS - entries.len();
            let found = self.view.scan(Family::Table, &range.start..&range.end, room)?;
            if let (true, Some((last, _))) = (found.len() == room, found.last()) {
                self.ranges.push_front([&last[..], &[0]].concat()..range.end);
            }
            entries.extend(found);
        }
        Ok(entries)
    }

    /// Rows out of entries: keys, values, the window's bounds, the time.
    fn decode(&self, entries: &[Entry]) -> Result<RecordBatch> {
        let prefix = self.table.prefix().len();
        let keys = self.table.key_codec().decode(entries.iter().map(|(key, _)| &key[prefix..]))?;
        let values = self.table.value_codec().decode(entries.iter().map(|(_, value)| &**value))?;
        let (mut of_key, mut of_value) = (keys.iter(), values.iter());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.rows.columns.len());
        for (at, column) in self.rows.columns.iter().enumerate() {
            let role = self.source.columns.get(at).map(|column| &column.role);
            let stored = match (role, column.name.as_str()) {
                (Some(Role::Key), _) => of_key.next(),
                (Some(Role::Value), _) => of_value.next(),
                (None, name) if pseudo::is_window_bound(name) => of_key.next(),
                (None, pseudo::ROWTIME) => values.last(),
                // A table keeps no headers.
                _ => None,
            };
            columns.push(match stored {
                Some(stored) => Arc::clone(stored),
                None => new_null_array(&column.data_type, entries.len()),
            });
        }
        batch_of(&self.schema, columns, entries.len())
    }
}
