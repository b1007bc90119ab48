//! Operators as they are written: `(a + b)`, `s->field`, `CAST(a AS INTEGER)`.

use datafusion::logical_expr::ScalarUDF;

use super::arithmetic::{Arithmetic, Negate};
use super::cast::Cast;
use super::constructor::{Constructor, constructor};
use super::dereference::Dereference;
use super::operator;
use super::subscript::Subscript;
use crate::types::sql_name;

/// The call of an operator with these operands; none if the function is no operator.
pub fn written(function: &ScalarUDF, operands: &[String]) -> Option<String> {
    if let Some(constructor) = constructor(function) {
        return Some(constructed(constructor, operands));
    }
    match operands {
        [left, right] => {
            if let Some(Arithmetic { operator, .. }) = operator(function) {
                return Some(format!("({left} {operator} {right})"));
            }
            operator::<Subscript>(function).map(|_| format!("{left}[{right}]"))
        }
        [operand] => {
            if let Some(Cast { to }) = operator(function) {
                return Some(format!("CAST({operand} AS {})", sql_name(to)));
            }
            if let Some(Dereference { field }) = operator(function) {
                return Some(format!("{operand}->{field}"));
            }
            operator::<Negate>(function).map(|_| format!("-{operand}"))
        }
        _ => None,
    }
}

fn constructed(constructor: Constructor<'_>, items: &[String]) -> String {
    match constructor {
        Constructor::Array => format!("ARRAY[{}]", items.join(", ")),
        Constructor::Map => {
            let entries = items.chunks_exact(2).map(|entry| entry.join(" := "));
            format!("MAP({})", entries.collect::<Vec<_>>().join(", "))
        }
        Constructor::Struct(names) => {
            let fields = names.iter().zip(items).map(|(name, value)| format!("{name} := {value}"));
            format!("STRUCT({})", fields.collect::<Vec<_>>().join(", "))
        }
    }
}
