//! `FROM` and `JOIN`.
//!
//! Joins are planned from left to right. A condition is one equality whose sides each speak of
//! one of the two relations. The key of the result is the condition's value: in the left column
//! for inner and left joins, in the right one for right joins; where neither side is a column, or
//! either side may be missing, in a column of its own, ROWKEY.

use std::fmt;

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;
use sql::ast::{
    Expr as Syntax, Join, JoinKind, Relation as Named, Select, SourceKind, Spanned, Within,
};
use sqlparser::ast::BinaryOperator;

use super::expression::Resolver;
use super::scope::Scope;
use super::{Planner, Purpose, Relation, check_key_type};
use crate::error::{Code, Result, invalid};
use crate::expression_text::sql_text;
use crate::format::Format;
use crate::plan::{JoinMethod, JoinPlan, Plan, SourcePlan};
use crate::row_type::{RowColumn, RowType};
use crate::types::sql_name;
use crate::window::{JoinWindow, default_grace_ms};

/// The sides of a join's condition.
struct Condition {
    left: Expr,
    right: Expr,
    key_type: DataType,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", sql_text(&self.left), sql_text(&self.right))
    }
}

impl Planner<'_> {
    /// Plans `FROM` with its joins.
    pub(super) fn from(&self, select: &Select) -> Result<Relation> {
        self.check_aliases(select)?;
        self.check_formats(select)?;
        let mut relation = self.source(&select.from)?;
        for join in &select.joins {
            relation = self.join(relation, join)?;
        }
        Ok(relation)
    }

    fn check_aliases(&self, select: &Select) -> Result<()> {
        let relations =
            || std::iter::once(&select.from).chain(select.joins.iter().map(|j| &j.relation));
        for (at, relation) in relations().enumerate() {
            let before = || relations().take(at);
            if before().any(|other| other.qualifier().value == relation.qualifier().value) {
                let message = format!(
                    "each side of the join must have a unique alias, found '{}' twice",
                    relation.qualifier().value
                );
                return Err(invalid(Code::DuplicateName, message).at(relation.span));
            }
            if before().any(|other| other.name.value == relation.name.value) {
                let message = format!(
                    "can not join '{0}' to '{0}': self joins are not yet supported",
                    relation.name.value
                );
                return Err(invalid(Code::NotSupported, message).at(relation.span));
            }
        }
        Ok(())
    }

    /// A value in the KAFKA format is a single one, without a name for a join to tell it by.
    fn check_formats(&self, select: &Select) -> Result<()> {
        let relations =
            std::iter::once(&select.from).chain(select.joins.iter().map(|join| &join.relation));
        let sources = relations.map(|named| self.catalog.source(&named.name.value));
        let plain = sources.flatten().filter(|source| source.value_format == Format::Kafka);
        let plain: Vec<&str> = plain.map(|source| source.name.as_str()).collect();
        match (select.joins.first(), plain.as_slice()) {
            (None, _) | (_, []) => Ok(()),
            (Some(join), _) => {
                let message = format!(
                    "source(s) {} are using the 'KAFKA' value format, which does not support JOIN",
                    plain.join(", ")
                );
                Err(invalid(Code::NotSupported, message)
                    .at(join.span)
                    .hint("join streams and tables whose values are JSON or DELIMITED"))
            }
        }
    }

    fn source(&self, named: &Named) -> Result<Relation> {
        let source =
            self.catalog.source(&named.name.value).map_err(|error| error.at(named.name.span))?;
        let windowed_table = source.kind == SourceKind::Table && source.window.is_some();
        if windowed_table && self.purpose == Purpose::Persistent {
            let message = format!(
                "persistent queries on windowed tables are not supported: {} is one",
                source.name
            );
            return Err(invalid(Code::NotSupported, message)
                .at(named.name.span)
                .hint("declare a stream on its topic, with WINDOW_TYPE and WINDOW_SIZE"));
        }
        Ok(Relation::new(Plan::Source(SourcePlan {
            name: source.name.clone(),
            kind: source.kind,
            topic: source.topic.clone(),
            output: source.row_type(Some(&named.qualifier().value)),
            with_before: false,
        })))
    }

    fn join(&self, left: Relation, join: &Join) -> Result<Relation> {
        let right = self.source(&join.relation)?;
        let condition = self.condition(&left, &right, &join.on)?;
        let method = self.method(&left, &right, &condition, join)?;
        check_windows(&left, &right, &condition, join)?;
        let (output, key_exprs) = joined_rows(&left, &right, &condition, join, method);
        let plan = Plan::Join(JoinPlan {
            method,
            kind: join.kind,
            left: Box::new(left.plan),
            right: Box::new(right.plan),
            left_key: condition.left,
            right_key: condition.right,
            with_before: false,
            output,
        });
        Ok(Relation { plan, key_exprs })
    }

    fn condition(&self, left: &Relation, right: &Relation, on: &Syntax) -> Result<Condition> {
        let (a, b) = equality(on)?;
        let left_scope = Scope::new(left.rows().clone());
        let right_scope = Scope::new(right.rows().clone());
        let mut of_left = self.resolver(&left_scope)?;
        let mut of_right = self.resolver(&right_scope)?;
        let sides = match (side(&mut of_left, a), side(&mut of_right, b)) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (first, second) => match (side(&mut of_left, b), side(&mut of_right, a)) {
                (Ok(b), Ok(a)) => Ok((b, a)),
                _ => Err(self.bad_sides(left, right, on, [first.err(), second.err()])),
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
        Ok(Condition { left, right, key_type: types.0 })
    }

    /// Why the sides of a condition do not speak of one relation each: a name that nobody knows,
    /// or both sides of the same relation.
    fn bad_sides(
        &self,
        left: &Relation,
        right: &Relation,
        on: &Syntax,
        errors: [Option<crate::Error>; 2],
    ) -> crate::Error {
        let mut both = left.rows().clone();
        both.columns.extend(right.rows().columns.iter().cloned());
        let scope = Scope::new(both);
        let unknown = equality(on).and_then(|(a, b)| {
            let mut resolver = self.resolver(&scope)?;
            resolver.resolve(a)?;
            resolver.resolve(b)
        });
        drop(errors);
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

    fn method(
        &self,
        left: &Relation,
        right: &Relation,
        condition: &Condition,
        join: &Join,
    ) -> Result<JoinMethod> {
        let kinds = (left.plan.kind(), right.plan.kind());
        let within = join.within.as_ref();
        if let (Some(within), false) = (within, kinds == (SourceKind::Stream, SourceKind::Stream)) {
            let message = "a window definition was provided for a join that does not involve two streams: only stream-stream joins take WITHIN";
            return Err(invalid(Code::InvalidQuery, message).at(within.span));
        }
        match kinds {
            (SourceKind::Stream, SourceKind::Stream) => stream_stream(within, join),
            (SourceKind::Stream, SourceKind::Table) => {
                if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
                    let message = "stream-table joins are INNER or LEFT: the table's rows have no time of their own";
                    return Err(invalid(Code::InvalidQuery, message).at(join.span));
                }
                check_primary_key(right, condition, join, "stream-table")?;
                Ok(JoinMethod::StreamTable)
            }
            (SourceKind::Table, SourceKind::Stream) => {
                let message = "invalid join order: table-stream joins are not supported, only stream-table joins";
                Err(invalid(Code::InvalidQuery, message).at(join.span).hint("put the stream first"))
            }
            (SourceKind::Table, SourceKind::Table) => {
                check_primary_key(right, condition, join, "table-table")?;
                if is_key(left, &condition.left) {
                    return Ok(JoinMethod::TableTable);
                }
                if matches!(left.plan, Plan::Join(_)) {
                    let message = format!(
                        "invalid join condition: foreign-key joins are not supported after another join, got {condition}"
                    );
                    return Err(invalid(Code::NotSupported, message)
                        .at(join.on.span())
                        .hint("put the foreign-key join first"));
                }
                if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
                    let message = "foreign-key joins are INNER or LEFT";
                    return Err(invalid(Code::InvalidQuery, message).at(join.span));
                }
                Ok(JoinMethod::ForeignKey)
            }
        }
    }
}

