//! Rows of a query as JSON values.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimeUnit, TimestampMillisecondType,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use engine::types::sql_name;
use engine::{Column, Rows};
use futures::StreamExt as _;
use serde_json::{Map, Value};

use super::decode;

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRow {
    /// Its values.
    pub columns: Vec<Value>,
    /// It is a deletion.
    pub tombstone: bool,
}

/// Reads rows to their end; an error of the engine is given apart, because it may be expected.
pub async fn read(mut rows: Rows) -> Result<Result<Vec<FoundRow>, engine::Error>> {
    let mut found = Vec::new();
    while let Some(batch) = rows.stream.next().await {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error)),
        };
        read_batch(&batch, &rows.columns, rows.tombstones, &mut found)?;
    }
    Ok(Ok(found))
}

fn read_batch(
    batch: &RecordBatch,
    columns: &[Column],
    tombstones: Option<usize>,
    found: &mut Vec<FoundRow>,
) -> Result<()> {
    let tombstones = tombstones.map(|index| batch.column(index).as_boolean());
    for row in 0..batch.num_rows() {
        let cells = batch.columns().iter().take(columns.len());
        found.push(FoundRow {
            columns: cells.map(|array| cell(array, row)).collect::<Result<_>>()?,
            tombstone: tombstones.is_some_and(|flags| flags.is_valid(row) && flags.value(row)),
        });
    }
    Ok(())
}

/// The columns of an answer as text: names in back-ticks, canonical types, marks of key and
/// header columns.
pub fn schema_text(columns: &[Column]) -> String {
    let column = |column: &Column| {
        let key = if column.key { " KEY" } else { "" };
        let header = column.header.as_ref().map(|mark| format!(" {mark}")).unwrap_or_default();
        format!("`{}` {}{key}{header}", column.name, sql_name(&column.data_type))
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// One value of an Arrow array as JSON: bytes as base64, decimals with their scale, dates and
/// times as numbers.
pub fn cell(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => decode::double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            let text = array.as_primitive::<Decimal128Type>().value_as_string(row);
            decode::number(&text).context("a decimal is no number")?
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Binary => BASE64.encode(array.as_binary::<i32>().value(row)).into(),
        DataType::LargeBinary => BASE64.encode(array.as_binary::<i64>().value(row)).into(),
        DataType::BinaryView => BASE64.encode(array.as_binary_view().value(row)).into(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).into(),
        DataType::Time32(TimeUnit::Millisecond) => {
            array.as_primitive::<Time32MillisecondType>().value(row).into()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().value(row).into()
        }
        _ => return nested_cell(array, row),
    })
}

fn nested_cell(array: &dyn Array, row: usize) -> Result<Value> {
    match array.data_type() {
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell(&items, item)).collect::<Result<_>>()
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entry = |entry| Ok((text(cell(keys, entry)?), cell(values, entry)?));
            Ok(Value::Object((0..entries.len()).map(entry).collect::<Result<Map<_, _>>>()?))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let field =
                |(field, column): (&arrow::datatypes::FieldRef, &arrow::array::ArrayRef)| {
                    Ok((field.name().clone(), cell(column, row)?))
                };
            Ok(Value::Object(columns.map(field).collect::<Result<Map<_, _>>>()?))
        }
        other => bail!("{} is no type of the dialect", sql_name(other)),
    }
}

fn text(key: Value) -> String {
    super::case::text_of(&key)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BinaryArray, Decimal128Array, Float64Array, ListArray};
    use arrow::array::{Int32Array, StructArray};

    use super::*;

    fn shown(array: &dyn Array, row: usize) -> String {
        cell(array, row).expect("a type of the dialect").to_string()
    }

    #[test]
    fn scalars_print_as_in_the_cases() {
        let decimals = Decimal128Array::from(vec![1210]).with_precision_and_scale(5, 2);
        assert_eq!(shown(&decimals.expect("fits"), 0), "12.10");
        assert_eq!(shown(&Float64Array::from(vec![10.5]), 0), "10.5");
        assert_eq!(shown(&BinaryArray::from(vec![b"!".as_slice()]), 0), "\"IQ==\"");
        assert_eq!(shown(&Int32Array::from(vec![None]), 0), "null");
    }

    #[test]
    fn nested_values_become_lists_and_objects() {
        let items = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]);
        assert_eq!(shown(&items, 0), "[1,null]");
        let field = arrow::datatypes::Field::new("A", DataType::Float64, true);
        let column: ArrayRef = Arc::new(Float64Array::from(vec![2.0]));
        let row = StructArray::from(vec![(Arc::new(field), column)]);
        assert_eq!(shown(&row, 0), r#"{"A":2.0}"#);
    }
}
