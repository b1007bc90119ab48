//! `pg_cancel_backend(pid)` and `pg_terminate_backend(pid)`: they end another client's statement or
//! connection, and say whether there is such a client.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::any_arguments;
use crate::sessions::Sessions;

/// What is done to a client.
type Act = fn(&Sessions, i32) -> bool;

/// Adds the functions over `sessions`.
pub(super) fn register(context: &SessionContext, sessions: &Arc<Sessions>) {
    let acts: [(&'static str, Act); 2] =
        [("pg_cancel_backend", Sessions::cancel), ("pg_terminate_backend", Sessions::terminate)];
    for (name, act) in acts {
        let signature = any_arguments(Volatility::Volatile);
        let sessions = sessions.clone();
        context.register_udf(ScalarUDF::new_from_impl(Order { name, signature, sessions, act }));
    }
}

#[derive(Debug)]
struct Order {
    name: &'static str,
    signature: Signature,
    sessions: Arc<Sessions>,
    act: Act,
}

// There is one of each name in a session.
impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Order {}

impl Hash for Order {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Order {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let missing = || DataFusionError::Plan(format!("{} takes the pid of a client", self.name));
        let pid = args.args.into_iter().next().ok_or_else(missing)?;
        let pids = cast(&pid.into_array(args.number_rows)?, &DataType::Int32)?;
        let pids = pids.as_primitive::<Int32Type>().iter();
        let done = pids.map(|pid| pid.map(|pid| (self.act)(&self.sessions, pid)));
        Ok(ColumnarValue::Array(Arc::new(done.collect::<BooleanArray>())))
    }
}
