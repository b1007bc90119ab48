//! The places of an array's elements, as arrays that can be unnested: what [`super::super::rewrite`]
//! puts in for functions that give several rows.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StructArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::any_arguments;

/// Adds the functions.
pub(super) fn register(context: &SessionContext) {
    for (name, with_elements) in [("pg_subscripts", false), ("pg_numbered", true)] {
        let signature = any_arguments(Volatility::Immutable);
        context.register_udf(ScalarUDF::new_from_impl(Places { name, signature, with_elements }));
    }
}

/// `{7, 9}` as `{1, 2}`, or as `{(x 7, n 1), (x 9, n 2)}`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Places {
    name: &'static str,
    signature: Signature,
    with_elements: bool,
}

impl Places {
    fn item(&self) -> DataType {
        match self.with_elements {
            true => DataType::Struct(fields()),
            false => DataType::Int32,
        }
    }

    fn items(&self, lists: &ListArray) -> Result<ArrayRef> {
        let numbers = lists.iter().flatten().flat_map(|list| 1..=list.len() as i32);
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(numbers));
        if !self.with_elements {
            return Ok(numbers);
        }
        let elements = cast(&present(lists)?, &DataType::Int32)?;
        Ok(Arc::new(StructArray::try_new(fields(), vec![elements, numbers], None)?))
    }
}

fn fields() -> Fields {
    [Field::new("x", DataType::Int32, true), Field::new("n", DataType::Int32, true)]
        .into_iter()
        .collect()
}

/// The elements of all arrays, one after the other.
fn present(lists: &ListArray) -> Result<ArrayRef> {
    let parts: Vec<ArrayRef> = lists.iter().flatten().collect();
    if parts.is_empty() {
        return Ok(datafusion::arrow::array::new_empty_array(&lists.value_type()));
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    Ok(datafusion::arrow::compute::concat(&parts)?)
}

impl ScalarUDFImpl for Places {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(self.item(), true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let missing = || DataFusionError::Plan(format!("{} takes an array", self.name));
        let array = args.args.into_iter().next().ok_or_else(missing)?;
        let array = array.into_array(args.number_rows)?;
        let lists = array.as_list_opt::<i32>().ok_or_else(missing)?;
        let lengths = lists.iter().map(|list| list.map_or(0, |list| list.len()));
        let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths(lengths);
        let field = Arc::new(Field::new_list_field(self.item(), true));
        let items = self.items(lists)?;
        let lists = ListArray::try_new(field, offsets, items, lists.nulls().cloned())?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}
