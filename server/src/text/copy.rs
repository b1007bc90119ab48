//! `COPY` as a client writes it.

use std::ops::Range;

use super::command::Words;
use crate::failure::{Failure, sqlstate};

/// A `COPY` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    pub what: CopyWhat,
    pub options: CopyOptions,
}

/// What is copied, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CopyWhat {
    /// `COPY (query) TO STDOUT`, with the query's place in the statement.
    QueryOut(Range<usize>),
    /// `COPY name [(columns)] TO STDOUT`; names as the dialect knows them.
    RelationOut { relation: String, columns: Vec<String> },
    /// `COPY name [(columns)] FROM STDIN`.
    In { relation: String, columns: Vec<String> },
}

/// The layout of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyOptions {
    pub layout: CopyLayout,
    /// Between two fields.
    pub delimiter: char,
    /// What stands for NULL.
    pub null: String,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Around fields that need it, in CSV.
    pub quote: char,
}

/// The two layouts that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyLayout {
    /// Fields between tabs, with escapes.
    Text,
    /// Comma-separated values.
    Csv,
}

impl CopyOptions {
    fn of(layout: CopyLayout) -> Self {
        let (delimiter, null) = match layout {
            CopyLayout::Text => ('\t', "\\N"),
            CopyLayout::Csv => (',', ""),
        };
        Self { layout, delimiter, null: null.into(), header: false, quote: '"' }
    }
}

/// Parses what follows `COPY`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Copy, Failure> {
    let what = what(&mut words)?;
    let options = options(&mut words)?;
    match words.at_end() {
        true => Ok(Copy { what, options }),
        false => Err(words.expected("the end of the statement")),
    }
}

fn what(words: &mut Words<'_>) -> Result<CopyWhat, Failure> {
    if words.eat_symbol("(") {
        let query = words.until_closed()?;
        direction(words, "TO", "STDOUT")?;
        return Ok(CopyWhat::QueryOut(query));
    }
    let relation = relation(words)?;
    let columns = columns(words)?;
    if words.eat("FROM") {
        return match words.eat("STDIN") {
            true => Ok(CopyWhat::In { relation, columns }),
            false => Err(words.expected("STDIN")),
        };
    }
    direction(words, "TO", "STDOUT")?;
    Ok(CopyWhat::RelationOut { relation, columns })
}

/// A relation's name; a schema before it is `public` and says nothing.
fn relation(words: &mut Words<'_>) -> Result<String, Failure> {
    let name = words.dialect_name().ok_or_else(|| words.expected("a stream, a table or ("))?;
    match words.eat_symbol(".") {
        true => words.dialect_name().ok_or_else(|| words.expected("a stream or a table")),
        false => Ok(name),
    }
}

fn columns(words: &mut Words<'_>) -> Result<Vec<String>, Failure> {
    let mut columns = Vec::new();
    if !words.eat_symbol("(") {
        return Ok(columns);
    }
    loop {
        columns.push(words.dialect_name().ok_or_else(|| words.expected("a column"))?);
        if words.eat_symbol(")") {
            return Ok(columns);
        }
        if !words.eat_symbol(",") {
            return Err(words.expected("a comma or )"));
        }
    }
}

fn direction(words: &mut Words<'_>, way: &str, end: &str) -> Result<(), Failure> {
    match words.eat(way) && words.eat(end) {
        true => Ok(()),
        false => Err(words.expected(&format!("{way} {end}"))),
    }
}

/// The options, in brackets (`WITH (FORMAT csv, HEADER)`) or in the older words (`CSV HEADER`).
fn options(words: &mut Words<'_>) -> Result<CopyOptions, Failure> {
    words.eat("WITH");
    let in_brackets = words.eat_symbol("(");
    let mut given = Vec::new();
    while !words.at_end() && !words.eat_symbol(")") {
        given.push(option(words)?);
        words.eat_symbol(",");
    }
    assert!(!in_brackets || !given.is_empty() || words.at_end());
    let layout = given.iter().find_map(|option| match option {
        CopyOption::Layout(layout) => Some(*layout),
        _ => None,
    });
    let mut options = CopyOptions::of(layout.unwrap_or(CopyLayout::Text));
    given.into_iter().for_each(|option| option.apply(&mut options));
    Ok(options)
}

