//! Calls of functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{Expr, HigherOrderUDF, ScalarUDF};
use sql::ast::Expr as Syntax;
use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArguments, LambdaFunction,
};

use super::{Resolver, build, shared};
use crate::aggregate::{AggregateUdf, Settings};
use crate::error::{Code, Error, Result, invalid};
use crate::function::Implementation;
use crate::function::call::{UnresolvedLambdas, lambda_call, scalar_call};
use crate::near_miss::hint;
use crate::row_type::RowColumn;
use crate::types::sql_name;

impl Resolver<'_> {
    /// Resolves a call as it was written.
    pub(super) fn call(&mut self, function: &Function) -> Result<Expr> {
        let name = function.name.to_string().replace('`', "").to_uppercase();
        match name.as_str() {
            "STRUCT" => return self.struct_constructor(function),
            "MAP" => return self.map_constructor(function),
            _ => {}
        }
        let arguments = arguments(function)?;
        let implementation = self.implementation(&name)?;
        check_clauses(function, matches!(implementation, Implementation::Aggregate(_)))?;
        match implementation {
            Implementation::Scalar(udf) => {
                let arguments = self.resolve_all(&values(&name, &arguments)?)?;
                self.scalar(&udf, arguments)
            }
            Implementation::Table(udf) => {
                let arguments = self.resolve_all(&values(&name, &arguments)?)?;
                let list = self.scalar(&udf, arguments)?;
                self.table_function(list)
            }
            Implementation::HigherOrder(udf) => self.higher_order(&udf, &arguments),
            Implementation::Aggregate(aggregate) => {
                let arguments = self.aggregate_arguments(&name, &arguments)?;
                let udaf = AggregateUdf::new(aggregate, Settings::default());
                self.aggregate(Arc::new(udaf.into()), arguments, function)
            }
        }
    }

    /// A call of a function that has its own syntax, as TRIM.
    pub(super) fn call_named(&mut self, name: &str, arguments: &[&Syntax]) -> Result<Expr> {
        let Implementation::Scalar(udf) = self.implementation(name)? else {
            return Err(Error::Internal(format!("{name} is not a scalar function")));
        };
        let arguments = self.resolve_all(arguments)?;
        self.scalar(&udf, arguments)
    }

    fn implementation(&self, name: &str) -> Result<Implementation> {
        let found = self.functions.get(name).map(|(_, implementation)| implementation.clone());
        found.ok_or_else(|| {
            let message = format!("can't find any functions with the name '{name}'");
            let names = self.functions.definitions().map(|definition| definition.name);
            let near = hint(name, names.collect::<Vec<_>>());
            let near = near
                .filter(|hint| hint.starts_with("did"))
                .unwrap_or_else(|| "SHOW FUNCTIONS lists them all".to_owned());
            invalid(Code::UnknownName, message).hint(near)
        })
    }

    fn resolve_all(&mut self, arguments: &[&Syntax]) -> Result<Vec<Expr>> {
        arguments.iter().map(|argument| self.resolve(argument)).collect()
    }

    fn fields(&self, arguments: &[Expr]) -> Result<Vec<FieldRef>> {
        let fields = arguments
            .iter()
            .map(|argument| Ok(shared(Field::new("argument", self.type_of(argument)?, true))));
        fields.collect()
    }

    fn scalar(&self, udf: &Arc<ScalarUDF>, arguments: Vec<Expr>) -> Result<Expr> {
        Ok(scalar_call(udf, arguments, &self.schema)?)
    }

    /// A column that stands for the items of the list which a table function gives.
    fn table_function(&mut self, list: Expr) -> Result<Expr> {
        if self.table_functions.iter().any(|(_, column)| references(&list, column)) {
            let message = "table functions cannot be nested";
            return Err(invalid(Code::InvalidQuery, message));
        }
        let DataType::List(item) = self.type_of(&list)? else {
            return Err(Error::Internal("a table function gives no list".into()));
        };
        let name = format!("KSQL_SYNTH_{}", self.table_functions.len());
        let column = RowColumn { hidden: true, ..RowColumn::new(name, item.data_type().clone()) };
        let field = Field::new(&column.name, column.data_type.clone(), true);
        let added = DFSchema::new_with_metadata(vec![(None, shared(field))], Default::default())?;
        self.schema = self.schema.join(&added)?;
        let expr = column.expr();
        self.table_functions.push((list, column));
        Ok(expr)
    }

    /// The arguments of an aggregate; `*` and none at all both mean ROWTIME, except for COUNT.
    fn aggregate_arguments(
        &mut self,
        name: &str,
        arguments: &[&FunctionArgExpr],
    ) -> Result<Vec<Expr>> {
        match arguments {
            [] | [FunctionArgExpr::Wildcard] if name == "COUNT" => {
                Ok(vec![super::literal::number("1")?])
            }
            [] | [FunctionArgExpr::Wildcard] => Ok(vec![
                self.scope.column(&sql::ast::Ident::new(crate::row_type::pseudo::ROWTIME))?,
            ]),
            _ => self.resolve_all(&values(name, arguments)?),
        }
    }

    fn aggregate(
        &mut self,
        udaf: Arc<datafusion::logical_expr::AggregateUDF>,
        arguments: Vec<Expr>,
        function: &Function,
    ) -> Result<Expr> {
        if arguments.iter().any(super::super::contains_aggregate) {
            let message = format!("aggregate functions can not be nested: {function}");
            return Err(invalid(Code::InvalidQuery, message));
        }
        let distinct = matches!(
            &function.args,
            FunctionArguments::List(list)
                if list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        );
        let filter = function.filter.as_deref();
        let filter = filter.map(|f| self.condition(f, "FILTER")).transpose()?.map(Box::new);
        // Binding checks the argument types; they are cast when the aggregation is built.
        let fields = self.fields(&arguments)?;
        udaf.return_field(&fields)?;
        let params = AggregateFunctionParams {
            args: arguments,
            distinct,
            filter,
            order_by: Vec::new(),
            null_treatment: None,
        };
        Ok(Expr::AggregateFunction(AggregateFunction { func: udaf, params }))
    }

    /// Plans the values first: they decide the types of the lambdas' parameters.
    fn higher_order(
        &mut self,
        udf: &Arc<HigherOrderUDF>,
        arguments: &[&FunctionArgExpr],
    ) -> Result<Expr> {
        let (mut values, mut lambdas) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                FunctionArgExpr::Expr(Syntax::Lambda(lambda)) => lambdas.push(lambda),
                FunctionArgExpr::Expr(value) if lambdas.is_empty() => {
                    values.push(self.resolve(value)?);
                }
                other => {
                    let message =
                        format!("{} takes its lambdas last, found {other} behind", udf.name());
                    return Err(invalid(Code::InvalidQuery, message));
                }
            }
        }
        let schema = self.schema.clone();
        let parameters = lambdas.iter().map(|lambda| lambda_names(lambda)).collect();
        let mut body = |at: usize, parameters: &[FieldRef]| {
            self.lambda_body(&lambdas[at].body, parameters).map_err(DataFusionError::from)
        };
        let lambdas = UnresolvedLambdas { parameters, body: &mut body };
        Ok(lambda_call(udf, values, lambdas, &schema)?)
    }

    fn lambda_body(&mut self, body: &Syntax, parameters: &[FieldRef]) -> Result<Expr> {
        let outer = self.lambda_variables.len();
        self.lambda_variables.extend(parameters.iter().cloned());
        let resolved = self.resolve(body);
        self.lambda_variables.truncate(outer);
        resolved
    }

    fn struct_constructor(&mut self, function: &Function) -> Result<Expr> {
        let FunctionArguments::List(list) = &function.args else {
            return build::structure(Vec::new(), Vec::new());
        };
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for argument in &list.args {
            let FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } = argument
            else {
                let message = format!("expected name := value, found {argument}");
                return Err(invalid(Code::InvalidQuery, message));
            };
            names.push(name.value.clone());
            values.push(self.resolve(value)?);
        }
        build::structure(names, values)
    }

    fn map_constructor(&mut self, function: &Function) -> Result<Expr> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (key, value) in named_arguments(function)? {
            keys.push(self.resolve(key)?);
            values.push(self.resolve(value)?);
        }
        let (keys, key_type) = self.unified("MAP", keys)?;
        let (values, _) = self.unified("MAP", values)?;
        if key_type != DataType::Utf8 {
            let message = format!("keys of a MAP are STRING, found {}", sql_name(&key_type));
            return Err(invalid(Code::TypeMismatch, message));
        }
        let entries = keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]);
        Ok(build::map(entries.collect()))
    }
}

