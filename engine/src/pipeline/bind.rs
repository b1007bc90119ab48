//! Calls of aggregate functions, bound to the types of their arguments.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr, ExprSchemable};

use crate::aggregate::{
    AggregateUdf, Argument, BoundAggregate, External, Input, Settings, distinct,
};
use crate::error::Result;
use crate::planner::expression::cast;

/// A bound call.
pub struct BoundCall {
    /// The function.
    pub function: Arc<dyn BoundAggregate>,
    /// What it is given, in the types that it takes.
    pub arguments: Vec<Expr>,
}

/// Binds a call over rows of this schema.
pub fn bind(
    call: &AggregateFunction,
    schema: &DFSchema,
    settings: &Settings,
    input: Input,
) -> Result<BoundCall> {
    let arguments = call.params.args.iter().map(|expr| {
        let literal = match expr {
            Expr::Literal(value, _) => Some(value.clone()),
            _ => None,
        };
        Ok(Argument { data_type: expr.get_type(schema)?, literal })
    });
    let arguments = arguments.collect::<Result<Vec<_>>>()?;
    let ours = call.func.inner().downcast_ref::<AggregateUdf>();
    let function = match ours {
        Some(ours) => ours.function().bind(&arguments, input, settings)?,
        None => {
            let external = External::new(Arc::clone(&call.func));
            crate::aggregate::AggregateFunction::bind(&external, &arguments, input, settings)?
        }
    };
    let taken = call.params.args.iter().zip(&arguments).zip(function.argument_types());
    let cast = taken.map(|((expr, argument), to)| cast(expr.clone(), &argument.data_type, to));
    let arguments = cast.collect::<Result<Vec<_>>>()?;
    let function = if call.params.distinct { distinct(function)? } else { function };
    Ok(BoundCall { function, arguments })
}
