//! The condition of a join: equalities, and what else has to hold.
//!
//! Rows meet by the equalities whose sides each speak of one relation. With a table these are the
//! ones over its primary key. Whatever else the condition says is checked afterwards where only
//! pairs are kept. Where rows without a partner are kept, it sorts out rows of the other side
//! before if it speaks of those alone; if not, only a stream–table join can check it.

use std::fmt;

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;
use sql::ast::{Expr as Syntax, Join, JoinKind, SourceKind, Spanned};
use sqlparser::ast::BinaryOperator;

use super::expression::Resolver;
use super::scope::Scope;
use super::{Planner, Relation, check_key_type, refuse_aggregates};
use crate::error::{Code, Error, Result, invalid};
use crate::expression_text::sql_text;
use crate::plan::JoinMethod;
use crate::row_type::RowType;
use crate::types::sql_name;

/// An equality of a condition; its sides each speak of one relation.
pub(super) struct Equality<'s> {
    pub left: Expr,
    pub right: Expr,
    pub key_type: DataType,
    syntax: &'s Syntax,
}

/// What rows meet by, and what else has to hold.
pub(super) struct Condition<'s> {
    /// At least one.
    pub equalities: Vec<Equality<'s>>,
    pub rest: Vec<&'s Syntax>,
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Equality { left, right, .. }) in self.equalities.iter().enumerate() {
            let and = if at > 0 { " AND " } else { "" };
            write!(f, "{and}{} = {}", sql_text(left), sql_text(right))?;
        }
        Ok(())
    }
}

impl<'s> Condition<'s> {
    /// The sides over the left's columns.
    pub fn left(&self) -> Vec<Expr> {
        self.equalities.iter().map(|equality| equality.left.clone()).collect()
    }

    /// The sides over the right's columns.
    pub fn right(&self) -> Vec<Expr> {
        self.equalities.iter().map(|equality| equality.right.clone()).collect()
    }

    /// A table's rows are found by its key: of several equalities those over it count, and the
    /// others have to hold too.
    fn by_key_of(mut self, right: &Relation) -> Self {
        if right.plan.kind() == SourceKind::Stream || self.equalities.len() == 1 {
            return self;
        }
        let of_key = |key: &Vec<Expr>| {
            self.equalities.iter().position(|equality| key.contains(&equality.right))
        };
        let chosen: Option<Vec<usize>> = right.key_exprs.iter().map(of_key).collect();
        let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else { return self };
        let all = std::mem::take(&mut self.equalities).into_iter().enumerate();
        let (chosen, others): (Vec<_>, Vec<_>) = all.partition(|(at, _)| chosen.contains(at));
        self.equalities = chosen.into_iter().map(|(_, equality)| equality).collect();
        self.rest.extend(others.into_iter().map(|(_, equality)| equality.syntax));
        self
    }
}

