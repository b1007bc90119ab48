//! Reading the rows that a query keeps of a table. They are decoded whole.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::key_range::{KeyRange, single};
use crate::catalog::{Role, Source};
use crate::error::Result;
use crate::pipeline::Materialized;
use crate::row_type::{RowType, pseudo};
use crate::state::{Entry, Family, View, batch_of};

/// Rows that are read at once.
const ROWS: usize = 4096;

/// How the rows of a table are stored.
pub struct StoredRows {
    table: Materialized,
    columns: Vec<StoredColumn>,
    schema: SchemaRef,
}

/// Where a column of a stored row is.
enum StoredColumn {
    Key,
    Value,
    Time,
    /// Nowhere: it is always NULL.
    Missing,
}

impl StoredRows {
    /// The rows of `source`, which have this shape and are kept by the query `number`.
    pub fn new(source: &Source, number: u32, rows: &RowType) -> Result<Self> {
        let columns = rows.columns.iter().enumerate().map(|(at, column)| {
            match (source.columns.get(at).map(|column| &column.role), column.name.as_str()) {
                (Some(Role::Key), _) => StoredColumn::Key,
                (Some(Role::Value), _) => StoredColumn::Value,
                (None, name) if pseudo::is_window_bound(name) => StoredColumn::Key,
                (None, pseudo::ROWTIME) => StoredColumn::Time,
                // A table keeps no headers.
                _ => StoredColumn::Missing,
            }
        });
        let columns = columns.collect();
        Ok(Self { table: Materialized::new(source, number)?, columns, schema: rows.schema() })
    }

    /// The prefix of their keys.
    pub fn prefix(&self) -> [u8; 8] {
        self.table.prefix()
    }

    /// Rows out of entries: keys, values, the window's bounds, the time.
    fn decode(&self, entries: &[Entry]) -> Result<RecordBatch> {
        let prefix = self.prefix().len();
        let keys = self.table.key_codec().decode(entries.iter().map(|(key, _)| &key[prefix..]))?;
        let values = self.table.value_codec().decode(entries.iter().map(|(_, value)| &**value))?;
        let (mut of_key, mut of_value) = (keys.iter(), values.iter());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter().zip(self.schema.fields()) {
            let stored = match column {
                StoredColumn::Key => of_key.next(),
                StoredColumn::Value => of_value.next(),
                StoredColumn::Time => values.last(),
                StoredColumn::Missing => None,
            };
            columns.push(match stored {
                Some(stored) => Arc::clone(stored),
                None => new_null_array(field.data_type(), entries.len()),
            });
        }
        batch_of(&self.schema, columns, entries.len())
    }
}

/// Reads ranges of a table's rows.
pub struct StateReader {
    view: Arc<dyn View>,
    rows: Arc<StoredRows>,
    /// What is left to read.
    ranges: VecDeque<KeyRange>,
}

impl Iterator for StateReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.entries() {
            Ok(entries) if entries.is_empty() => None,
            Ok(entries) => Some(self.rows.decode(&entries)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl StateReader {
    /// A reader of what `view` has in some ranges.
    pub fn new(view: Arc<dyn View>, rows: Arc<StoredRows>, ranges: Vec<KeyRange>) -> Self {
        Self { view, rows, ranges: ranges.into() }
    }

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
}
