//! Properties in `WITH` and in `SET`, and what they take.

use engine::SESSION_PROPERTIES;
use engine::format::Format;
use sql::lexer::{Token, TokenKind};
use sql::properties::{self, Kind};

const TRUTH: &[&str] = &["false", "true"];

/// The names of properties, where the tokens end inside of `WITH (…` and not behind a `=`.
pub(super) fn names(before: &[Token], text: &str) -> Option<Vec<&'static str>> {
    let bracket = open_bracket(before, text)?;
    let is_with = word(before.get(bracket.checked_sub(1)?)?, text) == "WITH";
    let last = before.last().map(|token| token.text(text));
    let is_name = is_with && matches!(last, Some("(" | ","));
    is_name.then(|| properties::ALL.iter().map(|each| each.name).collect())
}

/// Where the last bracket that is still open stands.
fn open_bracket(tokens: &[Token], text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text(text) {
            "(" => open.push(at),
            ")" => drop(open.pop()),
            _ => {}
        }
    }
    open.pop()
}

/// The names or values that continue a text in quotes which is still open, each with its quote;
/// and where the text begins. `None` where nobody knows what belongs there.
pub(super) fn in_quotes(tokens: &[Token], text: &str) -> Option<(usize, Vec<String>)> {
    let (last, before) = tokens.split_last()?;
    if !last.open || !last.text(text).starts_with('\'') {
        return None;
    }
    let start = last.range.start + 1;
    let begun = text[start..].to_uppercase();
    let candidates = candidates(before, text)?.into_iter();
    let fitting = candidates.filter(|each| each.to_uppercase().starts_with(&begun));
    Some((start, fitting.map(|each| format!("{each}'")).collect()))
}

fn candidates(before: &[Token], text: &str) -> Option<Vec<&'static str>> {
    let last = word(before.last()?, text);
    if last == "SET" || last == "UNSET" {
        return Some(SESSION_PROPERTIES.iter().map(|each| each.name).collect());
    }
    if last != "=" {
        return None;
    }
    let property = &before[before.len().checked_sub(2)?];
    match property.kind {
        TokenKind::Word => of_with(&word(property, text)),
        _ => of_session(property.text(text).trim_matches('\'')),
    }
}

/// The values that a property of `WITH` takes.
fn of_with(name: &str) -> Option<Vec<&'static str>> {
    if ["FORMAT", "KEY_FORMAT", "VALUE_FORMAT"].contains(&name) {
        return Some(Format::NAMES.to_vec());
    }
    match properties::ALL.iter().find(|each| each.name == name)?.kind {
        Kind::Choice(choices) => Some(choices.to_vec()),
        Kind::Boolean => Some(TRUTH.to_vec()),
        _ => None,
    }
}

/// The values that a setting takes.
fn of_session(name: &str) -> Option<Vec<&'static str>> {
    let property = SESSION_PROPERTIES.iter().find(|each| each.name.eq_ignore_ascii_case(name))?;
    match property.default {
        "earliest" => Some(vec!["earliest", "latest"]),
        "true" | "false" => Some(TRUTH.to_vec()),
        _ => None,
    }
}

fn word(token: &Token, text: &str) -> String {
    token.text(text).to_ascii_uppercase()
}
