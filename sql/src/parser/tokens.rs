//! Our tokens as `sqlparser` wants them.
//!
//! Names are made canonical here, before anything is parsed, so that no identifier can escape it:
//! unquoted words fold to upper case, quotes stay only where the name needs them.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token as SqlToken, TokenWithSpan, Word};

use crate::ast::Span;
use crate::error::{Error, ErrorCode};
use crate::keywords;
use crate::lexer::{Token, TokenKind};

/// How deep brackets may nest in a statement.
const DEPTH_MAX: usize = 60;

/// How many words of [`CHAINING`] a statement may have.
const CHAINED_MAX: usize = 400;

/// How many characters of a token a message shows.
const SHOWN_MAX: usize = 60;

/// Words that make a tree lean deeper without any bracket.
const CHAINING: &[&str] = &["UNION", "INTERSECT", "EXCEPT", "MINUS", "PIVOT", "UNPIVOT"];

/// The token for `sqlparser`; comments must have been left out.
pub(super) fn convert(token: &Token, source: &str) -> Result<TokenWithSpan, Error> {
    let text = token.text(source);
    if token.open {
        return Err(open(token, text));
    }
    let converted = match token.kind {
        TokenKind::Word => word(text),
        TokenKind::QuotedName => quoted_name(text, token.span)?,
        TokenKind::String => SqlToken::SingleQuotedString(unquote(text)),
        TokenKind::Number => SqlToken::Number(text.to_owned(), false),
        TokenKind::Symbol => symbol(text),
        TokenKind::Parameter => SqlToken::Placeholder(text.to_owned()),
        TokenKind::Variable => return Err(unsubstituted(text, token.span)),
        TokenKind::Comment | TokenKind::Unknown => return Err(unknown(text, token.span)),
    };
    Ok(TokenWithSpan::new(converted, token.span))
}

/// Refuses a statement that would take the recursive parsers, or whoever walks their trees, too deep.
pub(super) fn check_nesting(tokens: &[Token], source: &str) -> Result<(), Error> {
    let mut nesting = Nesting::default();
    for token in tokens {
        nesting.read(token.text(source));
        if nesting.depth > DEPTH_MAX || nesting.type_depth > DEPTH_MAX {
            let message = format!("brackets nest deeper than {DEPTH_MAX} levels");
            return Err(Error::new(ErrorCode::Nesting, message, token.span));
        }
        if nesting.chained > CHAINED_MAX {
            let message = format!("the statement chains more than {CHAINED_MAX} queries or types");
            return Err(Error::new(ErrorCode::Nesting, message, token.span));
        }
    }
    Ok(())
}

/// How deep a statement is at some token.
#[derive(Default)]
struct Nesting<'a> {
    /// Open round and square brackets.
    depth: usize,
    /// Open angle brackets that belong to types.
    type_depth: usize,
    /// Set operators and the like, of which each makes the tree one level deeper.
    chained: usize,
    before: &'a str,
}

impl<'a> Nesting<'a> {
    fn read(&mut self, text: &'a str) {
        match text {
            "(" | "[" => self.depth += 1,
            ")" => self.depth = self.depth.saturating_sub(1),
            "]" => {
                self.depth = self.depth.saturating_sub(1);
                self.chained += usize::from(self.before == "[");
            }
            "<" if is_any(self.before, &["ARRAY", "MAP", "STRUCT"]) => self.type_depth += 1,
            ">" => self.type_depth = self.type_depth.saturating_sub(1),
            ";" => *self = Nesting::default(),
            text if is_any(text, CHAINING) => self.chained += 1,
            _ => {}
        }
        self.before = text;
    }
}

fn is_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A token for a message, as close to what was typed as it can be said.
pub(crate) fn describe(token: &SqlToken) -> String {
    match token {
        SqlToken::EOF => "end of text".to_owned(),
        token => shortened(&token.to_string()),
    }
}

/// The beginning of a token that is too long for a message.
pub(super) fn shortened(text: &str) -> String {
    let first_line = text.lines().next().unwrap_or_default();
    let beginning: String = first_line.chars().take(SHOWN_MAX).collect();
    if beginning.len() < text.len() { format!("{beginning}…") } else { beginning }
}

