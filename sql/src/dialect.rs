//! How `sqlparser` has to read our dialect.
//!
//! `sqlparser` parses expressions and general queries; this is the part of it that we replace. The
//! hooks only delegate, the parsing is in [`crate::parser`].
//!
//! The trait's errors are plain strings. Ours have spans and hints, so a hook that fails leaves its
//! [`Error`] here and returns a marker, and whoever called `sqlparser` picks it up.

use std::any::TypeId;
use std::cell::{Cell, RefCell};

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use sqlparser::keywords::{Keyword, RESERVED_FOR_COLUMN_ALIAS, RESERVED_FOR_TABLE_ALIAS};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use crate::error::{Error, ErrorCode};
use crate::keywords;
use crate::parser::expression;

/// The text of the error that stands for the one left in the dialect.
const MARKER: &str = "see the dialect";

/// How many operators one expression may chain. Chains are trees that lean to the left, and what
/// walks them later is recursive.
const OPERATORS_MAX: usize = 3_000;

/// `a->b` binds tighter than everything but a point.
const DEREFERENCE: u8 = 60;
/// `||` binds looser than `+`, as in ksqlDB.
const CONCATENATION: u8 = 29;
const NOT_AN_OPERATOR: u8 = 0;

/// The dialect, and the state of the one parse that uses it.
#[derive(Debug, Default)]
pub(crate) struct MillstreamDialect {
    failure: RefCell<Option<Error>>,
    operators: Cell<usize>,
}

/// Why a hook failed: by our own judgement, or because `sqlparser` called from it did.
#[derive(Debug)]
pub(crate) enum Failure {
    Ours(Error),
    Theirs(ParserError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Ours(error)
    }
}

impl From<ParserError> for Failure {
    fn from(error: ParserError) -> Self {
        Failure::Theirs(error)
    }
}

impl MillstreamDialect {
    /// Starts to count operators anew.
    pub(crate) fn begin_expression(&self) {
        self.operators.set(0);
    }

    /// The error of ours that `error` stands for.
    pub(crate) fn failure(&self, error: &ParserError) -> Option<Error> {
        match error {
            ParserError::ParserError(text) if text == MARKER => self.failure.borrow_mut().take(),
            _ => None,
        }
    }

    fn leave<T>(&self, result: Result<T, Failure>) -> Result<T, ParserError> {
        result.map_err(|failure| match failure {
            Failure::Theirs(error) => error,
            Failure::Ours(error) => {
                self.failure.replace(Some(error));
                ParserError::ParserError(MARKER.to_owned())
            }
        })
    }

    fn count_operator(&self, parser: &Parser) -> Result<(), Error> {
        self.operators.set(self.operators.get() + 1);
        if self.operators.get() <= OPERATORS_MAX {
            return Ok(());
        }
        let message = format!("the expression chains more than {OPERATORS_MAX} operators");
        Err(Error::new(ErrorCode::Nesting, message, parser.peek_token_ref().span)
            .with_hint("for many values of one column use IN (…)"))
    }
}

impl Dialect for MillstreamDialect {
    /// Where `sqlparser` asks for a dialect by name, ours is like Postgres's: its clients are ours.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '@'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    /// `=>` makes a lambda.
    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        false
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        expression::prefix(parser).map(|result| self.leave(result))
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        left: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.count_operator(parser) {
            return Some(self.leave(Err(error.into())));
        }
        expression::infix(parser, left).map(|result| self.leave(result))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        let next = &parser.peek_nth_token_ref(1).token;
        let precedence = match &parser.peek_token_ref().token {
            Token::Arrow if *next == Token::Mul => NOT_AN_OPERATOR,
            Token::Arrow => DEREFERENCE,
            Token::StringConcat => CONCATENATION,
            Token::Assignment | Token::RArrow | Token::Colon | Token::DoubleEq => NOT_AN_OPERATOR,
            Token::Word(word) if is_foreign_operator(word.keyword, next) => NOT_AN_OPERATOR,
            _ => return None,
        };
        Some(Ok(precedence))
    }

    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        !RESERVED_FOR_TABLE_ALIAS.contains(keyword) && is_alias(parser)
    }

    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        !RESERVED_FOR_COLUMN_ALIAS.contains(keyword) && is_alias(parser)
    }
}

/// Words that are operators to `sqlparser` and names to us.
fn is_foreign_operator(keyword: Keyword, next: &Token) -> bool {
    match keyword {
        Keyword::XOR
        | Keyword::OVERLAPS
        | Keyword::DIV
        | Keyword::MEMBER
        | Keyword::MATCH
        | Keyword::REGEXP
        | Keyword::RLIKE => true,
        Keyword::OPERATOR => *next != Token::LParen,
        Keyword::NOT => matches!(next, Token::Word(word) if word.keyword == Keyword::NULL),
        _ => false,
    }
}

/// True if the word that the parser has just read can be an alias without `AS`.
fn is_alias(parser: &Parser) -> bool {
    let Token::Word(word) = &parser.get_current_token().token else { return false };
    if word.quote_style.is_some() {
        return true;
    }
    !keywords::is_reserved(&word.value)
        && !begins_clause(&word.value, &parser.peek_token_ref().token)
}

/// True if an unreserved word begins a clause rather than being an alias.
pub(crate) fn begins_clause(word: &str, next: &Token) -> bool {
    let followed_by = |words: &[&str]| match next {
        Token::Word(next) => words.contains(&next.value.as_str()),
        _ => false,
    };
    match word {
        "EMIT" => followed_by(&["CHANGES", "FINAL"]),
        "PARTITION" => followed_by(&["BY"]),
        "ASC" | "DESC" | "NULLS" | "OFFSET" | "FETCH" | "QUALIFY" | "FOR" | "LATERAL" | "SEMI"
        | "ANTI" | "ASOF" | "TABLESAMPLE" | "RETURNING" => true,
        _ => false,
    }
}
