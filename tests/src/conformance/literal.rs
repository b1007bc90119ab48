//! The literals of `ASSERT … VALUES`, evaluated and coerced as `INSERT … VALUES` does.

use anyhow::{Context, Result, bail};
use arrow::datatypes::{DataType, Fields};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use serde_json::{Map, Value};
use sql::ast::Expr;
use sqlparser::ast::{self as parsed, FunctionArg, FunctionArgExpr, UnaryOperator};

use super::decode;

/// The value of a literal in a column of this type, in the form that records decode to.
pub fn evaluate(literal: &Expr, data_type: &DataType) -> Result<Value> {
    match literal {
        Expr::Value(value) => scalar(&value.value, data_type),
        Expr::Nested(inner) => evaluate(inner, data_type),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            let text = format!("-{}", super::case::text_of(&evaluate(expr, data_type)?));
            decode::number(&text).with_context(|| format!("{text} is no number"))
        }
        Expr::Array(array) => {
            let DataType::List(item) = data_type else { bail!("an array where none is expected") };
            array.elem.iter().map(|expr| evaluate(expr, item.data_type())).collect()
        }
        Expr::Function(function) => constructed(function, data_type),
        other => bail!("{other} is no literal"),
    }
}

fn scalar(value: &parsed::Value, data_type: &DataType) -> Result<Value> {
    match value {
        parsed::Value::Null => Ok(Value::Null),
        parsed::Value::Boolean(flag) => Ok(Value::Bool(*flag)),
        parsed::Value::Number(text, _) => typed(text, data_type),
        parsed::Value::SingleQuotedString(text) => typed(text, data_type),
        other => bail!("{other} is no literal"),
    }
}

fn typed(text: &str, data_type: &DataType) -> Result<Value> {
    let value = match data_type {
        DataType::Utf8 | DataType::Binary => return Ok(Value::String(text.to_owned())),
        DataType::Boolean => return Ok(Value::Bool(text.eq_ignore_ascii_case("true"))),
        DataType::Date32 => days(text).map(|days| days.to_string()),
        DataType::Time32(_) => day_ms(text).map(|ms| ms.to_string()),
        DataType::Timestamp(..) => epoch_ms(text).map(|ms| ms.to_string()),
        _ => None,
    };
    let text = value.as_deref().unwrap_or(text);
    decode::number(text).with_context(|| format!("`{text}` does not fit the column"))
}

fn days(text: &str) -> Option<i64> {
    let date: NaiveDate = text.parse().ok()?;
    Some(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn day_ms(text: &str) -> Option<u32> {
    let time: NaiveTime = text.parse().ok()?;
    Some(time.num_seconds_from_midnight() * 1000 + time.nanosecond() / 1_000_000)
}

fn epoch_ms(text: &str) -> Option<i64> {
    let at: Option<NaiveDateTime> = text.trim_end_matches('Z').parse().ok();
    let at = at.or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
    at.map(|at| at.and_utc().timestamp_millis())
}

/// `STRUCT(F := 1)` and `MAP('k' := 1)`.
fn constructed(function: &parsed::Function, data_type: &DataType) -> Result<Value> {
    let parsed::FunctionArguments::List(list) = &function.args else {
        bail!("{function} is no literal");
    };
    let mut fields = Map::new();
    for arg in &list.args {
        let (name, value) = named(arg).with_context(|| format!("{arg} is not `name := value`"))?;
        let value = evaluate(value, member_type(data_type, &name)?)?;
        fields.insert(name, value);
    }
    Ok(Value::Object(fields))
}

fn named(arg: &FunctionArg) -> Option<(String, &Expr)> {
    let (name, value) = match arg {
        FunctionArg::Named { name, arg, .. } => (name.value.clone(), arg),
        FunctionArg::ExprNamed { name, arg, .. } => match name {
            Expr::Value(value) => (value.value.clone().into_string()?, arg),
            Expr::Identifier(name) => (name.value.clone(), arg),
            _ => return None,
        },
        FunctionArg::Unnamed(_) => return None,
    };
    match value {
        FunctionArgExpr::Expr(value) => Some((name, value)),
        _ => None,
    }
}

fn member_type<'a>(data_type: &'a DataType, name: &str) -> Result<&'a DataType> {
    let by_name = |fields: &'a Fields| fields.iter().find(|field| field.name() == name);
    let member = match data_type {
        DataType::Struct(fields) => by_name(fields),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.get(1),
            _ => None,
        },
        _ => None,
    };
    Ok(member.with_context(|| format!("the column has no member {name}"))?.data_type())
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::types::{TIME, TIMESTAMP, array_of};

    fn value(text: &str, data_type: &DataType) -> String {
        let literal = Expr::Value(parsed::Value::SingleQuotedString(text.to_owned()).into());
        evaluate(&literal, data_type).map_or_else(|error| error.to_string(), |v| v.to_string())
    }

    #[test]
    fn text_is_coerced_to_the_column() {
        assert_eq!(value("1970-01-11", &DataType::Date32), "10");
        assert_eq!(value("00:01:00.5", &TIME), "60500");
        assert_eq!(value("1970-01-01T00:00:01.25", &TIMESTAMP), "1250");
        assert_eq!(value("1970-01-02", &TIMESTAMP), "86400000");
        assert_eq!(value("1.50", &DataType::Decimal128(4, 2)), "1.50");
        assert_eq!(value("x", &DataType::Utf8), "\"x\"");
        assert_eq!(value("x", &DataType::Int32), "`x` does not fit the column");
    }

    #[test]
    fn signs_and_arrays_are_literals() {
        let number = Expr::Value(parsed::Value::Number("3".to_owned(), false).into());
        let minus = Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) };
        let array = Expr::Array(parsed::Array { elem: vec![minus], named: true });
        let evaluated = evaluate(&array, &array_of(DataType::Int32)).expect("a literal");
        assert_eq!(evaluated.to_string(), "[-3]");
    }
}
