//! Values as bytes.
//!
//! Functions that keep values keep them in Arrow's row format: one string of bytes per value, of
//! any type, equal where the values are and in their order. The format may change with Arrow's
//! version, so it stays in memory; what is saved are the values themselves.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StructArray, new_null_array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Fields};
use arrow::row::{RowConverter, RowParser, Rows, SortField};

use super::maps::sort_maps;
use crate::error::Result;

/// What one kept value is.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A value of one column, in this order.
    Plain(DataType, SortOptions),
    /// A row of several columns, as a struct of these fields.
    Row(Fields),
    /// A row of which the first column alone decides on the order: its key.
    Keyed(Fields, SortOptions),
}

impl Item {
    /// A value whose order does not matter.
    pub fn plain(data_type: DataType) -> Self {
        Self::Plain(data_type, SortOptions::default())
    }

    /// The Arrow type of a kept value.
    pub fn data_type(&self) -> DataType {
        match self {
            Item::Plain(data_type, _) => data_type.clone(),
            Item::Row(fields) | Item::Keyed(fields, _) => DataType::Struct(fields.clone()),
        }
    }

    /// The types of the columns that make the values.
    pub fn columns(&self) -> Vec<DataType> {
        match self {
            Item::Plain(data_type, _) => vec![data_type.clone()],
            Item::Row(fields) | Item::Keyed(fields, _) => {
                fields.iter().map(|field| field.data_type().clone()).collect()
            }
        }
    }

    fn options(&self) -> SortOptions {
        match self {
            Item::Plain(_, options) | Item::Keyed(_, options) => *options,
            Item::Row(_) => SortOptions::default(),
        }
    }
}

/// Encodes and decodes kept values.
pub(super) struct Codec {
    item: Item,
    converter: RowConverter,
    parser: RowParser,
    /// Encodes the key alone, where a value is more than its key.
    key_converter: Option<RowConverter>,
    /// The encoded NULL.
    null: Box<[u8]>,
}

impl Codec {
    /// The codec for these values.
    pub fn new(item: Item) -> Result<Self> {
        let columns = item.columns().into_iter();
        let field = |column| SortField::new_with_options(column, item.options());
        let fields: Vec<_> = columns.map(field).collect();
        let key_converter = match item {
            Item::Keyed(..) => Some(RowConverter::new(fields[..1].to_vec())?),
            Item::Plain(..) | Item::Row(..) => None,
        };
        let nulls: Vec<_> = item.columns().iter().map(|column| new_null_array(column, 1)).collect();
        let converter = RowConverter::new(fields)?;
        let null = converter.convert_columns(&nulls)?.row(0).data().into();
        Ok(Self { parser: converter.parser(), item, converter, key_converter, null })
    }

    /// What a value is.
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The encoded NULL, for where there is no value.
    pub fn null(&self) -> &[u8] {
        &self.null
    }

    /// Encodes rows of columns.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Encoded> {
        let columns = columns.iter().map(sort_maps).collect::<Result<Vec<_>>>()?;
        let key_rows = self.key_converter.as_ref();
        let key_rows = key_rows.map(|converter| converter.convert_columns(&columns[..1]));
        Ok(Encoded { rows: self.converter.convert_columns(&columns)?, keys: key_rows.transpose()? })
    }

    /// Encodes what [`decode`](Self::decode) gave.
    pub fn encode_items(&self, items: &ArrayRef) -> Result<Encoded> {
        match &self.item {
            Item::Plain(..) => self.encode(std::slice::from_ref(items)),
            Item::Row(..) | Item::Keyed(..) => self.encode(items.as_struct().columns()),
        }
    }

    /// The columns of encoded values.
    pub fn decode_columns<'a>(
        &self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<ArrayRef>> {
        Ok(self.converter.convert_rows(values.map(|bytes| self.parser.parse(bytes)))?)
    }

    /// Encoded values as one column.
    pub fn decode<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Result<ArrayRef> {
        let mut columns = self.decode_columns(values)?;
        Ok(match &self.item {
            Item::Plain(..) => columns.swap_remove(0),
            Item::Row(fields) | Item::Keyed(fields, _) => {
                Arc::new(StructArray::try_new(fields.clone(), columns, None)?)
            }
        })
    }
}

/// The encoded values of a batch.
pub(super) struct Encoded {
    rows: Rows,
    keys: Option<Rows>,
}

impl Encoded {
    /// The value of a row, and how many of its bytes are its key.
    pub fn get(&self, row: usize) -> (&[u8], usize) {
        let value = self.rows.row(row).data();
        (value, self.keys.as_ref().map_or(value.len(), |keys| keys.row(row).data().len()))
    }
}
