//! Queries in the dialect's own shape.

use sqlparser::ast::Expr;

use super::cursor::Cursor;
use super::expression::CONDITION;
use crate::ast::{
    Emit, EmitMode, Ident, Join, JoinKind, Limit, Query, Relation, Select, SelectItem, Spanned,
};
use crate::dialect::begins_clause;
use crate::error::Error;

/// What can follow `FROM`, for near misses.
pub(super) const CLAUSES: &[&str] = &[
    "FROM",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "WITHIN",
    "WINDOW",
    "WHERE",
    "GROUP",
    "PARTITION",
    "HAVING",
    "EMIT",
    "CHANGES",
    "FINAL",
    "LIMIT",
    "ORDER",
    "UNION",
];

impl Cursor<'_> {
    /// A query of any kind, up to the end of the statement.
    ///
    /// The own shape is tried first. What it cannot hold is read again as a general query, but only
    /// accepted if it uses something that is really beyond the own shape: otherwise a mistake in a
    /// query of ours would be accepted with some other dialect's meaning.
    pub(super) fn query(&mut self) -> Result<Query, Error> {
        let start = self.position();
        let own = self.own_query();
        let error = match own {
            Ok(select) if !super::general::belongs_to_general(&select) => {
                return Ok(Query::Select(Box::new(select)));
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        self.rewind(start);
        self.general_query(error)
    }

    fn own_query(&mut self) -> Result<Select, Error> {
        let select = self.select(false)?;
        self.end_of_statement()?;
        Ok(select)
    }

    /// A query in our own shape; with `nests`, a query in brackets may stand for a source.
    pub(super) fn select(&mut self, nests: bool) -> Result<Select, Error> {
        let start = self.position();
        self.expect(&["SELECT"])?;
        let items = self.comma_separated(|cursor| cursor.select_item())?;
        if !self.eat(&["FROM"]) {
            return Err(self.unexpected_clause("FROM", &["FROM"]));
        }
        let from = self.relation(nests)?;
        let mut joins = Vec::new();
        while let Some(join) = self.join(nests)? {
            joins.push(join);
        }
        let position = self.position();
        let window = if self.eat(&["WINDOW"]) { Some(self.window(position)?) } else { None };
        let where_ = self.condition("WHERE")?;
        let group_by = self.keys(&["GROUP", "BY"])?;
        let partition_by = self.keys(&["PARTITION", "BY"])?;
        let having = self.condition("HAVING")?;
        let emit = self.emit()?;
        let limit = self.limit()?;
        Ok(Select {
            items,
            from,
            joins,
            window,
            where_,
            group_by,
            partition_by,
            having,
            emit,
            limit,
            span: self.span_from(start),
        })
    }

    fn select_item(&mut self) -> Result<SelectItem, Error> {
        let start = self.position();
        if self.eat_symbol("*") {
            return Ok(SelectItem::Wildcard { span: self.span_from(start) });
        }
        if self.is_name() && self.is_symbol_at(1, ".") && self.is_symbol_at(2, "*") {
            let source = self.name("a source")?;
            self.advance();
            self.advance();
            return Ok(SelectItem::QualifiedWildcard { source, span: self.span_from(start) });
        }
        let expr = self.expression()?;
        if self.is_symbol("->") && self.is_symbol_at(1, "*") {
            self.advance();
            self.advance();
            return Ok(SelectItem::StructWildcard { expr, span: self.span_from(start) });
        }
        let alias = self.alias()?;
        Ok(SelectItem::Expr { expr, alias, span: self.span_from(start) })
    }

    /// `AS name`, or a name that cannot be anything else.
    fn alias(&mut self) -> Result<Option<Ident>, Error> {
        if self.eat(&["AS"]) {
            return self.name("an alias").map(Some);
        }
        let word = self.next_text().to_uppercase();
        if !self.is_name() || begins_clause(&word, self.sql_token(1)) {
            return Ok(None);
        }
        self.name("an alias").map(Some)
    }

    fn relation(&mut self, nests: bool) -> Result<Relation, Error> {
        if nests && self.is_symbol("(") {
            return self.derived_table();
        }
        let start = self.position();
        let name = self.name("a stream or table name")?;
        let alias = self.alias()?;
        Ok(Relation { name, alias, query: None, span: self.span_from(start) })
    }

    fn join(&mut self, nests: bool) -> Result<Option<Join>, Error> {
        let start = self.position();
        let Some(kind) = self.join_kind()? else { return Ok(None) };
        let relation = self.relation(nests)?;
        let within = self.within()?;
        self.expect(&["ON"])?;
        let on = self.expression()?;
        Ok(Some(Join { kind, relation, within, on, span: self.span_from(start) }))
    }

    fn join_kind(&mut self) -> Result<Option<JoinKind>, Error> {
        if self.eat(&["JOIN"]) {
            return Ok(Some(JoinKind::Inner));
        }
        let kind = if self.eat(&["INNER"]) {
            self.expect(&["JOIN"])?;
            return Ok(Some(JoinKind::Inner));
        } else if self.eat(&["LEFT"]) {
            JoinKind::Left
        } else if self.eat(&["RIGHT"]) {
            JoinKind::Right
        } else if self.eat(&["FULL"]) {
            JoinKind::Full
        } else {
            return Ok(None);
        };
        self.eat(&["OUTER"]);
        self.expect(&["JOIN"])?;
        Ok(Some(kind))
    }

    fn condition(&mut self, word: &str) -> Result<Option<Expr>, Error> {
        if self.eat(&[word]) { self.expression().map(Some) } else { Ok(None) }
    }

    /// The expressions after `GROUP BY` or `PARTITION BY`, in brackets or not.
    fn keys(&mut self, words: &[&str]) -> Result<Vec<Expr>, Error> {
        if !self.eat(words) {
            return Ok(Vec::new());
        }
        let mut keys = self.comma_separated(|cursor| cursor.key())?;
        if keys.len() == 1 {
            match keys.remove(0) {
                Expr::Tuple(keys) => return Ok(keys),
                Expr::Nested(key) => return Ok(vec![*key]),
                key => return Ok(vec![key]),
            }
        }
        match keys.iter().find(|key| matches!(key, Expr::Tuple(_))) {
            Some(tuple) => {
                Err(Error::mismatch("an expression", "a list in brackets", tuple.span()))
            }
            None => Ok(keys),
        }
    }

    /// An expression that is a value rather than a condition, and not `ROLLUP` or `CUBE`.
    fn key(&mut self) -> Result<Expr, Error> {
        if (self.is_at(&["ROLLUP"]) || self.is_at(&["CUBE"])) && self.is_symbol_at(1, "(") {
            return Err(self.expected("an expression"));
        }
        self.hand_over(|parser| parser.parse_subexpr(CONDITION))
    }

    /// `EMIT CHANGES|FINAL`, if it is there.
    pub(super) fn emit(&mut self) -> Result<Option<Emit>, Error> {
        let start = self.position();
        if !self.eat(&["EMIT"]) {
            return Ok(None);
        }
        let mode = if self.eat(&["CHANGES"]) {
            EmitMode::Changes
        } else if self.eat(&["FINAL"]) {
            EmitMode::Final
        } else {
            return Err(self.expected_one_of(&["CHANGES", "FINAL"]));
        };
        Ok(Some(Emit { mode, span: self.span_from(start) }))
    }

    /// `LIMIT n`, if it is there.
    pub(super) fn limit(&mut self) -> Result<Option<Limit>, Error> {
        let start = self.position();
        if !self.eat(&["LIMIT"]) {
            return Ok(None);
        }
        let count = self.unsigned("a number of rows")?;
        Ok(Some(Limit { count, span: self.span_from(start) }))
    }
}
