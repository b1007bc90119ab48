//! Expressions: from syntax to DataFusion's typed expressions.
//!
//! One recursion resolves names, finds functions and settles types from the leaves up, so that an
//! error can point at the place. The dialect's own rules live here and nowhere else:
//! comparisons are two-valued (NULL gives false), casts and arithmetic are Java's, arrays count
//! from one, time columns compare with text. What comes out is a plain DataFusion expression.

mod build;
mod call;
mod coerce;
mod fitting;
mod literal;
mod time_text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Case, InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit, when};
use sql::ast::{Expr as Syntax, Ident, Span, Spanned};
use sqlparser::ast::{AccessExpr, BinaryOperator, Subscript, UnaryOperator, Value};

use super::scope::Scope;
use crate::error::{Code, Result, invalid};
use crate::expression_text::sql_text;
use crate::function::Functions;
use crate::function::datetime::is_time_unit;
use crate::function::operator::NullOperand;
use crate::row_type::{RowColumn, pseudo};
use crate::types::sql_name;

pub use build::{cast, field, insert_cast};
pub use coerce::common_type;
pub use time_text::timestamp_ms;

/// The deepest nesting of an expression.
const DEPTH_MAX: usize = 200;

/// Looks up custom types.
pub trait CustomTypes {
    /// The Arrow type of a type in a statement.
    fn resolve(&self, data_type: &sql::ast::DataType) -> Result<DataType>;
}

/// Resolves expressions over a scope.
pub struct Resolver<'a> {
    functions: &'a Functions,
    types: &'a dyn CustomTypes,
    scope: &'a Scope,
    schema: DFSchema,
    /// The types of placeholders, `$1` first; there are none where this is empty.
    placeholders: &'a [Option<DataType>],
    /// The parameters of the lambdas around, the innermost last.
    lambda_variables: Vec<FieldRef>,
    table_functions: Vec<(Expr, RowColumn)>,
    depth: usize,
}

impl<'a> Resolver<'a> {
    /// A resolver for the columns of `scope`.
    pub fn new(
        functions: &'a Functions,
        types: &'a dyn CustomTypes,
        scope: &'a Scope,
    ) -> Result<Self> {
        let schema = scope.rows.df_schema()?;
        Ok(Self {
            functions,
            types,
            scope,
            schema,
            placeholders: &[],
            lambda_variables: Vec::new(),
            table_functions: Vec::new(),
            depth: 0,
        })
    }

    /// The same where there may be placeholders: `$1` has the first of these types.
    #[must_use]
    pub fn with_parameters(self, placeholders: &'a [Option<DataType>]) -> Self {
        Self { placeholders, ..self }
    }

    /// The schema that resolved expressions refer to.
    pub fn schema(&self) -> &DFSchema {
        &self.schema
    }

    /// The type of a resolved expression.
    pub fn type_of(&self, expr: &Expr) -> Result<DataType> {
        Ok(expr.get_type(&self.schema)?)
    }

    /// The table functions called so far, each with the column that stands for its items.
    pub fn into_table_functions(self) -> Vec<(Expr, RowColumn)> {
        self.table_functions
    }

    /// An error if a table function was called in a place where there can be none.
    pub fn refuse_table_functions(&self, place: &str, span: Span) -> Result<()> {
        match self.table_functions.first() {
            None => Ok(()),
            Some((call, _)) => {
                let call = sql_text(call);
                let message = format!("table functions cannot be used in {place}: {call}");
                Err(invalid(Code::InvalidQuery, message).at(span))
            }
        }
    }

    /// Resolves an expression.
    pub fn resolve(&mut self, expr: &Syntax) -> Result<Expr> {
        if self.depth >= DEPTH_MAX {
            let message = format!("expression is nested deeper than {DEPTH_MAX} levels");
            return Err(invalid(Code::InvalidQuery, message).at(expr.span()));
        }
        self.depth += 1;
        let resolved = self.resolve_inner(expr);
        self.depth -= 1;
        resolved.map_err(|error| error.at(expr.span()))
    }

    /// Resolves a condition: a BOOLEAN expression.
    pub fn condition(&mut self, expr: &Syntax, clause: &str) -> Result<Expr> {
        let resolved = self.resolve(expr)?;
        match self.type_of(&resolved)? {
            DataType::Boolean | DataType::Null => Ok(resolved),
            other => {
                let message = format!(
                    "type error in {clause} expression: should evaluate to BOOLEAN but is {} ({}) instead",
                    expr,
                    sql_name(&other)
                );
                Err(invalid(Code::TypeMismatch, message).at(expr.span()))
            }
        }
    }

