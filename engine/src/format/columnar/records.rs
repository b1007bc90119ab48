//! Columns as records, for whoever shows a topic without knowing what it holds.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use log_store::{Batch, Columnar, Header, Payload, Records, RecordsBuilder, Timestamp};

use super::Frame;
use crate::error::{Code, Result, invalid};
use crate::format::{Encoder, Format, Side, json};
use crate::function::java_texts;
use crate::types::{array_of, map_of};

/// The records of a batch. Of columns it makes text, row by row: of the value a JSON object, of
/// the key the same, or the plain text of its only column; behind it stands its window, if it has
/// one, as `key@start/end`.
pub fn records_of(batch: &Batch) -> Result<Records> {
    match batch.payload()? {
        Payload::Records(records) => Ok(records),
        Payload::Columnar(columnar) => {
            let unreadable = |found| {
                let message = format!("the batch at offset {}: {found}", columnar.base_offset);
                invalid(Code::InvalidValue, message)
            };
            let frame = Frame::open(&columnar).map_err(unreadable)?;
            let parts = Parts::read(&frame).map_err(unreadable)?;
            parts.records(&columnar)
        }
    }
}

/// All columns of a batch.
struct Parts {
    times: Int64Array,
    keys: Named,
    keyless: Option<BooleanArray>,
    window: Option<[ArrayRef; 2]>,
    values: Named,
    tombstones: Option<BooleanArray>,
    headers: Option<ArrayRef>,
}

/// Columns with their names.
struct Named {
    fields: Fields,
    columns: Vec<ArrayRef>,
}

impl Parts {
    fn read(frame: &Frame) -> std::result::Result<Self, String> {
        let column = |at: usize| frame.read(&[at]).map(|read| Arc::clone(read.column(0)));
        let window = frame.window().map(|[start, end]| Ok([column(start)?, column(end)?]));
        let window: Option<std::result::Result<_, String>> = window;
        Ok(Self {
            times: frame.times()?,
            keys: Named::read(frame, frame.keys())?,
            keyless: frame.keyless()?,
            window: window.transpose()?,
            values: Named::read(frame, frame.values())?,
            tombstones: frame.tombstones()?,
            headers: frame.headers().map(column).transpose()?,
        })
    }

    fn records(&self, columnar: &Columnar) -> Result<Records> {
        let keys = self.key_texts()?;
        let values = self.values.objects()?;
        let mut records = RecordsBuilder::new();
        for row in 0..self.times.len() {
            let key = keys.as_ref().filter(|keys| keys.is_valid(row));
            let key = key.filter(|_| !marked(self.keyless.as_ref(), row));
            let value = Some(&values).filter(|_| !marked(self.tombstones.as_ref(), row));
            let headers = self.headers.as_ref().map(|headers| headers_at(headers, row));
            let headers = headers.unwrap_or_default();
            let headers: Vec<Header<'_>> = headers
                .iter()
                .map(|(key, value)| Header { key, value: value.as_deref() })
                .collect();
            let time = Timestamp(self.times.value(row));
            records.push(
                key.map(|keys| keys.value(row).as_bytes()),
                value.map(|values| values.value(row)),
                time,
                &headers,
            );
        }
        Ok(records.build_records(columnar.base_offset)?)
    }

    /// The key of each row with its window; nothing where there are no columns of a key.
    fn key_texts(&self) -> Result<Option<StringArray>> {
        let texts = match self.keys.columns.as_slice() {
            [] => return Ok(None),
            [only] => java_texts(only),
            _ => {
                let objects = self.keys.objects()?;
                objects.iter().map(|text| text.map(String::from_utf8_lossy)).collect()
            }
        };
        let Some([starts, ends]) = &self.window else { return Ok(Some(texts)) };
        let (starts, ends) = (starts.as_primitive::<Int64Type>(), ends.as_primitive::<Int64Type>());
        let windowed = (0..texts.len()).map(|row| {
            let (start, end) = (starts.value(row), ends.value(row));
            texts.is_valid(row).then(|| format!("{}@{start}/{end}", texts.value(row)))
        });
        Ok(Some(windowed.collect()))
    }
}

fn marked(marks: Option<&BooleanArray>, row: usize) -> bool {
    marks.is_some_and(|marks| marks.is_valid(row) && marks.value(row))
}

impl Named {
    fn read(
        frame: &Frame,
        places: impl Iterator<Item = usize>,
    ) -> std::result::Result<Self, String> {
        let places: Vec<usize> = places.collect();
        let field = |at: &usize| Field::new(frame.name(*at), frame.data_type(*at).clone(), true);
        let fields = places.iter().map(field).collect();
        Ok(Self { fields, columns: frame.read(&places)?.columns().to_vec() })
    }

    /// A JSON object per row.
    fn objects(&self) -> Result<BinaryArray> {
        let rows = self.columns.first().map_or(0, |column| column.len());
        let types = self.fields.iter().map(|field| writable(field.data_type()));
        let types: Vec<DataType> = types.collect();
        let columns = self.columns.iter().zip(&types).map(|(column, data_type)| {
            match column.data_type() == data_type {
                true => Ok(Arc::clone(column)),
                false => Ok(cast(column, data_type)?),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let side = Side { format: Format::Json, columns: self.fields.clone(), wrapped: true };
        json::JsonEncoder::new(&side).encode(&columns, rows, None)
    }
}

/// The type with text for the keys of maps, as JSON has them.
fn writable(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(item) => array_of(writable(item.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &FieldRef| {
                Field::new(field.name(), writable(field.data_type()), field.is_nullable())
            };
            DataType::Struct(fields.iter().map(field).collect())
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => map_of(DataType::Utf8, writable(fields[1].data_type())),
            other => other.clone(),
        },
        other => other.clone(),
    }
}

/// The headers of a row.
pub(crate) fn headers_at(headers: &ArrayRef, row: usize) -> Vec<(String, Option<Vec<u8>>)> {
    let entries = headers.as_list::<i32>().value(row);
    let entries = entries.as_struct();
    let (keys, values) =
        (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
    let value = |at: usize| values.is_valid(at).then(|| values.value(at).to_vec());
    (0..entries.len()).map(|at| (keys.value(at).to_owned(), value(at))).collect()
}
