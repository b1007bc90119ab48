//! The tokens of a client's text, as far as this edge needs them: statements' ends, quoted names,
//! placeholders. The lexer is the dialect's own.

use std::ops::Range;

pub(crate) use sql::lexer::{Token, TokenKind};

/// The tokens of `text` without comments.
pub(crate) fn scan(text: &str) -> Vec<Token> {
    let mut tokens = sql::lexer::tokenize(text);
    tokens.retain(|token| token.kind != TokenKind::Comment);
    tokens
}

/// The statements of a script: the spans between semicolons, without those that are empty.
pub(crate) fn statements(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for token in scan(text) {
        if token.kind == TokenKind::Symbol && token.text(text) == ";" {
            spans.extend(open.take());
        } else {
            let start = open.map_or(token.range.start, |span| span.start);
            open = Some(start..token.range.end);
        }
    }
    spans.extend(open);
    spans
}

/// The number of a placeholder: 1 for `$1`.
pub(crate) fn placeholder(token: &Token, text: &str) -> Option<usize> {
    let is_placeholder = token.kind == TokenKind::Parameter;
    let number = is_placeholder.then(|| token.text(text)[1..].parse().ok()).flatten();
    number.filter(|number| *number > 0)
}

/// What stands between quotes, with doubled quotes made single.
pub(crate) fn unquote(token: &str) -> String {
    let Some(quote) = token.chars().next() else { return String::new() };
    let inner = &token[quote.len_utf8()..];
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        let text = " SELECT ';' ;; -- none;\n ; SELECT /* ; */ 2 ";
        let parts: Vec<_> = statements(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(parts, ["SELECT ';'", "SELECT /* ; */ 2"]);
    }

    #[test]
    fn placeholders_count_from_one() {
        let text = "$12 $0";
        let numbers: Vec<_> = scan(text).iter().map(|token| placeholder(token, text)).collect();
        assert_eq!(numbers, [Some(12), None]);
    }

    #[test]
    fn quoted_names_lose_their_quotes() {
        assert_eq!(unquote("\"a\"\"b\""), "a\"b");
        assert_eq!(unquote("`x`"), "x");
        assert_eq!(unquote("'it''s'"), "it's");
    }
}
