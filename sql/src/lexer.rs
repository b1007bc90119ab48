//! Text to tokens.
//!
//! There is one lexer for the parser, the statement splitter and the shell's highlighting, so they
//! agree on where a string ends. It never fails: an open quote or comment runs to the end of the
//! text and is marked as open, an unexpected character is a token of its own kind. Every character
//! that is not white space belongs to exactly one token.

use std::ops::Range;

use crate::ast::{Location, Span};
use crate::keywords;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A keyword or an unquoted name; see [`Token::is_keyword`].
    Word,
    /// A name in back-ticks or double quotes.
    QuotedName,
    /// A string in single quotes.
    String,
    /// A number.
    Number,
    /// An operator or punctuation.
    Symbol,
    /// `$1`: a parameter of a prepared statement.
    Parameter,
    /// `${name}`: a variable that has not been substituted.
    Variable,
    /// `-- …` or `/* … */`.
    Comment,
    /// Something that no statement can contain.
    Unknown,
}

/// A piece of text with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands, in bytes from the start of the text.
    pub range: Range<usize>,
    /// Where it stands, in lines and columns from 1; the end is the place after the last character.
    pub span: Span,
    /// True if the closing quote or the end of the comment is missing.
    pub open: bool,
}

impl Token {
    /// The token as typed.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        &source[self.range.clone()]
    }

    /// True if it is an unquoted word that means something to the parser.
    pub fn is_keyword(&self, source: &str) -> bool {
        self.kind == TokenKind::Word && keywords::is_keyword(self.text(source))
    }
}

/// The tokens of a text, comments included, white space left out.
pub fn tokenize(source: &str) -> Vec<Token> {
    tokens(source).collect()
}

/// The tokens of a text, one by one.
pub fn tokens(source: &str) -> impl Iterator<Item = Token> {
    let mut lexer = Lexer::new(source);
    std::iter::from_fn(move || lexer.next_token())
}

/// Operators and punctuation of more than one character; of two with the same beginning the longer
/// comes first. There is no `>>`, because it closes two nested types.
const LONG_SYMBOLS: &[&str] = &[
    "!~~*", "!~~", "!~*", "!~", "!=", "~~*", "~~", "~*", "<=", "<>", ">=", "==", "=>", "||", "->>",
    "->", ":=", "::",
];

const SHORT_SYMBOLS: &str = "+-*/%=<>()[]{},.;:!~?@#&|^";

struct Lexer<'a> {
    source: &'a str,
    offset: usize,
    at: Location,
}

impl<'a> Lexer<'a> {
    fn new(source: &'a str) -> Self {
        Lexer { source, offset: 0, at: Location::new(1, 1) }
    }

    fn next_token(&mut self) -> Option<Token> {
        self.advance_while(char::is_whitespace);
        let first = self.peek()?;
        let (start, from) = (self.offset, self.at);
        let (kind, open) = self.scan(first);
        let span = Span::new(from, self.at);
        Some(Token { kind, range: start..self.offset, span, open })
    }

    fn rest(&self) -> &'a str {
        &self.source[self.offset..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) {
        let Some(c) = self.peek() else { return };
        self.offset += c.len_utf8();
        if c == '\n' {
            self.at = Location::new(self.at.line + 1, 1);
        } else {
            self.at.column += 1;
        }
    }

    fn advance_by(&mut self, bytes: usize) {
        let end = self.offset + bytes;
        while self.offset < end {
            self.advance();
        }
    }

