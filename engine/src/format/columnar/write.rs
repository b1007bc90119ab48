//! From columns to batches of the log.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::compute::{concat_batches, max};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use log_store::{AppendBatch, ColumnarBuilder, Timestamp};

use super::{HEADERS, KEY, KEYLESS, TIMESTAMP, TOMBSTONE, VALUE, WINDOW};
use crate::error::{Error, Result};
use crate::format::Side;

/// A batch goes to the log when its columns are this big.
const BATCH_BYTES: usize = 1 << 20;

/// The names and types of a topic's columns.
pub struct Layout {
    keys: Vec<FieldRef>,
    window: Vec<FieldRef>,
    values: Vec<FieldRef>,
}

/// Records, column by column.
pub struct RecordColumns<'a> {
    /// Time stamps.
    pub times: Int64Array,
    /// Columns of the key.
    pub keys: &'a [ArrayRef],
    /// Which records have no key.
    pub keyless: Option<BooleanArray>,
    /// Start and end of the key's window, if keys have one.
    pub window: &'a [ArrayRef],
    /// Columns of the value.
    pub values: Vec<ArrayRef>,
    /// Which records have no value.
    pub tombstones: Option<BooleanArray>,
    /// Headers.
    pub headers: Option<ArrayRef>,
}

impl Layout {
    /// The layout of a topic with these sides.
    pub fn new(key: &Side, value: &Side, windowed: bool) -> Self {
        let named = |prefix: &str, side: &Side| {
            let field = |field: &FieldRef| {
                let name = format!("{prefix}{}", field.name());
                Arc::new(Field::new(name, field.data_type().clone(), true))
            };
            side.columns.iter().map(field).collect()
        };
        let bounds = WINDOW.iter().filter(|_| windowed);
        Self {
            keys: named(KEY, key),
            window: bounds.map(|name| field(name, &DataType::Int64)).collect(),
            values: named(VALUE, value),
        }
    }

    /// The columns of a batch of records.
    pub fn batch(&self, records: RecordColumns<'_>) -> Result<RecordBatch> {
        let mut fields = vec![field(TIMESTAMP, &DataType::Int64)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(records.times)];
        fields.extend(self.keys.iter().cloned());
        columns.extend_from_slice(records.keys);
        let mut optional = |name: &str, column: Option<ArrayRef>| {
            fields.extend(column.as_ref().map(|column| field(name, column.data_type())));
            columns.extend(column);
        };
        optional(KEYLESS, marks(records.keyless));
        optional(TOMBSTONE, marks(records.tombstones));
        optional(HEADERS, records.headers);
        fields.extend(self.window.iter().chain(&self.values).cloned());
        columns.extend_from_slice(records.window);
        columns.extend(records.values);
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

fn field(name: &str, data_type: &DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type.clone(), true))
}

/// A column of marks, if any row is marked.
fn marks(marks: Option<BooleanArray>) -> Option<ArrayRef> {
    marks.filter(|marks| marks.true_count() > 0).map(|marks| Arc::new(marks) as ArrayRef)
}

/// Collects columns of one partition until they make a batch.
pub struct ColumnsBuilder {
    parts: Vec<RecordBatch>,
    bytes: usize,
    batch_bytes: usize,
}

impl Default for ColumnsBuilder {
    fn default() -> Self {
        Self { parts: Vec::new(), bytes: 0, batch_bytes: BATCH_BYTES }
    }
}

impl ColumnsBuilder {
    /// A builder of batches that are not larger than this, unless a single row is.
    pub fn with_limit(bytes_max: usize) -> Self {
        // A batch is at most twice as large, and its columns are described in front of it.
        let batch_bytes = BATCH_BYTES.min(bytes_max.saturating_sub(HEAD_BYTES) / 4);
        Self { batch_bytes, ..Self::default() }
    }

    /// Adds rows; gives the batches that are full.
    pub fn push(&mut self, rows: RecordBatch) -> Result<Vec<AppendBatch>> {
        let mut full = Vec::new();
        let same = |part: &RecordBatch| part.schema_ref() == rows.schema_ref();
        if !self.parts.last().is_none_or(same) {
            full.extend(self.build()?);
        }
        self.bytes += bytes(&rows)?;
        self.parts.push(rows);
        if self.bytes >= self.batch_bytes {
            full.extend(self.build()?);
        }
        Ok(full)
    }

    /// Batches of what is left.
    pub fn build(&mut self) -> Result<Vec<AppendBatch>> {
        self.bytes = 0;
        let mut batches = Vec::new();
        match std::mem::take(&mut self.parts).as_slice() {
            [] => {}
            [all] => encode_in_parts(all, self.batch_bytes, &mut batches)?,
            parts => {
                let all = concat_batches(parts[0].schema_ref(), parts)?;
                encode_in_parts(&all, self.batch_bytes, &mut batches)?;
            }
        }
        Ok(batches)
    }
}

/// The bytes that the rows take, where they are a part of larger columns without the rest.
fn bytes(rows: &RecordBatch) -> Result<usize> {
    let sizes = rows.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    Ok(sizes.sum::<std::result::Result<usize, _>>()?)
}

/// Halves rows until each part fits into a batch, or is a single row.
fn encode_in_parts(
    rows: &RecordBatch,
    batch_bytes: usize,
    batches: &mut Vec<AppendBatch>,
) -> Result<()> {
    let count = rows.num_rows();
    if count > 1 && bytes(rows)? > 2 * batch_bytes {
        let half = count / 2;
        encode_in_parts(&rows.slice(0, half), batch_bytes, batches)?;
        return encode_in_parts(&rows.slice(half, count - half), batch_bytes, batches);
    }
    if count > 0 {
        batches.push(encode(rows)?);
    }
    Ok(())
}

fn encode(rows: &RecordBatch) -> Result<AppendBatch> {
    let count = u32::try_from(rows.num_rows());
    let count = count.map_err(|_| Error::Internal("too many rows for a batch".into()))?;
    let times = rows.column(0).as_any().downcast_ref::<Int64Array>();
    let times = times.ok_or_else(|| Error::Internal("time stamps are not BIGINT".into()))?;
    let (first, last) = (Timestamp(times.value(0)), Timestamp(max(times).unwrap_or_default()));
    let builder = ColumnarBuilder::with_capacity(bytes(rows)? + HEAD_BYTES);
    let mut writer = StreamWriter::try_new(builder, rows.schema_ref())?;
    writer.write(rows)?;
    Ok(writer.into_inner()?.build(count, first, last))
}

/// Room for what an IPC stream says of its columns.
const HEAD_BYTES: usize = 4096;
