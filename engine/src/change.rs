//! Changes: what flows between operators.
//!
//! A batch of [`Changes`] is a set of Arrow columns, and for each row an [`Op`], the event time
//! and, for streams whose records carry some, the headers. A stream carries facts: `+`, and
//! [`Op::Tombstone`] for a record without a value. A table carries keyed changes; an update is
//! the adjacent pair `U-`, `U+`, so that whoever keeps state can take the old row back.
//!
//! Where the inputs of a query are read in the order of their times, rows of several partitions
//! alternate, often one by one. They still travel as large batches, one for each partition, and each
//! row has its **turn**, its number in that order; whoever needs them in order merges the batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array, new_null_array};
use arrow::compute::{
    concat, concat_batches, filter, filter_record_batch, take, take_record_batch,
};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// `+`: it is there now.
    Insert,
    /// `-`: it was there and is gone.
    Delete,
    /// `U-`: what it was; the next row says what it is.
    UpdateBefore,
    /// `U+`: what it is; the row before says what it was.
    UpdateAfter,
    /// `0`: a record without a value. In a stream, a fact with nothing but a key; in a table,
    /// the deletion of a key that had no row: nothing to take back, and passed on.
    Tombstone,
}

impl Op {
    /// Whether the row counts from now on.
    pub fn adds(self) -> bool {
        matches!(self, Op::Insert | Op::UpdateAfter)
    }
}

/// A batch of changed rows.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The columns.
    pub rows: RecordBatch,
    /// What happened to each row; `None` where all are [`Op::Insert`].
    pub ops: Option<Vec<Op>>,
    /// Event time of each row, milliseconds since the epoch; never null.
    pub times: Int64Array,
    /// Headers of the record that each row came from, where any record has some.
    pub headers: Option<ArrayRef>,
    /// The turn of each row among those of several batches, where they took turns; rows that come
    /// from one have the same. Ascending.
    pub turns: Option<UInt32Array>,
}

impl Changes {
    /// New facts.
    pub fn inserts(rows: RecordBatch, times: Int64Array) -> Self {
        assert_eq!(rows.num_rows(), times.len());
        Self { rows, ops: None, times, headers: None, turns: None }
    }

    /// Rows with their ops; the ops are dropped where all are inserts.
    pub fn new(rows: RecordBatch, ops: Vec<Op>, times: Int64Array) -> Self {
        assert_eq!(rows.num_rows(), ops.len());
        let ops = ops.iter().any(|op| *op != Op::Insert).then_some(ops);
        Self { ops, ..Self::inserts(rows, times) }
    }

    /// No rows.
    pub fn none(schema: &SchemaRef) -> Self {
        Self::inserts(RecordBatch::new_empty(Arc::clone(schema)), Vec::<i64>::new().into())
    }

    /// The rows of all parts, in their order; there is at least one part, and all have the same
    /// columns.
    pub fn concat(parts: &[&Self]) -> Result<Self> {
        let schema = parts.first().map(|part| part.rows.schema());
        let schema = schema.ok_or_else(|| Error::Internal("no changes to put together".into()))?;
        let rows = concat_batches(&schema, parts.iter().map(|part| &part.rows))?;
        let times: Vec<&dyn Array> = parts.iter().map(|part| &part.times as &dyn Array).collect();
        let times = as_times(&concat(&times)?)?;
        let ops = parts.iter().flat_map(|part| part.each_op()).collect();
        let headers = match parts.iter().find_map(|part| part.headers.as_ref()) {
            None => None,
            Some(some) => {
                let columns = parts.iter().map(|part| match &part.headers {
                    Some(headers) => Arc::clone(headers),
                    None => new_null_array(some.data_type(), part.len()),
                });
                let columns: Vec<ArrayRef> = columns.collect();
                Some(concat(&columns.iter().map(|column| &**column).collect::<Vec<_>>())?)
            }
        };
        let turns = parts.iter().map(|part| part.turns.as_ref()).collect::<Option<Vec<_>>>();
        let turns =
            turns.map(|turns| turns.iter().flat_map(|part| part.values()).copied().collect());
        Ok(Self { headers, turns, ..Self::new(rows, ops, times) })
    }

    /// The rows of all parts in the order of their turns, and those of one turn, or without turns, in
    /// the order of the parts; there is at least one part, and all have the same columns.
    pub fn in_turns(mut parts: Vec<Self>) -> Result<Self> {
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let all = Self::concat(&parts.iter().collect::<Vec<_>>())?;
        match all.order_of_turns() {
            Some(order) => all.take(&order),
            None => Ok(all),
        }
    }

    /// The order of rows by turn, where it is not the one that they have.
    pub fn order_of_turns(&self) -> Option<UInt32Array> {
        let turns = self.turns.as_ref()?.values();
        if turns.is_sorted() {
            return None;
        }
        let mut order: Vec<u32> = (0..turns.len() as u32).collect();
        order.sort_by_key(|row| turns[*row as usize]);
        Some(order.into())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happened to row `index`.
    pub fn op(&self, index: usize) -> Op {
        self.ops.as_ref().map_or(Op::Insert, |ops| ops[index])
    }

    /// The ops, one per row.
    pub fn each_op(&self) -> impl Iterator<Item = Op> + '_ {
        (0..self.len()).map(|index| self.op(index))
    }

