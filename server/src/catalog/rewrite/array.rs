//! `ARRAY(SELECT …)`, which DataFusion does not plan, as something that it does.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction,
    LambdaFunctionParameter, LambdaSyntax, ObjectNamePart, OneOrManyWithParens, Query, Select,
    SelectItem, SetExpr, TableAlias, TableFactor,
};

use super::call;

/// The array of what a subquery gives; `None` where it gives more than one column.
///
/// - `ARRAY(SELECT f(x) FROM unnest(array) AS x)` is `array_transform(array, x -> f(x))`;
/// - `ARRAY(SELECT x FROM …)` is `(SELECT array_agg(x) FROM …)`.
pub(super) fn of_subquery(function: &Function) -> Option<Expr> {
    let FunctionArguments::Subquery(query) = &function.args else { return None };
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    let transformed = || transformed(select, item);
    transformed().or_else(|| Some(aggregated(query, select, item)))
}

fn aggregated(query: &Query, select: &Select, item: &Expr) -> Expr {
    let projection = vec![SelectItem::UnnamedExpr(call("array_agg", [item.clone()]))];
    let body = Box::new(SetExpr::Select(Box::new(Select { projection, ..select.clone() })));
    Expr::Subquery(Box::new(Query { body, order_by: None, ..query.clone() }))
}

fn transformed(select: &Select, item: &Expr) -> Option<Expr> {
    let [from] = select.from.as_slice() else { return None };
    if !from.joins.is_empty() || select.selection.is_some() {
        return None;
    }
    let (array, element) = unnested(&from.relation)?;
    let parameter = LambdaFunctionParameter { name: element, data_type: None };
    let lambda = Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(parameter),
        body: Box::new(item.clone()),
        syntax: LambdaSyntax::Arrow,
    });
    Some(call("array_transform", [array, lambda]))
}

/// The array of `unnest(array) AS x` or `AS t(x)`, and the name of its elements.
fn unnested(relation: &TableFactor) -> Option<(Expr, Ident)> {
    match relation {
        TableFactor::UNNEST { alias, array_exprs, .. } => {
            let [array] = array_exprs.as_slice() else { return None };
            Some((array.clone(), element(alias.as_ref()?)))
        }
        TableFactor::Table { name, alias, args: Some(args), .. } => {
            let name = name.0.last().and_then(ObjectNamePart::as_ident)?;
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] = args.args.as_slice() else {
                return None;
            };
            let is_unnest = name.value.eq_ignore_ascii_case("unnest");
            is_unnest.then_some((array.clone(), element(alias.as_ref()?)))
        }
        _ => None,
    }
}

fn element(alias: &TableAlias) -> Ident {
    alias.columns.first().map_or_else(|| alias.name.clone(), |column| column.name.clone())
}
