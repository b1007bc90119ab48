//! Scripts, and which statement a word begins.

use super::cursor::Cursor;
use crate::ast::{ExplainTarget, Ident, Query, QueryTarget, SourceKind, Statement, StatementKind};
use crate::error::Error;

/// The words that can begin a statement.
const BEGINNINGS: &[&str] = &[
    "SELECT",
    "WITH",
    "VALUES",
    "CREATE",
    "INSERT",
    "ALTER",
    "DROP",
    "TERMINATE",
    "PAUSE",
    "RESUME",
    "EXPLAIN",
    "SHOW",
    "LIST",
    "DESCRIBE",
    "SET",
    "UNSET",
    "DEFINE",
    "UNDEFINE",
    "PRINT",
    "ASSERT",
    "RUN",
    "EXPORT",
    "VERIFY",
    "BACKUP",
];

impl Cursor<'_> {
    /// Statements with a semicolon after each but the last.
    pub(super) fn script(&mut self) -> Result<Vec<Statement>, Error> {
        let mut statements = Vec::new();
        loop {
            while self.eat_symbol(";") {}
            if self.is_at_end() {
                return Ok(statements);
            }
            if !self.runs_on() {
                self.check_subqueries()?;
            }
            statements.push(self.statement()?);
            self.end_of_statement()?;
        }
    }

    /// One statement without its semicolon.
    fn statement(&mut self) -> Result<Statement, Error> {
        let start = self.position();
        let kind = self.statement_kind()?;
        let (text, span) = (self.text_from(start).to_owned(), self.span_from(start));
        Ok(Statement { kind, text, span })
    }

    fn statement_kind(&mut self) -> Result<StatementKind, Error> {
        if self.is_query() {
            let query = if self.runs_on() { self.continuous_query() } else { self.query() };
            return Ok(StatementKind::Query(query?));
        }
        let start = self.position();
        let word = self.next_text().to_uppercase();
        if !BEGINNINGS.contains(&word.as_str()) {
            return Err(self
                .expected("a statement")
                .with_near_miss(&word, BEGINNINGS.iter().copied()));
        }
        self.advance();
        match word.as_str() {
            "CREATE" => self.create(start),
            "INSERT" => self.insert(),
            "ALTER" => self.alter(start),
            "DROP" => self.drop(start),
            "TERMINATE" => Ok(StatementKind::Terminate(self.query_target()?)),
            "PAUSE" => Ok(StatementKind::Pause(self.query_target()?)),
            "RESUME" => Ok(StatementKind::Resume(self.query_target()?)),
            "EXPLAIN" => self.explain(),
            "SHOW" | "LIST" => self.show(start),
            "DESCRIBE" => self.describe(start),
            "SET" => self.set(),
            "UNSET" => self.unset(),
            "DEFINE" => self.define(),
            "UNDEFINE" => Ok(StatementKind::Undefine { name: self.name("a variable name")? }),
            "PRINT" => self.print(),
            "ASSERT" => self.assert(),
            "RUN" => self.run_script(),
            "VERIFY" => Ok(StatementKind::Verify { name: self.name("a stream or table name")? }),
            "BACKUP" => self.backup(),
            _ => self.export(),
        }
    }

    /// True where a query begins.
    pub(super) fn is_query(&self) -> bool {
        self.is_symbol("(") || ["SELECT", "WITH", "VALUES"].iter().any(|word| self.is_at(&[word]))
    }

    /// A statement has to end here.
    pub(super) fn end_of_statement(&self) -> Result<(), Error> {
        if self.is_statement_end() {
            return Ok(());
        }
        let words = super::query::CLAUSES;
        Err(self.unexpected_clause("end of statement", words))
    }

    /// True before a semicolon and at the end of the text.
    pub(super) fn is_statement_end(&self) -> bool {
        self.is_at_end() || self.is_symbol(";")
    }

    /// `EXPLAIN [ANALYZE] statement|id`, after the first word.
    fn explain(&mut self) -> Result<StatementKind, Error> {
        let analyze = self.eat(&["ANALYZE"]);
        let target = if self.is_explained_id() {
            ExplainTarget::Query(self.name("a query id")?)
        } else {
            ExplainTarget::Statement(Box::new(self.explained_statement()?))
        };
        Ok(StatementKind::Explain { analyze, target })
    }

    /// A name and nothing else: the id of a query.
    fn is_explained_id(&self) -> bool {
        self.is_name() && (self.is_symbol_at(1, ";") || self.is_end_at(1))
    }

    /// The statement after `EXPLAIN`, which is not an `EXPLAIN` itself.
    fn explained_statement(&mut self) -> Result<Statement, Error> {
        if self.is_at(&["EXPLAIN"]) {
            return Err(self.expected("a statement or a query id"));
        }
        self.statement()
    }

    /// `ALL` or the id of a query.
    fn query_target(&mut self) -> Result<QueryTarget, Error> {
        if self.eat(&["ALL"]) {
            return Ok(QueryTarget::All);
        }
        Ok(QueryTarget::Query(self.name("a query id or ALL")?))
    }

    /// `STREAM` or `TABLE`.
    pub(super) fn source_kind(&mut self) -> Option<SourceKind> {
        if self.eat(&["STREAM"]) {
            Some(SourceKind::Stream)
        } else if self.eat(&["TABLE"]) {
            Some(SourceKind::Table)
        } else {
            None
        }
    }

    /// The words since `start` ask for something that this version does not do.
    pub(super) fn not_supported(&mut self, what: &str, start: usize) -> StatementKind {
        let span = self.span_from(start);
        while !self.is_statement_end() {
            self.advance();
        }
        StatementKind::NotSupported { what: what.to_owned(), span }
    }

    /// The query of a `CREATE … AS` or an `INSERT INTO`.
    pub(super) fn persistent_query(&mut self) -> Result<Query, Error> {
        if !self.is_query() {
            return Err(self.expected("SELECT").with_near_miss(self.next_text(), ["SELECT"]));
        }
        let query = self.continuous_query()?;
        self.check_persistent(&query)?;
        Ok(query)
    }

    /// `name` after an optional `IF EXISTS` or `IF NOT EXISTS`; the flag says if it was there.
    pub(super) fn conditional_name(
        &mut self,
        condition: &[&str],
        what: &str,
    ) -> Result<(bool, Ident), Error> {
        let conditional = self.eat(condition);
        Ok((conditional, self.name(what)?))
    }
}