    fn advance_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.advance();
        }
    }

    fn scan(&mut self, first: char) -> (TokenKind, bool) {
        match first {
            '\'' => (TokenKind::String, self.scan_quoted('\'')),
            '`' | '"' => (TokenKind::QuotedName, self.scan_quoted(first)),
            '-' if self.rest().starts_with("--") => (TokenKind::Comment, self.scan_line_comment()),
            '/' if self.rest().starts_with("/*") => (TokenKind::Comment, self.scan_block_comment()),
            '$' => self.scan_dollar(),
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit())
                && !self.after_name() =>
            {
                (self.scan_number(), false)
            }
            c if c.is_ascii_digit() => (self.scan_number(), false),
            c if starts_word(c) => {
                self.advance_while(continues_word);
                (TokenKind::Word, false)
            }
            _ => (self.scan_symbol(), false),
        }
    }

    /// Reads to the closing quote, a doubled quote being part of the text; true if there is none.
    fn scan_quoted(&mut self, quote: char) -> bool {
        self.advance();
        loop {
            self.advance_while(|c| c != quote);
            if self.peek().is_none() {
                return true;
            }
            self.advance();
            if self.peek() != Some(quote) {
                return false;
            }
            self.advance();
        }
    }

    fn scan_line_comment(&mut self) -> bool {
        self.advance_while(|c| c != '\n');
        false
    }

    fn scan_block_comment(&mut self) -> bool {
        let end = self.rest()[2..].find("*/");
        self.advance_by(end.map_or(self.rest().len(), |end| end + 4));
        end.is_none()
    }

    /// `$1`, `${name}`, or a lonely dollar sign.
    fn scan_dollar(&mut self) -> (TokenKind, bool) {
        self.advance();
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                self.advance_while(|c| c.is_ascii_digit());
                (TokenKind::Parameter, false)
            }
            Some('{') => {
                let end = self.rest().find('}');
                self.advance_by(end.map_or(self.rest().len(), |end| end + 1));
                (TokenKind::Variable, end.is_none())
            }
            _ => (TokenKind::Unknown, false),
        }
    }

    /// True if the character before is part of a name, so that a point here separates names.
    fn after_name(&self) -> bool {
        let before = self.source[..self.offset].chars().next_back();
        before.is_some_and(|c| continues_word(c) || matches!(c, '`' | '"' | ')' | ']'))
    }

    /// `12`, `1.2`, `1.`, `.5`, `1E-3`, or a name that begins with digits, such as `1ST`.
    fn scan_number(&mut self) -> TokenKind {
        self.advance_while(|c| c.is_ascii_digit());
        let has_point = self.peek() == Some('.');
        if has_point {
            self.advance();
            self.advance_while(|c| c.is_ascii_digit());
        }
        self.scan_exponent();
        if !self.peek().is_some_and(continues_word) {
            return TokenKind::Number;
        }
        self.advance_while(continues_word);
        if has_point { TokenKind::Unknown } else { TokenKind::Word }
    }

    fn scan_exponent(&mut self) {
        let rest = self.rest();
        let Some(digits) = rest.strip_prefix(['e', 'E']) else { return };
        let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            self.advance_by(rest.len() - digits.len());
            self.advance_while(|c| c.is_ascii_digit());
        }
    }

    fn scan_symbol(&mut self) -> TokenKind {
        let rest = self.rest();
        if let Some(symbol) = LONG_SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.advance_by(symbol.len());
            return TokenKind::Symbol;
        }
        let known = rest.starts_with(|c| SHORT_SYMBOLS.contains(c));
        self.advance();
        if known { TokenKind::Symbol } else { TokenKind::Unknown }
    }
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<(TokenKind, &str)> {
        tokenize(source).iter().map(|token| (token.kind, token.text(source))).collect()
    }

    #[test]
    fn words_numbers_and_symbols() {
        use TokenKind::*;
        assert_eq!(
            kinds("a->b1 >= 1.5E-3||.5"),
            [
                (Word, "a"),
                (Symbol, "->"),
                (Word, "b1"),
                (Symbol, ">="),
                (Number, "1.5E-3"),
                (Symbol, "||"),
                (Number, ".5"),
            ]
        );
        assert_eq!(kinds("1abc 1.5abc"), [(Word, "1abc"), (Unknown, "1.5abc")]);
        assert_eq!(kinds("$1 ${x} $"), [(Parameter, "$1"), (Variable, "${x}"), (Unknown, "$")]);
        assert_eq!(kinds("t.1"), [(Word, "t"), (Symbol, "."), (Number, "1")]);
    }

    #[test]
    fn nested_types_close_one_by_one() {
        let text = kinds("ARRAY<ARRAY<INT>>");
        assert_eq!(&text[text.len() - 2..], [(TokenKind::Symbol, ">"), (TokenKind::Symbol, ">")]);
    }

    #[test]
    fn quotes_keep_what_is_inside() {
        use TokenKind::*;
        let source = "'it''s; -- x' \"a\"\"b\" `c;` -- d;\n/* e; */ f";
        assert_eq!(
            kinds(source),
            [
                (String, "'it''s; -- x'"),
                (QuotedName, "\"a\"\"b\""),
                (QuotedName, "`c;`"),
                (Comment, "-- d;"),
                (Comment, "/* e; */"),
                (Word, "f"),
            ]
        );
    }

    #[test]
    fn open_tokens_run_to_the_end() {
        for source in ["'abc", "`abc", "\"abc", "/* abc", "${abc", "'"] {
            let tokens = tokenize(source);
            assert_eq!(tokens.len(), 1, "{source}");
            assert!(tokens[0].open, "{source}");
        }
    }

    #[test]
    fn spans_count_lines_and_characters() {
        let tokens = tokenize("é 'x\ny' z");
        let places: Vec<_> =
            tokens.iter().map(|token| (token.span.start, token.span.end)).collect();
        let at = Location::new;
        assert_eq!(places, [(at(1, 1), at(1, 2)), (at(1, 3), at(2, 3)), (at(2, 4), at(2, 5))]);
    }

    #[test]
    fn keywords_are_known_in_any_case() {
        let source = "select a `from`";
        let found: Vec<_> = tokenize(source).iter().map(|token| token.is_keyword(source)).collect();
        assert_eq!(found, [true, false, false]);
    }
}
