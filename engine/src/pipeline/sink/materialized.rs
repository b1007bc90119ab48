//! The rows of a table, kept for whoever asks.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};

use super::Encoded;
use crate::catalog::{Role, Source};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::pipeline::expiry::Expiry;
use crate::state::{EncodedRows, Family, RowCodec, StoreId, WriteBatch};

/// The rows of a table, kept for whoever asks.
pub struct Materialized {
    id: StoreId,
    key_columns: Vec<usize>,
    value_columns: Vec<usize>,
    key_codec: RowCodec,
    value_codec: RowCodec,
}

/// Rows of a batch as they are kept.
pub struct KeptRows {
    prefix: [u8; 8],
    keys: EncodedRows,
    values: EncodedRows,
}

impl Materialized {
    /// The rows of `source`, kept by the query `number`.
    pub fn new(source: &Source, number: u32) -> Result<Self> {
        let keys = source.key_columns().count();
        let columns =
            source.columns.iter().filter(|c| matches!(c.role, Role::Key | Role::Value)).count();
        let types: Vec<DataType> = source.columns.iter().map(|c| c.data_type.clone()).collect();
        let bounds = if source.window.is_some() { 2 } else { 0 };
        let key_columns: Vec<usize> = (0..keys).chain(columns..columns + bounds).collect();
        let key_types = types[..keys].iter().cloned().chain((0..bounds).map(|_| DataType::Int64));
        let value_types = types[keys..columns].iter().cloned().chain([DataType::Int64]);
        Ok(Self {
            id: StoreId { query: number, store: 0, shard: 0 },
            key_columns,
            value_columns: (keys..columns).collect(),
            key_codec: RowCodec::new(key_types.collect())?,
            value_codec: RowCodec::new(value_types.collect())?,
        })
    }

    /// The prefix of its keys.
    pub fn prefix(&self) -> [u8; 8] {
        self.id.prefix()
    }

    /// How keys are encoded: key columns, then the window's start and end.
    pub fn key_codec(&self) -> &RowCodec {
        &self.key_codec
    }

    /// How values are encoded: value columns, then the row's time.
    pub fn value_codec(&self) -> &RowCodec {
        &self.value_codec
    }

    /// The key of each row.
    pub(super) fn keys(&self, changes: &Changes) -> Result<EncodedRows> {
        let columns = self.key_columns.iter().map(|at| changes.rows.column(*at).clone());
        self.key_codec.encode(&columns.collect::<Vec<_>>(), changes.len())
    }

    /// Tells the expiry of a windowed table what was written.
    pub(super) fn note_windows(
        &self,
        Encoded { shards, changes, .. }: &Encoded,
        kept: &KeptRows,
        expiry: &mut Expiry,
        batch: &mut WriteBatch,
    ) -> Result<()> {
        let [.., start, end] = self.key_columns.as_slice() else { return Ok(()) };
        let starts = changes.rows.column(*start).as_primitive::<Int64Type>();
        let ends = changes.rows.column(*end).as_primitive::<Int64Type>();
        for (row, op) in changes.each_op().enumerate().filter(|(_, op)| *op != Op::UpdateBefore) {
            let bounds = (starts.value(row), ends.value(row));
            expiry.note(shards.of(row), bounds, kept.keys.get(row), op.adds(), batch)?;
        }
        Ok(())
    }

    /// What is to be kept of a batch.
    pub fn encode(&self, changes: &Changes) -> Result<KeptRows> {
        let column = |at: &usize| changes.rows.column(*at).clone();
        let mut values: Vec<ArrayRef> = self.value_columns.iter().map(column).collect();
        values.push(Arc::new(Int64Array::clone(&changes.times)));
        let values = self.value_codec.encode(&values, changes.len())?;
        Ok(KeptRows { prefix: self.prefix(), keys: self.keys(changes)?, values })
    }
}

impl KeptRows {
    /// Adds the changes that they were encoded from to the batch of a commit.
    pub fn write(&self, changes: &Changes, batch: &mut WriteBatch) {
        for (row, op) in changes.each_op().enumerate().filter(|(_, op)| *op != Op::UpdateBefore) {
            let key = [&self.prefix[..], self.keys.get(row)].concat();
            match op.adds() {
                true => batch.put(Family::Table, key, self.values.get(row)),
                false => batch.delete(Family::Table, key),
            }
        }
    }
}
