//! Text to syntax tree.
//!
//! 1. The lexer cuts the whole script into tokens; comments go.
//! 2. [`tokens`] turns them into `sqlparser`'s tokens, names already canonical.
//! 3. A [`Cursor`] walks over them. Statements and clauses are read by the modules here, each an
//!    `impl Cursor` for one part of the grammar.
//! 4. Where an expression or a general query begins, `sqlparser` takes over from the same place
//!    with our dialect's hooks, and hands back when it is done.
//!
//! Nothing here knows whether a name exists.

mod admin;
mod assert;
mod columns;
mod cursor;
mod ddl;
pub(crate) mod expression;
mod general;
mod insert;
mod nested;
mod properties;
mod query;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;
pub(crate) mod types;
mod window;

use cursor::Cursor;

use crate::ast::{ColumnDef, DataType, Expr, Statement};
use crate::dialect::MillstreamDialect;
use crate::error::Error;

/// Parses a script: statements, each ended by a semicolon, which the last one may lack.
pub fn parse(text: &str) -> Result<Vec<Statement>, Error> {
    whole(text, |cursor| cursor.script())
}

/// Parses one expression.
pub fn parse_expression(text: &str) -> Result<Expr, Error> {
    whole(text, |cursor| {
        cursor.check_subqueries()?;
        cursor.expression()
    })
}

/// Parses a list of columns without brackets around it, such as `ID BIGINT KEY, NAME STRING`.
pub fn parse_columns(text: &str) -> Result<Vec<ColumnDef>, Error> {
    whole(text, |cursor| cursor.column_list())
}

/// Parses a type.
pub fn parse_type(text: &str) -> Result<DataType, Error> {
    whole(text, |cursor| cursor.data_type())
}

/// Parses all of `text` as one thing.
fn whole<T>(
    text: &str,
    parse: impl FnOnce(&mut Cursor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let dialect = MillstreamDialect::default();
    let mut cursor = Cursor::new(text, &dialect)?;
    let parsed = parse(&mut cursor)?;
    cursor.expect_end()?;
    Ok(parsed)
}
