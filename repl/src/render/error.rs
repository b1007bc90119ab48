//! A failure with the line it is about and a caret under the place.

use std::fmt::Write;
use std::ops::Range;

use super::{Colour, Style};
use crate::answer::Failure;

/// Where a statement begins in the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Name of the script, if it has one.
    pub script: Option<&'a str>,
    /// The line that the statement begins in, counted from 1.
    pub line: usize,
}

impl Place<'_> {
    /// A statement that was typed.
    pub const TYPED: Place<'static> = Place { script: None, line: 1 };
}

/// The failure of `statement`, as many lines as it needs, without the last line end.
pub fn render_failure(failure: &Failure, statement: &str, place: Place, style: Style) -> String {
    let class = failure.class.as_ref().map_or_else(String::new, |class| format!("[{class}]"));
    let title = style.paint(Colour::Error, &format!("error{class}:"));
    let mut text = format!("{title} {}", failure.message);
    match &failure.span {
        Some(span) => write_excerpt(&mut text, statement, span, place, style),
        None => write_script(&mut text, place),
    }
    if let Some(hint) = &failure.hint {
        let _ = write!(text, "\n  {} {hint}", style.paint(Colour::Strong, "hint:"));
    }
    text
}

fn write_excerpt(text: &mut String, statement: &str, span: &Range<usize>, at: Place, style: Style) {
    let excerpt = Excerpt::new(statement, span);
    let script = at.script.map_or_else(String::new, |script| format!("{script}, "));
    let line = at.line + excerpt.line_index;
    let column = excerpt.indent + 1;
    let carets = style.paint(Colour::Error, &"^".repeat(excerpt.width));
    // Writing to a string cannot fail.
    let _ = write!(text, "\n  {script}line {line}, column {column}");
    let _ = write!(text, "\n    {}", excerpt.line.replace('\t', " "));
    let _ = write!(text, "\n    {}{carets}", " ".repeat(excerpt.indent));
}

/// In a script, a statement is named by its line even where no place inside it is to blame.
fn write_script(text: &mut String, place: Place) {
    if let Some(script) = place.script {
        let _ = write!(text, "\n  {script}, statement at line {}", place.line);
    }
}

/// The line that a span begins in, and what of it to underline, in characters.
struct Excerpt<'a> {
    line: &'a str,
    line_index: usize,
    indent: usize,
    width: usize,
}

impl<'a> Excerpt<'a> {
    fn new(statement: &'a str, span: &Range<usize>) -> Self {
        let start = floor_char(statement, span.start);
        let end = floor_char(statement, span.end).max(start);
        let line_start = statement[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = statement[line_start..].lines().next().unwrap_or("");
        let marked = &statement[start..end];
        Self {
            line,
            line_index: statement[..line_start].matches('\n').count(),
            indent: statement[line_start..start].chars().count(),
            width: marked.lines().next().unwrap_or("").chars().count().max(1),
        }
    }
}

/// The place itself, or the begin of the character it falls into, or the end of the text.
fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colour: false, width: None };

    fn unknown_column(span: Range<usize>) -> Failure {
        Failure {
            class: Some("unknown column".into()),
            message: "FLIGHTS has no column ORIGN".into(),
            span: Some(span),
            hint: Some("did you mean ORIGIN?".into()),
        }
    }

    #[test]
    fn a_caret_stands_under_the_place() {
        let statement = "SELECT é,\n  orign FROM flights;";
        let span = 13..18;
        let place = Place { script: Some("a.sql"), line: 7 };
        assert_eq!(&statement[span.clone()], "orign");
        assert_eq!(
            render_failure(&unknown_column(span), statement, place, PLAIN),
            "error[unknown column]: FLIGHTS has no column ORIGN\n  \
             a.sql, line 8, column 3\n      \
             orign FROM flights;\n      \
             ^^^^^\n  \
             hint: did you mean ORIGIN?"
        );
    }

    #[test]
    fn a_place_outside_the_text_does_no_harm() {
        let text = render_failure(&unknown_column(90..99), "SELECT é", Place::TYPED, PLAIN);
        assert!(text.contains("line 1, column 9\n    SELECT é\n            ^\n"), "{text}");
    }

    #[test]
    fn a_failure_without_a_place_names_the_statement_in_a_script() {
        let place = Place { script: Some("a.sql"), line: 3 };
        let failure = Failure::new("the disk is full");
        let text = render_failure(&failure, "INSERT …", place, PLAIN);
        assert_eq!(text, "error: the disk is full\n  a.sql, statement at line 3");
        let text = render_failure(&failure, "INSERT …", Place::TYPED, PLAIN);
        assert_eq!(text, "error: the disk is full");
    }
}
