//! A client's statement as the parser is to read it: names folded, parameters put in, times in the
//! dialect's words.
//!
//! All this happens on tokens, never on the text itself: a `$1` or a quote in a string or a comment is
//! left alone, and what is put in for a placeholder is a literal that [`crate::client`] wrote.
//! The way back is kept, so that an error points into the text that the client sent.

use std::ops::Range;

use super::names;
use super::scan::{Token, TokenKind, placeholder, scan, unquote};
use super::times::Times;

/// What to do with `"quoted"` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoted {
    /// Fold them: the statement is for the dialect.
    Fold,
    /// Leave them: the statement is for Postgres's own catalog.
    Keep,
}

/// A statement after rewriting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// The text for the parser.
    pub text: String,
    /// Where pieces begin: in `text`, and in the client's script. Ascending in both.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    new: usize,
    old: usize,
    /// Whether the piece was copied, so that offsets in it carry over.
    copied: bool,
}

impl Rewritten {
    /// Where in the client's script the byte `offset` of [`Self::text`] comes from.
    pub fn original(&self, offset: usize) -> usize {
        let after = self.pieces.partition_point(|piece| piece.new <= offset);
        match after.checked_sub(1).map(|index| self.pieces[index]) {
            Some(piece) if piece.copied => piece.old + (offset - piece.new),
            Some(piece) => piece.old,
            None => 0,
        }
    }

    fn copy(&mut self, script: &str, span: Range<usize>) {
        self.pieces.push(Piece { new: self.text.len(), old: span.start, copied: true });
        self.text.push_str(&script[span]);
    }

    fn replace(&mut self, old: usize, text: &str) {
        self.pieces.push(Piece { new: self.text.len(), old, copied: false });
        self.text.push_str(text);
    }
}

/// Rewrites the statement at `span` of `script`; `parameters[0]` is the literal for `$1`.
/// Placeholders beyond `parameters` stay.
pub(crate) fn rewrite(
    script: &str,
    span: Range<usize>,
    quoted: Quoted,
    parameters: &[String],
) -> Rewritten {
    let mut rewritten = Rewritten::default();
    let mut copied_to = span.start;
    let statement = &script[span.clone()];
    let tokens = scan(statement);
    let mut times = Times::default();
    for (index, token) in tokens.iter().enumerate() {
        let time = match quoted {
            Quoted::Fold => times.replacement(statement, &tokens, index),
            Quoted::Keep => None,
        };
        if let Some(text) = time.or_else(|| replacement(statement, token, quoted, parameters)) {
            let start = span.start + token.range.start;
            rewritten.copy(script, copied_to..start);
            rewritten.replace(start, &text);
            copied_to = span.start + token.range.end;
        }
    }
    rewritten.copy(script, copied_to..span.end);
    rewritten
}

/// The highest number of a placeholder in `text`.
pub(crate) fn placeholders(text: &str) -> usize {
    scan(text).iter().filter_map(|token| placeholder(token, text)).max().unwrap_or(0)
}

fn replacement(
    statement: &str,
    token: &Token,
    quoted: Quoted,
    parameters: &[String],
) -> Option<String> {
    let text = token.text(statement);
    if token.kind == TokenKind::QuotedName && text.starts_with('"') && quoted == Quoted::Fold {
        let name = unquote(text);
        return Some(format!("\"{}\"", names::inside(&name).replace('"', "\"\"")));
    }
    parameters.get(placeholder(token, statement)? - 1).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(script: &str, parameters: &[&str]) -> Rewritten {
        let parameters: Vec<_> = parameters.iter().map(ToString::to_string).collect();
        rewrite(script, 0..script.len(), Quoted::Fold, &parameters)
    }

    #[test]
    fn quoted_names_fold_and_strings_do_not() {
        let rewritten =
            folded("SELECT \"id\", \"Id\", \"ID\", '\"id\"', `id` FROM \"orders\"", &[]);
        assert_eq!(rewritten.text, "SELECT \"ID\", \"Id\", \"id\", '\"id\"', `id` FROM \"ORDERS\"");
    }

    #[test]
    fn parameters_go_where_placeholders_are_tokens() {
        let rewritten = folded("SELECT '$1', $2, $1 -- $1", &["(-1)", "'it''s'"]);
        assert_eq!(rewritten.text, "SELECT '$1', 'it''s', (-1) -- $1");
    }

    #[test]
    fn formats_of_times_are_the_dialects_unless_the_catalog_reads_them() {
        let script = "SELECT TO_DATE($1, 'YYYY-MM')";
        let rewritten = folded(script, &["'2024-02'"]);
        assert_eq!(rewritten.text, "SELECT TO_DATE('2024-02', '%Y-%m')");
        assert_eq!(rewrite(script, 0..script.len(), Quoted::Keep, &[]).text, script);
    }

    #[test]
    fn offsets_lead_back_to_the_script() {
        let script = "SELECT $1 + x";
        let rewritten = folded(script, &["1234567"]);
        let x = rewritten.text.find('x').unwrap();
        assert_eq!(rewritten.original(x), script.find('x').unwrap());
        assert_eq!(rewritten.original(9), script.find('$').unwrap());
        assert_eq!(rewritten.original(0), 0);
    }

    #[test]
    fn a_statement_in_a_script_keeps_its_place() {
        let script = "SELECT 1; SELECT \"a\"";
        let rewritten = rewrite(script, 10..script.len(), Quoted::Fold, &[]);
        assert_eq!(rewritten.text, "SELECT \"A\"");
        assert_eq!(rewritten.original(0), 10);
    }

    #[test]
    fn placeholders_are_counted_by_their_highest_number() {
        assert_eq!(placeholders("SELECT $2, '$9' -- $7"), 2);
    }
}
