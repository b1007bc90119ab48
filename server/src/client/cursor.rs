//! A cursor: rows that a client takes in portions.

use std::collections::VecDeque;

use arrow::datatypes::FieldRef;
use arrow::record_batch::RecordBatch;
use futures::{FutureExt, StreamExt, stream};

use super::reply::{Batches, Rows};
use crate::failure::Failure;

/// Rows behind `DECLARE`, taken by `FETCH`.
///
/// `FETCH n` of rows that end gives n or the rest. Of rows that keep coming it waits for the first
/// and then gives what has come by then, n at most: a client that polls is never held up by a
/// stream that has fallen silent in the middle of a portion.
pub(crate) struct Cursor {
    fields: Vec<FieldRef>,
    endless: bool,
    batches: Batches,
    /// What is left of a batch of which a part was taken.
    rest: Option<RecordBatch>,
}

impl Cursor {
    pub fn new(rows: Rows) -> Self {
        Self { fields: rows.fields, endless: rows.endless, batches: rows.batches, rest: None }
    }

    /// The columns.
    pub fn fields(&self) -> Vec<FieldRef> {
        self.fields.clone()
    }

    /// Takes the next `count` rows, or all.
    pub async fn fetch(&mut self, count: Option<usize>) -> Result<Rows, Failure> {
        let mut taken = VecDeque::new();
        let mut wanted = count.unwrap_or(usize::MAX);
        while wanted > 0 {
            let Some(batch) = self.next(taken.is_empty()).await? else { break };
            let rows = batch.num_rows().min(wanted);
            wanted -= rows;
            if rows < batch.num_rows() {
                self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
            }
            taken.push_back(Ok(batch.slice(0, rows)));
        }
        Ok(Rows {
            tag: "FETCH".into(),
            fields: self.fields.clone(),
            batches: Box::pin(stream::iter(taken)),
            endless: false,
        })
    }

    /// The next batch; of rows that keep coming only the `first` is waited for.
    async fn next(&mut self, first: bool) -> Result<Option<RecordBatch>, Failure> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        let next = match self.endless && !first {
            true => self.batches.next().now_or_never().flatten(),
            false => self.batches.next().await,
        };
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use futures::TryStreamExt;
    use futures::executor::block_on;

    use super::*;

    fn cursor(batches: &[i32], endless: bool) -> Cursor {
        let field: FieldRef = Arc::new(Field::new("n", DataType::Int32, true));
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let batch = |size: &i32| {
            let numbers = Int32Array::from_iter_values(0..*size);
            Ok(RecordBatch::try_new(schema.clone(), vec![Arc::new(numbers)]).unwrap())
        };
        let batches: Vec<_> = batches.iter().map(batch).collect();
        let finite = stream::iter(batches);
        let batches: Batches =
            if endless { Box::pin(finite.chain(stream::pending())) } else { Box::pin(finite) };
        Cursor::new(Rows { tag: "SELECT".into(), fields: vec![field], batches, endless })
    }

    fn fetch(cursor: &mut Cursor, count: Option<usize>) -> usize {
        let rows = block_on(cursor.fetch(count)).unwrap();
        let batches: Vec<_> = block_on(rows.batches.try_collect()).unwrap();
        batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[test]
    fn portions_cut_through_batches() {
        let mut cursor = cursor(&[3, 4], false);
        let portions: Vec<_> = (0..5).map(|_| fetch(&mut cursor, Some(2))).collect();
        assert_eq!(portions, [2, 2, 2, 1, 0]);
    }

    #[test]
    fn rows_that_keep_coming_are_not_waited_for() {
        let mut cursor = cursor(&[3], true);
        assert_eq!(fetch(&mut cursor, Some(10)), 3);
        assert!(cursor.fetch(Some(1)).now_or_never().is_none());
    }

    #[test]
    fn all_is_all() {
        assert_eq!(fetch(&mut cursor(&[3, 4], false), None), 7);
    }
}
