//! What can go wrong, sorted by who must act.

use std::fmt;

use sql::ast::Span;

/// Result with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the engine. The variant says who must act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The statement's author: it does not parse.
    #[error(transparent)]
    Syntax(#[from] sql::Error),
    /// The statement's author: it parses, and means nothing that can be done.
    #[error(transparent)]
    Invalid(#[from] Diagnostic),
    /// Whoever runs the program: files, disk, another process that holds the directory.
    #[error(transparent)]
    Log(#[from] log_store::Error),
    /// Whoever runs the program: the state store or the catalog's file.
    #[error("{operation}: {cause}")]
    Storage {
        /// What was being done, with the path or name concerned.
        operation: String,
        /// What the storage said.
        cause: String,
    },
    /// The statement was cancelled by its client.
    #[error("cancelled")]
    Cancelled,
    /// Us: an invariant does not hold.
    #[error("internal error: {0}")]
    Internal(String),
}

/// What is wrong with a statement, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Class of the mistake.
    pub code: Code,
    /// What was expected and what was found.
    pub message: String,
    /// Where in the script, where known: line and column, from 1.
    pub span: Option<Span>,
    /// The near miss or the way out.
    pub hint: Option<String>,
}

/// Classes of mistakes in statements. The Postgres endpoint maps each to an SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No stream, table, topic, type, function, query or variable of that name.
    UnknownName,
    /// No column of that name in scope.
    UnknownColumn,
    /// More than one column of that name in scope.
    AmbiguousColumn,
    /// The name is taken.
    DuplicateName,
    /// Types that do not go together.
    TypeMismatch,
    /// A property, setting or literal that is not valid.
    InvalidValue,
    /// A clause that breaks a rule of streams, tables, keys, windows or joins.
    InvalidQuery,
    /// Something in use cannot be dropped or changed.
    InUse,
    /// Valid in the dialect, and not supported by this version.
    NotSupported,
    /// An `ASSERT` that does not hold.
    AssertionFailed,
}

impl Code {
    /// Every class.
    pub const ALL: [Code; 10] = [
        Code::UnknownName,
        Code::UnknownColumn,
        Code::AmbiguousColumn,
        Code::DuplicateName,
        Code::TypeMismatch,
        Code::InvalidValue,
        Code::InvalidQuery,
        Code::InUse,
        Code::NotSupported,
        Code::AssertionFailed,
    ];
}

impl fmt::Display for Code {
    /// As shown between brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::UnknownName => "unknown name",
            Code::UnknownColumn => "unknown column",
            Code::AmbiguousColumn => "ambiguous column",
            Code::DuplicateName => "duplicate name",
            Code::TypeMismatch => "type mismatch",
            Code::InvalidValue => "invalid value",
            Code::InvalidQuery => "invalid query",
            Code::InUse => "in use",
            Code::NotSupported => "not supported",
            Code::AssertionFailed => "assertion failed",
        })
    }
}

impl Diagnostic {
    /// A diagnostic without position and hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span: None, hint: None }
    }

    /// The same with the place it is about.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        if self.span.is_none() && span != Span::empty() {
            self.span = Some(span);
        }
        self
    }

    /// The same with a near miss or a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// A diagnostic as an error.
pub fn invalid(code: Code, message: impl Into<String>) -> Error {
    Error::Invalid(Diagnostic::new(code, message))
}

impl Error {
    /// The class of a mistake in a statement, as shown between brackets.
    pub fn class(&self) -> Option<String> {
        match self {
            Error::Syntax(error) => Some(error.code().to_string()),
            Error::Invalid(diagnostic) => Some(diagnostic.code.to_string()),
            _ => None,
        }
    }

    /// The message without the name of the class.
    pub fn message(&self) -> String {
        match self {
            Error::Internal(message) => message.clone(),
            other => other.to_string(),
        }
    }

    /// The same error, if it is a diagnostic without position, with the place it is about.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        match self {
            Error::Invalid(diagnostic) => Error::Invalid(diagnostic.at(span)),
            other => other,
        }
    }

    /// The same error, if it is a diagnostic, with a near miss or a way out.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Error::Invalid(diagnostic) => Error::Invalid(diagnostic.hint(hint)),
            other => other,
        }
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Error::Internal(error.to_string())
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as Source;
        match error {
            Source::Plan(message) => invalid(Code::InvalidQuery, message),
            Source::Execution(message) => invalid(Code::InvalidValue, message),
            Source::NotImplemented(message) => invalid(Code::NotSupported, message),
            Source::ArrowError(cause, _) if is_about_values(&cause) => {
                invalid(Code::InvalidValue, cause.to_string())
            }
            Source::External(cause) => match cause.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(cause) => Error::Internal(cause.to_string()),
            },
            Source::Context(_, inner) | Source::Diagnostic(_, inner) => Error::from(*inner),
            Source::SchemaError(cause, _) => invalid(Code::UnknownColumn, cause.to_string()),
            other => Error::Internal(other.strip_backtrace()),
        }
    }
}

/// Whether Arrow refused values rather than the way it was called.
fn is_about_values(error: &arrow::error::ArrowError) -> bool {
    use arrow::error::ArrowError as Source;
    matches!(
        error,
        Source::DivideByZero
            | Source::ArithmeticOverflow(_)
            | Source::CastError(_)
            | Source::ComputeError(_)
            | Source::ParseError(_)
    )
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        datafusion::error::DataFusionError::External(Box::new(error))
    }
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        Error::Storage { operation: "state store".into(), cause: error.into_string() }
    }
}
