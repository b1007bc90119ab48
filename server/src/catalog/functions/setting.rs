//! `current_setting(name [, missing_ok])`.

use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::any_arguments;
use crate::client::settings::Settings;

/// Adds the function over these settings.
pub(super) fn register(context: &SessionContext, settings: Settings) {
    let signature = any_arguments(Volatility::Stable);
    context.register_udf(ScalarUDF::new_from_impl(CurrentSetting { signature, settings }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CurrentSetting {
    signature: Signature,
    settings: Settings,
}

impl ScalarUDFImpl for CurrentSetting {
    fn name(&self) -> &str {
        "current_setting"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let Some(name) = args.args.into_iter().next() else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)));
        };
        let names = name.into_array(rows)?;
        let values = (0..rows).map(|row| {
            let name = ScalarValue::try_from_array(&names, row)?;
            let value = name.try_as_str().flatten().and_then(|name| self.settings.get(name));
            Ok(value.map(|(_, value)| value.to_owned()))
        });
        Ok(ColumnarValue::Array(Arc::new(values.collect::<Result<StringArray>>()?)))
    }
}
