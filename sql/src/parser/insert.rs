//! `INSERT INTO`.

use super::cursor::Cursor;
use crate::ast::{Expr, Ident, StatementKind};
use crate::error::{Error, ErrorCode};
use crate::properties::Context;

impl Cursor<'_> {
    /// After `INSERT`.
    pub(super) fn insert(&mut self) -> Result<StatementKind, Error> {
        self.expect(&["INTO"])?;
        let target = self.name("a stream or table name")?;
        if self.is_at(&["VALUES"]) || (self.is_symbol("(") && self.is_name_at(1)) {
            return self.insert_values(target);
        }
        let mut properties = self.properties()?;
        crate::properties::check(&mut properties, Context::InsertInto)?;
        if !self.is_query() {
            return Err(self.expected_one_of(&["VALUES", "SELECT", "WITH"]));
        }
        Ok(StatementKind::InsertInto { target, properties, query: self.persistent_query()? })
    }

    fn insert_values(&mut self, target: Ident) -> Result<StatementKind, Error> {
        let columns = self.optional_names("a column name")?;
        self.expect(&["VALUES"])?;
        let rows = self.comma_separated(|cursor| cursor.row(columns.len()))?;
        Ok(StatementKind::InsertValues { target, columns, rows })
    }

    /// `(name, …)`, if it is there.
    pub(super) fn optional_names(&mut self, what: &str) -> Result<Vec<Ident>, Error> {
        if !self.is_symbol("(") {
            return Ok(Vec::new());
        }
        self.bracketed(|cursor| cursor.names(what))
    }

    /// `(expression, …)`, with a value for each column if columns are given.
    pub(super) fn row(&mut self, columns: usize) -> Result<Vec<Expr>, Error> {
        let start = self.position();
        let row = self.bracketed(|cursor| cursor.comma_separated(|cursor| cursor.expression()))?;
        if columns > 0 && row.len() != columns {
            let values = if columns == 1 { "value" } else { "values" };
            let found = row.len();
            let message =
                format!("expected {columns} {values}, one for each column, found {found}");
            return Err(Error::new(ErrorCode::Syntax, message, self.span_from(start)));
        }
        Ok(row)
    }
}
