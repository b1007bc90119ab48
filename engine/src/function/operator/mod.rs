//! The operators that expressions are made of, as functions that DataFusion plans and runs.
//!
//! Users never see their names; the expression resolver puts them where SQL has `+`, `CAST`,
//! `a[1]`, `s->f`, `ARRAY[…]`, `MAP(…)` and `STRUCT(…)`. All take their arguments as they come:
//! what has to be widened is widened inside.

mod arithmetic;
mod cast;
mod constructor;
mod decimal;
mod dereference;
mod like;
mod number_cast;
mod subscript;
mod text;
mod text_cast;

pub use arithmetic::{ArithmeticOperator, NullOperand, arithmetic, arithmetic_type, negate};
pub(crate) use cast::cast_array;
pub use cast::{can_cast, cast};
pub use constructor::{
    Constructor, array_constructor, constructor, map_constructor, struct_constructor,
};
pub use dereference::dereference;
pub use like::escaped_pattern;
pub use subscript::subscript;
pub use text::written;
pub use text_cast::{parse_boolean_literal, parse_decimal};

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::Arguments;

/// An operator: its parameters are in the type, its operands are arguments.
trait Operator: Debug + Eq + Hash + Send + Sync + 'static {
    /// The name in plans.
    fn name(&self) -> &str;

    /// The type of the result, or an error that says why there is none.
    fn return_type(&self, operands: &[DataType]) -> Result<DataType>;

    /// Computes a batch.
    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef>;
}

/// An operator as DataFusion sees it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OperatorFunction<O> {
    operator: O,
    signature: Signature,
}

/// Whether a function is one of the operators that are no constructor: what fails in it spoils
/// the whole expression around it.
pub fn is_operator(function: &ScalarUDF) -> bool {
    operator::<arithmetic::Arithmetic>(function).is_some()
        || operator::<arithmetic::Negate>(function).is_some()
        || operator::<cast::Cast>(function).is_some()
        || operator::<dereference::Dereference>(function).is_some()
        || operator::<subscript::Subscript>(function).is_some()
}

/// The operator that a function is, if it is one of that kind.
fn operator<O: Operator>(function: &ScalarUDF) -> Option<&O> {
    function.inner().downcast_ref::<OperatorFunction<O>>().map(|function| &function.operator)
}

fn operator_function(operator: impl Operator) -> Arc<ScalarUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(OperatorFunction { operator, signature }))
}

impl<O: Operator> ScalarUDFImpl for OperatorFunction<O> {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.operator.return_type(arg_types)?;
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.operator.return_type(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let return_type = args.return_field.data_type().clone();
        let array = self.operator.evaluate(&Arguments::new(&args.args, rows, return_type)?)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}
