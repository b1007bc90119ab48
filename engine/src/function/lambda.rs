//! TRANSFORM, FILTER and REDUCE: functions that take functions.
//!
//! Here is what they take and give; [`Elements`] evaluates them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature,
    HigherOrderUDF, HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::coercion::{canonical, common_type, entry_types};
use super::elements::Elements;
use super::operator::cast_array;
use super::{Definition, FunctionKind, Implementation, Origin};
use crate::types::{array_of, map_of, sql_name};

/// The functions of this family.
pub(super) fn functions() -> Vec<(Definition, Implementation)> {
    let definitions = [
        (
            Kind::Transform,
            "TRANSFORM",
            "The array or map with each element replaced by what a lambda gives for it. For a map \
             the first lambda gives the key and the second the value.",
            &[
                "TRANSFORM(items ARRAY<T>, x => U) → ARRAY<U>",
                "TRANSFORM(map MAP<K, V>, (k, v) => L, (k, v) => W) → MAP<L, W>",
            ][..],
            &[
                ("TRANSFORM(ARRAY[1, 2], x => x * 10)", "[10, 20]"),
                ("TRANSFORM(MAP('a' := 1), (k, v) => UCASE(k), (k, v) => v + 1)", "{A=2}"),
            ][..],
        ),
        (
            Kind::Filter,
            "FILTER",
            "The elements of an array or map for which a lambda gives true.",
            &[
                "FILTER(items ARRAY<T>, x => BOOLEAN) → ARRAY<T>",
                "FILTER(map MAP<K, V>, (k, v) => BOOLEAN) → MAP<K, V>",
            ],
            &[("FILTER(ARRAY[1, 2, 3], x => x > 1)", "[2, 3]")],
        ),
        (
            Kind::Reduce,
            "REDUCE",
            "What becomes of a start value if a lambda is applied to it and each element in turn. \
             The start value itself if the array or map is null or empty.",
            &[
                "REDUCE(items ARRAY<T>, start S, (s, x) => S) → S",
                "REDUCE(map MAP<K, V>, start S, (s, k, v) => S) → S",
            ],
            &[("REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)", "16")],
        ),
    ];
    definitions
        .into_iter()
        .map(|(kind, name, description, signatures, examples)| {
            let definition = Definition {
                name,
                kind: FunctionKind::Scalar,
                origin: Origin::Dialect,
                description,
                signatures,
                examples,
            };
            let function = LambdaFunction::new(definition.clone(), kind);
            let function = HigherOrderUDF::new_from_impl(function);
            (definition, Implementation::HigherOrder(Arc::new(function)))
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transform,
    Filter,
    Reduce,
}

#[derive(Debug)]
struct LambdaFunction {
    definition: Definition,
    kind: Kind,
    signature: HigherOrderSignature,
}

/// Functions are told apart by their names: the registry holds one of each.
impl PartialEq for LambdaFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for LambdaFunction {}

impl Hash for LambdaFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

/// The types of the elements of an array (one) or a map (two).
fn element_types(collection: &DataType) -> Option<Vec<DataType>> {
    match collection {
        DataType::List(item) => Some(vec![item.data_type().clone()]),
        DataType::Map(entries, _) => {
            let (key, value) = entry_types(entries)?;
            Some(vec![key.clone(), value.clone()])
        }
        _ => None,
    }
}

fn nullable(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("element", data_type, true))
}

/// What a call consists of, in the order that all these functions have.
struct Call<'a, V, L> {
    collection: &'a V,
    start: Option<&'a V>,
    lambdas: Vec<&'a L>,
}

impl LambdaFunction {
    fn new(definition: Definition, kind: Kind) -> Self {
        let signature = HigherOrderSignature::user_defined(Volatility::Immutable);
        Self { definition, kind, signature }
    }

    fn mismatch<T>(&self, types: &str) -> Result<T> {
        plan_err!(
            "function '{}' does not accept parameters ({types}).\nvalid alternatives are:\n{}",
            self.definition.name.to_lowercase(),
            self.definition.signatures.join("\n")
        )
    }

    /// How many lambdas the function takes for a collection.
    fn lambda_count(&self, collection: &DataType) -> usize {
        match (self.kind, collection) {
            (Kind::Transform, DataType::Map(..)) => 2,
            _ => 1,
        }
    }

    fn call<'a, V, L>(
        &self,
        arguments: &'a [ValueOrLambda<V, L>],
        type_of: impl Fn(&V) -> DataType,
    ) -> Result<Call<'a, V, L>> {
        let (mut values, mut lambdas) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                ValueOrLambda::Value(value) if lambdas.is_empty() => values.push(value),
                ValueOrLambda::Value(_) => return self.mismatch("…, LAMBDA, value"),
                ValueOrLambda::Lambda(lambda) => lambdas.push(lambda),
            }
        }
        let (collection, start) = match (self.kind, values.as_slice()) {
            (Kind::Reduce, [collection, start]) => (*collection, Some(*start)),
            (Kind::Transform | Kind::Filter, [collection]) => (*collection, None),
            _ => return self.mismatch(&format!("{} values and lambdas", arguments.len())),
        };
        if lambdas.len() != self.lambda_count(&type_of(collection)) {
            let name = sql_name(&type_of(collection));
            return self.mismatch(&format!("{name}, and {} lambdas", lambdas.len()));
        }
        Ok(Call { collection, start, lambdas })
    }
}