enum CopyOption {
    Layout(CopyLayout),
    Delimiter(char),
    Null(String),
    Header(bool),
    Quote(char),
}

impl CopyOption {
    fn apply(self, options: &mut CopyOptions) {
        match self {
            Self::Layout(layout) => options.layout = layout,
            Self::Delimiter(delimiter) => options.delimiter = delimiter,
            Self::Null(null) => options.null = null,
            Self::Header(header) => options.header = header,
            Self::Quote(quote) => options.quote = quote,
        }
    }
}

fn option(words: &mut Words<'_>) -> Result<CopyOption, Failure> {
    let position = words.position();
    let Some(name) = words.keyword() else { return Err(words.expected("an option of COPY")) };
    match name.as_str() {
        "FORMAT" => layout(words).map(CopyOption::Layout),
        "CSV" => Ok(CopyOption::Layout(CopyLayout::Csv)),
        "HEADER" => {
            let off = words.eat("FALSE") || words.eat("OFF");
            let _ = !off && (words.eat("TRUE") || words.eat("ON"));
            Ok(CopyOption::Header(!off))
        }
        "DELIMITER" => character(words).map(CopyOption::Delimiter),
        "QUOTE" => character(words).map(CopyOption::Quote),
        "NULL" => {
            words.eat("AS");
            let null = words.string().ok_or_else(|| words.expected("a text in single quotes"))?;
            Ok(CopyOption::Null(null))
        }
        _ => Err(unknown_option(&name, position)),
    }
}

fn layout(words: &mut Words<'_>) -> Result<CopyLayout, Failure> {
    let position = words.position();
    let name = words.string().or_else(|| words.name()).unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "text" => Ok(CopyLayout::Text),
        "csv" => Ok(CopyLayout::Csv),
        _ => {
            let message = format!("expected the format text or csv, found {name}");
            Err(Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message).at(position))
        }
    }
}

/// One ASCII character in quotes: rows are cut at bytes.
fn character(words: &mut Words<'_>) -> Result<char, Failure> {
    words.eat("AS");
    let position = words.position();
    let text = words.string().unwrap_or_default();
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if character.is_ascii() => Ok(character),
        _ => {
            let message = format!("expected one ASCII character in quotes, found '{text}'");
            Err(Failure::new(sqlstate::INVALID_PARAMETER, message).at(position))
        }
    }
}

fn unknown_option(name: &str, position: usize) -> Failure {
    let known = "FORMAT, HEADER, DELIMITER, NULL, QUOTE";
    let message = format!("expected an option of COPY ({known}), found {name}");
    Failure::new(sqlstate::SYNTAX_ERROR, message).at(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::command::{self, Command};

    fn copy(text: &str) -> Copy {
        let Ok(Some(Command::Copy(copy))) = command::parse(text) else { panic!("{text}") };
        copy
    }

    #[test]
    fn queries_go_out() {
        let text =
            "COPY (SELECT f(a) FROM s EMIT CHANGES) TO STDOUT WITH (FORMAT csv, HEADER true)";
        let copy = copy(text);
        let CopyWhat::QueryOut(query) = copy.what else { panic!() };
        assert_eq!(&text[query], "SELECT f(a) FROM s EMIT CHANGES");
        assert_eq!((copy.options.layout, copy.options.header), (CopyLayout::Csv, true));
    }

    #[test]
    fn rows_come_in_under_the_dialects_names() {
        let copy = copy(
            "copy public.orders (id, \"Name\", \"x\") from stdin csv delimiter ';' null 'NIL'",
        );
        let columns = ["ID", "Name", "X"].map(String::from).to_vec();
        assert_eq!(copy.what, CopyWhat::In { relation: "ORDERS".into(), columns });
        assert_eq!((copy.options.delimiter, copy.options.null.as_str()), (';', "NIL"));
    }

    #[test]
    fn mistakes_are_placed() {
        let text = "COPY orders FROM 'file'";
        assert_eq!(command::parse(text).unwrap_err().position, text.find('\''));
        let text = "COPY orders TO STDOUT (FORMAT binary)";
        assert_eq!(command::parse(text).unwrap_err().position, text.find("binary"));
    }
}