    fn resolve_inner(&mut self, expr: &Syntax) -> Result<Expr> {
        match expr {
            Syntax::Identifier(name) => self.name(name),
            Syntax::CompoundIdentifier(parts) => self.qualified_name(parts),
            Syntax::Value(value) => self.value(&value.value),
            Syntax::TypedString(typed) => literal::typed(typed),
            Syntax::Nested(inner) => self.resolve(inner),
            Syntax::UnaryOp { op, expr } => self.unary(*op, expr),
            Syntax::BinaryOp { left, op, right } => self.binary(left, op, right),
            Syntax::IsNull(inner) => Ok(self.resolve(inner)?.is_null()),
            Syntax::IsNotNull(inner) => Ok(self.resolve(inner)?.is_not_null()),
            Syntax::IsTrue(inner) => Ok(self.resolve(inner)?.is_true()),
            Syntax::IsFalse(inner) => Ok(self.resolve(inner)?.is_false()),
            Syntax::IsDistinctFrom(left, right) => {
                self.compare(left, Operator::IsDistinctFrom, right)
            }
            Syntax::IsNotDistinctFrom(left, right) => {
                self.compare(left, Operator::IsNotDistinctFrom, right)
            }
            Syntax::Between { expr, negated, low, high } => {
                let low = self.compare(expr, Operator::GtEq, low)?;
                let high = self.compare(expr, Operator::LtEq, high)?;
                Ok(negate_if(*negated, low.and(high)))
            }
            Syntax::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Syntax::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(*negated, expr, pattern, escape_char.as_ref().map(|v| &v.value))
            }
            Syntax::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Syntax::Cast { expr, data_type, .. } => self.cast(expr, data_type),
            Syntax::Function(function) => self.call(function),
            Syntax::Array(array) => self.array(&array.elem),
            Syntax::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Syntax::Trim { expr, trim_what: None, .. } => self.call_named("TRIM", &[expr]),
            Syntax::Floor { expr, .. } => self.call_named("FLOOR", &[expr]),
            Syntax::Ceil { expr, .. } => self.call_named("CEIL", &[expr]),
            Syntax::Substring { expr, substring_from, substring_for, .. } => {
                let parts = [Some(expr), substring_from.as_ref(), substring_for.as_ref()];
                let parts: Vec<&Syntax> = parts.into_iter().flatten().map(|e| &**e).collect();
                self.call_named("SUBSTRING", &parts)
            }
            Syntax::Lambda(_) => Err(invalid(
                Code::InvalidQuery,
                "a lambda can only be an argument of TRANSFORM, FILTER or REDUCE",
            )),
            other => {
                let message = format!("expression {other} is not supported here");
                Err(invalid(Code::NotSupported, message))
            }
        }
    }

    /// A literal, or a placeholder of a known type.
    fn value(&self, value: &Value) -> Result<Expr> {
        let Value::Placeholder(name) = value else { return literal::value(value) };
        let known = |number: usize| self.placeholders.get(number.checked_sub(1)?)?.clone();
        match placeholder_number(name).and_then(known) {
            Some(data_type) => Ok(build::placeholder(name, data_type)),
            None => literal::value(value),
        }
    }

    fn name(&self, name: &Ident) -> Result<Expr> {
        let variables = self.lambda_variables.iter().rev();
        match { variables }.find(|variable| *variable.name() == name.value) {
            Some(variable) => Ok(build::lambda_variable(variable)),
            None => match self.scope.column(name) {
                // The unit of DATEADD(DAYS, …) is a bare word.
                Err(_) if is_time_unit(&name.value) => Ok(text(&name.value)),
                column => column,
            },
        }
    }

    fn qualified_name(&self, parts: &[Ident]) -> Result<Expr> {
        match parts {
            [qualifier, name] => self.scope.qualified(qualifier, name),
            _ => {
                let shown: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                let message =
                    format!("expected a column or source.column, found {}", shown.join("."));
                Err(invalid(Code::UnknownColumn, message))
            }
        }
    }

    fn unary(&mut self, op: UnaryOperator, operand: &Syntax) -> Result<Expr> {
        match op {
            UnaryOperator::Not => {
                let operand = self.condition(operand, "NOT")?;
                Ok(Expr::Not(Box::new(operand)))
            }
            UnaryOperator::Plus => self.resolve(operand),
            UnaryOperator::Minus => {
                if let Syntax::Value(value) = operand
                    && let Value::Number(text, _) = &value.value
                {
                    return literal::number(&format!("-{text}"));
                }
                let resolved = self.resolve(operand)?;
                match self.type_of(&resolved)? {
                    data_type if data_type.is_numeric() => Ok(build::negate(resolved)),
                    other => Err(invalid(
                        Code::TypeMismatch,
                        format!("expected a number after -, found {}", sql_name(&other)),
                    )),
                }
            }
            other => Err(invalid(Code::NotSupported, format!("operator {other} is not supported"))),
        }
    }

    fn binary(&mut self, left: &Syntax, op: &BinaryOperator, right: &Syntax) -> Result<Expr> {
        use BinaryOperator as Op;
        let compared = match op {
            Op::Eq => Operator::Eq,
            Op::NotEq => Operator::NotEq,
            Op::Lt => Operator::Lt,
            Op::LtEq => Operator::LtEq,
            Op::Gt => Operator::Gt,
            Op::GtEq => Operator::GtEq,
            Op::And | Op::Or => return self.junction(left, op, right),
            Op::Arrow => return self.field(left, right),
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo | Op::StringConcat => {
                let (left, right) = (self.resolve(left)?, self.resolve(right)?);
                let types = (self.type_of(&left)?, self.type_of(&right)?);
                let nulls = match self.lambda_variables.is_empty() {
                    true => NullOperand::Null,
                    false => NullOperand::Error,
                };
                return build::arithmetic(op, nulls, (left, types.0), (right, types.1));
            }
            other => {
                let message = format!("operator {other} is not supported");
                return Err(invalid(Code::NotSupported, message));
            }
        };
        self.compare(left, compared, right)
    }

    /// `AND` and `OR`. In a lambda the right side is evaluated only where the left one does not
    /// decide: `x IS NOT NULL AND x + 1 > 0` must not fail on the element that is NULL.
    fn junction(&mut self, left: &Syntax, op: &BinaryOperator, right: &Syntax) -> Result<Expr> {
        let clause = op.to_string();
        let (left, right) = (self.condition(left, &clause)?, self.condition(right, &clause)?);
        let in_lambda = !self.lambda_variables.is_empty();
        Ok(match (op, in_lambda) {
            (BinaryOperator::And, false) => left.and(right),
            (BinaryOperator::And, true) => when(left, right).otherwise(lit(false))?,
            (_, false) => left.or(right),
            (_, true) => when(left, lit(true)).otherwise(right)?,
        })
    }

    fn compare(&mut self, left: &Syntax, op: Operator, right: &Syntax) -> Result<Expr> {
        if is_null(left) && is_null(right) {
            let message = format!("comparison with NULL not supported: {left} {op} {right}");
            return Err(invalid(Code::TypeMismatch, message)
                .hint("a comparison with NULL is never true; use IS NULL"));
        }
        let (left, right) = (self.resolve(left)?, self.resolve(right)?);
        let (left, right) = self.comparable(left, op, right)?;
        Ok(two_valued(op, left, right))
    }

    /// Both sides in the type in which they are compared.
    fn comparable(&mut self, left: Expr, op: Operator, right: Expr) -> Result<(Expr, Expr)> {
        let right = self.time_from_text(&left, right)?;
        let left = self.time_from_text(&right, left)?;
        let (from_left, from_right) = (self.type_of(&left)?, self.type_of(&right)?);
        let target = coerce::comparison_type(op, &from_left, &from_right)?;
        Ok((cast(left, &from_left, &target)?, cast(right, &from_right, &target)?))
    }

    /// A text literal beside ROWTIME, WINDOWSTART or WINDOWEND is a point of time.
    fn time_from_text(&self, beside: &Expr, literal: Expr) -> Result<Expr> {
        let is_time = |name: &str| name == pseudo::ROWTIME || pseudo::is_window_bound(name);
        match (beside, &literal) {
            (Expr::Column(column), Expr::Literal(ScalarValue::Utf8(Some(text)), _))
                if is_time(&column.name) =>
            {
                Ok(Expr::Literal(ScalarValue::Int64(Some(timestamp_ms(text)?)), None))
            }
            _ => Ok(literal),
        }
    }

    fn in_list(&mut self, value: &Syntax, list: &[Syntax], negated: bool) -> Result<Expr> {
        let value = self.resolve(value)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let resolved = self.resolve(item)?;
            items.push(self.time_from_text(&value, resolved)?);
        }
        let from = self.type_of(&value)?;
        let target = self.common_type(from.clone(), &items)?;
        let value = cast(value, &from, &target)?;
        let items = items.into_iter().map(|item| self.fitted(item, &target));
        let list = InList::new(Box::new(value), items.collect::<Result<_>>()?, false);
        Ok(negate_if(negated, Expr::InList(list).is_true()))
    }

    fn like(
        &mut self,
        negated: bool,
        value: &Syntax,
        pattern: &Syntax,
        escape: Option<&Value>,
    ) -> Result<Expr> {
        let (value, pattern) = (self.liked(value)?, self.liked(pattern)?);
        let pattern = match escape {
            None => pattern,
            Some(escape) => build::escaped_pattern(escape, pattern)?,
        };
        let like = Like::new(false, Box::new(value), Box::new(pattern), None, false);
        Ok(negate_if(negated, Expr::Like(like).is_true()))
    }

    /// A side of `LIKE`.
    fn liked(&mut self, side: &Syntax) -> Result<Expr> {
        let resolved = self.resolve(side)?;
        match self.type_of(&resolved)? {
            found @ (DataType::Utf8 | DataType::Null) => cast(resolved, &found, &DataType::Utf8),
            found => {
                let message = format!("LIKE compares STRING values, found {}", sql_name(&found));
                Err(invalid(Code::TypeMismatch, message).at(side.span()))
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&Syntax>,
        branches: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Syntax>,
    ) -> Result<Expr> {
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for branch in branches {
            conditions.push(match operand {
                Some(operand) => self.compare(operand, Operator::Eq, &branch.condition)?,
                None => self.condition(&branch.condition, "CASE")?,
            });
            results.push(self.resolve(&branch.result)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.resolve(otherwise)?);
        }
        let types = results.iter().map(|r| self.type_of(r)).collect::<Result<Vec<_>>>()?;
        let target = coerce::case_type(&types)?;
        let results = results.into_iter().zip(&types).map(|(r, from)| cast(r, from, &target));
        let mut results = results.collect::<Result<Vec<_>>>()?;
        let otherwise = otherwise.and_then(|_| results.pop()).map(Box::new);
        let pairs = conditions.into_iter().zip(results);
        let when_then = pairs.map(|(when, then)| (Box::new(when), Box::new(then))).collect();
        Ok(Expr::Case(Case::new(None, when_then, otherwise)))
    }

    fn cast(&mut self, operand: &Syntax, to: &sqlparser::ast::DataType) -> Result<Expr> {
        let resolved = self.resolve(operand)?;
        let unknown = || invalid(Code::UnknownName, format!("cannot resolve unknown type: {to}"));
        let written = sql::ast::DataType::from_sqlparser(to).ok_or_else(unknown)?;
        let to = self.types.resolve(&written)?;
        let from = self.type_of(&resolved)?;
        build::explicit_cast(resolved, &from, &to)
    }

    fn field(&mut self, base: &Syntax, name: &Syntax) -> Result<Expr> {
        let base = self.resolve(base)?;
        let Syntax::Identifier(name) = name else {
            return Err(invalid(
                Code::InvalidQuery,
                format!("expected a field name, found {name}"),
            ));
        };
        let base_type = self.type_of(&base)?;
        build::field(base, &base_type, &name.value)
    }

    fn access(&mut self, root: &Syntax, chain: &[AccessExpr]) -> Result<Expr> {
        let mut value = self.resolve(root)?;
        for step in chain {
            let value_type = self.type_of(&value)?;
            value = match step {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let index = self.resolve(index)?;
                    let index_type = self.type_of(&index)?;
                    build::subscript(value, &value_type, index, &index_type)?
                }
                other => {
                    let message = format!("expected an index in brackets, found {other}");
                    return Err(invalid(Code::NotSupported, message));
                }
            };
        }
        Ok(value)
    }

    fn array(&mut self, items: &[Syntax]) -> Result<Expr> {
        let items = items.iter().map(|item| self.resolve(item)).collect::<Result<Vec<_>>>()?;
        Ok(build::array(self.unified("ARRAY", items)?.0))
    }
}

/// A comparison that is false where SQL's would be NULL.
fn two_valued(op: Operator, left: Expr, right: Expr) -> Expr {
    let comparison = Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)));
    match op {
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => comparison,
        _ => comparison.is_true(),
    }
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    match negated {
        true => Expr::Not(Box::new(expr)),
        false => expr,
    }
}

fn is_null(syntax: &Syntax) -> bool {
    match syntax {
        Syntax::Nested(inner) => is_null(inner),
        Syntax::Value(value) => value.value == Value::Null,
        _ => false,
    }
}

/// The number of a placeholder: 1 for `$1`.
pub fn placeholder_number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse().ok()
}

/// A literal of type STRING.
fn text(value: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8(Some(value.to_owned())), None)
}

/// A shared field, for lambda variables.
fn shared(field: arrow::datatypes::Field) -> FieldRef {
    Arc::new(field)
}