fn word(text: &str) -> SqlToken {
    let value = text.to_uppercase();
    if keywords::needs_quotes(&value) && !keywords::is_reserved(&value) {
        return SqlToken::Word(Word { value, quote_style: Some('`'), keyword: Keyword::NoKeyword });
    }
    SqlToken::make_word(&value, None)
}

fn quoted_name(text: &str, span: Span) -> Result<SqlToken, Error> {
    let value = unquote(text);
    if value.is_empty() {
        return Err(Error::mismatch("a name", "an empty one", span));
    }
    // `sqlparser` could not print it in a way that reads back.
    if value.contains('`') {
        return Err(Error::new(ErrorCode::Syntax, "a name cannot contain a back-tick", span));
    }
    let quote_style = keywords::needs_quotes(&value).then_some('`');
    Ok(SqlToken::Word(Word { value, quote_style, keyword: Keyword::NoKeyword }))
}

/// The text between the quotes, a doubled quote standing for one.
fn unquote(text: &str) -> String {
    let (quote, inner) = text.split_at(1);
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    inner.replace(&quote.repeat(2), quote)
}

fn symbol(text: &str) -> SqlToken {
    match text {
        "+" => SqlToken::Plus,
        "-" => SqlToken::Minus,
        "*" => SqlToken::Mul,
        "/" => SqlToken::Div,
        "%" => SqlToken::Mod,
        "=" => SqlToken::Eq,
        "==" => SqlToken::DoubleEq,
        "<>" | "!=" => SqlToken::Neq,
        "<" => SqlToken::Lt,
        "<=" => SqlToken::LtEq,
        ">" => SqlToken::Gt,
        ">=" => SqlToken::GtEq,
        "||" => SqlToken::StringConcat,
        "->" => SqlToken::Arrow,
        "->>" => SqlToken::LongArrow,
        "=>" => SqlToken::RArrow,
        ":=" => SqlToken::Assignment,
        "::" => SqlToken::DoubleColon,
        ":" => SqlToken::Colon,
        "(" => SqlToken::LParen,
        ")" => SqlToken::RParen,
        "[" => SqlToken::LBracket,
        "]" => SqlToken::RBracket,
        "," => SqlToken::Comma,
        "." => SqlToken::Period,
        ";" => SqlToken::SemiColon,
        _ => postgres_symbol(text),
    }
}

/// Operators that only general queries know.
fn postgres_symbol(text: &str) -> SqlToken {
    match text {
        "~" => SqlToken::Tilde,
        "~*" => SqlToken::TildeAsterisk,
        "!~" => SqlToken::ExclamationMarkTilde,
        "!~*" => SqlToken::ExclamationMarkTildeAsterisk,
        "~~" => SqlToken::DoubleTilde,
        "~~*" => SqlToken::DoubleTildeAsterisk,
        "!~~" => SqlToken::ExclamationMarkDoubleTilde,
        "!~~*" => SqlToken::ExclamationMarkDoubleTildeAsterisk,
        "&" => SqlToken::Ampersand,
        "|" => SqlToken::Pipe,
        "^" => SqlToken::Caret,
        "#" => SqlToken::Sharp,
        // Braces and the like mean nothing here; as characters they are refused wherever they stand.
        _ => SqlToken::Char(text.chars().next().unwrap_or(' ')),
    }
}

fn open(token: &Token, text: &str) -> Error {
    let what = match token.kind {
        TokenKind::Comment => "*/",
        TokenKind::Variable => "}",
        _ => &text[..1],
    };
    let thing = match token.kind {
        TokenKind::String => "the string",
        TokenKind::QuotedName => "the quoted name",
        TokenKind::Comment => "the comment",
        _ => "the variable reference",
    };
    Error::new(ErrorCode::Literal, format!("{thing} is not closed"), token.span)
        .with_hint(format!("add the closing {what}"))
}

fn unsubstituted(text: &str, span: Span) -> Error {
    Error::new(ErrorCode::Variable, format!("{text} is not substituted"), span)
        .with_hint("define the variable and enable substitution")
}

fn unknown(text: &str, span: Span) -> Error {
    if text.len() > 1 {
        return Error::new(ErrorCode::Literal, format!("{text} is not a number"), span);
    }
    Error::new(ErrorCode::Syntax, format!("unexpected character {text}"), span)
}
