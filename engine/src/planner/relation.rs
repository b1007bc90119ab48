//! `FROM` and `JOIN`.
//!
//! Joins are planned from left to right. The key of the result is the value of the equality that
//! rows meet by: in the left column for inner and left joins, in the right one for right joins;
//! where neither side is a column, or either side may be missing, in a column of its own, ROWKEY.
//! A stream's key is the first of several equalities, a table's all of them.

use datafusion::logical_expr::Expr;
use sql::ast::{Join, JoinKind, Relation as Named, Select, SourceKind, Spanned, Within};

use super::join::{Condition, Equality};
use super::nested::no_key;
use super::{Planner, Purpose, Relation};
use crate::error::{Code, Result, invalid};
use crate::format::Format;
use crate::plan::{JoinMethod, JoinPlan, Plan, SourcePlan};
use crate::row_type::{RowColumn, RowType};
use crate::window::{JoinWindow, default_grace_ms};

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
        for (at, relation) in select.relations().enumerate() {
            let before = || select.relations().take(at);
            if before().any(|other| other.qualifier().value == relation.qualifier().value) {
                let message = format!(
                    "each side of the join must have a unique alias, found '{}' twice",
                    relation.qualifier().value
                );
                return Err(invalid(Code::DuplicateName, message).at(relation.span));
            }
            let is_source = |named: &Named| {
                named.query.is_none() && !self.named.contains_key(&named.name.value)
            };
            let same = |other: &Named| is_source(other) && other.name.value == relation.name.value;
            if is_source(relation) && before().any(same) {
                let message = format!(
                    "can not join '{0}' to '{0}': self joins are not yet supported",
                    relation.name.value
                );
                return Err(invalid(Code::NotSupported, message)
                    .at(relation.span)
                    .hint("a query in brackets may read it again: (SELECT * FROM …) AS …"));
            }
        }
        Ok(())
    }

    /// A value in the KAFKA format is a single one, without a name for a join to tell it by.
    fn check_formats(&self, select: &Select) -> Result<()> {
        let sources = select.relations().filter(|named| named.query.is_none());
        let sources = sources.filter(|named| !self.named.contains_key(&named.name.value));
        let sources = sources.map(|named| self.catalog.source(&named.name.value));
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
        if let Some(query) = self.query_of(named)? {
            return Ok(query);
        }
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

    fn join(&self, mut left: Relation, join: &Join) -> Result<Relation> {
        let mut right = self.source(&join.relation)?;
        let mut condition = self.condition(&left, &right, &join.on)?;
        let method = self.method(&left, &right, &condition, join)?;
        check_windows(&left, &right, &condition, join)?;
        self.sort_out(&mut left, &mut right, &mut condition, (join, method))?;
        let (output, key_exprs) = joined_rows(&left, &right, &condition, join, method);
        let residual = match join.kind {
            JoinKind::Inner => None,
            _ => self.residual(&output, &std::mem::take(&mut condition.rest))?,
        };
        let plan = Plan::Join(JoinPlan {
            method,
            kind: join.kind,
            left: Box::new(left.plan),
            right: Box::new(right.plan),
            left_key: condition.left(),
            right_key: condition.right(),
            residual,
            with_before: false,
            output,
        });
        let joined = Relation { plan, key_exprs };
        condition.rest.iter().try_fold(joined, |joined, rest| self.filter(joined, rest, "ON"))
    }

    fn method(
        &self,
        left: &Relation,
        right: &Relation,
        condition: &Condition<'_>,
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
                if is_key(left, &condition.left()) {
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
                if left.key_exprs.is_empty() {
                    return Err(no_key(
                        "the left side of the join with",
                        join.relation.qualifier(),
                    ));
                }
                Ok(JoinMethod::ForeignKey)
            }
        }
    }
}

/// Whether expressions are the relation's whole key.
fn is_key(relation: &Relation, exprs: &[Expr]) -> bool {
    let given = |key: &Vec<Expr>| exprs.iter().any(|expr| key.contains(expr));
    !exprs.is_empty()
        && relation.key_exprs.len() == exprs.len()
        && relation.key_exprs.iter().all(given)
}

