//! Where one statement ends, for a reader that gets its text line by line.

use crate::lexer::{self, Token, TokenKind};

/// Collects typed text and hands it out statement by statement.
///
/// A statement ends with a semicolon outside quotes and comments.
#[derive(Debug, Clone, Default)]
pub struct Splitter {
    text: String,
}

impl Splitter {
    /// A splitter that has seen nothing.
    pub fn new() -> Self {
        Splitter::default()
    }

    /// Adds a line, or any other piece of text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Takes the first complete statement with its semicolon, if there is one.
    pub fn next_statement(&mut self) -> Option<String> {
        let end = statement_end(&self.text)?;
        let rest = self.text.split_off(end);
        Some(std::mem::replace(&mut self.text, rest).trim().to_owned())
    }

    /// What has been typed since the last complete statement.
    pub fn pending(&self) -> &str {
        &self.text
    }

    /// True if nothing is pending but white space and comments.
    pub fn is_idle(&self) -> bool {
        lexer::tokenize(&self.text)
            .iter()
            .all(|token| token.kind == TokenKind::Comment && !token.open)
    }

    /// Forgets what is pending.
    pub fn clear(&mut self) {
        self.text.clear();
    }
}

/// True if the text ends with a complete statement, or holds none at all.
pub fn is_complete(text: &str) -> bool {
    let tokens = lexer::tokenize(text);
    if tokens.iter().any(|token| token.open) {
        return false;
    }
    let mut last = tokens.iter().rev().filter(|token| token.kind != TokenKind::Comment);
    last.next().is_none_or(|token| token.text(text) == ";")
}

/// The place after the first semicolon that ends a statement, in bytes.
fn statement_end(text: &str) -> Option<usize> {
    let is_end = |token: &Token| token.kind == TokenKind::Symbol && token.text(text) == ";";
    lexer::tokens(text).find(is_end).map(|token| token.range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_come_out_one_by_one() {
        let mut splitter = Splitter::new();
        splitter.push("SHOW STREAMS; SHOW ");
        assert_eq!(splitter.next_statement().as_deref(), Some("SHOW STREAMS;"));
        assert_eq!(splitter.next_statement(), None);
        assert!(!splitter.is_idle());
        splitter.push("TABLES;\n-- done\n");
        assert_eq!(splitter.next_statement().as_deref(), Some("SHOW TABLES;"));
        assert!(splitter.is_idle());
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        let mut splitter = Splitter::new();
        splitter.push("SELECT ';' -- ;\n /* ; */ FROM `;`");
        assert_eq!(splitter.next_statement(), None);
        splitter.push(";");
        assert!(splitter.next_statement().is_some());
    }

    #[test]
    fn completeness() {
        assert!(is_complete(""));
        assert!(is_complete("SHOW STREAMS; -- that is all"));
        assert!(!is_complete("SHOW STREAMS"));
        assert!(!is_complete("SHOW STREAMS; SELECT"));
        assert!(!is_complete("SELECT ';"));
        assert!(!is_complete("/* ;"));
    }
}
