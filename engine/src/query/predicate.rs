//! What a condition says about single columns.
//!
//! A condition is taken apart into alternatives, each a set of tests of columns against
//! constants, all of which hold where the alternative does. What is no such test is left out, so
//! the alternatives admit every row that the condition admits, and may admit more: whoever reads
//! by them filters the rows again.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// More alternatives than these say nothing that is worth following.
const ALTERNATIVES_MAX: usize = 1024;

/// A test of one column; NULL never passes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The column's name.
    pub column: String,
    /// What its value must be.
    pub is: Is,
}

/// What a value must be. The constants are never NULL and have the type of the column.
#[derive(Debug, Clone, PartialEq)]
pub enum Is {
    /// One of these.
    Among(Vec<ScalarValue>),
    /// Greater than `bound`, or equal to it if it is `inclusive`.
    Above {
        /// The bound.
        bound: ScalarValue,
        /// Whether the bound itself passes.
        inclusive: bool,
    },
    /// Less than `bound`, or equal to it if it is `inclusive`.
    Below {
        /// The bound.
        bound: ScalarValue,
        /// Whether the bound itself passes.
        inclusive: bool,
    },
}

/// Tests that hold together.
pub type Alternative = Vec<Test>;

/// The alternatives of which at least one holds where all the filters do.
pub fn alternatives(filters: &[Expr], schema: &Schema) -> Vec<Alternative> {
    filters.iter().fold(vec![Vec::new()], |found, filter| both(found, of(filter, schema)))
}

fn of(expr: &Expr, schema: &Schema) -> Vec<Alternative> {
    match expr {
        Expr::IsTrue(inner) => of(inner, schema),
        Expr::Alias(alias) => of(&alias.expr, schema),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            both(of(left, schema), of(right, schema))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            either(of(left, schema), of(right, schema))
        }
        leaf => vec![test(leaf, schema).into_iter().collect()],
    }
}

/// Every alternative of one side together with every one of the other.
fn both(left: Vec<Alternative>, right: Vec<Alternative>) -> Vec<Alternative> {
    if left.len() * right.len() > ALTERNATIVES_MAX {
        return left;
    }
    let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
    pairs.map(|(left, right)| [&left[..], &right[..]].concat()).collect()
}

fn either(mut left: Vec<Alternative>, right: Vec<Alternative>) -> Vec<Alternative> {
    left.extend(right);
    // An alternative without tests holds always, whatever stands beside it.
    match left.len() > ALTERNATIVES_MAX || left.iter().any(Vec::is_empty) {
        true => vec![Vec::new()],
        false => left,
    }
}

fn test(expr: &Expr, schema: &Schema) -> Option<Test> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (literal(left), literal(right)) {
            (None, Some(value)) => compared(left, *op, value, schema),
            (Some(value), None) => compared(right, op.swap()?, value, schema),
            _ => None,
        },
        Expr::InList(list) if !list.negated => {
            let (column, data_type) = column(&list.expr, schema)?;
            let values = list.list.iter().map(|item| fit(literal(item)?, data_type));
            Some(Test { column, is: Is::Among(values.collect::<Option<_>>()?) })
        }
        _ => None,
    }
}

fn compared(expr: &Expr, op: Operator, value: &ScalarValue, schema: &Schema) -> Option<Test> {
    let (column, data_type) = column(expr, schema)?;
    let bound = fit(value, data_type)?;
    let is = match op {
        Operator::Eq => Is::Among(vec![bound]),
        Operator::Gt | Operator::GtEq => Is::Above { bound, inclusive: op == Operator::GtEq },
        Operator::Lt | Operator::LtEq => Is::Below { bound, inclusive: op == Operator::LtEq },
        _ => return None,
    };
    Some(Test { column, is })
}

