//! Queries: the dialect's own shape, and everything else that `SELECT` can say.

use super::{Expr, Ident, Span, Window, Within};

/// A query of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The dialect's own shape: the only one with windows, `WITHIN` and `PARTITION BY`.
    Select(Box<Select>),
    /// What the own shape cannot hold: common table expressions, subqueries, set operations,
    /// `ORDER BY`, `OVER`, `DISTINCT`, several sources in `FROM`, no `FROM` at all.
    General {
        /// The query without its `EMIT` clause; a `LIMIT` after `EMIT` has been moved into it.
        query: Box<sqlparser::ast::Query>,
        /// The `EMIT` clause.
        emit: Option<Emit>,
    },
}

/// A query in the dialect's own shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// What is projected; never empty.
    pub items: Vec<SelectItem>,
    /// The first, leftmost source.
    pub from: Relation,
    /// The joins, from left to right.
    pub joins: Vec<Join>,
    /// `WINDOW …`.
    pub window: Option<Window>,
    /// `WHERE …`.
    pub where_: Option<Expr>,
    /// `GROUP BY …`; `GROUP BY (a, b)` is the same as `GROUP BY a, b`.
    pub group_by: Vec<Expr>,
    /// `PARTITION BY …`, parenthesised or not.
    pub partition_by: Vec<Expr>,
    /// `HAVING …`.
    pub having: Option<Expr>,
    /// `EMIT …`.
    pub emit: Option<Emit>,
    /// `LIMIT …`.
    pub limit: Option<Limit>,
    /// The whole query.
    pub span: Span,
}

/// One item of a projection.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectItem {
    /// `expression [[AS] alias]`.
    Expr {
        /// The expression.
        expr: Expr,
        /// Its name in the result, if one is given.
        alias: Option<Ident>,
        /// The item with its alias.
        span: Span,
    },
    /// `*`.
    Wildcard {
        /// The asterisk.
        span: Span,
    },
    /// `source.*`.
    QualifiedWildcard {
        /// Name or alias of the source.
        source: Ident,
        /// The whole item.
        span: Span,
    },
    /// `expression->*`: every field of a struct.
    StructWildcard {
        /// The struct.
        expr: Expr,
        /// The whole item.
        span: Span,
    },
}

/// A stream or table in `FROM` or `JOIN`.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Name of the stream or table.
    pub name: Ident,
    /// The name it goes by in this query, if one is given.
    pub alias: Option<Ident>,
    /// Name and alias.
    pub span: Span,
}

/// One join of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Which rows without a partner are kept.
    pub kind: JoinKind,
    /// The right side.
    pub relation: Relation,
    /// `WITHIN …`.
    pub within: Option<Within>,
    /// `ON …`.
    pub on: Expr,
    /// The whole join.
    pub span: Span,
}

/// Which rows without a partner a join keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// None.
    Inner,
    /// Those of the left side.
    Left,
    /// Those of the right side.
    Right,
    /// Those of both sides.
    Full,
}

/// The `EMIT` clause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emit {
    /// What is emitted.
    pub mode: EmitMode,
    /// The clause.
    pub span: Span,
}

/// What a query emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmitMode {
    /// Every change, as it happens.
    Changes,
    /// One result per window, when the window closes.
    Final,
}

/// The `LIMIT` clause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The largest number of rows.
    pub count: u64,
    /// The clause.
    pub span: Span,
}

impl Query {
    /// The `EMIT` clause, which makes a query a push query.
    pub fn emit(&self) -> Option<Emit> {
        match self {
            Query::Select(select) => select.emit,
            Query::General { emit, .. } => *emit,
        }
    }
}

impl Relation {
    /// The name that expressions qualify this relation's columns with.
    pub fn qualifier(&self) -> &Ident {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}
