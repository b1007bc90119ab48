//! Rows as bytes: one encoding for the keys and the values of every store.
//!
//! It is Arrow's row format: comparable byte by byte, so keys sort as their columns do, and it
//! holds every type of the dialect.

use arrow::array::{ArrayRef, RecordBatchOptions, new_empty_array};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};

use crate::error::Result;

/// Encodes and decodes rows of fixed column types.
#[derive(Debug)]
pub struct RowCodec {
    converter: RowConverter,
    types: Vec<DataType>,
}

/// Encoded rows of a batch.
#[derive(Debug)]
pub struct EncodedRows {
    rows: Option<Rows>,
    len: usize,
}

impl EncodedRows {
    /// The bytes of row `index`.
    pub fn get(&self, index: usize) -> &[u8] {
        self.rows.as_ref().map_or(&[], |rows| rows.row(index).data())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes of all rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len).map(|index| self.get(index))
    }
}

impl RowCodec {
    /// A codec for these columns.
    pub fn new(types: Vec<DataType>) -> Result<Self> {
        let fields = types.iter().map(|data_type| SortField::new(data_type.clone())).collect();
        Ok(Self { converter: RowConverter::new(fields)?, types })
    }

    /// Encodes `len` rows. No columns at all give empty bytes.
    pub fn encode(&self, columns: &[ArrayRef], len: usize) -> Result<EncodedRows> {
        let rows = match self.types.is_empty() {
            true => None,
            false => Some(self.converter.convert_columns(columns)?),
        };
        Ok(EncodedRows { rows, len })
    }

    /// Decodes rows into columns.
    pub fn decode<'a>(&self, rows: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        if self.types.is_empty() {
            return Ok(Vec::new());
        }
        let parser = self.converter.parser();
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(self.types.iter().map(new_empty_array).collect());
        }
        let columns = self.converter.convert_rows(rows.map(|row| parser.parse(row)))?;
        // The row format has one form of each type; map and list fields get their own names back.
        let restored = columns.into_iter().zip(&self.types);
        restored.map(|(column, data_type)| restore(column, data_type)).collect()
    }
}

fn restore(column: ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    match column.data_type() == data_type {
        true => Ok(column),
        false => Ok(arrow::compute::cast(&column, data_type)?),
    }
}

/// A batch of columns, also where there are none.
pub fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, Int32Builder, Int64Array, MapBuilder, StringArray, StringBuilder};

    use super::*;
    use crate::types;

    #[test]
    fn rows_come_back_with_their_types() {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        maps.keys().append_value("a");
        maps.values().append_value(1);
        maps.append(true).unwrap();
        maps.append(false).unwrap();
        let map_type = types::map_of(DataType::Utf8, DataType::Int32);
        let maps = arrow::compute::cast(&maps.finish(), &map_type).unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(-1), None])),
            Arc::new(StringArray::from(vec!["x", ""])),
            maps,
        ];
        let codec = RowCodec::new(vec![DataType::Int64, DataType::Utf8, map_type]).unwrap();
        let rows = codec.encode(&columns, 2).unwrap();
        let back = codec.decode(rows.iter()).unwrap();
        assert_eq!(columns, back);
        assert_eq!(back[2].null_count(), 1);
    }

    #[test]
    fn no_columns_are_a_row_too() {
        let codec = RowCodec::new(Vec::new()).unwrap();
        let rows = codec.encode(&[], 3).unwrap();
        assert_eq!(rows.iter().collect::<Vec<_>>(), [b"", b"", b""]);
    }
}
