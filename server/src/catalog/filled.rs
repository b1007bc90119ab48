//! Rows of a catalog table, given column by column.
//!
//! Tables of `pg_catalog` have dozens of columns of which a few mean something here. A column that
//! nobody names holds what Postgres holds where there is nothing to say: zero, false, no text.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListArray, RecordBatch, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int16Type, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

/// Rows on their way into a table.
pub(super) struct Filled {
    fields: Vec<FieldRef>,
    columns: Vec<Option<ArrayRef>>,
    rows: usize,
}

impl Filled {
    /// This many rows of a table of this schema.
    pub fn new(schema: &SchemaRef, rows: usize) -> Self {
        let fields = schema.fields().to_vec();
        Self { columns: vec![None; fields.len()], fields, rows }
    }

    /// The same with the values of a column, a value per row.
    pub fn with<V: Into<ScalarValue>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self> {
        let at = self.index(name)?;
        let values: Vec<ScalarValue> = values.into_iter().map(Into::into).collect();
        let data_type = self.fields[at].data_type();
        self.columns[at] = Some(match values.is_empty() {
            true => new_null_array(data_type, 0),
            false => cast(&ScalarValue::iter_to_array(values)?, data_type)?,
        });
        Ok(self)
    }

    /// The same with a column of arrays of numbers, which then is of that type.
    pub fn with_arrays(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = Vec<i16>>,
    ) -> Result<Self> {
        let at = self.index(name)?;
        let arrays = values.into_iter().map(|array| Some(array.into_iter().map(Some)));
        let arrays = ListArray::from_iter_primitive::<Int16Type, _, _>(arrays);
        self.fields[at] = Arc::new(Field::new(name, arrays.data_type().clone(), true));
        self.columns[at] = Some(Arc::new(arrays));
        Ok(self)
    }

    /// The rows.
    pub fn finish(self) -> Result<RecordBatch> {
        let columns = self.columns.into_iter().zip(&self.fields);
        let columns =
            columns.map(|(column, field)| column.map_or_else(|| blank(field, self.rows), Ok));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), columns)?)
    }

    fn index(&self, name: &str) -> Result<usize> {
        let found = self.fields.iter().position(|field| field.name() == name);
        found.ok_or_else(|| DataFusionError::Internal(format!("the table has no column {name}")))
    }
}

/// What stands where there is nothing to say.
fn blank(field: &FieldRef, rows: usize) -> Result<ArrayRef> {
    let always = field.data_type().is_numeric() || *field.data_type() == DataType::Boolean;
    match always || !field.is_nullable() {
        true => ScalarValue::new_default(field.data_type())?.to_array_of_size(rows),
        false => Ok(new_null_array(field.data_type(), rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::util::pretty::pretty_format_batches;

    #[test]
    fn what_nobody_names_is_blank() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("oid", DataType::Int32, false),
            Field::new("kind", DataType::Utf8, false),
            Field::new("acl", DataType::Utf8, true),
            Field::new("keys", DataType::Utf8, true),
            Field::new("shared", DataType::Boolean, true),
        ]));
        let filled = Filled::new(&schema, 2).with("oid", [1i64, 2]).unwrap();
        let filled = filled.with_arrays("keys", [vec![1, 2], vec![]]).unwrap();
        let shown = pretty_format_batches(&[filled.finish().unwrap()]).unwrap().to_string();
        let rows: Vec<_> = shown.lines().skip(3).take(2).collect();
        assert_eq!(
            rows,
            ["| 1   |      |     | [1, 2] | false  |", "| 2   |      |     | []     | false  |"]
        );
        assert!(Filled::new(&schema, 0).with("nowhere", [1]).is_err());
    }
}
