//! Expressions as users read them, in plans, in errors and in the processing log.
//!
//! DataFusion prints the types of literals, and operators that are functions as calls. Here
//! literals and operators are printed as they are written, and everything else as DataFusion does.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;

use crate::function::operator;

/// The expression as SQL writes it.
pub fn sql_text(expr: &Expr) -> String {
    // What is written already stands as a name, which prints as it is.
    let written = |node: Expr| {
        let text = match &node {
            Expr::Literal(value, _) => Some(literal(value)),
            Expr::ScalarFunction(call) => {
                let operands: Vec<String> = call.args.iter().map(Expr::to_string).collect();
                operator::written(&call.func, &operands)
            }
            _ => None,
        };
        Ok(match text {
            Some(text) => Transformed::yes(Expr::Column(Column::new_unqualified(text))),
            None => Transformed::no(node),
        })
    };
    match expr.clone().transform_up(written) {
        Ok(written) => written.data.to_string(),
        Err(_) => expr.to_string(),
    }
}

/// A literal as SQL writes it.
pub fn literal(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\'', "''")),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::function::operator::{
        ArithmeticOperator, NullOperand, arithmetic, array_constructor, cast, dereference,
    };

    #[test]
    fn operators_and_literals_are_written_as_in_sql() {
        let sum = arithmetic(ArithmeticOperator::Add, NullOperand::Null)
            .call(vec![dereference("F").call(vec![col("a")]), lit(1)]);
        assert_eq!(sql_text(&sum), "(a->F + 1)");
        let text = cast(DataType::Utf8).call(vec![sum]);
        let array = array_constructor().call(vec![text, lit("it's")]);
        assert_eq!(sql_text(&array), "ARRAY[CAST((a->F + 1) AS STRING), 'it''s']");
        assert_eq!(sql_text(&col("a").eq(lit("x")).is_true()), "a = 'x' IS TRUE");
    }
}
