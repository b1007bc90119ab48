//! Whole numbers in calls are INTEGER where they fit, as in the dialect's own shape; DataFusion's
//! planner makes BIGINT of them all, which functions that take a position or a scale refuse.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Value,
    visit_expressions_mut,
};

/// Casts the small whole numbers among the arguments of all calls to INTEGER.
pub fn narrow(query: &mut Query) {
    let _: ControlFlow<()> = visit_expressions_mut(query, |expr| {
        if let Expr::Function(function) = expr
            && let FunctionArguments::List(list) = &mut function.args
        {
            list.args.iter_mut().for_each(narrow_argument);
        }
        ControlFlow::Continue(())
    });
}

fn narrow_argument(argument: &mut FunctionArg) {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else { return };
    let Expr::Value(value) = &*expr else { return };
    let Value::Number(text, _) = &value.value else { return };
    if text.parse::<i32>().is_ok() {
        *expr = Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(expr.clone()),
            data_type: DataType::Int(None),
            array: false,
            format: None,
        };
    }
}
