//! Text and syntax of Millstream's SQL: ksqlDB's dialect, plus every query that DataFusion can plan.
//!
//! The life of a statement, up to where the engine takes over:
//! 1. [`substitute`] puts the values of variables in.
//! 2. [`parse`] gives a [`Statement`](ast::Statement) for each statement of the text, or an
//!    [`Error`] with its place; see [`ast`] for what a statement holds.
//! 3. Printing a statement gives its canonical text, which parses to the same statement.
//!
//! Shells also use [`lexer`] and [`keywords`] to colour and complete what is being typed, and
//! [`Splitter`] to know when a statement is whole.
//!
//! Deliberately absent: the catalog. Whether a name exists and what type an expression has is not
//! known here, so nothing here depends on DataFusion or Arrow.

pub mod ast;
mod dialect;
mod display;
mod error;
pub mod keywords;
pub mod lexer;
mod parser;
pub mod properties;
mod split;
mod substitute;

pub use display::expression_text;
pub use error::{Error, ErrorCode};
pub use parser::{parse, parse_columns, parse_expression, parse_type};
pub use split::{Splitter, is_complete};
pub use substitute::substitute;