fn equality(on: &Syntax) -> Result<(&Syntax, &Syntax)> {
    match on {
        Syntax::Nested(inner) => equality(inner),
        Syntax::BinaryOp { left, op: BinaryOperator::Eq, right } => Ok((left, right)),
        other => {
            let message =
                format!("unsupported join expression: {other}: expected one equality, a = b");
            Err(invalid(Code::NotSupported, message).at(other.span()))
        }
    }
}

/// A side of a condition over one relation; a side without any column is none.
fn side(resolver: &mut Resolver<'_>, syntax: &Syntax) -> Result<Expr> {
    let resolved = resolver.resolve(syntax)?;
    if resolved.column_refs().is_empty() {
        let message = format!("invalid join condition: {syntax} names no column");
        return Err(invalid(Code::InvalidQuery, message).at(syntax.span()));
    }
    Ok(resolved)
}

/// Whether an expression is the relation's whole key.
fn is_key(relation: &Relation, expr: &Expr) -> bool {
    matches!(relation.key_exprs.as_slice(), [only] if only.contains(expr))
}

fn check_primary_key(
    right: &Relation,
    condition: &Condition,
    join: &Join,
    what: &str,
) -> Result<()> {
    if is_key(right, &condition.right) {
        return Ok(());
    }
    let keys: Vec<&str> = right.rows().key_columns().map(|column| column.name.as_str()).collect();
    let message = format!(
        "invalid join condition: {what} joins require to join on the table's primary key, got {condition}"
    );
    let hint = match keys.as_slice() {
        [key] => format!("the primary key is {key}"),
        _ => format!("tables with several key columns ({}) cannot be joined yet", keys.join(", ")),
    };
    Err(invalid(Code::InvalidQuery, message).at(join.on.span()).hint(hint))
}

