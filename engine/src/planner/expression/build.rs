//! The building blocks of expressions, with their types known.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{LambdaVariable, Placeholder, ScalarFunction};
use datafusion::logical_expr::{Expr, ScalarUDF};
use sqlparser::ast::{BinaryOperator, Value};

use super::coerce;
use crate::error::{Code, Result, invalid};
use crate::expression_text::sql_text;
use crate::function::from_base64;
use crate::function::operator::{self, ArithmeticOperator, NullOperand, arithmetic_type, can_cast};
use crate::types::sql_name;

fn call(function: Arc<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))
}

/// A variable of a lambda.
pub fn lambda_variable(field: &FieldRef) -> Expr {
    Expr::LambdaVariable(LambdaVariable::new(field.name().clone(), Some(Arc::clone(field))))
}

/// A value of this type that is known only when the query is asked.
pub fn placeholder(name: &str, data_type: DataType) -> Expr {
    let field = Arc::new(Field::new(name, data_type, true));
    Expr::Placeholder(Placeholder::new_with_field(name.to_owned(), Some(field)))
}

/// The expression in another type, as `CAST` gives it. Nothing is done where the type is right.
pub fn cast(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    if from == to {
        return Ok(expr);
    }
    match can_cast(from, to) {
        true => Ok(call(operator::cast(to.clone()), vec![expr])),
        false => {
            let message =
                format!("cast of {} to {} is not supported", sql_name(from), sql_name(to));
            Err(invalid(Code::TypeMismatch, message))
        }
    }
}

/// `CAST(expr AS to)`.
pub fn explicit_cast(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    cast(expr, from, to)
}

/// A value for a column in `INSERT INTO … VALUES`: numbers widen, literals give what they spell.
pub fn insert_cast(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    let fits = coerce::common_type(from, to).as_ref() == Some(to)
        || matches!(
            (from, to),
            (
                DataType::Int32 | DataType::Int64 | DataType::Decimal128(..),
                DataType::Decimal128(..)
            )
        )
        || matches!(
            (from, to),
            (DataType::Int64, DataType::Int32) | (DataType::Decimal128(..), DataType::Float64)
        )
        || (*from == DataType::Utf8 && !to.is_nested())
        || (from.is_nested() && to.is_nested() && can_cast(from, to));
    match fits {
        true if *to == DataType::Binary && *from == DataType::Utf8 => bytes_literal(&expr),
        true => super::fitting::literal_as(expr, from, to),
        false => {
            let message = format!("expected type {}, found {}", sql_name(to), sql_name(from));
            Err(invalid(Code::TypeMismatch, message))
        }
    }
}

/// A text literal for a BYTES column is base64, as bytes are written in JSON.
fn bytes_literal(expr: &Expr) -> Result<Expr> {
    const HINT: &str = "bytes are written in base64: 'aGk=', or TO_BYTES('hi', 'utf8')";
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = expr else {
        let message = "expected a BYTES value, found STRING";
        return Err(invalid(Code::TypeMismatch, message).hint(HINT));
    };
    let bytes = from_base64(text);
    let bytes = bytes.map_err(|_| {
        let message = format!("expected a BYTES value, found '{text}', which is not base64");
        invalid(Code::InvalidValue, message).hint(HINT)
    })?;
    Ok(Expr::Literal(ScalarValue::Binary(Some(bytes)), None))
}

/// `left + right` and its like.
pub fn arithmetic(
    op: &BinaryOperator,
    nulls: NullOperand,
    left: (Expr, DataType),
    right: (Expr, DataType),
) -> Result<Expr> {
    let operator = match op {
        BinaryOperator::Plus | BinaryOperator::StringConcat => ArithmeticOperator::Add,
        BinaryOperator::Minus => ArithmeticOperator::Subtract,
        BinaryOperator::Multiply => ArithmeticOperator::Multiply,
        BinaryOperator::Divide => ArithmeticOperator::Divide,
        BinaryOperator::Modulo => ArithmeticOperator::Modulo,
        other => {
            let message = format!("operator {other} is not supported");
            return Err(invalid(Code::NotSupported, message));
        }
    };
    check_operands(operator, &left.1, &right.1)?;
    Ok(call(operator::arithmetic(operator, nulls), vec![left.0, right.0]))
}

fn check_operands(operator: ArithmeticOperator, left: &DataType, right: &DataType) -> Result<()> {
    let (shown_left, shown_right) = (sql_name(left), sql_name(right));
    let message = match arithmetic_type(operator, left, right) {
        _ if *left == DataType::Null || *right == DataType::Null => format!(
            "arithmetic on types {shown_left} and {shown_right} are not supported, expected two numbers"
        ),
        Ok(_) => return Ok(()),
        Err(_) => format!(
            "unsupported arithmetic types: {shown_left} {operator} {shown_right}, expected two numbers"
        ),
    };
    Err(invalid(Code::TypeMismatch, message))
}

/// The pattern of a `LIKE … ESCAPE 'c'`.
pub fn escaped_pattern(escape: &Value, pattern: Expr) -> Result<Expr> {
    let character = match escape {
        Value::SingleQuotedString(text) => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none())
        }
        _ => None,
    };
    let Some(character) = character else {
        let message = format!("ESCAPE takes one character, found {escape}");
        return Err(invalid(Code::InvalidValue, message));
    };
    Ok(call(operator::escaped_pattern(character), vec![pattern]))
}

/// `-operand`.
pub fn negate(operand: Expr) -> Expr {
    call(operator::negate(), vec![operand])
}

/// `base->name`.
pub fn field(base: Expr, base_type: &DataType, name: &str) -> Result<Expr> {
    let DataType::Struct(fields) = base_type else {
        let message = format!("expected a STRUCT before ->{name}, found {}", sql_name(base_type));
        return Err(invalid(Code::TypeMismatch, message));
    };
    if fields.find(name).is_none() {
        let message = format!("could not find field '{name}' in {}", sql_text(&base));
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let error = invalid(Code::UnknownColumn, message);
        return Err(match crate::near_miss::hint(name, names) {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    Ok(call(operator::dereference(name), vec![base]))
}

/// `base[index]`.
pub fn subscript(
    base: Expr,
    base_type: &DataType,
    index: Expr,
    index_type: &DataType,
) -> Result<Expr> {
    let expected = match base_type {
        DataType::List(_) => "a whole number",
        DataType::Map(..) => "a STRING key",
        other => {
            let message = format!(
                "expected an ARRAY or MAP before [{}], found {}",
                sql_text(&index),
                sql_name(other)
            );
            return Err(invalid(Code::TypeMismatch, message));
        }
    };
    let fits = match base_type {
        DataType::List(_) => matches!(index_type, DataType::Int32 | DataType::Int64),
        _ => *index_type == DataType::Utf8,
    };
    match fits {
        true => Ok(call(operator::subscript(), vec![base, index])),
        false => {
            let message =
                format!("expected {expected} in brackets, found {}", sql_name(index_type));
            Err(invalid(Code::TypeMismatch, message))
        }
    }
}

/// `ARRAY[…]` of items of one type.
pub fn array(items: Vec<Expr>) -> Expr {
    call(operator::array_constructor(), items)
}

/// `MAP(…)` of keys and values in turn, of one type each.
pub fn map(entries: Vec<Expr>) -> Expr {
    call(operator::map_constructor(), entries)
}

/// `STRUCT(…)`.
pub fn structure(names: Vec<String>, values: Vec<Expr>) -> Result<Expr> {
    Ok(call(operator::struct_constructor(names)?, values))
}
