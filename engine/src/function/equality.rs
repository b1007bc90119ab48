//! Equality of values of any type, nested ones included: by their bytes in the row format.
//!
//! Null equals null. Maps are compared with their entries in order of arrival, as they are held.

use arrow::array::{Array, ArrayRef};
use arrow::row::{Row, RowConverter, SortField};
use datafusion::common::Result;

/// A column whose values can be compared with each other and with those of its pair.
pub(super) struct Rows {
    rows: arrow::row::Rows,
}

impl Rows {
    /// One column.
    pub(super) fn new(column: &ArrayRef) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
        Ok(Self { rows: converter.convert_columns(std::slice::from_ref(column))? })
    }

    /// Two columns of the same type, made comparable.
    pub(super) fn pair(left: &ArrayRef, right: &ArrayRef) -> Result<(Self, Self)> {
        Ok((Self::new(left)?, Self::new(right)?))
    }

    /// The value of a row.
    pub(super) fn row(&self, row: usize) -> Row<'_> {
        self.rows.row(row)
    }
}
