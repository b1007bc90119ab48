//! Queries beyond the dialect's own shape, read by `sqlparser`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, JoinConstraint, JoinOperator, LimitClause, ObjectName, Query as SqlQuery,
    Select as SqlSelect, SelectItem as SqlItem, SetExpr, TableFactor, Value, Visit, Visitor,
};

use super::cursor::Cursor;
use crate::ast::{Query, Select, SelectItem, Span, Spanned};
use crate::error::{Error, ErrorCode};

/// What is wrong with `SELECT a 'b'`.
const STRING_ALIAS: &str = "an alias in single quotes";

impl Cursor<'_> {
    /// A general query up to the end of the statement. `own` says why it is none of our own shape;
    /// of two errors the one that got further is reported.
    pub(super) fn general_query(&mut self, own: Option<Error>) -> Result<Query, Error> {
        match (self.read_general(), own) {
            (Ok(query), None) => Ok(query),
            (Ok(query), Some(own)) => {
                if is_general(&query) {
                    Ok(query)
                } else {
                    Err(own)
                }
            }
            (Err(general), Some(own)) if own.span().start >= general.span().start => Err(own),
            (Err(general), _) => Err(general),
        }
    }

    fn read_general(&mut self) -> Result<Query, Error> {
        let mut query = self.hand_over(|parser| parser.parse_query())?;
        check_is_query(&query)?;
        let emit = self.emit()?;
        if emit.is_some()
            && query.limit_clause.is_none()
            && let Some(limit) = self.limit()?
        {
            query.limit_clause = Some(crate::ast::limit_clause(limit));
        }
        self.end_of_statement()?;
        Ok(Query::General { query, emit })
    }

    /// Reads every subquery of the statement on its own, the innermost first.
    ///
    /// `sqlparser` tries several readings of a bracket in `FROM`. When a subquery inside is wrong it
    /// would report the failure of the last reading, and nested ones would take exponential time.
    pub(super) fn check_subqueries(&mut self) -> Result<(), Error> {
        let start = self.position();
        let mut open = Vec::new();
        while !self.is_statement_end() {
            let here = self.position();
            if self.is_symbol("(") {
                open.push((here, self.is_word_at(1, "SELECT") || self.is_word_at(1, "WITH")));
            } else if self.is_symbol(")")
                && let Some((bracket, true)) = open.pop()
            {
                self.check_subquery(bracket + 1, here)?;
            }
            self.advance();
        }
        let unclosed = open.iter().rposition(|(_, is_subquery)| *is_subquery);
        if let Some((bracket, _)) = unclosed.map(|n| open[n]) {
            self.rewind(bracket);
            return Err(Error::new(ErrorCode::Syntax, "the bracket is not closed", self.span()));
        }
        self.rewind(start);
        Ok(())
    }

    /// The tokens from `start` up to `end` have to be a query; leaves the cursor at `end`.
    fn check_subquery(&mut self, start: usize, end: usize) -> Result<(), Error> {
        self.rewind(start);
        self.hand_over(|parser| parser.parse_query())?;
        if self.position() != end {
            return Err(self.unexpected_clause(")", super::query::CLAUSES));
        }
        Ok(())
    }

    /// A persistent query reads streams and tables, so that its input can be told from its text.
    pub(super) fn check_persistent(&self, query: &Query) -> Result<(), Error> {
        let Query::General { query, .. } = query else { return Ok(()) };
        match query.visit(&mut TableFunctions) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(span) => {
                Err(Error::mismatch("a stream or table in FROM", "a table function", span)
                    .with_hint("table functions such as EXPLODE stand in the SELECT list"))
            }
        }
    }
}

/// True for a select that fits our shape but has subqueries or `OVER` in its expressions. With
/// clauses that only our shape has it stays ours.
pub(super) fn belongs_to_general(select: &Select) -> bool {
    let mut exprs: Vec<&Expr> = Vec::new();
    for item in &select.items {
        if let SelectItem::Expr { expr, .. } | SelectItem::StructWildcard { expr, .. } = item {
            exprs.push(expr);
        }
    }
    exprs.extend(select.joins.iter().map(|join| &join.on));
    exprs.extend(select.where_.iter().chain(&select.group_by).chain(&select.having));
    !select.is_stream_only() && exprs.iter().any(|expr| has_general_expression(*expr))
}

