//! Reading one part of a stream or table: a stretch of a partition, or ranges of a table's keys.
//!
//! Only the columns that the query needs are decoded from a log; the others are null.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use log_store::{Isolation, Offset, Partition};

use super::key_range::KeyRange;
use super::stored_rows::{StateReader, StoredRows};
use crate::catalog::Source;
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::pipeline::RecordDecoder;
use crate::row_type::RowType;
use crate::state::View;

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
            Part::State { view, number, ranges } => {
                let rows = StoredRows::new(&self.source, *number, &self.rows)?;
                Ok(Box::new(StateReader::new(Arc::clone(view), Arc::new(rows), ranges.clone())))
            }
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
