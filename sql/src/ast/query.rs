//! Queries: the dialect's own shape, and everything else that `SELECT` can say.

use super::{Expr, Ident, Span, Window, Within};

/// A query of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The dialect's own shape: the only one with windows, `WITHIN` and `PARTITION BY`.
    Select(Box<Select>),
    /// Several queries of that shape in one that runs on.
    Nested(Box<Nested>),
    /// What the own shape cannot hold: common table expressions, subqueries, set operations,
    /// `ORDER BY`, `OVER`, `DISTINCT`, several sources in `FROM`, no `FROM` at all.
    General {
        /// The query without its `EMIT` clause; a `LIMIT` after `EMIT` has been moved into it.
        query: Box<sqlparser::ast::Query>,
        /// The `EMIT` clause.
        emit: Option<Emit>,
    },
}

/// Queries in the dialect's own shape over one another: common table expressions, derived tables,
/// `UNION ALL`. Only a query that runs on is one: it fills a stream or table, or has `EMIT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Nested {
    /// `WITH name AS (…), …`.
    pub with: Vec<CommonTable>,
    /// What `UNION ALL` puts together; never empty. `EMIT` and `LIMIT` stand in the last one.
    pub selects: Vec<Select>,
    /// The whole query.
    pub span: Span,
}

/// A common table expression.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonTable {
    /// The name that later ones and the query itself know it by.
    pub name: Ident,
    /// What it stands for.
    pub query: Nested,
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

/// A stream or table in `FROM` or `JOIN`; within a [`Nested`] query also a derived table.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Name of the stream or table; the alias of a derived table.
    pub name: Ident,
    /// The name it goes by in this query, if one is given.
    pub alias: Option<Ident>,
    /// The query that a derived table stands for.
    pub query: Option<Box<Nested>>,
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
            Query::Nested(nested) => nested.last().and_then(|select| select.emit),
            Query::General { emit, .. } => *emit,
        }
    }
}

impl Nested {
    /// The last of its selects, which has the clauses that are about all of them.
    pub fn last(&self) -> Option<&Select> {
        self.selects.last()
    }

    /// The same as a query: a single select over streams and tables is nothing more.
    pub(crate) fn into_query(self) -> Query {
        let is_plain = |select: &Select| select.relations().all(|named| named.query.is_none());
        match self.selects.as_slice() {
            [select] if self.with.is_empty() && is_plain(select) => {
                Query::Select(Box::new(select.clone()))
            }
            _ => Query::Nested(Box::new(self)),
        }
    }
}

impl Select {
    /// What it reads, from left to right.
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        std::iter::once(&self.from).chain(self.joins.iter().map(|join| &join.relation))
    }
}

impl Relation {
    /// The name that expressions qualify this relation's columns with.
    pub fn qualifier(&self) -> &Ident {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}
