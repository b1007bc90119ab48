//! DataFusion's aggregates behind this interface.
//!
//! A slot holds the *state* that DataFusion's accumulator gives out, not the accumulator: that is
//! what its contract allows to be kept, merged and saved. For each touched slot of a batch an
//! accumulator is made, merged with the state, given the rows, and asked for the new state.
//!
//! Taking rows back: `retract_batch` serves sliding frames, and many accumulators only forget
//! what came first. Those of [`ARBITRARY`] take back any row; for the others the rows themselves
//! are kept and the result is computed anew whenever it is asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::{Column, Literal};

use super::call::canonical;
use super::{AggregateFunction, Argument, BoundAggregate, Input, Settings};
use crate::error::{Code, Result, invalid};

mod replayed;
mod stated;

use replayed::Replayed;
use stated::Stated;

/// Aggregates of DataFusion whose `retract_batch` takes back any row, not only the oldest.
const ARBITRARY: &[&str] = &[
    "avg",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// An aggregate function of DataFusion.
#[derive(Debug)]
pub struct External {
    udaf: Arc<AggregateUDF>,
    name: String,
}

impl External {
    /// Makes DataFusion's function one of ours.
    pub fn new(udaf: Arc<AggregateUDF>) -> Self {
        let name = udaf.name().to_ascii_uppercase();
        Self { udaf, name }
    }

    fn takes_back(&self) -> bool {
        ARBITRARY.contains(&self.udaf.name())
    }
}

impl AggregateFunction for External {
    fn name(&self) -> &str {
        &self.name
    }

    fn bind(
        &self,
        arguments: &[Argument],
        input: Input,
        _: &Settings,
    ) -> Result<Arc<dyn BoundAggregate>> {
        if arguments.is_empty() {
            let message = format!("function {} needs at least one argument", self.name);
            return Err(invalid(Code::TypeMismatch, message));
        }
        let plan = Plan::new(self.udaf.clone(), arguments)?;
        Ok(match input {
            Input::Changing if !self.takes_back() => Arc::new(Replayed::new(plan)?),
            _ => Arc::new(Stated::new(plan, input)?),
        })
    }
}

/// A function of DataFusion with the columns it is given.
#[derive(Debug)]
struct Plan {
    function: AggregateFunctionExpr,
    schema: SchemaRef,
    argument_types: Vec<DataType>,
    return_type: DataType,
}

impl Plan {
    fn new(udaf: Arc<AggregateUDF>, arguments: &[Argument]) -> Result<Self> {
        let schema = coerced(&udaf, arguments)?;
        let fields = schema.fields().iter().zip(arguments).enumerate();
        let arguments = fields.map(|(index, (field, argument))| expression(index, field, argument));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        let alias = udaf.name().to_string();
        let builder = AggregateExprBuilder::new(udaf, arguments).schema(schema.clone());
        let function = builder.alias(alias).build()?;
        let argument_types = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let return_type = canonical(function.field().data_type());
        Ok(Self { function, schema, argument_types, return_type })
    }

    /// Results as a column of the engine's type.
    fn results(&self, results: Vec<ScalarValue>) -> Result<ArrayRef> {
        if results.is_empty() {
            return Ok(new_empty_array(&self.return_type));
        }
        Ok(cast(&ScalarValue::iter_to_array(results)?, &self.return_type)?)
    }
}

/// The arguments as fields of the types that the function takes.
fn coerced(udaf: &AggregateUDF, arguments: &[Argument]) -> Result<SchemaRef> {
    let fields = arguments.iter().enumerate().map(|(index, argument)| -> FieldRef {
        Arc::new(Field::new(format!("c{index}"), argument.data_type.clone(), true))
    });
    let fields = fields_with_udf(&fields.collect::<Vec<_>>(), udaf)?;
    Ok(Arc::new(Schema::new(Fields::from(fields))))
}

fn expression(index: usize, field: &Field, argument: &Argument) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(match &argument.literal {
        Some(value) => Arc::new(Literal::new(value.cast_to(field.data_type())?)),
        None => Arc::new(Column::new(field.name(), index)),
    })
}

/// An accumulator without rows. Those that take rows back keep another state than the others.
fn accumulator(plan: &Plan, input: Input) -> Result<Box<dyn Accumulator>> {
    Ok(match input {
        Input::AppendOnly => plan.function.create_accumulator()?,
        Input::Changing => plan.function.create_sliding_accumulator()?,
    })
}
