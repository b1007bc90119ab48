//! `${name}` to the value of a variable, before a statement is parsed.
//!
//! A reference is replaced wherever it stands, also inside strings and quoted names, but not in
//! comments. Names are not case-sensitive: the lookup gets them in upper case. `$${` stands for a
//! literal `${`. A value is inserted once; references inside it are not followed.

use crate::ast::{Location, Span};
use crate::error::{Error, ErrorCode};
use crate::lexer::{self, Token, TokenKind};

/// Replaces every `${name}` by what `lookup` knows for `NAME`.
///
/// A value is text as it will stand in the statement: the value of a `DEFINE` statement, whose outer
/// quotes the parser has taken off. `'''x'''` therefore gives a string, `'x'` gives a bare word.
pub fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Error> {
    let comments: Vec<Token> = lexer::tokenize(text)
        .into_iter()
        .filter(|token| token.kind == TokenKind::Comment)
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(found) = text[done..].find("${").map(|at| done + at) {
        if let Some(comment) = comments.iter().find(|comment| comment.range.contains(&found)) {
            out.push_str(&text[done..comment.range.end]);
            done = comment.range.end;
        } else if text[done..found].ends_with('$') {
            out.push_str(&text[done..found - 1]);
            out.push_str("${");
            done = found + 2;
        } else {
            out.push_str(&text[done..found]);
            let (value, end) = resolve(text, found, lookup)?;
            out.push_str(&value);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    Ok(out)
}

/// The value of the reference at `start`, and the place after it.
fn resolve(
    text: &str,
    start: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, usize), Error> {
    let Some(length) = text[start..].find('}') else {
        let message = "the variable reference is not closed";
        return Err(Error::new(ErrorCode::Variable, message, span_of(text, start, text.len()))
            .with_hint("write ${name}, or $${ for the characters themselves"));
    };
    let end = start + length + 1;
    let name = text[start + 2..end - 1].trim();
    match lookup(&name.to_uppercase()) {
        Some(value) => Ok((value, end)),
        None => Err(undefined(name, span_of(text, start, end))),
    }
}

fn undefined(name: &str, span: Span) -> Error {
    Error::new(ErrorCode::Variable, format!("the variable {name} is not defined"), span)
        .with_hint(format!("define it first: DEFINE {name} = 'value'"))
}

fn span_of(text: &str, start: usize, end: usize) -> Span {
    Span::new(location_of(text, start), location_of(text, end))
}

fn location_of(text: &str, offset: usize) -> Location {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = 1 + before.matches('\n').count() as u64;
    Location::new(line, 1 + before[line_start..].chars().count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<String, Error> {
        substitute(text, &|name| match name {
            "TOPIC" => Some("clicks".to_owned()),
            "COLUMN" => Some("'x'".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn references_are_replaced_in_and_outside_strings() {
        assert_eq!(run("PRINT '${topic}' ${Column};").expect("accepted"), "PRINT 'clicks' 'x';");
        assert_eq!(run("nothing $1 here").expect("accepted"), "nothing $1 here");
    }

    #[test]
    fn comments_and_escapes_stay() {
        assert_eq!(run("-- ${nobody}\n${TOPIC}").expect("accepted"), "-- ${nobody}\nclicks");
        assert_eq!(run("'$${topic}'").expect("accepted"), "'${topic}'");
    }

    #[test]
    fn unknown_and_open_references_are_errors() {
        let error = run("a\n  ${who}").expect_err("refused");
        assert_eq!(
            error.render("a\n  ${who}"),
            "error[variable]: the variable who is not defined\n  line 2, column 3\n      \
             ${who}\n      ^^^^^^\n  hint: define it first: DEFINE who = 'value'"
        );
        assert_eq!(run("${who").expect_err("refused").code(), ErrorCode::Variable);
    }
}
