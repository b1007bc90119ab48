//! A place in the tokens of a script, and the ways to look at what stands there.
//!
//! `sqlparser`'s parser keeps the place, so that it can take over anywhere. It begins behind a token
//! of our own making, because it cannot tell its first place from its second.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token as SqlToken, TokenWithSpan};

use super::tokens::{check_nesting, convert, describe, shortened};
use super::types;
use crate::ast::{DataType, Expr, Ident, Location, Span};
use crate::dialect::MillstreamDialect;
use crate::error::{Error, ErrorCode};
use crate::keywords;
use crate::lexer::{self, Token, TokenKind};

/// How deep expressions and subqueries may nest.
const RECURSION_MAX: usize = 64;

pub(super) struct Cursor<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    dialect: &'a MillstreamDialect,
    parser: Parser<'a>,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first token of `source`.
    pub(super) fn new(source: &'a str, dialect: &'a MillstreamDialect) -> Result<Self, Error> {
        let mut tokens = lexer::tokenize(source);
        // An open comment is kept: it is an error, not a comment.
        tokens.retain(|token| token.kind != TokenKind::Comment || token.open);
        check_nesting(&tokens, source)?;
        let mut converted = vec![TokenWithSpan::new(SqlToken::SemiColon, Span::empty())];
        for token in &tokens {
            let token = convert(token, source)?;
            check_after_point(converted.last(), &token)?;
            converted.push(token);
        }
        let mut parser = Parser::new(dialect)
            .with_recursion_limit(RECURSION_MAX)
            .with_tokens_with_locations(converted);
        parser.advance_token();
        Ok(Cursor { source, tokens, dialect, parser })
    }

    // Places.

    /// Number of tokens before the cursor.
    pub(super) fn position(&self) -> usize {
        self.parser.get_current_index()
    }

    /// Goes back to where the cursor was.
    pub(super) fn rewind(&mut self, position: usize) {
        while self.position() > position {
            self.parser.prev_token();
        }
    }

    /// From the token at `position` to the last one read.
    pub(super) fn span_from(&self, position: usize) -> Span {
        let start = self.span_at(position).start;
        let end = match self.position().checked_sub(1) {
            Some(last) if last >= position => self.span_at(last).end,
            _ => start,
        };
        Span::new(start, end)
    }

    /// The text from the token at `position` to the last one read.
    pub(super) fn text_from(&self, position: usize) -> &'a str {
        let read = self.tokens.get(position..self.position()).unwrap_or_default();
        match (read.first(), read.last()) {
            (Some(first), Some(last)) => &self.source[first.range.start..last.range.end],
            _ => "",
        }
    }

    /// The place of the next token.
    pub(super) fn span(&self) -> Span {
        self.span_at(self.position())
    }

    fn span_at(&self, position: usize) -> Span {
        match self.tokens.get(position) {
            Some(token) => token.span,
            None => self.end_of_text(),
        }
    }

    fn end_of_text(&self) -> Span {
        let end = self.tokens.last().map_or(Location::new(1, 1), |token| token.span.end);
        Span::new(end, end)
    }

    // Looking.

    /// The token `n` places ahead.
    fn ahead(&self, n: usize) -> Option<&Token> {
        self.tokens.get(self.position() + n)
    }

    /// True if the token `n` places ahead is this unquoted word, given in upper case.
    pub(super) fn is_word_at(&self, n: usize, word: &str) -> bool {
        self.ahead(n).is_some_and(|token| {
            token.kind == TokenKind::Word && token.text(self.source).eq_ignore_ascii_case(word)
        })
    }

    /// True before these unquoted words, given in upper case.
    pub(super) fn is_at(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is_word_at(n, word))
    }

    /// True if the token `n` places ahead is this symbol.
    pub(super) fn is_symbol_at(&self, n: usize, symbol: &str) -> bool {
        self.ahead(n).is_some_and(|token| {
            token.kind == TokenKind::Symbol && token.text(self.source) == symbol
        })
    }

    /// True before this symbol.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.is_symbol_at(0, symbol)
    }

    /// True if the next token is of this kind.
    pub(super) fn is_kind(&self, kind: TokenKind) -> bool {
        self.ahead(0).is_some_and(|token| token.kind == kind)
    }

    /// True at the end of the text.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_end_at(0)
    }

    /// True if the text has no more than `n` tokens left.
    pub(super) fn is_end_at(&self, n: usize) -> bool {
        self.ahead(n).is_none()
    }

    /// True before a token that can be a name.
    pub(super) fn is_name(&self) -> bool {
        self.is_name_at(0)
    }

    /// True if the token `n` places ahead can be a name.
    pub(super) fn is_name_at(&self, n: usize) -> bool {
        self.ahead(n).is_some_and(|token| match token.kind {
            TokenKind::QuotedName => true,
            TokenKind::Word => !keywords::is_reserved(&token.text(self.source).to_uppercase()),
            _ => false,
        })
    }

    /// The next token as typed; empty at the end.
    pub(super) fn next_text(&self) -> &'a str {
        self.tokens.get(self.position()).map_or("", |token| token.text(self.source))
    }

    /// The token `n` places ahead for `sqlparser`.
    pub(super) fn sql_token(&self, n: usize) -> &SqlToken {
        &self.parser.peek_nth_token_ref(n).token
    }

    // Reading.

    /// Reads one token, whatever it is.
    pub(super) fn advance(&mut self) {
        if !self.is_at_end() {
            self.parser.advance_token();
        }
    }

    /// Reads these unquoted words if all of them are there.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.is_at(words);
        if found {
            words.iter().for_each(|_| self.advance());
        }
        found
    }

    /// Reads this symbol if it is there.
    pub(super) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    /// Reads these unquoted words, one by one.
    pub(super) fn expect(&mut self, words: &[&str]) -> Result<(), Error> {
        for word in words {
            if !self.eat(&[word]) {
                return Err(self.expected(word).with_near_miss(self.next_text(), [*word]));
            }
        }
        Ok(())
    }

    /// Reads this symbol.
    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<(), Error> {
        if self.eat_symbol(symbol) {
            return Ok(());
        }
        Err(self.expected(symbol))
    }

    /// Nothing may be left.
    pub(super) fn expect_end(&self) -> Result<(), Error> {
        if self.is_at_end() { Ok(()) } else { Err(self.expected("end of text")) }
    }

    /// Reads a name; `what` says whose.
    pub(super) fn name(&mut self, what: &str) -> Result<Ident, Error> {
        if !self.is_name() {
            return Err(self.not_a_name(what));
        }
        self.parser.parse_identifier().map_err(|error| self.lift(error))
    }

    /// Reads names between commas.
    pub(super) fn names(&mut self, what: &str) -> Result<Vec<Ident>, Error> {
        self.comma_separated(|cursor| cursor.name(what))
    }

    /// Reads a string; `what` says of what.
    pub(super) fn string(&mut self, what: &str) -> Result<String, Error> {
        let SqlToken::SingleQuotedString(text) = self.sql_token(0) else {
            return Err(self.expected(&format!("{what} in single quotes")));
        };
        let text = text.clone();
        self.advance();
        Ok(text)
    }

    /// Reads a whole number without sign; `what` says of what.
    pub(super) fn unsigned(&mut self, what: &str) -> Result<u64, Error> {
        let text = self.next_text();
        if !self.is_kind(TokenKind::Number) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.expected(what));
        }
        let Ok(number) = text.parse() else {
            let message = format!("the number {text} is too large");
            return Err(Error::new(ErrorCode::Literal, message, self.span()));
        };
        self.advance();
        Ok(number)
    }

    /// Reads a type.
    pub(super) fn data_type(&mut self) -> Result<DataType, Error> {
        types::data_type(&mut self.parser).map_err(|error| self.located(error))
    }

    /// Reads an expression.
    pub(super) fn expression(&mut self) -> Result<Expr, Error> {
        self.hand_over(|parser| parser.parse_expr())
    }

    /// Lets `sqlparser` read from here.
    pub(super) fn hand_over<T>(
        &mut self,
        read: impl FnOnce(&mut Parser<'a>) -> Result<T, ParserError>,
    ) -> Result<T, Error> {
        self.dialect.begin_expression();
        read(&mut self.parser).map_err(|error| self.lift(error))
    }

    /// Reads one or more things between commas.
    pub(super) fn comma_separated<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut items = vec![read(self)?];
        while self.eat_symbol(",") {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Reads something between round brackets.
    pub(super) fn bracketed<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.expect_symbol("(")?;
        let inner = read(self)?;
        if !self.is_symbol(")") {
            return Err(self.expected(", or )"));
        }
        self.advance();
        Ok(inner)
    }

    // Errors.

    /// The error that something else stands here.
    pub(super) fn expected(&self, what: &str) -> Error {
        Error::mismatch(what, self.describe_at(self.position()), self.span())
    }

    /// The error that none of these words stands here, with a near miss.
    pub(super) fn expected_one_of(&self, words: &[&str]) -> Error {
        self.expected(&one_of(words)).with_near_miss(self.next_text(), words.iter().copied())
    }

    /// The error that a clause cannot begin here. If the last word read looks like one of `words`,
    /// it was taken for an alias and is the culprit.
    pub(super) fn unexpected_clause(&self, expected: &str, words: &[&str]) -> Error {
        let error = self.expected(expected).with_near_miss(self.next_text(), words.iter().copied());
        let last = self.position().checked_sub(1);
        let Some(before) = last.and_then(|last| self.tokens.get(last)) else {
            return error;
        };
        let text = before.text(self.source);
        match crate::error::near_miss(text, words.iter().copied()) {
            Some(_) if error.hint().is_none() && before.kind == TokenKind::Word => {
                let error = Error::mismatch(expected, text, before.span);
                error.with_near_miss(text, words.iter().copied())
            }
            _ => error,
        }
    }

    fn not_a_name(&self, what: &str) -> Error {
        let error = self.expected(what);
        let text = self.next_text();
        if self.is_kind(TokenKind::Word) {
            return error.with_hint(format!(
                "{} is reserved; quote it to use it as a name: `{text}`",
                text.to_uppercase()
            ));
        }
        error
    }

    fn describe_at(&self, position: usize) -> String {
        match self.tokens.get(position) {
            Some(token) => shortened(token.text(self.source)),
            None => "end of text".to_owned(),
        }
    }

    /// Our error for one of `sqlparser`'s.
    fn lift(&self, error: ParserError) -> Error {
        if let Some(ours) = self.dialect.failure(&error) {
            return self.located(ours);
        }
        match error {
            ParserError::RecursionLimitExceeded => {
                let message = format!("the text nests deeper than {RECURSION_MAX} levels");
                Error::new(ErrorCode::Nesting, message, self.span())
            }
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
                self.lift_text(&text)
            }
        }
    }

    /// `sqlparser` says `Expected: x, found: y at Line: l, Column: c`.
    fn lift_text(&self, text: &str) -> Error {
        let (message, place) = match text.rsplit_once(" at Line: ") {
            Some((message, place)) => (message, parse_place(place)),
            None => (text, None),
        };
        let position = place.and_then(|place| self.position_of(place));
        let span = position.map_or_else(|| self.end_of_text(), |position| self.span_at(position));
        match message.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found: ")) {
            Some((expected, _)) => {
                let found = self.describe_at(position.unwrap_or(self.tokens.len()));
                Error::mismatch(plain(expected), found, span)
            }
            None => Error::new(ErrorCode::Syntax, plain(message), span),
        }
    }

    fn position_of(&self, place: Location) -> Option<usize> {
        self.tokens.binary_search_by_key(&place, |token| token.span.start).ok()
    }

    /// The error with the end of the text for its place, if it has none.
    fn located(&self, error: Error) -> Error {
        if error.span() == Span::empty() { error.at(self.end_of_text()) } else { error }
    }
}

/// `sqlparser` takes strings and parameters for the names of fields.
fn check_after_point(before: Option<&TokenWithSpan>, token: &TokenWithSpan) -> Result<(), Error> {
    let is_literal =
        matches!(token.token, SqlToken::SingleQuotedString(_) | SqlToken::Placeholder(_));
    match before {
        Some(before) if before.token == SqlToken::Period && is_literal => {
            Err(Error::mismatch("a name", describe(&token.token), token.span))
        }
        _ => Ok(()),
    }
}

/// `A`, `A or B`, `A, B or C`.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `3, Column: 14` to a place.
fn parse_place(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location::new(line.parse().ok()?, column.trim().parse().ok()?))
}

/// `sqlparser`'s wording in ours: a small first letter, no full stop.
fn plain(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let first_word = text.split(' ').next().unwrap_or_default();
    if first_word.len() > 1 && first_word.chars().all(|c| !c.is_lowercase()) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