fn references(expr: &Expr, column: &RowColumn) -> bool {
    expr.exists(|node| Ok(*node == column.expr())).unwrap_or(false)
}

fn lambda_names(lambda: &LambdaFunction) -> Vec<String> {
    lambda.params.iter().map(|parameter| parameter.name.value.clone()).collect()
}

/// What may stand in a call besides its arguments is honoured or refused.
fn check_clauses(function: &Function, is_aggregate: bool) -> Result<()> {
    let list = match &function.args {
        FunctionArguments::List(list) => Some(list),
        _ => None,
    };
    let distinct = list.is_some_and(|list| list.duplicate_treatment.is_some());
    if !is_aggregate && (distinct || function.filter.is_some()) {
        let message =
            format!("DISTINCT and FILTER are for aggregates, and {} is none", function.name);
        return Err(invalid(Code::InvalidQuery, message));
    }
    let clause = match function {
        Function { over: Some(_), .. } => "OVER",
        Function { null_treatment: Some(_), .. } => "IGNORE NULLS or RESPECT NULLS",
        Function { within_group, .. } if !within_group.is_empty() => "WITHIN GROUP",
        _ if list.is_some_and(|list| !list.clauses.is_empty()) => "ORDER BY or LIMIT in a call",
        _ => return Ok(()),
    };
    let message = format!("{clause} is not supported in persistent and push queries");
    Err(invalid(Code::NotSupported, message).hint("a query without EMIT takes it"))
}