impl HigherOrderUDFImpl for LambdaFunction {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let types: Vec<_> = arg_types.iter().map(canonical).collect();
        let is_collection = types.first().is_some_and(|first| element_types(first).is_some());
        let count = if self.kind == Kind::Reduce { 2 } else { 1 };
        match is_collection && types.len() == count {
            true => Ok(types),
            false => self.mismatch(&format!("{}, LAMBDA", super::scalar::names(arg_types))),
        }
    }

    /// The elements; for REDUCE the state before them. The state's type is the start value's
    /// until the lambda's own type is known, which may be wider.
    fn lambda_parameters(
        &self,
        _step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let call = self.call(fields, |field| field.data_type().clone())?;
        let collection = call.collection.data_type();
        let Some(mut parameters) = element_types(collection) else {
            return self.mismatch(&sql_name(collection));
        };
        let Some(start) = call.start else {
            let parameters: Vec<_> = parameters.into_iter().map(nullable).collect();
            let lambdas = vec![parameters; call.lambdas.len()];
            return Ok(LambdaParametersProgress::Complete(lambdas));
        };
        let body = call.lambdas[0].as_ref();
        let state = self.state_type(start.data_type(), body.map(|field| field.data_type()))?;
        parameters.insert(0, state);
        let parameters: Vec<_> = parameters.into_iter().map(nullable).collect();
        Ok(match body {
            Some(_) => LambdaParametersProgress::Complete(vec![parameters]),
            None => LambdaParametersProgress::Partial(vec![Some(parameters)]),
        })
    }

    fn coerce_values_for_lambdas(
        &self,
        fields: &[ValueOrLambda<DataType, DataType>],
    ) -> Result<Option<Vec<DataType>>> {
        let call = self.call(fields, DataType::clone)?;
        let Some(start) = call.start else { return Ok(None) };
        let state = self.state_type(start, Some(call.lambdas[0]))?;
        Ok(Some(vec![call.collection.clone(), state]))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let call = self.call(args.arg_fields, |field| field.data_type().clone())?;
        let body = call.lambdas[0].data_type();
        let data_type = match (self.kind, call.collection.data_type()) {
            (Kind::Transform, DataType::Map(..)) => {
                map_of(body.clone(), call.lambdas[1].data_type().clone())
            }
            (Kind::Transform, _) => array_of(body.clone()),
            (Kind::Filter, collection) if *body == DataType::Boolean => collection.clone(),
            (Kind::Filter, _) => {
                return plan_err!("the lambda of FILTER must give BOOLEAN, not {}", sql_name(body));
            }
            (Kind::Reduce, _) => {
                let start = call.start.map_or(&DataType::Null, |start| start.data_type());
                self.state_type(start, Some(body))?
            }
        };
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }

    /// Null rows are never looked into, whatever lies beneath them.
    fn clear_null_values(&self) -> bool {
        false
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let call = self.call(&args.args, ColumnarValue::data_type)?;
        let collection = call.collection.to_array(args.number_rows)?;
        let elements = Elements::new(&collection)?;
        let result_type = args.return_type();
        let result = match (self.kind, call.start) {
            (Kind::Transform, _) => elements.transform(&call.lambdas, result_type)?,
            (Kind::Filter, _) => elements.filter(call.lambdas[0], &collection)?,
            (Kind::Reduce, Some(start)) => {
                let start = cast_array(&start.to_array(args.number_rows)?, result_type)?;
                elements.reduce(call.lambdas[0], start)?
            }
            (Kind::Reduce, None) => return internal_err!("REDUCE has no start value"),
        };
        Ok(ColumnarValue::Array(result))
    }
}

impl LambdaFunction {
    /// The type of REDUCE's state: what the start value and the lambda's result have in common.
    /// A decimal stays as it is, since every addition would make it wider.
    fn state_type(&self, start: &DataType, body: Option<&DataType>) -> Result<DataType> {
        let Some(body) = body else { return Ok(canonical(start)) };
        let (start, body) = (canonical(start), canonical(body));
        if let (DataType::Decimal128(..), DataType::Decimal128(..)) = (&start, &body) {
            return Ok(start);
        }
        match common_type(&start, &body) {
            Some(state) => Ok(state),
            None => plan_err!(
                "the lambda of {} must give the type of its start value, {}, not {}",
                self.definition.name,
                sql_name(&start),
                sql_name(&body)
            ),
        }
    }
}
