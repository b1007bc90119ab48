//! `array_to_string(array, delimiter [, null])`, also for columns that `datafusion-pg-catalog` has as
//! text where Postgres has arrays (permissions, options): their text is what is asked for.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::functions_nested::string::array_to_string_udf;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::any_arguments;

/// Adds the function.
pub(super) fn register(context: &SessionContext) {
    let signature = any_arguments(Volatility::Immutable);
    let inner = array_to_string_udf();
    context.register_udf(ScalarUDF::new_from_impl(ArrayText { signature, inner }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayText {
    signature: Signature,
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for ArrayText {
    fn name(&self) -> &str {
        "array_to_string"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(array) if !is_list(&array.data_type()) => array.cast_to(&DataType::Utf8, None),
            _ => self.inner.invoke_with_args(args),
        }
    }
}

fn is_list(data_type: &DataType) -> bool {
    use DataType::{FixedSizeList, LargeList, List};
    matches!(data_type, List(_) | LargeList(_) | FixedSizeList(_, _))
}