fn arguments(function: &Function) -> Result<Vec<&FunctionArgExpr>> {
    let list = match &function.args {
        FunctionArguments::None => return Ok(Vec::new()),
        FunctionArguments::List(list) => &list.args,
        FunctionArguments::Subquery(_) => {
            let message = "a subquery cannot be an argument";
            return Err(invalid(Code::NotSupported, message));
        }
    };
    let unnamed = list.iter().map(|argument| match argument {
        FunctionArg::Unnamed(argument) => Ok(argument),
        named => Err(invalid(Code::InvalidQuery, format!("unexpected named argument {named}"))),
    });
    unnamed.collect()
}

fn values<'a>(name: &str, arguments: &[&'a FunctionArgExpr]) -> Result<Vec<&'a Syntax>> {
    let values = arguments.iter().map(|argument| match argument {
        FunctionArgExpr::Expr(value) => Ok(value),
        other => Err(invalid(Code::InvalidQuery, format!("{name} does not take {other}"))),
    });
    values.collect()
}

/// The `name := value` pairs of a constructor.
fn named_arguments(function: &Function) -> Result<Vec<(&Syntax, &Syntax)>> {
    let FunctionArguments::List(list) = &function.args else { return Ok(Vec::new()) };
    let mut pairs = Vec::new();
    for argument in &list.args {
        match argument {
            FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => {
                pairs.push((name, value));
            }
            other => {
                let message = format!("expected name := value, found {other}");
                return Err(invalid(Code::InvalidQuery, message));
            }
        }
    }
    Ok(pairs)
}
