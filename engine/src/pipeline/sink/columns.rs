//! Writing records as columns: whole batches, one for each partition.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{nullif, take_record_batch};
use arrow::record_batch::RecordBatch;
use log_store::partition_for_key;

use super::super::graph::Shards;
use super::{Sink, TopicSink};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::format::{Layout, RecordColumns};

impl TopicSink {
    /// The columns of a batch for each partition that gets some.
    pub(super) fn columns(
        &self,
        layout: &Layout,
        shards: &Shards,
        changes: &Changes,
    ) -> Result<Vec<(usize, RecordBatch)>> {
        let times = self.sink.times(changes.rows.columns(), changes);
        let records = self.sink.record_columns(layout, changes, &times)?;
        let places = self.places(shards, changes, &times)?.into_iter().enumerate();
        let parts = places.filter(|(_, rows)| !rows.is_empty()).map(|(partition, rows)| {
            match rows.len() == records.num_rows() {
                true => Ok((partition, records.clone())),
                false => Ok((partition, take_record_batch(&records, &UInt32Array::from(rows))?)),
            }
        });
        parts.collect()
    }

    /// The rows that go to each partition, in their order.
    fn places(
        &self,
        shards: &Shards,
        changes: &Changes,
        times: &[Option<i64>],
    ) -> Result<Vec<Vec<u32>>> {
        let count = self.topic.partitions().len();
        let keys = match count {
            1 => None,
            _ => self.sink.keys(changes.rows.columns(), changes.len())?,
        };
        let mut places = vec![Vec::new(); count];
        for (row, time) in times.iter().enumerate() {
            if time.is_none() || changes.op(row) == Op::UpdateBefore {
                continue;
            }
            let key = keys.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row));
            let partition = match key {
                Some(key) => partition_for_key(key, count as u32) as usize,
                None => shards.of(row) % count,
            };
            places[partition].push(row as u32);
        }
        Ok(places)
    }
}

impl Sink {
    /// The columns of all rows, also of those that are not written.
    fn record_columns(
        &self,
        layout: &Layout,
        changes: &Changes,
        times: &[Option<i64>],
    ) -> Result<RecordBatch> {
        let rows = changes.rows.columns();
        let keyed = self.keyed(rows, changes.len());
        let tombstones = self.tombstones(changes);
        let values = rows[self.keys..self.columns].iter().map(|column| match &tombstones {
            Some(tombstones) => Ok(nullif(column, tombstones)?),
            None => Ok(Arc::clone(column)),
        });
        let times = times.iter().map(|time| time.unwrap_or_default());
        layout.batch(RecordColumns {
            times: Int64Array::from_iter_values(times),
            keys: &rows[..self.keys],
            keyless: (self.keys > 0).then(|| unmarked(&keyed)),
            window: &rows[self.columns..self.columns + self.window.map_or(0, |_| 2)],
            values: values.collect::<Result<Vec<ArrayRef>>>()?,
            tombstones,
            headers: changes.headers.clone(),
        })
    }

    /// The rows without a value: all, where there are no columns for one.
    fn tombstones(&self, changes: &Changes) -> Option<BooleanArray> {
        if self.columns == self.keys {
            return Some(BooleanArray::from(vec![true; changes.len()]));
        }
        let ops = changes.ops.as_ref()?;
        Some(ops.iter().map(|op| !op.adds()).collect::<Vec<bool>>().into())
    }
}

/// A mark for each row that is null.
fn unmarked(valid: &NullBuffer) -> BooleanArray {
    BooleanArray::new(!valid.inner(), None)
}