impl Planner<'_> {
    /// What `ON` says.
    pub(super) fn condition<'s>(
        &self,
        left: &Relation,
        right: &Relation,
        on: &'s Syntax,
    ) -> Result<Condition<'s>> {
        let mut parts = Vec::new();
        conjuncts(on, &mut parts);
        if parts.len() == 1 {
            let equality = self.equality(left, right, parts[0])?;
            return Ok(Condition { equalities: vec![equality], rest: Vec::new() });
        }
        let (mut equalities, mut rest, mut first_error) = (Vec::new(), Vec::new(), None);
        for part in parts {
            match self.equality(left, right, part) {
                Ok(equality) => equalities.push(equality),
                Err(error) => {
                    first_error.get_or_insert(error);
                    rest.push(part);
                }
            }
        }
        match first_error.filter(|_| equalities.is_empty()) {
            Some(error) => Err(error),
            None => Ok(Condition { equalities, rest }.by_key_of(right)),
        }
    }

    fn equality<'s>(
        &self,
        left: &Relation,
        right: &Relation,
        on: &'s Syntax,
    ) -> Result<Equality<'s>> {
        let (a, b) = sides(on)?;
        let left_scope = Scope::new(left.rows().clone());
        let right_scope = Scope::new(right.rows().clone());
        let mut of_left = self.resolver(&left_scope)?;
        let mut of_right = self.resolver(&right_scope)?;
        let sides = match (side(&mut of_left, a), side(&mut of_right, b)) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            _ => match (side(&mut of_left, b), side(&mut of_right, a)) {
                (Ok(b), Ok(a)) => Ok((b, a)),
                _ => Err(self.bad_sides(left, right, on)),
            },
        };
        let (left, right) = sides?;
        let types = (of_left.type_of(&left)?, of_right.type_of(&right)?);
        if types.0 != types.1 {
            let message = format!(
                "invalid join condition: types don't match, got {}{{{}}} = {}{{{}}}",
                sql_text(&left),
                sql_name(&types.0),
                sql_text(&right),
                sql_name(&types.1)
            );
            return Err(invalid(Code::TypeMismatch, message)
                .at(on.span())
                .hint("cast one side to the type of the other"));
        }
        check_key_type(&types.0, "a join on", on)?;
        Ok(Equality { left, right, key_type: types.0, syntax: on })
    }

    /// Why the sides of an equality do not speak of one relation each: a name that nobody knows,
    /// or both sides of the same relation.
    fn bad_sides(&self, left: &Relation, right: &Relation, on: &Syntax) -> Error {
        let mut both = left.rows().clone();
        both.columns.extend(right.rows().columns.iter().cloned());
        let scope = Scope::new(both);
        let unknown = sides(on).and_then(|(a, b)| {
            let mut resolver = self.resolver(&scope)?;
            resolver.resolve(a)?;
            resolver.resolve(b)
        });
        match unknown {
            Err(error) => error,
            Ok(_) => {
                let message = format!(
                    "invalid join condition: each side of the join must reference exactly one source and not the same source, found {on}"
                );
                invalid(Code::InvalidQuery, message).at(on.span())
            }
        }
    }

    /// Sorts out rows that cannot have a partner, on the side that does not keep those. What is
    /// left of the condition is to be checked for pairs.
    pub(super) fn sort_out(
        &self,
        left: &mut Relation,
        right: &mut Relation,
        condition: &mut Condition<'_>,
        (join, method): (&Join, JoinMethod),
    ) -> Result<()> {
        let side = match join.kind {
            JoinKind::Inner => return Ok(()),
            JoinKind::Left => right,
            JoinKind::Right => left,
            JoinKind::Full => {
                return match condition.rest.first() {
                    None => Ok(()),
                    Some(rest) => Err(not_supported(join, rest)),
                };
            }
        };
        for rest in std::mem::take(&mut condition.rest) {
            match self.filter(side.clone(), rest, "ON") {
                Ok(filtered) => *side = filtered,
                Err(_) if method == JoinMethod::StreamTable => condition.rest.push(rest),
                Err(_) => return Err(not_supported(join, rest)),
            }
        }
        Ok(())
    }

    /// What has to hold for a pair, over the columns of the result.
    pub(super) fn residual(&self, output: &RowType, rest: &[&Syntax]) -> Result<Option<Expr>> {
        let scope = Scope::new(output.clone());
        let mut all: Option<Expr> = None;
        for syntax in rest {
            let mut resolver = self.resolver(&scope)?;
            let condition = resolver.condition(syntax, "ON")?;
            resolver.refuse_table_functions("ON", syntax.span())?;
            refuse_aggregates(&condition, "ON", syntax)?;
            all = Some(match all {
                Some(all) => all.and(condition),
                None => condition,
            });
        }
        Ok(all)
    }
}

fn not_supported(join: &Join, rest: &Syntax) -> Error {
    let what = match join.kind {
        JoinKind::Full => "a FULL JOIN takes equalities alone".to_owned(),
        kind => format!(
            "beside the equalities of a {kind} JOIN that is not one of a stream with a table, a condition may only speak of the side whose rows it does not keep"
        ),
    };
    let message = format!("unsupported join expression: {rest}: {what}");
    invalid(Code::NotSupported, message).at(rest.span())
}

/// What `AND` connects.
fn conjuncts<'s>(on: &'s Syntax, parts: &mut Vec<&'s Syntax>) {
    match on {
        Syntax::Nested(inner) => conjuncts(inner, parts),
        Syntax::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, parts);
            conjuncts(right, parts);
        }
        other => parts.push(other),
    }
}

fn sides(on: &Syntax) -> Result<(&Syntax, &Syntax)> {
    match on {
        Syntax::BinaryOp { left, op: BinaryOperator::Eq, right } => Ok((left, right)),
        other => {
            let message = format!(
                "unsupported join expression: {other}: expected an equality, a = b, and others after AND"
            );
            Err(invalid(Code::NotSupported, message).at(other.span()))
        }
    }
}

/// A side of an equality over one relation; a side without any column is none.
fn side(resolver: &mut Resolver<'_>, syntax: &Syntax) -> Result<Expr> {
    let resolved = resolver.resolve(syntax)?;
    if resolved.column_refs().is_empty() {
        let message = format!("invalid join condition: {syntax} names no column");
        return Err(invalid(Code::InvalidQuery, message).at(syntax.span()));
    }
    Ok(resolved)
}
