//! Queries over queries in the dialect's own shape: `WITH`, derived tables, `UNION ALL`.
//!
//! A query that runs on is read here, because each of its selects may have the clauses that only
//! our shape knows. A query that is asked once is `sqlparser`'s as soon as it has such parts.

use super::cursor::Cursor;
use super::general::belongs_to_general;
use crate::ast::{CommonTable, Nested, Query, Relation};
use crate::error::Error;

impl Cursor<'_> {
    /// True if the statement that begins here holds a query that runs on: one that fills a stream
    /// or table, or one that ends with an `EMIT` clause.
    pub(super) fn runs_on(&self) -> bool {
        let first = usize::from(self.is_at(&["EXPLAIN"]));
        if self.is_word_at(first, "CREATE") || self.is_word_at(first, "INSERT") {
            return true;
        }
        let mut depth = 0_usize;
        let mut at = 0;
        while !(self.is_end_at(at) || depth == 0 && self.is_symbol_at(at, ";")) {
            if self.is_symbol_at(at, "(") {
                depth += 1;
            } else if self.is_symbol_at(at, ")") {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && self.is_word_at(at, "EMIT") {
                return true;
            }
            at += 1;
        }
        false
    }

    /// A query that runs on, up to the end of the statement. What the own shape cannot hold is
    /// read again as a general query, so that it can be said what is not supported.
    pub(super) fn continuous_query(&mut self) -> Result<Query, Error> {
        let start = self.position();
        let own = self.whole_nested();
        let error = match own {
            Ok(nested) if !is_beyond(&nested) => return Ok(nested.into_query()),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        self.rewind(start);
        if let Err(inside) = self.check_subqueries() {
            // Inside, only our own shape has windows: what it misses is what is wrong.
            return Err(error.unwrap_or(inside));
        }
        self.rewind(start);
        self.general_query(error)
    }

    fn whole_nested(&mut self) -> Result<Nested, Error> {
        let nested = self.nested()?;
        self.end_of_statement()?;
        Ok(nested)
    }

    fn nested(&mut self) -> Result<Nested, Error> {
        let start = self.position();
        let with = match self.eat(&["WITH"]) {
            true => self.comma_separated(|cursor| cursor.common_table())?,
            false => Vec::new(),
        };
        let mut selects = vec![self.select(true)?];
        while self.eat(&["UNION", "ALL"]) {
            selects.push(self.select(true)?);
        }
        Ok(Nested { with, selects, span: self.span_from(start) })
    }

    fn common_table(&mut self) -> Result<CommonTable, Error> {
        let name = self.name("the name of a common table expression")?;
        self.expect(&["AS"])?;
        Ok(CommonTable { name, query: self.bracketed_nested()? })
    }

    fn bracketed_nested(&mut self) -> Result<Nested, Error> {
        self.expect_symbol("(")?;
        let nested = self.nested()?;
        match self.eat_symbol(")") {
            true => Ok(nested),
            false => Err(self.unexpected_clause(")", super::query::CLAUSES)),
        }
    }

    /// `(query) [AS] alias`.
    pub(super) fn derived_table(&mut self) -> Result<Relation, Error> {
        let start = self.position();
        let query = Some(Box::new(self.bracketed_nested()?));
        self.eat(&["AS"]);
        let name = self.name("an alias for the query in brackets")?;
        Ok(Relation { name, alias: None, query, span: self.span_from(start) })
    }
}

/// Whether an expression anywhere in it is none of our own shape.
fn is_beyond(nested: &Nested) -> bool {
    let derived = |relation: &Relation| relation.query.as_deref().is_some_and(is_beyond);
    nested.with.iter().any(|table| is_beyond(&table.query))
        || nested
            .selects
            .iter()
            .any(|select| belongs_to_general(select) || select.relations().any(derived))
}
