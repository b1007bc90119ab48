//! Building calls: implicit casts put in, types of lambda parameters worked out.
//!
//! The expression resolver hands over resolved arguments and gets an expression that DataFusion
//! can plan as it is.

use std::sync::Arc;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, Result, internal_err, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{HigherOrderFunction, Lambda, ScalarFunction};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    Expr, ExprSchemable, HigherOrderUDF, LambdaParametersProgress, ScalarUDF, TypeSignature,
    ValueOrLambda,
};

use super::coercion::canonical;
use super::operator::cast;
use super::scalar::names;

/// The lambdas of a call that are not resolved yet, for their parameters have no types yet.
pub struct UnresolvedLambdas<'a> {
    /// The names of each lambda's parameters.
    pub parameters: Vec<Vec<String>>,
    /// Resolves the body of the lambda with that index, given its parameters as fields. In the
    /// expression that it gives, an [`Expr::LambdaVariable`] of exactly such a field stands for
    /// each parameter. It may be called more than once.
    pub body: LambdaBody<'a>,
}

/// See [`UnresolvedLambdas::body`].
pub type LambdaBody<'a> = &'a mut dyn FnMut(usize, &[FieldRef]) -> Result<Expr>;

/// A call of a function without lambdas; `schema` is that of the columns in the arguments.
pub fn scalar_call(
    function: &Arc<ScalarUDF>,
    arguments: Vec<Expr>,
    schema: &DFSchema,
) -> Result<Expr> {
    let types = types(&arguments, schema)?;
    let arguments = cast_all(arguments, &types, &wanted(function, &types)?);
    let call = ScalarFunction::new_udf(Arc::clone(function), arguments);
    in_dialect(function, &types, Expr::ScalarFunction(call), schema)
}

/// The types that a function wants its arguments in. Ours say themselves what they do not take.
fn wanted(function: &ScalarUDF, given: &[DataType]) -> Result<Vec<DataType>> {
    if function.signature().type_signature == TypeSignature::UserDefined {
        return explained(function.coerce_types(given), function, given);
    }
    let fields: Vec<FieldRef> = given.iter().map(field).collect();
    let coerced = fields_with_udf(&fields, function);
    let coerced = coerced.or_else(|_| refused(function, given))?;
    let wanted: Vec<DataType> = coerced.iter().map(|field| field.data_type().clone()).collect();
    // A signature that takes anything wants types that nothing leads to.
    match given.iter().zip(&wanted).all(|(given, wanted)| can_cast_types(given, wanted)) {
        true => Ok(wanted),
        false => refused(function, given),
    }
}

/// An error about the arguments of a call is the user's, whatever DataFusion files it under.
fn explained<T>(result: Result<T>, function: &ScalarUDF, given: &[DataType]) -> Result<T> {
    result.or_else(|error| match error {
        DataFusionError::Plan(_) | DataFusionError::External(_) => Err(error),
        _ => refused(function, given),
    })
}

/// What to say when one of DataFusion's functions does not take arguments of these types.
fn refused<T>(function: &ScalarUDF, given: &[DataType]) -> Result<T> {
    let (name, given) = (function.name(), names(given));
    match function.documentation() {
        None => plan_err!("function '{name}' does not accept parameters ({given})"),
        Some(documentation) => plan_err!(
            "function '{name}' does not accept parameters ({given}).\nvalid alternatives are:\n{}",
            documentation.syntax_example
        ),
    }
}

/// The call, with its result in a type of the dialect: DataFusion's own functions give others too.
fn in_dialect(
    function: &ScalarUDF,
    arguments: &[DataType],
    call: Expr,
    schema: &DFSchema,
) -> Result<Expr> {
    let given = explained(call.get_type(schema), function, arguments)?;
    let known = canonical(&given);
    Ok(match given == known {
        true => call,
        false => datafusion::logical_expr::cast(call, known),
    })
}

/// A call of a function with lambdas, which come behind the values.
pub fn lambda_call(
    function: &Arc<HigherOrderUDF>,
    values: Vec<Expr>,
    mut lambdas: UnresolvedLambdas<'_>,
    schema: &DFSchema,
) -> Result<Expr> {
    let given = types(&values, schema)?;
    let wanted = function.inner().coerce_value_types(&given)?;
    let resolved = resolve(function, &wanted, &mut lambdas, schema)?;
    let mut arguments = cast_all(values, &given, &resolved.values);
    arguments.extend(
        lambdas
            .parameters
            .into_iter()
            .zip(resolved.bodies)
            .map(|(parameters, body)| Expr::Lambda(Lambda::new(parameters, body))),
    );
    let call = HigherOrderFunction::new(Arc::clone(function), arguments);
    let call = Expr::HigherOrderFunction(call);
    // Whether it takes what its lambdas give is told by its type.
    call.get_type(schema)?;
    Ok(call)
}

