//! Objects that a query means by their names.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query,
    SetExpr, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// `to_regtype(name)` as `(SELECT max(oid) FROM pg_catalog.pg_type WHERE typname = name)`.
pub(super) fn oid(table: &str, column: &str, function: &Function) -> Option<Expr> {
    let FunctionArguments::List(args) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(name))] = args.args.as_slice() else {
        return None;
    };
    let text = format!("(SELECT max(oid) FROM pg_catalog.{table} WHERE {column} = {name})");
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(&text);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}

/// `typinput = 'array_in'::regproc` as `typinput = 'array_in'`: a column that means a function holds
/// its name here. The cast has become `(SELECT oid FROM pg_catalog.pg_proc WHERE proname = …)` by now,
/// which stays where a column called `oid` is compared.
pub(super) fn compared(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    let column = match left {
        Expr::Identifier(name) => name,
        Expr::CompoundIdentifier(names) => names.last()?,
        _ => return None,
    };
    let Expr::Subquery(query) = right else { return None };
    if column.value.eq_ignore_ascii_case("oid") {
        return None;
    }
    let name = function_name(query)?;
    let name = Expr::value(Value::SingleQuotedString(name));
    Some(Expr::BinaryOp { left: Box::new(left.clone()), op: op.clone(), right: Box::new(name) })
}

/// The name by which a query looks for a function's oid, without its schema.
fn function_name(query: &Query) -> Option<String> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [from] = select.from.as_slice() else { return None };
    if from.to_string() != "pg_catalog.pg_proc" {
        return None;
    }
    let Some(Expr::BinaryOp { right, .. }) = &select.selection else { return None };
    let Expr::Value(name) = right.as_ref() else { return None };
    let name = name.clone().into_string()?;
    Some(name.rsplit('.').next().unwrap_or(&name).to_owned())
}
