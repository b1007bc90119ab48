//! Refused statements: what counts as a refusal, and how close its message is to the original.

use std::collections::BTreeSet;
use std::fmt;

use engine::Error;

use super::case::ExpectError;

/// How an engine refused a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// What it said.
    pub message: String,
    /// Whether the expected text occurs in it.
    pub hit: bool,
    /// Share of the expected words that occur in it.
    pub overlap: f64,
}

impl Refusal {
    /// Compares a message with the expected one.
    pub fn new(message: String, expected: &ExpectError) -> Refusal {
        let texts = [&expected.message, &expected.cause_message];
        let texts: Vec<_> = texts.into_iter().flatten().map(|text| fold(text)).collect();
        let found = fold(&message);
        let hit = !texts.is_empty() && texts.iter().any(|text| found.contains(text.as_str()));
        let overlap = texts.iter().map(|text| overlap(text, &found)).fold(0.0, f64::max);
        Refusal { message, hit, overlap }
    }
}

/// The message of an error that is the engine's answer. An internal error is none: it says that
/// the engine broke, not that the statement is wrong.
pub fn answer(error: &Error) -> Option<String> {
    match error {
        Error::Internal(_) | Error::Storage { .. } | Error::Log(_) | Error::Cancelled => None,
        _ => Some(describe(error).0),
    }
}

/// An error with its hint, as one line.
pub fn describe(error: &Error) -> Message {
    let hint = match error {
        Error::Invalid(diagnostic) => diagnostic.hint.as_deref(),
        _ => None,
    };
    Message(match hint {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

/// An engine's message.
#[derive(Debug)]
pub struct Message(pub String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

/// Lower case, single blanks, no quote characters.
fn fold(text: &str) -> String {
    let unquoted: String = text.chars().filter(|c| !matches!(c, '\'' | '"' | '`')).collect();
    unquoted.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn overlap(expected: &str, found: &str) -> f64 {
    let (expected, found) = (words(expected), words(found));
    if expected.is_empty() {
        return 0.0;
    }
    expected.intersection(&found).count() as f64 / expected.len() as f64
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::case::Phase;
    use super::*;

    fn refusal(expected: &str, found: &str) -> Refusal {
        let expected = ExpectError {
            phase: Phase::Statement,
            statement: None,
            message: Some(expected.to_owned()),
            cause_message: None,
        };
        Refusal::new(found.to_owned(), &expected)
    }

    #[test]
    fn case_blanks_and_quotes_do_not_matter() {
        let refusal =
            refusal("Unknown  column 'X'.", "line 1:\nunknown column `x`. Did you mean Y?");
        assert!(refusal.hit);
        assert_eq!(refusal.overlap, 1.0);
    }

    #[test]
    fn other_words_overlap_in_part() {
        let refusal = refusal("column X does not exist", "there is no column x");
        assert!(!refusal.hit);
        assert_eq!(refusal.overlap, 0.4);
    }

    #[test]
    fn internal_errors_are_no_answer() {
        assert_eq!(answer(&Error::Internal("lost".into())), None);
        let refused = engine::Diagnostic::new(engine::Code::InUse, "in use").hint("drop it first");
        assert_eq!(answer(&refused.into()).as_deref(), Some("in use; drop it first"));
    }
}