fn stream_stream(within: Option<&Within>, join: &Join) -> Result<JoinMethod> {
    let Some(within) = within else {
        let message =
            "stream-stream joins must have a WITHIN clause: how far apart the records may be";
        return Err(invalid(Code::InvalidQuery, message)
            .at(join.span)
            .hint("add WITHIN 1 HOUR, say"));
    };
    let (before_ms, after_ms) = (within.before.ms as i64, within.after.ms as i64);
    let grace = within.grace.map(|grace| grace.ms as i64);
    Ok(JoinMethod::StreamStream(JoinWindow {
        before_ms,
        after_ms,
        grace_ms: grace.unwrap_or_else(|| default_grace_ms(before_ms.saturating_mul(2))),
        waits: grace.is_some(),
    }))
}

/// Windows belong to keys: windowed rows meet by their keys, and in windows of the same kind.
fn check_windows(
    left: &Relation,
    right: &Relation,
    condition: &Condition,
    join: &Join,
) -> Result<()> {
    let by_key = || is_key(left, &condition.left) && is_key(right, &condition.right);
    let same = match (left.rows().window, right.rows().window) {
        (None, None) => true,
        // Windows of different lengths meet where they begin at the same time.
        (Some(a), Some(b)) => a.size_ms().is_some() == b.size_ms().is_some() && by_key(),
        _ => false,
    };
    match same {
        true => Ok(()),
        false => {
            let message = "implicit repartitioning of windowed sources is not supported: both sides of the join must have the same kind of window, and be joined by their keys";
            Err(invalid(Code::NotSupported, message).at(join.span))
        }
    }
}

/// The columns of a join's result, and the expressions that give its key.
fn joined_rows(
    left: &Relation,
    right: &Relation,
    condition: &Condition,
    join: &Join,
    method: JoinMethod,
) -> (RowType, Vec<Vec<Expr>>) {
    let mut columns = left.rows().columns.clone();
    columns.extend(right.rows().columns.iter().cloned());
    let mut output = RowType { columns, keys: Vec::new(), window: left.rows().window };
    if method == JoinMethod::ForeignKey {
        output.keys = left.rows().keys.clone();
        return (output, left.key_exprs.clone());
    }
    let at_left = left.rows().index_of(&condition.left);
    let at_right = right.rows().index_of(&condition.right).map(|at| at + left.rows().columns.len());
    let holder = match join.kind {
        JoinKind::Inner => at_left.or(at_right),
        // Where the left side is padded, nobody but the left holds the key, and vice versa.
        JoinKind::Left => at_left,
        JoinKind::Right => at_right,
        JoinKind::Full => None,
    };
    hide_made_key(&mut output, left.rows(), holder);
    let made = holder.is_none();
    let holder = holder.unwrap_or_else(|| {
        output.columns.push(RowColumn::new(key_name(&output), condition.key_type.clone()));
        output.columns.len() - 1
    });
    output.keys = vec![holder];
    // From left to right: see [`Planner::finish`].
    let mut exprs: Vec<Expr> = made.then(|| output.columns[holder].expr()).into_iter().collect();
    if join.kind != JoinKind::Full && at_left.or(at_right).is_some() {
        let plain = [at_left, at_right].into_iter().flatten();
        exprs.extend(plain.map(|at| output.columns[at].expr()));
        exprs.extend(equal_keys(left, &condition.left));
        exprs.extend(equal_keys(right, &condition.right));
    }
    (output, vec![exprs])
}

/// What else gives the same value as a side of the condition, because an earlier join says so.
fn equal_keys(side: &Relation, expr: &Expr) -> Vec<Expr> {
    let same = side.key_exprs.iter().find(|exprs| exprs.contains(expr));
    same.cloned().unwrap_or_default()
}

/// Only the last join's key shows where it is none of the sources' columns: the key that an earlier
/// one made gives its name free.
fn hide_made_key(output: &mut RowType, left: &RowType, holder: Option<usize>) {
    let made = left.keys.iter().filter(|key| left.columns[**key].qualifier.is_none());
    for key in made.filter(|key| holder != Some(**key)) {
        output.columns[*key].name = key_name(output);
        output.columns[*key].hidden = true;
    }
}

/// ROWKEY, or ROWKEY_1, … where columns of that name exist.
fn key_name(rows: &RowType) -> String {
    let taken = |name: &str| rows.columns.iter().any(|column| column.name == name);
    let numbered = (1..).map(|n| format!("ROWKEY_{n}"));
    std::iter::once("ROWKEY".to_owned())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or_default()
}
