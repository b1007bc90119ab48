//! The reference page of functions, made of their definitions.

use std::fmt::Write;

use super::{Definition, FunctionKind, Functions, Origin};

const INTRODUCTION: &str = "\
# Functions

This page is made from the definitions of the functions; `UPDATE_GOLDENFILES=1 make test` makes it
anew. In the shell, `SHOW FUNCTIONS` lists them and `DESCRIBE FUNCTION name` shows one.

In a signature, square brackets hold what may be left out, `...` repeats the last argument, and a
single capital stands for any type. Numbers widen from INTEGER to BIGINT, DECIMAL and DOUBLE, and
text stands for a date or a time where one is wanted. A call that fails on a row gives NULL there,
and an entry in `KSQL_PROCESSING_LOG`.
";

const BORROWED: &str = "\
Functions of DataFusion, under names that the dialect does not have. They work in every kind of
query; what they give is one of the dialect's types. Those that look at the clock, and those for
types that the dialect does not have, are left out. `DESCRIBE FUNCTION name` says what one does.
";

/// The kinds, with the headings of their sections and what is to be said of each.
const SECTIONS: &[(FunctionKind, &str, &str)] = &[
    (FunctionKind::Scalar, "Scalar functions", "One value for each row.\n"),
    (
        FunctionKind::Table,
        "Table functions",
        "Rows for each row, in the select list of a stream.\n",
    ),
    (FunctionKind::Aggregate, "Aggregate functions", "One value for each group.\n"),
];

impl Functions {
    /// The reference page, in Markdown.
    pub fn reference(&self) -> String {
        let mut page = INTRODUCTION.to_owned();
        for (kind, heading, text) in SECTIONS {
            write_line(&mut page, &format!("\n## {heading}\n\n{text}"));
            let of_kind = |d: &&Definition| d.kind == *kind && d.origin == Origin::Dialect;
            self.definitions()
                .filter(of_kind)
                .for_each(|definition| write_entry(&mut page, definition));
        }
        write_line(&mut page, &format!("\n## Borrowed functions\n\n{BORROWED}"));
        let borrowed = self.definitions().filter(|d| d.origin == Origin::DataFusion);
        borrowed.for_each(|definition| write_borrowed(&mut page, definition));
        page
    }
}

fn write_line(page: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{}", line.trim_end());
}

fn write_entry(page: &mut String, definition: &Definition) {
    write_line(page, &format!("\n### {}\n\n{}\n", definition.name, definition.description));
    page.push('\n');
    write_line(page, "```text");
    definition.signatures.iter().for_each(|signature| write_line(page, signature));
    write_line(page, "```");
    if !definition.examples.is_empty() {
        page.push('\n');
    }
    for (call, result) in definition.examples {
        write_line(page, &format!("- `{call}` is `{result}`"));
    }
}

/// The calls of a borrowed function; DataFusion has a reference of its own that describes them.
fn write_borrowed(page: &mut String, definition: &Definition) {
    definition
        .signatures
        .iter()
        .for_each(|signature| write_line(page, &format!("- `{signature}`")));
}
