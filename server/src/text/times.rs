//! Points of time as Postgres writes them, in the dialect's words.
//!
//! `TO_TIMESTAMP`, `TO_DATE` and `TO_CHAR` are DataFusion's functions, whose formats have `%Y` where
//! Postgres's have `YYYY`. A format that is a literal is translated when all of it is known; one
//! with a percent sign is DataFusion's already. `'epoch'` is the beginning of 1970.

use super::scan::{Token, TokenKind, unquote};

/// Postgres's patterns and DataFusion's; of two with the same beginning the longer comes first.
/// Those of several cases say how a word is written: DataFusion has one way for each.
const PATTERNS: &[(&str, &str)] = &[
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MONTH", "%B"),
    ("MON", "%b"),
    ("MM", "%m"),
    ("MI", "%M"),
    ("MS", "%3f"),
    ("DDD", "%j"),
    ("DD", "%d"),
    ("DAY", "%A"),
    ("DY", "%a"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("HH", "%I"),
    ("SS", "%S"),
    ("US", "%6f"),
    ("AM", "%p"),
    ("PM", "%p"),
];

/// What a format is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

/// Functions whose last argument is a format.
const FORMATTED: [(&str, Use); 3] =
    [("TO_TIMESTAMP", Use::Read), ("TO_DATE", Use::Read), ("TO_CHAR", Use::Write)];

/// Reads the tokens of a statement in their order.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// The brackets that are open, with the use of the format in those of such a function.
    open: Vec<Option<Use>>,
}

impl Times {
    /// What to write for the token at `index`; `None` leaves it.
    pub fn replacement(
        &mut self,
        statement: &str,
        tokens: &[Token],
        index: usize,
    ) -> Option<String> {
        let near = Near { statement, tokens, index };
        let token = &tokens[index];
        match token.text(statement) {
            "(" => self.open.push(near.formatted()),
            ")" => drop(self.open.pop()),
            text if token.kind == TokenKind::String && !token.open => {
                if near.is_epoch(text) {
                    return Some("'1970-01-01 00:00:00'".into());
                }
                let is_last = near.is(-1, ",") && near.is(1, ")");
                let purpose = self.open.last().copied().flatten().filter(|_| is_last)?;
                let format = translated(&unquote(text), purpose)?;
                return Some(format!("'{}'", format.replace('\'', "''")));
            }
            _ => {}
        }
        None
    }
}

/// A token and those around it.
struct Near<'a> {
    statement: &'a str,
    tokens: &'a [Token],
    index: usize,
}

impl Near<'_> {
    fn at(&self, offset: isize) -> Option<&Token> {
        self.tokens.get(self.index.checked_add_signed(offset)?)
    }

    fn is(&self, offset: isize, text: &str) -> bool {
        self.at(offset).is_some_and(|token| token.text(self.statement) == text)
    }

    fn has_word(&self, offset: isize, word: &str) -> bool {
        self.at(offset).is_some_and(|token| {
            token.kind == TokenKind::Word && token.text(self.statement).eq_ignore_ascii_case(word)
        })
    }

    /// The use of the format in the brackets that open here.
    fn formatted(&self) -> Option<Use> {
        let called = FORMATTED.iter().find(|(name, _)| self.has_word(-1, name));
        called.map(|(_, purpose)| *purpose)
    }

    /// Whether the token is `epoch` as a time: `TIMESTAMP 'epoch'`, `CAST('epoch' AS TIMESTAMP)`,
    /// `'epoch'::TIMESTAMP`.
    fn is_epoch(&self, text: &str) -> bool {
        let is_cast = (self.has_word(1, "AS") || self.is(1, "::")) && self.has_word(2, "TIMESTAMP");
        text.eq_ignore_ascii_case("'epoch'") && (self.has_word(-1, "TIMESTAMP") || is_cast)
    }
}

/// A format of Postgres as one of DataFusion's; `None` if a part of it has no like.
fn translated(format: &str, purpose: Use) -> Option<String> {
    let mut written = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(next) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"')?;
            written.push_str(text);
            rest = after;
        } else if next.is_ascii_alphanumeric() {
            let (length, pattern) = pattern_of(rest)?;
            // With the point before it, a fraction of any length is read.
            if pattern.ends_with('f') && purpose == Use::Read && written.ends_with('.') {
                written.truncate(written.len() - 1);
                written.push_str("%.f");
            } else {
                written.push_str(pattern);
            }
            rest = &rest[length..];
        } else {
            written.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    (!format.contains('%')).then_some(written)
}

/// The pattern that a format begins with: its length, and DataFusion's.
fn pattern_of(format: &str) -> Option<(usize, &'static str)> {
    let begins = |pattern: &str| {
        format.get(..pattern.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(pattern))
    };
    let (pattern, written) = PATTERNS.iter().find(|(pattern, _)| begins(pattern))?;
    Some((pattern.len(), written))
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn rewritten(statement: &str) -> Vec<String> {
        let tokens = scan(statement);
        let mut times = Times::default();
        let replaced = |index| times.replacement(statement, &tokens, index);
        (0..tokens.len()).filter_map(replaced).collect()
    }

    #[test]
    fn formats_are_translated_where_all_of_them_is_known() {
        let known = [
            ("YYYY-MM-DD HH24:MI:SS.US", "%Y-%m-%d %H:%M:%S%.f"),
            ("DD Mon yy, HH12:MI am", "%d %b %y, %I:%M %p"),
            ("YYYY-MM-DD\"T\"HH24MISSMS", "%Y-%m-%dT%H%M%S%3f"),
            ("DDD/YYYY", "%j/%Y"),
        ];
        for (postgres, datafusion) in known {
            let found = translated(postgres, Use::Read);
            assert_eq!(found.as_deref(), Some(datafusion), "{postgres}");
        }
        assert_eq!(translated("SS.MS", Use::Write).as_deref(), Some("%S.%3f"));
        for unknown in ["%Y-%m-%d", "YYYY-IW", "999.9", "YYYY\"T", "DDTH"] {
            assert_eq!(translated(unknown, Use::Read), None, "{unknown}");
        }
    }

    #[test]
    fn a_format_is_the_last_argument_of_what_takes_one() {
        let statement = "SELECT TO_DATE(SUBSTR('MM', 1, 2), 'YYYY'), to_timestamp((a), 'DD')";
        assert_eq!(rewritten(statement), ["'%Y'", "'%d'"]);
        for other in ["SELECT TO_DATE('YYYY')", "SELECT CONCAT(a, 'YYYY')", "IN ('MM', 'DD')"] {
            assert_eq!(rewritten(other), Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn the_epoch_is_a_time_only_beside_its_type() {
        let epoch = ["'1970-01-01 00:00:00'"];
        for text in ["timestamp 'epoch'", "CAST('epoch' AS TIMESTAMP)", "'EPOCH'::timestamp"] {
            assert_eq!(rewritten(text), epoch, "{text}");
        }
        assert_eq!(rewritten("SELECT 'epoch' AS t"), Vec::<String>::new());
    }
}