fn check_primary_key(
    right: &Relation,
    condition: &Condition<'_>,
    join: &Join,
    what: &str,
) -> Result<()> {
    if is_key(right, &condition.right()) {
        return Ok(());
    }
    if right.key_exprs.is_empty() {
        return Err(no_key("the table", join.relation.qualifier()));
    }
    let keys: Vec<&str> = right.rows().key_columns().map(|column| column.name.as_str()).collect();
    let message = format!(
        "invalid join condition: {what} joins require to join on the table's primary key, got {condition}"
    );
    let hint = match keys.as_slice() {
        [key] => format!("the primary key is {key}"),
        _ => format!("the primary key is {}: join on all of its columns", keys.join(", ")),
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
    condition: &Condition<'_>,
    join: &Join,
) -> Result<()> {
    let by_key = || is_key(left, &condition.left()) && is_key(right, &condition.right());
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
    condition: &Condition<'_>,
    join: &Join,
    method: JoinMethod,
) -> (RowType, Vec<Vec<Expr>>) {
    let mut columns = left.rows().columns.clone();
    columns.extend(right.rows().columns.iter().cloned());
    let mut output = RowType { columns, keys: Vec::new(), window: left.rows().window };
    let keyed = match method {
        JoinMethod::ForeignKey => {
            output.keys = left.rows().keys.clone();
            return (output, left.key_exprs.clone());
        }
        JoinMethod::TableTable => condition.equalities.as_slice(),
        JoinMethod::StreamStream(_) | JoinMethod::StreamTable => &condition.equalities[..1],
    };
    let places = keyed.iter().map(|equality| Places::of(equality, left, right));
    let places: Vec<Places> = places.collect();
    let holders: Option<Vec<usize>> = places.iter().map(|at| at.holder(join.kind)).collect();
    let made = holders.is_none();
    hide_made_keys(&mut output, left.rows(), holders.as_deref().unwrap_or_default());
    output.keys = holders.unwrap_or_else(|| {
        let make = |equality: &Equality<'_>| {
            output.columns.push(RowColumn::new(key_name(&output), equality.key_type.clone()));
            output.columns.len() - 1
        };
        keyed.iter().map(make).collect()
    });
    let exprs = keyed.iter().zip(&places).zip(&output.keys).map(|((equality, at), holder)| {
        // From left to right: see [`Planner::finish`].
        let made = made.then(|| output.columns[*holder].expr());
        let mut exprs: Vec<Expr> = made.into_iter().collect();
        if join.kind != JoinKind::Full && at.left.or(at.right).is_some() {
            let plain = [at.left, at.right].into_iter().flatten();
            exprs.extend(plain.map(|at| output.columns[at].expr()));
            exprs.extend(equal_keys(left, &equality.left));
            exprs.extend(equal_keys(right, &equality.right));
        }
        exprs
    });
    let exprs = exprs.collect();
    (output, exprs)
}

/// Which columns of a join's result the sides of an equality are, if they are columns.
struct Places {
    left: Option<usize>,
    right: Option<usize>,
}

impl Places {
    fn of(equality: &Equality<'_>, left: &Relation, right: &Relation) -> Self {
        let at_right = right.rows().index_of(&equality.right);
        Self {
            left: left.rows().index_of(&equality.left),
            right: at_right.map(|at| at + left.rows().columns.len()),
        }
    }

    /// The column that holds the key, if one does.
    fn holder(&self, kind: JoinKind) -> Option<usize> {
        match kind {
            JoinKind::Inner => self.left.or(self.right),
            // Where the left side is padded, nobody but the left holds the key, and vice versa.
            JoinKind::Left => self.left,
            JoinKind::Right => self.right,
            JoinKind::Full => None,
        }
    }
}

/// What else gives the same value as a side of the condition, because an earlier join says so.
fn equal_keys(side: &Relation, expr: &Expr) -> Vec<Expr> {
    let same = side.key_exprs.iter().find(|exprs| exprs.contains(expr));
    same.cloned().unwrap_or_default()
}

/// Only the last join's key shows where it is none of the sources' columns: the key that an earlier
/// one made gives its name free.
fn hide_made_keys(output: &mut RowType, left: &RowType, holders: &[usize]) {
    let made = left.keys.iter().filter(|key| left.columns[**key].qualifier.is_none());
    for key in made.filter(|key| !holders.contains(key)) {
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