/// The column that an expression is, also where it is cast for a comparison.
fn column<'s>(expr: &Expr, schema: &'s Schema) -> Option<(String, &'s DataType)> {
    match expr {
        Expr::Column(column) => {
            let field = schema.field_with_name(&column.name).ok()?;
            Some((column.name.clone(), field.data_type()))
        }
        Expr::Cast(cast) => column(&cast.expr, schema),
        Expr::ScalarFunction(call) if call.name() == "cast" => match call.args.as_slice() {
            [operand] => column(operand, schema),
            _ => None,
        },
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// The value of an expression that is compared with a column of this type, if it is a constant.
pub fn constant(expr: &Expr, data_type: &DataType) -> Option<ScalarValue> {
    let value = match expr {
        Expr::Literal(value, _) if value.data_type() == *data_type => value.clone(),
        Expr::ScalarFunction(call) if call.name() == "cast" => {
            let [operand] = call.args.as_slice() else { return None };
            let value = literal(operand).filter(|v| widens(&v.data_type(), data_type))?;
            value.cast_to(data_type).ok()?
        }
        _ => return None,
    };
    (!value.is_null()).then_some(value)
}

/// A constant in the type of the column that is compared with it: only where the column's values
/// keep order and identity in the constant's type, and the constant is one of them.
fn fit(value: &ScalarValue, column: &DataType) -> Option<ScalarValue> {
    let compared = value.data_type();
    if value.is_null() || !(compared == *column || widens(column, &compared)) {
        return None;
    }
    let fitted = value.cast_to(column).ok()?;
    let back = fitted.cast_to(&compared).ok()?;
    (back == *value).then_some(fitted)
}

/// Whether every value of a type has a value of its own, in the same order, in another.
fn widens(from: &DataType, to: &DataType) -> bool {
    let digits = match from {
        DataType::Int32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::Decimal128(precision, scale) => (*precision as i8 - scale, *scale),
        _ => return false,
    };
    match to {
        DataType::Int64 | DataType::Float64 => *from == DataType::Int32,
        DataType::Decimal128(precision, scale) => {
            *precision as i8 - scale >= digits.0 && *scale >= digits.1
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::planner::expression::cast;

    fn schema() -> Schema {
        let field = |name: &str, data_type| Field::new(name, data_type, true);
        Schema::new(vec![
            field("ID", DataType::Int32),
            field("NAME", DataType::Utf8),
            field("BIG", DataType::Int64),
        ])
    }

    fn column(name: &str) -> Expr {
        Expr::Column(datafusion::common::Column::new_unqualified(name))
    }

    fn among(column: &str, values: &[i32]) -> Test {
        let values = values.iter().map(|value| ScalarValue::from(*value)).collect();
        Test { column: column.to_owned(), is: Is::Among(values) }
    }

    fn found(filter: Expr) -> Vec<Alternative> {
        alternatives(&[filter], &schema())
    }

    #[test]
    fn two_valued_comparisons_are_tests_from_either_side() {
        assert_eq!(found(column("ID").eq(lit(7)).is_true()), [[among("ID", &[7])]]);
        assert_eq!(found(lit(7).eq(column("ID")).is_true()), [[among("ID", &[7])]]);
        let below = Is::Below { bound: ScalarValue::from(7), inclusive: false };
        let below = Test { column: "ID".to_owned(), is: below };
        assert_eq!(found(lit(7).gt(column("ID")).is_true()), [[below]]);
    }

    #[test]
    fn and_joins_tests_and_or_parts_them() {
        let id = |value: i32| column("ID").eq(lit(value)).is_true();
        let one_of = column("ID").in_list(vec![lit(1), lit(2)], false).is_true();
        assert_eq!(found(one_of.clone()), [[among("ID", &[1, 2])]]);
        assert_eq!(
            found(id(1).or(id(2)).and(one_of)),
            [[among("ID", &[1]), among("ID", &[1, 2])], [among("ID", &[2]), among("ID", &[1, 2])]]
        );
    }

    #[test]
    fn what_is_no_test_of_a_column_admits_every_row() {
        let opaque = column("ID").eq(column("BIG")).is_true();
        assert_eq!(found(opaque.clone()), [Vec::<Test>::new()]);
        assert_eq!(found(col("ELSEWHERE").eq(lit(1))), [Vec::<Test>::new()]);
        assert_eq!(found(column("ID").not_eq(lit(1)).is_true()), [Vec::<Test>::new()]);
        let either = found(column("ID").eq(lit(1)).is_true().or(opaque));
        assert_eq!(either, [Vec::<Test>::new()]);
    }

    #[test]
    fn a_cast_column_is_tested_where_nothing_is_lost() {
        let wide = || cast(column("ID"), &DataType::Int32, &DataType::Int64).unwrap();
        assert_eq!(found(wide().eq(lit(7i64)).is_true()), [[among("ID", &[7])]]);
        assert_eq!(found(wide().eq(lit(1i64 << 40)).is_true()), [Vec::<Test>::new()]);
        let double = cast(column("ID"), &DataType::Int32, &DataType::Float64).unwrap();
        assert_eq!(found(double.clone().eq(lit(7.5)).is_true()), [Vec::<Test>::new()]);
        assert_eq!(found(double.eq(lit(7.0)).is_true()), [[among("ID", &[7])]]);
        // Several BIGINT values are the same DOUBLE.
        let lossy = cast(column("BIG"), &DataType::Int64, &DataType::Float64).unwrap();
        assert_eq!(found(lossy.eq(lit(7.0)).is_true()), [Vec::<Test>::new()]);
        let text = cast(column("ID"), &DataType::Int32, &DataType::Utf8).unwrap();
        assert_eq!(found(text.eq(lit("7")).is_true()), [Vec::<Test>::new()]);
    }

    #[test]
    fn too_many_alternatives_are_none() {
        let any = |count: i32| {
            (1..count).fold(column("ID").eq(lit(0)), |any, n| any.or(column("ID").eq(lit(n))))
        };
        assert_eq!(found(any(2000)), [Vec::<Test>::new()]);
        assert_eq!(found(any(40).and(any(40))).len(), 40);
    }
}
