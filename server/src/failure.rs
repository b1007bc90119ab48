//! Errors as a Postgres client reads them: SQLSTATE, message, position, hint.
//!
//! This file holds the one table from the engine's classes of errors to SQLSTATEs. Positions are
//! kept as bytes of the client's script and become characters, counted from 1, on the wire.

use engine::{Code, Diagnostic, Error};
use pgwire::error::{ErrorInfo, PgWireError};
use sql::ast::Span;

use crate::text::rewrite::Rewritten;

/// SQLSTATEs that this edge gives of its own accord.
pub(crate) mod sqlstate {
    pub(crate) const FEATURE_NOT_SUPPORTED: &str = "0A000";
    pub(crate) const BAD_COPY_FORMAT: &str = "22P04";
    pub(crate) const INVALID_PARAMETER: &str = "22023";
    pub(crate) const INVALID_TEXT: &str = "22P02";
    pub(crate) const NO_TRANSACTION: &str = "25P01";
    pub(crate) const IN_FAILED_TRANSACTION: &str = "25P02";
    pub(crate) const INVALID_CURSOR_NAME: &str = "34000";
    pub(crate) const INVALID_SAVEPOINT: &str = "3B001";
    pub(crate) const SYNTAX_ERROR: &str = "42601";
    pub(crate) const UNDEFINED_COLUMN: &str = "42703";
    pub(crate) const DUPLICATE_OBJECT: &str = "42710";
    pub(crate) const UNDEFINED_OBJECT: &str = "42704";
    pub(crate) const UNDEFINED_FUNCTION: &str = "42883";
    pub(crate) const UNDEFINED_TABLE: &str = "42P01";
    pub(crate) const DUPLICATE_CURSOR: &str = "42P03";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(crate) const PROGRAM_LIMIT_EXCEEDED: &str = "54000";
    pub(crate) const QUERY_CANCELED: &str = "57014";
    pub(crate) const IO_ERROR: &str = "58030";
    pub(crate) const INTERNAL_ERROR: &str = "XX000";
}

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Five characters of Postgres's error codes.
    pub sqlstate: &'static str,
    /// What was expected and what was found.
    pub message: String,
    /// The byte of the client's script that it is about.
    pub position: Option<usize>,
    /// The near miss or the way out.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without position and hint.
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), position: None, hint: None }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the byte of the script that it is about.
    pub fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// An error of the engine about `statement`.
    pub fn of_engine(error: &Error, statement: &Rewritten) -> Self {
        if matches!(error, Error::Internal(_)) {
            tracing::error!("{error}");
        }
        let (sqlstate, span, hint) = match error {
            Error::Syntax(syntax) => return Self::of_syntax(syntax, statement),
            Error::Invalid(diagnostic) => of_diagnostic(diagnostic),
            Error::Log(_) | Error::Storage { .. } => (sqlstate::IO_ERROR, None, None),
            Error::Cancelled => (sqlstate::QUERY_CANCELED, None, None),
            _ => (sqlstate::INTERNAL_ERROR, None, None),
        };
        let byte = span.and_then(|span| byte_of(&statement.text, span.start));
        let position = byte.map(|byte| statement.original(byte));
        Self { sqlstate, message: error.to_string(), position, hint }
    }

    /// A text that is no statement.
    pub fn of_syntax(error: &sql::Error, statement: &Rewritten) -> Self {
        let byte = byte_of(&statement.text, error.span().start);
        Self {
            sqlstate: sqlstate::SYNTAX_ERROR,
            message: error.message(),
            position: byte.map(|byte| statement.original(byte)),
            hint: error.hint().map(str::to_owned),
        }
    }

    /// The failure as a message on the wire; `script` is what the client sent.
    pub fn into_wire(self, script: &str) -> PgWireError {
        PgWireError::UserError(Box::new(self.into_info(script)))
    }

    fn into_info(self, script: &str) -> ErrorInfo {
        let mut info = told("ERROR", self.sqlstate, self.message);
        info.position = self.position.map(|byte| character(script, byte).to_string());
        info.hint = self.hint;
        info
    }
}

/// A warning beside a result, as a notice.
pub(crate) fn warning(message: impl Into<String>) -> ErrorInfo {
    told("WARNING", "01000", message)
}

/// A message beside a result, as a notice.
pub(crate) fn notice(message: impl Into<String>) -> ErrorInfo {
    told("NOTICE", "00000", message)
}

/// The reason for which a connection is refused or ends.
pub(crate) fn fatal(sqlstate: &str, message: impl Into<String>) -> ErrorInfo {
    told("FATAL", sqlstate, message)
}

fn told(severity: &str, sqlstate: &str, message: impl Into<String>) -> ErrorInfo {
    let mut info = ErrorInfo::new(severity.into(), sqlstate.into(), message.into());
    info.severity_nonlocalized = Some(severity.into());
    info
}

type Parts = (&'static str, Option<Span>, Option<String>);

fn of_diagnostic(diagnostic: &Diagnostic) -> Parts {
    (of_code(diagnostic.code), diagnostic.span, diagnostic.hint.clone())
}

/// The table from classes of mistakes to SQLSTATEs.
fn of_code(code: Code) -> &'static str {
    match code {
        Code::UnknownName => sqlstate::UNDEFINED_TABLE,
        Code::UnknownColumn => sqlstate::UNDEFINED_COLUMN,
        Code::AmbiguousColumn => "42702",
        Code::DuplicateName => "42P07",
        Code::TypeMismatch => "42804",
        Code::InvalidValue => sqlstate::INVALID_PARAMETER,
        Code::InvalidQuery => "42000",
        Code::InUse => "2BP01",
        Code::NotSupported => sqlstate::FEATURE_NOT_SUPPORTED,
        Code::AssertionFailed => "P0004",
    }
}

/// The byte at a line and column, both counted from 1.
fn byte_of(text: &str, at: sql::ast::Location) -> Option<usize> {
    let before = usize::try_from(at.line.checked_sub(1)?).ok()?;
    let line_start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(at.column.checked_sub(1)?).ok()?;
    let line = &text[line_start..];
    let within = line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    Some(line_start + within)
}

/// The number, from 1, of the character at `byte`.
fn character(script: &str, byte: usize) -> usize {
    1 + script.char_indices().take_while(|(at, _)| *at < byte).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::rewrite::{Quoted, rewrite};

    #[test]
    fn positions_are_characters_of_what_the_client_sent() {
        let script = "SELECT 'ä', $1, x";
        let parameters = ["123456789".to_owned()];
        let statement = rewrite(script, 0..script.len(), Quoted::Fold, &parameters);
        let x = statement.text.find('x').unwrap();
        let column = statement.text[..x].chars().count() as u64 + 1;
        let place = |column| sql::ast::Location { line: 1, column };
        let span = Span { start: place(column), end: place(column + 1) };
        let diagnostic = Diagnostic::new(Code::UnknownColumn, "no column X").at(span);
        let failure = Failure::of_engine(&diagnostic.into(), &statement);
        assert_eq!(failure.sqlstate, "42703");
        let PgWireError::UserError(info) = failure.into_wire(script) else { panic!() };
        assert_eq!(info.position.as_deref(), Some("17"));
    }

    #[test]
    fn lines_and_columns_become_bytes() {
        let at = |line, column| byte_of("ä b\nc d", sql::ast::Location { line, column });
        assert_eq!([at(1, 3), at(2, 3), at(2, 9), at(0, 0)], [Some(3), Some(7), Some(8), None]);
    }
}
