//! Our aggregates as DataFusion's, so that it can plan them, and run them in pull queries.
//!
//! DataFusion plans with types alone: it asks for the type of a result before it shows the
//! literals among the arguments. The type never depends on a literal's value, so while planning
//! every whole number counts as 1 and every BOOLEAN as true.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, not_impl_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::{AggregateFunction, Argument, BoundAggregate, Input, Settings, distinct};

mod many_groups;
mod one_group;

use many_groups::ManyGroups;
use one_group::OneGroup;

/// An aggregate function of ours that DataFusion can plan and run.
///
/// `COUNT(*)` without argument has to be given as `COUNT(1)`, as DataFusion's own planner does.
#[derive(Debug)]
pub struct AggregateUdf {
    function: Arc<dyn AggregateFunction>,
    settings: Settings,
    /// DataFusion's names are lower case.
    name: String,
    signature: Signature,
}

impl AggregateUdf {
    /// Makes a function of ours one of DataFusion's.
    pub fn new(function: Arc<dyn AggregateFunction>, settings: Settings) -> Self {
        let name = function.name().to_ascii_lowercase();
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { function, settings, name, signature }
    }

    /// The function of ours.
    pub fn function(&self) -> &Arc<dyn AggregateFunction> {
        &self.function
    }

    fn bind(
        &self,
        arguments: &[Argument],
        input: Input,
        is_distinct: bool,
    ) -> Result<Arc<dyn BoundAggregate>> {
        let bound = self.function.bind(arguments, input, &self.settings)?;
        Ok(if is_distinct { distinct(bound)? } else { bound })
    }

    fn bind_types<'a>(
        &self,
        types: impl Iterator<Item = &'a DataType>,
        is_distinct: bool,
    ) -> Result<Arc<dyn BoundAggregate>> {
        // What rows are distinct in is a column, not a literal that COUNT could leave out.
        let arguments = types.enumerate().map(|(at, data_type)| Argument {
            data_type: data_type.clone(),
            literal: stand_in(data_type).filter(|_| !is_distinct || at > 0),
        });
        self.bind(&arguments.collect::<Vec<_>>(), Input::AppendOnly, is_distinct)
    }

    fn bind_call(
        &self,
        call: &AccumulatorArgs<'_>,
        input: Input,
    ) -> Result<Arc<dyn BoundAggregate>> {
        if !call.order_bys.is_empty() || call.ignore_nulls {
            let name = self.function.name();
            return not_impl_err!("{name} takes neither ORDER BY nor IGNORE NULLS");
        }
        let arguments = call.exprs.iter().zip(call.expr_fields).map(|(expr, field)| Argument {
            data_type: field.data_type().clone(),
            literal: expr.downcast_ref::<Literal>().map(|literal| literal.value().clone()),
        });
        self.bind(&arguments.collect::<Vec<_>>(), input, call.is_distinct)
    }
}

fn stand_in(data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Boolean => Some(ScalarValue::Boolean(Some(true))),
        integer if integer.is_integer() => ScalarValue::Int64(Some(1)).cast_to(integer).ok(),
        _ => None,
    }
}

impl PartialEq for AggregateUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.settings == other.settings
    }
}

impl Eq for AggregateUdf {}

impl Hash for AggregateUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.settings.hash(state);
    }
}

impl AggregateUDFImpl for AggregateUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let bound = self.bind_types(types.iter(), false)?;
        let parameters = types.iter().skip(bound.argument_types().len());
        Ok(bound.argument_types().iter().chain(parameters).cloned().collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(self.bind_types(types.iter(), false)?.return_type().clone())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types = args.input_fields.iter().map(|field| field.data_type());
        let states = self.bind_types(types, args.is_distinct)?.state_types();
        let field = |(index, data_type)| -> FieldRef {
            Arc::new(Field::new(format!("{}[{index}]", args.name), data_type, true))
        };
        Ok(states.into_iter().enumerate().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::new(self.bind_call(&args, Input::AppendOnly)?.as_ref(), false)))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::new(self.bind_call(&args, Input::Changing)?.as_ref(), true)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ManyGroups::new(self.bind_call(&args, Input::AppendOnly)?)))
    }
}
