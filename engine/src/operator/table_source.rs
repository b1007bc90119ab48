//! Turns the records of a table's topic into changes.
//!
//! A record is an upsert or a deletion of its key. To be able to take the old row back, the
//! operator keeps the latest row of each key: an upsert of a known key is the pair `U-`, `U+`, of
//! a new one `+`; a deletion is `-` with the old row, or a tombstone where there was none.
//! Updates apply in the order of arrival, whatever their time stamps.

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::{Operator, Output, Turns};
use crate::change::{Changes, Op, pick_turns};
use crate::error::Result;
use crate::state::{RowCodec, RowStore, WriteBatch, batch_of};

/// The latest rows of a table.
#[derive(Debug)]
pub struct TableSource {
    store: RowStore,
    keys: Vec<usize>,
    key_codec: RowCodec,
    row_codec: RowCodec,
    schema: SchemaRef,
}

/// The old rows, where each output row comes from, and what happened to it.
type Applied = (Vec<Box<[u8]>>, Vec<From>, Vec<Op>);

/// Where an output row comes from: the old rows (0) or the input (1), and which row there.
type From = (usize, usize);

impl TableSource {
    /// A table with this schema and these key columns.
    pub fn new(store: RowStore, schema: SchemaRef, keys: Vec<usize>) -> Result<Self> {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types = keys.iter().map(|key| types[*key].clone()).collect();
        let row_types = types.into_iter().chain([DataType::Int64]).collect();
        let (key_codec, row_codec) = (RowCodec::new(key_types)?, RowCodec::new(row_types)?);
        Ok(Self { store, keys, key_codec, row_codec, schema })
    }

    fn apply(&mut self, input: &Changes) -> Result<Applied> {
        let key_columns = self.keys.iter().map(|key| input.rows.column(*key).clone());
        let keys = self.key_codec.encode(&key_columns.collect::<Vec<_>>(), input.len())?;
        let mut columns = input.rows.columns().to_vec();
        columns.push(std::sync::Arc::new(input.times.clone()));
        let rows = self.row_codec.encode(&columns, input.len())?;
        let (mut olds, mut from, mut ops) = (Vec::new(), Vec::new(), Vec::new());
        for (row, op) in input.each_op().enumerate() {
            let new = (op != Op::Tombstone).then(|| rows.get(row));
            let old = self.store.replace(keys.get(row), new)?;
            let (before, after) = match (&old, new) {
                (None, None) => (None, Some(Op::Tombstone)),
                (None, Some(_)) => (None, Some(Op::Insert)),
                (Some(_), None) => (Some(Op::Delete), None),
                (Some(_), Some(_)) => (Some(Op::UpdateBefore), Some(Op::UpdateAfter)),
            };
            if let Some(before) = before {
                from.push((0, olds.len()));
                ops.push(before);
            }
            if let Some(after) = after {
                from.push((1, row));
                ops.push(after);
            }
            olds.extend(old);
        }
        Ok((olds, from, ops))
    }
}

impl Operator for TableSource {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let (olds, from, ops) = self.apply(&input)?;
        let mut before = self.row_codec.decode(olds.iter().map(|old| &**old))?;
        // The time of a change is that of the record that made it, also on the row taken back.
        before.pop();
        let columns = before.iter().zip(input.rows.columns());
        let columns = columns.map(|(before, after)| Ok(interleave(&[before, after], &from)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let causes = causes(&ops);
        let times = take(&input.times, &causes, None)?.as_primitive::<Int64Type>().clone();
        let headers = input.headers.as_ref();
        let headers = headers.map(|headers| take(headers, &causes, None)).transpose()?;
        let changes = Changes::new(batch_of(&self.schema, columns, from.len())?, ops, times);
        let turns = input.turns.as_ref().map(|turns| pick_turns(turns, &causes));
        output.emit(Changes { headers, turns, ..changes });
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::InOrder
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.store.save(batch);
        Ok(())
    }

    fn memory(&self) -> usize {
        self.store.memory()
    }
}

/// The input row that caused each output row: an update has two of them.
fn causes(ops: &[Op]) -> UInt32Array {
    let causes = ops.iter().scan(0, |next, op| {
        let cause = *next;
        *next += u32::from(*op != Op::UpdateBefore);
        Some(cause)
    });
    causes.collect::<Vec<_>>().into()
}
