//! Types, as they stand in column lists, in `CREATE TYPE` and in `CAST`.

use sqlparser::ast::Ident;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token, Word};

use super::tokens::describe;
use crate::ast::DataType;
use crate::error::{Error, ErrorCode};
use crate::keywords;

/// How deep types may nest.
const DEPTH_MAX: usize = 32;

/// The largest number of digits that the engine's decimals hold.
const PRECISION_MAX: u64 = 76;

/// The types that are one word.
const SIMPLE: &[(&str, DataType)] = &[
    ("BOOLEAN", DataType::Boolean),
    ("INT", DataType::Integer),
    ("INTEGER", DataType::Integer),
    ("BIGINT", DataType::BigInt),
    ("DOUBLE", DataType::Double),
    ("BYTES", DataType::Bytes),
    ("TIME", DataType::Time),
    ("DATE", DataType::Date),
    ("TIMESTAMP", DataType::Timestamp),
];

/// Every name that begins one of our types, for near misses.
pub(crate) const NAMES: &[&str] = &[
    "BOOLEAN",
    "INT",
    "INTEGER",
    "BIGINT",
    "DOUBLE",
    "DECIMAL",
    "STRING",
    "VARCHAR",
    "BYTES",
    "TIME",
    "DATE",
    "TIMESTAMP",
    "ARRAY",
    "MAP",
    "STRUCT",
];

/// A type of the dialect.
pub(crate) fn data_type(parser: &mut Parser) -> Result<DataType, Error> {
    nested_type(parser, 0)
}

/// True for a type of Postgres or DataFusion that our dialect has no name for. A word that nobody
/// knows is ours: it may be a custom type.
pub(crate) fn is_foreign(word: &Word) -> bool {
    word.keyword != Keyword::NoKeyword
        && !NAMES.contains(&word.value.as_str())
        && !keywords::is_reserved(&word.value)
}

/// The name of a struct's field.
pub(crate) fn field_name(parser: &mut Parser) -> Result<Ident, Error> {
    let token = parser.next_token();
    match token.token {
        Token::Word(word) if is_name(&word) => Ok(word.into_ident(token.span)),
        other => Err(back(parser, "a field name", &other, token.span)),
    }
}

fn is_name(word: &Word) -> bool {
    word.quote_style.is_some() || !keywords::is_reserved(&word.value)
}

fn nested_type(parser: &mut Parser, depth: usize) -> Result<DataType, Error> {
    if depth > DEPTH_MAX {
        let message = format!("types nest deeper than {DEPTH_MAX} levels");
        return Err(Error::new(ErrorCode::Nesting, message, parser.peek_token_ref().span));
    }
    let mut data_type = base_type(parser, depth)?;
    let mut suffixes = 0;
    while parser.parse_keyword(Keyword::ARRAY) {
        suffixes += 1;
        if depth + suffixes > DEPTH_MAX {
            let message = format!("types nest deeper than {DEPTH_MAX} levels");
            return Err(Error::new(ErrorCode::Nesting, message, parser.get_current_token().span));
        }
        data_type = DataType::Array(Box::new(data_type));
    }
    Ok(data_type)
}

fn base_type(parser: &mut Parser, depth: usize) -> Result<DataType, Error> {
    let token = parser.next_token();
    let word = match token.token {
        Token::Word(word) if is_name(&word) => word,
        other => return Err(back(parser, "a type", &other, token.span)),
    };
    if let Some((_, simple)) = SIMPLE.iter().find(|(name, _)| *name == word.value) {
        return Ok(simple.clone());
    }
    match word.value.as_str() {
        "STRING" | "VARCHAR" => string(parser),
        "DECIMAL" => decimal(parser),
        "ARRAY" => {
            expect(parser, &Token::Lt, "<")?;
            let element = nested_type(parser, depth + 1)?;
            expect(parser, &Token::Gt, ">")?;
            Ok(DataType::Array(Box::new(element)))
        }
        "MAP" => map(parser, depth),
        "STRUCT" => structure(parser, depth),
        _ => Ok(DataType::Custom(word.into_ident(token.span))),
    }
}

/// The length after `STRING` or `VARCHAR`, which means nothing.
fn string(parser: &mut Parser) -> Result<DataType, Error> {
    if parser.consume_token(&Token::LParen) {
        integer(parser, "a length")?;
        expect(parser, &Token::RParen, ")")?;
    }
    Ok(DataType::String)
}

fn decimal(parser: &mut Parser) -> Result<DataType, Error> {
    expect(parser, &Token::LParen, "( precision, scale )")?;
    let (precision, place) = integer(parser, "a precision")?;
    if !(1..=PRECISION_MAX).contains(&precision) {
        let message =
            format!("the precision of a DECIMAL is 1 to {PRECISION_MAX}, not {precision}");
        return Err(Error::new(ErrorCode::Type, message, place));
    }
    expect(parser, &Token::Comma, ",")?;
    let (scale, place) = integer(parser, "a scale")?;
    if scale > precision {
        let message = format!("the scale {scale} of a DECIMAL exceeds its precision {precision}");
        return Err(Error::new(ErrorCode::Type, message, place));
    }
    expect(parser, &Token::RParen, ")")?;
    // Both are at most PRECISION_MAX.
    Ok(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
}

fn map(parser: &mut Parser, depth: usize) -> Result<DataType, Error> {
    expect(parser, &Token::Lt, "<")?;
    let key = nested_type(parser, depth + 1)?;
    expect(parser, &Token::Comma, ",")?;
    let value = nested_type(parser, depth + 1)?;
    expect(parser, &Token::Gt, ">")?;
    Ok(DataType::Map(Box::new(key), Box::new(value)))
}

fn structure(parser: &mut Parser, depth: usize) -> Result<DataType, Error> {
    let mut fields = Vec::new();
    // The lexer reads the brackets of an empty struct as one operator.
    if parser.consume_token(&Token::Neq) {
        return Ok(DataType::Struct(fields));
    }
    expect(parser, &Token::Lt, "<")?;
    while !parser.consume_token(&Token::Gt) {
        if !fields.is_empty() {
            expect(parser, &Token::Comma, ", or >")?;
        }
        let name = field_name(parser)?;
        fields.push((name, nested_type(parser, depth + 1)?));
    }
    Ok(DataType::Struct(fields))
}

fn integer(parser: &mut Parser, what: &str) -> Result<(u64, Span), Error> {
    let token = parser.next_token();
    let number = match &token.token {
        Token::Number(text, _) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(number) => Ok((number, token.span)),
        None => Err(back(parser, what, &token.token, token.span)),
    }
}

fn expect(parser: &mut Parser, wanted: &Token, what: &str) -> Result<(), Error> {
    let token = parser.next_token();
    if token.token == *wanted {
        return Ok(());
    }
    Err(back(parser, what, &token.token, token.span))
}

/// The error for a token that has been read and should not have been there.
fn back(parser: &mut Parser, expected: &str, found: &Token, span: Span) -> Error {
    parser.prev_token();
    Error::mismatch(expected, describe(found), span)
}
