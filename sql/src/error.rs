//! What is wrong with a text, and where.
//!
//! An [`Error`] keeps its parts apart (what was expected, what was found, the place, a hint), so
//! that a shell can draw a caret, a server can send a position, and a test can look at one part.

use std::fmt::{self, Write};

use crate::ast::Span;

/// A text that is not a statement of the dialect.
///
/// [`Display`](fmt::Display) prints it in one line; [`Error::render`] shows the line of the source
/// with a caret under the offending token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", self.summary())]
pub struct Error(Box<Details>);

/// The class of an error, as shown between brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The words are in the wrong order, or are the wrong words.
    Syntax,
    /// A literal cannot be read: an open quote, a number out of range.
    Literal,
    /// A type does not exist in this form.
    Type,
    /// A `WITH` property is unknown or has an unusable value.
    Property,
    /// A column is declared in a way that its stream or table cannot have.
    Column,
    /// The text is nested deeper, or an expression is longer, than is allowed.
    Nesting,
    /// A `${variable}` has no value, or no end.
    Variable,
}

impl ErrorCode {
    /// Every class.
    pub const ALL: [ErrorCode; 7] = [
        ErrorCode::Syntax,
        ErrorCode::Literal,
        ErrorCode::Type,
        ErrorCode::Property,
        ErrorCode::Column,
        ErrorCode::Nesting,
        ErrorCode::Variable,
    ];
}

#[derive(Debug, Clone, PartialEq)]
struct Details {
    code: ErrorCode,
    message: Message,
    span: Span,
    hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Message {
    Mismatch { expected: String, found: String },
    Text(String),
}

impl Error {
    /// An error that says what should have stood there and what stood there instead.
    pub(crate) fn mismatch(
        expected: impl Into<String>,
        found: impl Into<String>,
        span: Span,
    ) -> Self {
        let message = Message::Mismatch { expected: expected.into(), found: found.into() };
        Error(Box::new(Details { code: ErrorCode::Syntax, message, span, hint: None }))
    }

    /// An error that is not a matter of one token instead of another.
    pub(crate) fn new(code: ErrorCode, text: impl Into<String>, span: Span) -> Self {
        Error(Box::new(Details { code, message: Message::Text(text.into()), span, hint: None }))
    }

    /// The same error with another class.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// The same error with another place.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.0.span = span;
        self
    }

    /// The same error with advice.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same error, with a "did you mean" if one of `candidates` looks like `word`.
    pub(crate) fn with_near_miss<'a>(
        self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match near_miss(word, candidates) {
            Some(candidate) => {
                let hint = format!("did you mean {candidate}?");
                self.with_hint(hint)
            }
            None => self,
        }
    }

    /// The class of the error.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What would have been right, if that can be said in a word or two.
    pub fn expected(&self) -> Option<&str> {
        match &self.0.message {
            Message::Mismatch { expected, .. } => Some(expected),
            Message::Text(_) => None,
        }
    }

    /// What stood there instead.
    pub fn found(&self) -> Option<&str> {
        match &self.0.message {
            Message::Mismatch { found, .. } => Some(found),
            Message::Text(_) => None,
        }
    }

    /// Where it stood; lines and columns count from 1.
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// Advice, often a near miss.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The message without place and hint.
    pub fn message(&self) -> String {
        match &self.0.message {
            Message::Mismatch { expected, found } => format!("expected {expected}, found {found}"),
            Message::Text(text) => text.clone(),
        }
    }

    /// The whole error with the line of `source` that it is about and a caret under the token.
    pub fn render(&self, source: &str) -> String {
        let mut out = format!("error[{}]: {}", self.0.code, self.message());
        let start = self.0.span.start;
        if let Some(line) = line_of(source, start.line) {
            let (indent, width) = self.caret(line);
            // Writing to a string cannot fail.
            let _ = write!(out, "\n  line {}, column {}", start.line, start.column);
            let _ = write!(out, "\n    {}", line.replace('\t', " "));
            let _ = write!(out, "\n    {}{}", " ".repeat(indent), "^".repeat(width));
        }
        if let Some(hint) = &self.0.hint {
            let _ = write!(out, "\n  hint: {hint}");
        }
        out
    }

    /// Indentation and number of carets under `line`; a token of several lines ends with its first.
    fn caret(&self, line: &str) -> (usize, usize) {
        let Span { start, end } = self.0.span;
        let length = line.chars().count();
        let indent = (start.column.saturating_sub(1) as usize).min(length);
        let stop =
            if end.line == start.line { end.column.saturating_sub(1) as usize } else { length };
        (indent, stop.min(length).saturating_sub(indent).max(1))
    }

    fn summary(&self) -> String {
        let start = self.0.span.start;
        let mut out = self.message();
        if start.line > 0 {
            let _ = write!(out, " at line {}, column {}", start.line, start.column);
        }
        if let Some(hint) = &self.0.hint {
            let _ = write!(out, "; {hint}");
        }
        out
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            ErrorCode::Syntax => "syntax",
            ErrorCode::Literal => "literal",
            ErrorCode::Type => "type",
            ErrorCode::Property => "property",
            ErrorCode::Column => "column",
            ErrorCode::Nesting => "nesting",
            ErrorCode::Variable => "variable",
        })
    }
}

/// The line of that number, counted from 1, without its end.
fn line_of(source: &str, line: u64) -> Option<&str> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let line = source.split('\n').nth(index)?;
    Some(line.strip_suffix('\r').unwrap_or(line))
}

/// The candidate that `word` was probably meant to be: at most one wrong letter in three.
pub(crate) fn near_miss<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_uppercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_uppercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed && *distance > 0)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Number of letters to insert, remove, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Location;

    fn span(line: u64, from: u64, to: u64) -> Span {
        Span::new(Location::new(line, from), Location::new(line, to))
    }

    #[test]
    fn render_points_at_the_token() {
        let error = Error::mismatch("FROM", "EMIT", span(1, 10, 14));
        let expected = "error[syntax]: expected FROM, found EMIT\n  \
                        line 1, column 10\n    \
                        SELECT a EMIT CHANGES\n    \
                        \x20        ^^^^";
        assert_eq!(error.render("SELECT a EMIT CHANGES"), expected);
    }

    #[test]
    fn render_survives_a_place_outside_the_text() {
        let error = Error::mismatch("FROM", "EMIT", span(7, 10, 14)).with_hint("look elsewhere");
        assert_eq!(
            error.render("SELECT"),
            "error[syntax]: expected FROM, found EMIT\n  hint: look elsewhere"
        );
        let error = Error::mismatch("FROM", "EMIT", span(1, 99, 14));
        assert!(error.render("SELECT").ends_with("    SELECT\n          ^"));
    }

    #[test]
    fn near_misses_are_near() {
        let words = ["STREAM", "STREAMS", "TABLE", "TYPE"];
        assert_eq!(near_miss("STRAEM", words), Some("STREAM"));
        assert_eq!(near_miss("tabel", words), Some("TABLE"));
        assert_eq!(near_miss("TOPIC", words), None);
        assert_eq!(near_miss("STREAM", ["STREAM"]), None);
    }
}
