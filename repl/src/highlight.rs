//! Colours for the words of a statement.

use sql::lexer::{self, Token, TokenKind};

use crate::render::{Colour, Style};

/// The statement with colours, where the style allows them.
pub fn paint(statement: &str, style: Style) -> String {
    let mut painted = String::with_capacity(statement.len() * 2);
    let mut done = 0;
    for token in lexer::tokenize(statement) {
        painted.push_str(&statement[done..token.range.start]);
        painted.push_str(&paint_token(&token, statement, style));
        done = token.range.end;
    }
    painted.push_str(&statement[done..]);
    painted
}

fn paint_token(token: &Token, statement: &str, style: Style) -> String {
    let text = token.text(statement);
    match colour(token, statement) {
        // Every line of a comment or string of several lines is painted by itself, so that an
        // editor that redraws one line leaves no colour behind.
        Some(colour) => {
            let lines = text.split('\n').map(|line| style.paint(colour, line));
            lines.collect::<Vec<_>>().join("\n")
        }
        None => text.to_owned(),
    }
}

fn colour(token: &Token, statement: &str) -> Option<Colour> {
    match token.kind {
        TokenKind::Word if token.is_keyword(statement) => Some(Colour::Keyword),
        TokenKind::String => Some(Colour::String),
        TokenKind::Number | TokenKind::Parameter | TokenKind::Variable => Some(Colour::Number),
        TokenKind::Comment => Some(Colour::Faint),
        TokenKind::Unknown => Some(Colour::Error),
        TokenKind::Word | TokenKind::QuotedName | TokenKind::Symbol => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_nothing_but_colours() {
        let statement = "select  `a`, 'x\ny' -- z\nfrom t where n > 1.5 § ;";
        let plain = Style { colour: false, width: None };
        assert_eq!(paint(statement, plain), statement);
        let painted = paint(statement, Style { colour: true, ..plain });
        assert!(
            painted
                .starts_with("\x1b[1;34mselect\x1b[0m  `a`, \x1b[32m'x\x1b[0m\n\x1b[32my'\x1b[0m")
        );
        let stripped: String = painted
            .split('\x1b')
            .map(|part| part.split_once('m').map_or(part, |(_, rest)| rest))
            .collect();
        assert_eq!(stripped.len(), statement.len());
    }
}
