//! What classes of errors mean, and what to do.

use crate::render::{Colour, Style};

/// A class of errors.
struct Class {
    /// Its name, as an error shows it in brackets.
    name: &'static str,
    /// What a server sends for it.
    sqlstate: &'static str,
    text: &'static str,
}

const fn class(name: &'static str, sqlstate: &'static str, text: &'static str) -> Class {
    Class { name, sqlstate, text }
}

const CLASSES: &[Class] = &[
    class(
        "unknown name",
        "42P01",
        "No stream, table, topic, type, function, query or variable has that name. Names fold to\n\
         upper case unless they are in back-ticks. SHOW STREAMS, TABLES, TOPICS, TYPES, FUNCTIONS,\n\
         QUERIES and VARIABLES list what there is.",
    ),
    class(
        "unknown column",
        "42703",
        "None of the sources has a column of that name. DESCRIBE name lists the columns.",
    ),
    class(
        "ambiguous column",
        "42702",
        "More than one source of a join has a column of that name: write source.column.",
    ),
    class(
        "duplicate name",
        "42P07",
        "The name is taken. IF NOT EXISTS leaves alone what is there, OR REPLACE replaces it.",
    ),
    class(
        "type mismatch",
        "42804",
        "The types do not go together. CAST(value AS type) converts; DESCRIBE FUNCTION shows what a\n\
         function takes.",
    ),
    class(
        "invalid value",
        "22023",
        "A property, a setting or a literal cannot have that value. help properties lists the\n\
         properties and what they mean.",
    ),
    class(
        "invalid query",
        "42000",
        "A clause breaks a rule of streams, tables, keys, windows or joins; the message says which.",
    ),
    class(
        "in use",
        "2BP01",
        "Something else needs it: drop or terminate that first. DESCRIBE name EXTENDED tells who reads\n\
         and writes a stream or table.",
    ),
    class(
        "not supported",
        "0A000",
        "The dialect has it, this version has not. The hint says what to write instead.",
    ),
    class("assertion failed", "P0004", "An ASSERT found something else than it expected."),
    class(
        "syntax",
        "42601",
        "The words are in the wrong order, or are the wrong words. help STATEMENT shows the syntax.",
    ),
    class(
        "literal",
        "42601",
        "A literal cannot be read: a quote is open, or a number is out of range.",
    ),
    class("type", "42601", "A type does not exist in this form. SHOW TYPES lists those created."),
    class(
        "property",
        "42601",
        "A property in WITH is unknown or has a value that it cannot have. help properties lists them.",
    ),
    class(
        "column",
        "42601",
        "A column is declared in a way that its stream or table cannot have: KEY belongs to streams,\n\
         PRIMARY KEY to tables.",
    ),
    class(
        "nesting",
        "42601",
        "The text is nested deeper, or an expression is longer, than is allowed: take it apart, with\n\
         a stream for each part.",
    ),
    class(
        "variable",
        "42601",
        "A ${variable} has no value or no end. DEFINE gives it one, $${ stands for the characters.",
    ),
    class(
        "a statement that was ended",
        "57014",
        "The statement was cancelled, by Ctrl-C, a time-out or another client.",
    ),
    class(
        "a transaction that has failed",
        "25P02",
        "A statement of the transaction has failed, and others are refused until ROLLBACK.",
    ),
    class(
        "the disk",
        "58030",
        "The system did not do what it was asked for; the message has its reason. Where a sync has\n\
         failed, a partition takes no more writes until the program is started again.",
    ),
    class("a fault of Millstream", "XX000", "This should not happen: please tell the authors."),
];

/// The names of the classes that errors show.
pub(super) fn classes() -> impl Iterator<Item = String> {
    CLASSES.iter().map(|class| class.name.to_owned())
}

/// The page of a class, by its name or its SQLSTATE, in upper case.
pub(super) fn page(topic: &str, style: Style) -> Option<String> {
    let topic = topic.trim_start_matches("ERROR").trim_matches(['[', ']', ' ']);
    let wanted = CLASSES
        .iter()
        .filter(|class| class.name.eq_ignore_ascii_case(topic) || class.sqlstate == topic);
    let pages: Vec<String> = wanted
        .map(|class| {
            let title = format!("error[{}], SQLSTATE {}", class.name, class.sqlstate);
            format!("{}\n\n{}", style.paint(Colour::Strong, &title), class.text)
        })
        .collect();
    (!pages.is_empty()).then(|| pages.join("\n\n"))
}
