//! `pg_table_is_visible`: whether a relation can be named without its schema.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::super::objects::Object;
use super::any_arguments;

/// Adds the function: all but the system tables can.
pub(super) fn register(context: &SessionContext, objects: &[Object]) {
    let hidden = objects.iter().filter(|object| object.is_system());
    let hidden = Arc::new(hidden.map(|object| i64::from(object.oid)).collect());
    let signature = any_arguments(Volatility::Stable);
    context.register_udf(ScalarUDF::new_from_impl(Visible { signature, hidden }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Visible {
    signature: Signature,
    hidden: Arc<BTreeSet<i64>>,
}

impl ScalarUDFImpl for Visible {
    fn name(&self) -> &str {
        "pg_table_is_visible"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(oids) = arrays.first() else {
            return Ok(ColumnarValue::Array(Arc::new(BooleanArray::new_null(args.number_rows))));
        };
        let oids = cast(oids, &DataType::Int64)?;
        let visible = oids.as_primitive::<Int64Type>().iter();
        let visible = visible.map(|oid| oid.map(|oid| !self.hidden.contains(&oid)));
        Ok(ColumnarValue::Array(Arc::new(visible.collect::<BooleanArray>())))
    }
}
