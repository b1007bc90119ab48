//! Clients' queries over the catalog in words that DataFusion can plan, beyond what
//! `datafusion-pg-catalog` rewrites: functions that give several rows in a select list, arrays made
//! from subqueries ([`array`]), objects by their names ([`name`]), patterns with an escape of their
//! own ([`pattern`]), fields of composite values, and tables that are named without their schema.

mod array;
mod name;
mod pattern;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Statement,
    Value, VisitMut, VisitorMut,
};

use super::table::ADDED;

/// Rewrites a statement in place.
pub(super) fn rewrite(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Rewrite);
}

struct Rewrite;

impl VisitorMut for Rewrite {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if let [ObjectNamePart::Identifier(name)] = relation.0.as_slice()
            && ADDED.iter().any(|added| name.value.eq_ignore_ascii_case(added))
        {
            relation.0.insert(0, ObjectNamePart::Identifier(Ident::new("pg_catalog")));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr {
            make_single(query);
        }
        if let Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } =
            expr
        {
            pattern::escape_by_backslash(pattern, escape_char);
        }
        let rewritten = match &*expr {
            Expr::Function(function) => of_function(function),
            Expr::CompoundFieldAccess { root, access_chain } => field(root, access_chain),
            Expr::BinaryOp { left, op, right } => name::compared(left, op, right),
            _ => None,
        };
        if let Some(rewritten) = rewritten {
            *expr = rewritten;
        }
        ControlFlow::Continue(())
    }
}

fn of_function(function: &Function) -> Option<Expr> {
    let name = function.name.0.last().and_then(ObjectNamePart::as_ident)?;
    match name.value.to_ascii_lowercase().as_str() {
        "array" => array::of_subquery(function),
        "generate_subscripts" => Some(unnested("pg_subscripts", function)),
        // A row per element, with its value as x and its place as n.
        "_pg_expandarray" => Some(unnested("pg_numbered", function)),
        "to_regclass" => name::oid("pg_class", "relname", function),
        "to_regnamespace" => name::oid("pg_namespace", "nspname", function),
        "to_regtype" => name::oid("pg_type", "typname", function),
        _ => None,
    }
}

/// `generate_subscripts(array, 1)` as `unnest(pg_subscripts(array, 1))`.
fn unnested(name: &str, function: &Function) -> Expr {
    let inner = Function { name: named(name), ..function.clone() };
    call("unnest", [Expr::Function(inner)])
}

/// `(value).x` as `get_field(value, 'x')`; `None` where it is no chain of names.
fn field(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    chain.iter().try_fold(root.clone(), |value, access| match access {
        AccessExpr::Dot(Expr::Identifier(name)) => {
            let name = Value::SingleQuotedString(name.value.clone());
            Some(call("get_field", [value, Expr::value(name)]))
        }
        _ => None,
    })
}

/// `(SELECT x FROM …)`, which Postgres trusts to give one row, as `(SELECT first_value(x) FROM …)`:
/// DataFusion wants to see that it does where the subquery depends on the query around it.
fn make_single(query: &mut Query) {
    let has_limit = query.limit_clause.is_some() || query.fetch.is_some();
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let [SelectItem::UnnamedExpr(item)] = select.projection.as_mut_slice() else { return };
    // A function may be an aggregate already.
    if has_limit || select.from.is_empty() || matches!(item, Expr::Function(_)) {
        return;
    }
    let item_alone = std::mem::replace(item, Expr::Identifier(Ident::new("x")));
    *item = call("first_value", [item_alone]);
}

fn named(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))])
}

/// A plain call.
fn call(name: &str, args: impl IntoIterator<Item = Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    let args = FunctionArgumentList {
        duplicate_treatment: None,
        args: args.collect(),
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: named(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(args),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn rewritten(text: &str) -> String {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap();
        rewrite(&mut statements[0]);
        statements[0].to_string()
    }

    #[test]
    fn rows_from_arrays_are_unnested() {
        assert_eq!(
            rewritten("SELECT generate_subscripts(conkey, 1) FROM c"),
            "SELECT unnest(pg_subscripts(conkey, 1)) FROM c"
        );
        assert_eq!(
            rewritten("SELECT (information_schema._pg_expandarray(k)).n FROM c"),
            "SELECT get_field((unnest(pg_numbered(k))), 'n') FROM c"
        );
    }

    #[test]
    fn arrays_of_subqueries_are_aggregates() {
        assert_eq!(
            rewritten("SELECT ARRAY(SELECT b.x FROM b WHERE b.y = a.y ORDER BY 1) FROM a"),
            "SELECT (SELECT array_agg(b.x) FROM b WHERE b.y = a.y) FROM a"
        );
        assert_eq!(
            rewritten("SELECT array(SELECT 'a' || x FROM pg_catalog.unnest(o) AS t(x)) FROM c"),
            "SELECT array_transform(o, x -> 'a' || x) FROM c"
        );
        assert_eq!(rewritten("SELECT ARRAY[1, 2]"), "SELECT ARRAY[1, 2]");
    }

    #[test]
    fn objects_are_found_by_name() {
        assert_eq!(
            rewritten("SELECT to_regtype('hstore')"),
            "SELECT (SELECT max(oid) FROM pg_catalog.pg_type WHERE typname = 'hstore')"
        );
        let found =
            |name: &str| format!("(SELECT oid FROM pg_catalog.pg_proc WHERE proname = '{name}')");
        assert_eq!(
            rewritten(&format!("SELECT t.typinput = {} FROM t", found("pg_catalog.array_in"))),
            "SELECT t.typinput = 'array_in' FROM t"
        );
        let by_oid = format!("SELECT p.oid = {} FROM p", found("abs"));
        assert!(rewritten(&by_oid).contains("pg_proc"));
    }

    #[test]
    fn patterns_are_escaped_by_the_backslash() {
        let shown = rewritten("SELECT x LIKE 'a/_' ESCAPE '/'");
        let steps = "replace(replace(replace(replace('a/_', '\\', '\\\\'), '//', '\u{1}'), '/', '\\'), '\u{1}', '/')";
        assert_eq!(shown, format!("SELECT x LIKE {steps}"));
        let plain = "SELECT x LIKE 'a' ESCAPE '\\'";
        assert_eq!(rewritten(plain), plain);
    }

    #[test]
    fn subqueries_give_one_row() {
        assert_eq!(
            rewritten("SELECT a FROM t WHERE (SELECT b.k = 'c' FROM b WHERE b.x = t.x)"),
            "SELECT a FROM t WHERE (SELECT first_value(b.k = 'c') FROM b WHERE b.x = t.x)"
        );
        let limited = "SELECT (SELECT oid FROM pg_class LIMIT 1)";
        assert_eq!(rewritten(limited), limited);
    }

    #[test]
    fn tables_are_found_without_their_schema() {
        assert_eq!(
            rewritten("SELECT * FROM pg_stat_activity"),
            "SELECT * FROM pg_catalog.pg_stat_activity"
        );
        assert_eq!(rewritten("SELECT * FROM x.pg_user"), "SELECT * FROM x.pg_user");
    }
}
