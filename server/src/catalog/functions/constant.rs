//! Functions that always answer the same.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::any_arguments;

/// Adds a function that answers `value` to whatever it is asked.
pub(super) fn register(context: &SessionContext, name: &'static str, value: ScalarValue) {
    let signature = any_arguments(Volatility::Stable);
    // Clients write both `version()` and `pg_catalog.version()`; the parser has taken the
    // schema off by now.
    context.register_udf(ScalarUDF::new_from_impl(Constant { name, signature, value }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    signature: Signature,
    value: ScalarValue,
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