/// True if a query needs what our own shape cannot hold.
fn is_general(query: &Query) -> bool {
    let Query::General { query, emit } = query else { return false };
    let SetExpr::Select(select) = query.body.as_ref() else { return true };
    if select.from.is_empty() {
        return emit.is_none();
    }
    query.with.is_some()
        || query.order_by.is_some()
        || query.fetch.is_some()
        || query.limit_clause.as_ref().is_some_and(is_general_limit)
        || is_general_select(select)
        || has_general_expression(query)
}

/// Numbers are ours, right or wrong; parameters and offsets are not.
fn is_general_limit(limit: &LimitClause) -> bool {
    match limit {
        LimitClause::LimitOffset { limit: Some(Expr::Value(count)), offset: None, .. } => {
            matches!(count.value, Value::Placeholder(_))
        }
        LimitClause::LimitOffset { limit: Some(_), offset: None, .. } => false,
        _ => true,
    }
}

fn is_general_select(select: &SqlSelect) -> bool {
    let [from] = select.from.as_slice() else { return true };
    let keys = match &select.group_by {
        GroupByExpr::All(_) => return true,
        GroupByExpr::Expressions(keys, _) => keys,
    };
    select.distinct.is_some()
        || select.qualify.is_some()
        || !select.named_window.is_empty()
        || is_general_relation(&from.relation)
        || from
            .joins
            .iter()
            .any(|join| is_general_relation(&join.relation) || is_general_join(&join.join_operator))
        || keys
            .iter()
            .any(|key| matches!(key, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_)))
}

fn is_general_relation(relation: &TableFactor) -> bool {
    match relation {
        TableFactor::Table { name: ObjectName(parts), args, .. } => {
            parts.len() > 1 || args.is_some()
        }
        _ => true,
    }
}

fn is_general_join(join: &JoinOperator) -> bool {
    let constraint = match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => constraint,
        _ => return true,
    };
    !matches!(constraint, JoinConstraint::On(_) | JoinConstraint::None)
}

/// `sqlparser` also takes statements that write where we want a query, and strings for names.
fn check_is_query(query: &SqlQuery) -> Result<(), Error> {
    match query.visit(&mut ForeignParts) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(what) => {
            let message = format!("{what} cannot be part of a query");
            Err(Error::new(ErrorCode::Syntax, message, query.span()))
        }
    }
}

fn has_general_expression(node: &impl Visit) -> bool {
    node.visit(&mut GeneralExpressions).is_break()
}

/// Stops at the first subquery, window function or ordered aggregate.
struct GeneralExpressions;

impl Visitor for GeneralExpressions {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => {
                ControlFlow::Break(())
            }
            Expr::Function(function)
                if function.over.is_some() || !function.within_group.is_empty() =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Stops at the first table function.
struct TableFunctions;

impl Visitor for TableFunctions {
    type Break = Span;

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Span> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                ControlFlow::Break(name.span())
            }
            TableFactor::TableFunction { expr, .. } => ControlFlow::Break(expr.span()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Stops at the first part of a query that writes, and at the first string that names something.
struct ForeignParts;

impl Visitor for ForeignParts {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &SqlQuery) -> ControlFlow<&'static str> {
        match query.body.as_ref() {
            SetExpr::Insert(_) => ControlFlow::Break("INSERT"),
            SetExpr::Update(_) => ControlFlow::Break("UPDATE"),
            SetExpr::Delete(_) => ControlFlow::Break("DELETE"),
            SetExpr::Merge(_) => ControlFlow::Break("MERGE"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &SqlSelect) -> ControlFlow<&'static str> {
        if select.into.is_some() {
            return ControlFlow::Break("INTO");
        }
        let is_string = |item: &SqlItem| matches!(item, SqlItem::ExprWithAlias { alias, .. } if alias.quote_style == Some('\''));
        if select.projection.iter().any(is_string) {
            return ControlFlow::Break(STRING_ALIAS);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<&'static str> {
        let alias = match factor {
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. }
            | TableFactor::TableFunction { alias, .. } => alias,
            _ => return ControlFlow::Break("PIVOT or a foreign table function"),
        };
        match alias {
            Some(alias) if alias.name.quote_style == Some('\'') => ControlFlow::Break(STRING_ALIAS),
            _ => ControlFlow::Continue(()),
        }
    }
}
