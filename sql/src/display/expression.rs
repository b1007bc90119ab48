//! Expressions and general queries, printed by `sqlparser` after a change of dress.
//!
//! `sqlparser` prints most nodes as we want them. The others (lambdas, `->`, our types, strings
//! with quotes in them) are first replaced, from the leaves up, by bare identifiers that hold
//! their finished text.

use std::fmt::{self, Display, Formatter, Write};
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr, Ident, LambdaFunction,
    OneOrManyWithParens, Query, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::{Quoted, name};
use crate::ast::DataType;

/// An expression in canonical text.
pub(super) struct Printed<'a>(pub(super) &'a Expr);

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut expr = self.0.clone();
        dress(&mut expr);
        expr.fmt(f)
    }
}

/// An expression as canonical text.
pub fn expression_text(expr: &Expr) -> String {
    Printed(expr).to_string()
}

/// A general query ready to be printed.
pub(super) fn printed_query(query: &Query) -> Query {
    let mut query = query.clone();
    dress(&mut query);
    query
}

fn dress(node: &mut impl VisitMut) {
    // The visitor never breaks off.
    let _ = node.visit(&mut Dresser);
}

struct Dresser;

impl VisitorMut for Dresser {
    type Break = ();

    fn post_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &value.value {
            // A placeholder is printed as it is.
            value.value = Value::Placeholder(Quoted(text).to_string());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(text) = special(expr) {
            *expr = Expr::Identifier(Ident::new(text));
        }
        ControlFlow::Continue(())
    }
}

/// The text of an expression that `sqlparser` would print in another dialect's way.
fn special(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) if ident.quote_style.is_some() => Some(name(ident).to_string()),
        Expr::BinaryOp { left, op: BinaryOperator::Arrow, right } => {
            Some(format!("{left}->{right}"))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            let operand = expr.to_string();
            // Two signs in a row would begin a comment.
            operand.starts_with('-').then(|| format!("- {operand}"))
        }
        Expr::Cast { kind, expr, data_type, .. } => cast(kind, expr, data_type),
        Expr::Lambda(lambda) => Some(self::lambda(lambda)),
        _ => None,
    }
}

fn cast(kind: &CastKind, expr: &Expr, data_type: &SqlType) -> Option<String> {
    let data_type = DataType::from_sqlparser(data_type)?;
    match kind {
        CastKind::Cast => Some(format!("CAST({expr} AS {data_type})")),
        CastKind::TryCast => Some(format!("TRY_CAST({expr} AS {data_type})")),
        _ => None,
    }
}

fn lambda(lambda: &LambdaFunction) -> String {
    let mut text = String::new();
    match &lambda.params {
        OneOrManyWithParens::One(parameter) => text.push_str(&name(&parameter.name).to_string()),
        OneOrManyWithParens::Many(parameters) => {
            let names: Vec<_> =
                parameters.iter().map(|parameter| name(&parameter.name).to_string()).collect();
            // Writing to a string cannot fail.
            let _ = write!(text, "({})", names.join(", "));
        }
    }
    let _ = write!(text, " => {}", lambda.body);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_expression;

    fn check(typed: &str, canonical: &str) {
        let expr =
            parse_expression(typed).unwrap_or_else(|error| panic!("{}", error.render(typed)));
        assert_eq!(expression_text(&expr), canonical);
        let again = parse_expression(canonical).expect("accepted");
        assert_eq!(expression_text(&again), canonical);
    }

    #[test]
    fn names_fold_and_keep_their_quotes() {
        check("a.b", "A.B");
        check("\"A\" + `b`", "A + `b`");
        check("`from`", "`from`");
        check("`FROM`", "`FROM`");
        check("\"a\"\"b\"", "`a\"b`");
        check("stream + key + size", "STREAM + KEY + SIZE");
    }

    #[test]
    fn literals_keep_their_text() {
        check("1.10", "1.10");
        check("1E3", "1E3");
        check("-5", "-5");
        check("- -5", "- -5");
        check("'it''s'", "'it''s'");
        check("''''''", "''''''");
        check("'a\\'''", "'a\\'''");
        check("decimal '1.0'", "DECIMAL '1.0'");
        check("true and not null", "true AND NOT NULL");
        check("-9223372036854775808", "-9223372036854775808");
    }

    #[test]
    fn access() {
        check("a->b[1]->c", "A->B[1]->C");
        check("m['k']", "M['k']");
        check("a[1]->b + c->d", "A[1]->B + C->D");
        check("-a->b", "-A->B");
        check("f(x)->`y`[-1]", "F(X)->`y`[-1]");
        check("s.a->b", "S.A->B");
    }

    #[test]
    fn constructors_and_lambdas() {
        check("array[1,2]", "ARRAY[1, 2]");
        check("array[]", "ARRAY[]");
        check("map('a':=1, k := array[2])", "MAP('a' := 1, K := ARRAY[2])");
        check("map()", "MAP()");
        check("struct(a := 1, `b` := 'x')", "STRUCT(A := 1, `b` := 'x')");
        check("transform(a, x => x + 1)", "TRANSFORM(A, X => X + 1)");
        check("reduce(m, 0, (s, k, v) => s + v->z)", "REDUCE(M, 0, (S, K, V) => S + V->Z)");
        check("f(x => y => x)", "F(X => Y => X)");
    }

    #[test]
    fn functions_have_no_syntax_of_their_own() {
        check("substring(a, 1, 2)", "SUBSTRING(A, 1, 2)");
        check("ceil(a)", "CEIL(A)");
        check("trim(a)", "TRIM(A)");
        check("count(*)", "COUNT(*)");
        check("count(distinct a)", "COUNT(DISTINCT A)");
        check("left_of(a) + date", "LEFT_OF(A) + DATE");
    }

    #[test]
    fn casts() {
        check("cast(a as int)", "CAST(A AS INTEGER)");
        check("cast(a as map<string, int array>)", "CAST(A AS MAP<STRING, ARRAY<INTEGER>>)");
        check("cast(a as struct<x decimal(4,2)>)", "CAST(A AS STRUCT<X DECIMAL(4, 2)>)");
        check("cast(a as address)", "CAST(A AS ADDRESS)");
        check("cast(a as smallint)", "CAST(A AS SMALLINT)");
    }

    #[test]
    fn predicates() {
        check("a between 1 and 2 or b in (1,2)", "A BETWEEN 1 AND 2 OR B IN (1, 2)");
        check("a not like 'x!%' escape '!'", "A NOT LIKE 'x!%' ESCAPE '!'");
        check("a is not distinct from b", "A IS NOT DISTINCT FROM B");
        check("a != b", "A <> B");
        check("case a when 1 then 2 else 3 end", "CASE A WHEN 1 THEN 2 ELSE 3 END");
        check("case when a then b end", "CASE WHEN A THEN B END");
    }

    #[test]
    fn concatenation_binds_looser_than_addition() {
        let Expr::BinaryOp { op, .. } = parse_expression("'a' || 1 + 2").expect("accepted") else {
            panic!("not an operator");
        };
        assert_eq!(op, BinaryOperator::StringConcat);
    }
}