/// Lambdas with their bodies, and the types that the values must have for them.
struct Resolved {
    values: Vec<DataType>,
    bodies: Vec<Expr>,
}

/// More steps than any function needs.
const STEPS_MAX: usize = 8;

/// Asks the function for the parameters' types, resolves the bodies with them, tells the function
/// what they give, and so on until it is content.
fn resolve(
    function: &HigherOrderUDF,
    values: &[DataType],
    lambdas: &mut UnresolvedLambdas<'_>,
    schema: &DFSchema,
) -> Result<Resolved> {
    let mut results = vec![None; lambdas.parameters.len()];
    for step in 0..STEPS_MAX {
        let answer = ask(function, step, values, &results)?;
        let bodies = bodies(function, lambdas, &answer.parameters)?;
        if answer.complete {
            let bodies: Option<Vec<_>> = bodies.into_iter().collect();
            return match bodies {
                Some(bodies) => {
                    Ok(Resolved { values: widened(function, values, &results)?, bodies })
                }
                None => internal_err!("{} left a lambda without parameters", function.name()),
            };
        }
        let result =
            |body: &Option<Expr>| body.as_ref().map(|body| body.get_type(schema)).transpose();
        results = bodies.iter().map(result).collect::<Result<_>>()?;
    }
    plan_err!("cannot infer the types of the lambda parameters of {}", function.name())
}

/// What a function says of its lambdas' parameters.
struct Answer {
    /// The parameters of each lambda, where they are known.
    parameters: Vec<Option<Vec<FieldRef>>>,
    /// Whether it is the last word.
    complete: bool,
}

fn ask(
    function: &HigherOrderUDF,
    step: usize,
    values: &[DataType],
    results: &[Option<DataType>],
) -> Result<Answer> {
    let values = values.iter().map(|value| ValueOrLambda::Value(field(value)));
    let results = results.iter().map(|result| ValueOrLambda::Lambda(result.as_ref().map(field)));
    let fields: Vec<_> = values.chain(results).collect();
    Ok(match function.lambda_parameters(step, &fields)? {
        LambdaParametersProgress::Partial(parameters) => Answer { parameters, complete: false },
        LambdaParametersProgress::Complete(parameters) => {
            Answer { parameters: parameters.into_iter().map(Some).collect(), complete: true }
        }
    })
}

/// The bodies of the lambdas whose parameters are known.
fn bodies(
    function: &HigherOrderUDF,
    lambdas: &mut UnresolvedLambdas<'_>,
    parameters: &[Option<Vec<FieldRef>>],
) -> Result<Vec<Option<Expr>>> {
    let UnresolvedLambdas { parameters: names, body } = lambdas;
    let resolve = |(index, fields): (usize, &Option<Vec<FieldRef>>)| {
        let Some(fields) = fields else { return Ok(None) };
        body(index, &named(function, &names[index], fields)?).map(Some)
    };
    parameters.iter().enumerate().map(resolve).collect()
}

/// The fields of a lambda's parameters, under the names that the lambda gives them.
fn named(
    function: &HigherOrderUDF,
    names: &[String],
    fields: &[FieldRef],
) -> Result<Vec<FieldRef>> {
    if fields.len() != names.len() {
        return plan_err!(
            "{} gives its lambda {} arguments, but the lambda takes {}",
            function.name(),
            fields.len(),
            names.len()
        );
    }
    let named = names.iter().zip(fields);
    Ok(named.map(|(name, field)| Arc::new(field.as_ref().clone().with_name(name))).collect())
}

/// The types of the values after the lambdas' results are known.
fn widened(
    function: &HigherOrderUDF,
    values: &[DataType],
    results: &[Option<DataType>],
) -> Result<Vec<DataType>> {
    let results: Option<Vec<_>> = results.iter().cloned().collect();
    let Some(results) = results else { return Ok(values.to_vec()) };
    let value_types = values.iter().cloned().map(ValueOrLambda::Value);
    let fields: Vec<_> =
        value_types.chain(results.into_iter().map(ValueOrLambda::Lambda)).collect();
    Ok(function.coerce_values_for_lambdas(&fields)?.unwrap_or_else(|| values.to_vec()))
}

fn field(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new("value", data_type.clone(), true))
}

fn types(arguments: &[Expr], schema: &DFSchema) -> Result<Vec<DataType>> {
    arguments.iter().map(|argument| argument.get_type(schema)).collect()
}

fn cast_all(arguments: Vec<Expr>, given: &[DataType], wanted: &[DataType]) -> Vec<Expr> {
    let typed = arguments.into_iter().zip(given.iter().zip(wanted));
    typed
        .map(|(argument, (given, wanted))| match wanted {
            _ if given == wanted => argument,
            wanted if *wanted == canonical(wanted) => cast(wanted.clone()).call(vec![argument]),
            // A type that only DataFusion's own functions want.
            wanted => datafusion::logical_expr::cast(argument, wanted.clone()),
        })
        .collect()
}