    /// The same rows with other columns.
    #[must_use]
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        assert_eq!(rows.num_rows(), self.len());
        Self { rows, ..self.clone() }
    }

    /// Rows `start..start + len`, without copying columns.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        Self {
            rows: self.rows.slice(start, len),
            ops: self.ops.as_ref().map(|ops| ops[start..start + len].to_vec()),
            times: self.times.slice(start, len),
            headers: self.headers.as_ref().map(|headers| headers.slice(start, len)),
            turns: self.turns.as_ref().map(|turns| turns.slice(start, len)),
        }
    }

    /// The rows that `keep` marks.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self> {
        let ops = self.ops.as_ref().map(|ops| kept(ops, keep));
        let times = filter(&self.times, keep)?;
        Ok(Self {
            rows: filter_record_batch(&self.rows, keep)?,
            ops,
            times: as_times(&times)?,
            headers: self.headers.as_ref().map(|column| filter(column, keep)).transpose()?,
            turns: self.turns.as_ref().map(|turns| as_turns(&filter(turns, keep)?)).transpose()?,
        })
    }

    /// The rows at `indices`, in that order.
    pub fn take(&self, indices: &UInt32Array) -> Result<Self> {
        let ops = self.ops.as_ref();
        let ops =
            ops.map(|ops| indices.values().iter().map(|index| ops[*index as usize]).collect());
        let times = take(&self.times, indices, None)?;
        Ok(Self {
            rows: take_record_batch(&self.rows, indices)?,
            ops,
            times: as_times(&times)?,
            headers: self.headers.as_ref().map(|column| take(column, indices, None)).transpose()?,
            turns: self.turns.as_ref().map(|turns| pick_turns(turns, indices)),
        })
    }
}

fn kept(ops: &[Op], keep: &BooleanArray) -> Vec<Op> {
    let chosen = ops.iter().enumerate().filter(|(row, _)| keep.is_valid(*row) && keep.value(*row));
    chosen.map(|(_, op)| *op).collect()
}

/// The turns at `indices`.
pub(crate) fn pick_turns(turns: &UInt32Array, indices: &UInt32Array) -> UInt32Array {
    let turns = turns.values();
    indices.values().iter().map(|index| turns[*index as usize]).collect::<Vec<u32>>().into()
}

fn as_turns(column: &ArrayRef) -> Result<UInt32Array> {
    let turns = column.as_any().downcast_ref::<UInt32Array>();
    turns.cloned().ok_or_else(|| Error::Internal("turns are not numbers".into()))
}

fn as_times(column: &ArrayRef) -> Result<Int64Array> {
    let times = column.as_any().downcast_ref::<Int64Array>();
    times.cloned().ok_or_else(|| Error::Internal("event times are not BIGINT".into()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn changes(rows: &[(i32, Op, i64)]) -> Changes {
        let schema = Arc::new(Schema::new(vec![Field::new("A", DataType::Int32, true)]));
        let values = arrow::array::Int32Array::from_iter_values(rows.iter().map(|row| row.0));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(values)]).expect("columns fit");
        let times = Int64Array::from_iter_values(rows.iter().map(|row| row.2));
        Changes::new(batch, rows.iter().map(|row| row.1).collect(), times)
    }

    #[test]
    fn filter_take_and_slice_keep_rows_ops_and_times_together() {
        let all =
            changes(&[(1, Op::Insert, 10), (2, Op::UpdateBefore, 20), (3, Op::UpdateAfter, 30)]);
        let some = all.filter(&BooleanArray::from(vec![false, true, true])).unwrap();
        assert_eq!(some.each_op().collect::<Vec<_>>(), [Op::UpdateBefore, Op::UpdateAfter]);
        let turned = some.take(&UInt32Array::from(vec![1, 0])).unwrap();
        assert_eq!(turned.times.values(), &[30, 20]);
        assert_eq!(all.slice(0, 2).each_op().collect::<Vec<_>>(), [Op::Insert, Op::UpdateBefore]);
    }

    #[test]
    fn batches_that_took_turns_are_merged_by_them() {
        let taken = |rows: &[(i32, Op, i64)], turns: &[u32]| Changes {
            turns: Some(turns.to_vec().into()),
            ..changes(rows)
        };
        let (plus, before, after) = (Op::Insert, Op::UpdateBefore, Op::UpdateAfter);
        let one = taken(&[(1, plus, 10), (2, before, 20), (3, after, 20)], &[0, 2, 2]);
        let other = taken(&[(4, plus, 15), (5, plus, 25)], &[1, 3]);
        let all = Changes::in_turns(vec![other.clone(), one]).unwrap();
        assert_eq!(all.times.values(), &[10, 15, 20, 20, 25]);
        assert_eq!(all.each_op().collect::<Vec<_>>(), [plus, plus, before, after, plus]);
        assert_eq!(all.turns.as_ref().unwrap().values(), &[0, 1, 2, 2, 3]);
        let some = all.slice(1, 4).filter(&vec![true, false, false, true].into()).unwrap();
        assert_eq!(some.turns.unwrap().values(), &[1, 3]);
        let untaken = changes(&[(6, plus, 0)]);
        let all = Changes::in_turns(vec![untaken.clone(), untaken]).unwrap();
        assert_eq!((all.len(), all.turns), (2, None));
    }

    #[test]
    fn only_inserts_need_no_ops() {
        assert!(changes(&[(1, Op::Insert, 0)]).ops.is_none());
    }
}
