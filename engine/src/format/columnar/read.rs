//! From batches of the log to columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int64Array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::{Message, root_as_message};
use arrow::record_batch::RecordBatch;
use log_store::Columnar;

use super::{HEADERS, KEY, KEYLESS, TIMESTAMP, TOMBSTONE, VALUE, WINDOW};

/// What is wrong with a batch, as text for the processing log.
type Result<T> = std::result::Result<T, String>;

/// A columnar batch whose columns are known, and not read yet.
pub struct Frame {
    schema: SchemaRef,
    /// What the batch says of its buffers.
    head: Buffer,
    body: Buffer,
    rows: usize,
}

impl Frame {
    /// Looks at the columns of a batch.
    pub fn open(columnar: &Columnar) -> Result<Self> {
        let mut rest = Buffer::from(columnar.bytes.clone());
        let (schema, _) = next_message(&mut rest)?;
        let schema = message(&schema)?.header_as_schema().map(fb_to_schema);
        let schema = schema.ok_or("expected the schema of columns, found something else")?;
        let (head, body) = next_message(&mut rest)?;
        let rows = columnar.rows as usize;
        Ok(Self { schema: Arc::new(schema), head, body, rows })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The type of a column.
    pub fn data_type(&self, at: usize) -> &DataType {
        self.schema.field(at).data_type()
    }

    /// The name of a column of key or value, as it is declared.
    pub(super) fn name(&self, at: usize) -> &str {
        let name = self.schema.field(at).name();
        name.split_once('.').map_or(name, |(_, name)| name)
    }

    /// Where the columns of the key are, in order.
    pub fn keys(&self) -> impl Iterator<Item = usize> {
        self.with_prefix(KEY)
    }

    /// Where the columns of the value are, in order.
    pub(super) fn values(&self) -> impl Iterator<Item = usize> {
        self.with_prefix(VALUE)
    }

    fn with_prefix(&self, prefix: &'static str) -> impl Iterator<Item = usize> {
        let fields = self.schema.fields();
        (0..fields.len()).filter(move |at| fields[*at].name().starts_with(prefix))
    }

    /// Where the column of the value is that is called `name`.
    pub fn value(&self, name: &str) -> Option<usize> {
        self.values().find(|at| self.schema.field(*at).name()[VALUE.len()..] == *name)
    }

    /// Where the bounds of the key's window are, if there are any.
    pub fn window(&self) -> Option<[usize; 2]> {
        Some([self.position(WINDOW[0])?, self.position(WINDOW[1])?])
    }

    /// Where the headers are, if any record has some.
    pub fn headers(&self) -> Option<usize> {
        self.position(HEADERS)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.schema.index_of(name).ok()
    }

    /// Reads the columns at the indexes `wanted`, in that order. The others are not looked at.
    pub fn read(&self, wanted: &[usize]) -> Result<RecordBatch> {
        let message = message(&self.head)?;
        let batch = message.header_as_record_batch();
        let batch = batch.ok_or("expected a batch of columns, found something else")?;
        let schema = Arc::clone(&self.schema);
        let (none, version) = (HashMap::new(), message.version());
        let read = read_record_batch(&self.body, batch, schema, &none, Some(wanted), &version);
        let read = read.map_err(|error| format!("the columns cannot be read: {error}"))?;
        match read.num_rows() == self.rows {
            true => Ok(read),
            false => Err(format!("expected {} rows, found {}", self.rows, read.num_rows())),
        }
    }

    /// The time stamp of each record.
    pub fn times(&self) -> Result<Int64Array> {
        let at = self.position(TIMESTAMP).filter(|at| *self.data_type(*at) == DataType::Int64);
        let times = self.read(&[at.ok_or("expected a column of time stamps, found none")?])?;
        Ok(times.column(0).as_primitive::<Int64Type>().clone())
    }

    /// Which records have no key, if any.
    pub fn keyless(&self) -> Result<Option<BooleanArray>> {
        self.marks(KEYLESS)
    }

    /// Which records have no value, if any.
    pub fn tombstones(&self) -> Result<Option<BooleanArray>> {
        self.marks(TOMBSTONE)
    }

    fn marks(&self, name: &str) -> Result<Option<BooleanArray>> {
        let at = self.position(name).filter(|at| *self.data_type(*at) == DataType::Boolean);
        let Some(at) = at else { return Ok(None) };
        Ok(Some(self.read(&[at])?.column(0).as_boolean().clone()))
    }
}

fn message(head: &Buffer) -> Result<Message<'_>> {
    root_as_message(head).map_err(|error| format!("the columns cannot be read: {error}"))
}

/// Splits the next message of an IPC stream off: its head and its body.
fn next_message(rest: &mut Buffer) -> Result<(Buffer, Buffer)> {
    const SHORT: &str = "the columns end before they should";
    let lengths = rest.get(..8).ok_or(SHORT)?;
    if lengths[..4] != [0xff; 4] {
        return Err("expected a message of an Arrow IPC stream, found something else".into());
    }
    let length = i32::from_le_bytes([lengths[4], lengths[5], lengths[6], lengths[7]]);
    let head_bytes = usize::try_from(length).map_err(|_| SHORT)?;
    let take = |bytes: usize, from: usize| {
        let end = from.checked_add(bytes).filter(|end| *end <= rest.len()).ok_or(SHORT)?;
        Ok::<_, String>((rest.slice_with_length(from, bytes), end))
    };
    let (head, end) = take(head_bytes, 8)?;
    let body_bytes = usize::try_from(message(&head)?.bodyLength()).map_err(|_| SHORT)?;
    let (body, end) = take(body_bytes, end)?;
    *rest = rest.slice(end);
    Ok((head, body))
}
