//! The reference page of properties, made of their definitions.

use std::fmt::Write;

use sql::properties::{ALL, Context, Definition, Kind};

use super::SESSION_PROPERTIES;

const INTRODUCTION: &str = "\
# Properties

This page is made from the definitions of the properties; `UPDATE_GOLDENFILES=1 make test` makes it
anew.

## In WITH

`C` is `CREATE STREAM|TABLE` with columns, `Q` is `CREATE STREAM|TABLE … AS SELECT`, `I` is
`INSERT INTO … SELECT`, `A` is `ASSERT TOPIC`.

| property | in | takes | default | meaning |
|---|---|---|---|---|
";

const SESSION: &str = "
## Of a session

Set with `SET 'name' = 'value'`, back to the default with `UNSET 'name'`, listed by
`SHOW PROPERTIES`. A persistent query keeps the settings that its session had when it was created.

| property | default | meaning |
|---|---|---|
";

/// The reference page, in Markdown.
pub fn properties_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for property in ALL {
        write_row(&mut page, &with_row(property));
    }
    page.push_str(SESSION);
    for property in SESSION_PROPERTIES {
        let default = if property.default.is_empty() { "none" } else { property.default };
        let name = format!("`{}`", property.name);
        write_row(&mut page, &[name, default.to_owned(), property.doc.to_owned()]);
    }
    page
}

fn with_row(property: &Definition) -> [String; 5] {
    let contexts = property.contexts.iter().map(|context| match context {
        Context::CreateSource => "C",
        Context::CreateAs => "Q",
        Context::InsertInto => "I",
        Context::AssertTopic => "A",
    });
    [
        format!("`{}`", property.name),
        contexts.collect::<Vec<_>>().join(" "),
        kind(property.kind),
        property.default.to_owned(),
        property.doc.to_owned(),
    ]
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::String => "text".to_owned(),
        Kind::Choice(choices) => {
            choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Delimiter => "one character, `SPACE` or `TAB`".to_owned(),
        Kind::Duration => "text such as `30 SECONDS`".to_owned(),
        Kind::Integer(least) => format!("a whole number from {least}"),
        Kind::Boolean => "`true` or `false`".to_owned(),
    }
}

fn write_row<const N: usize>(page: &mut String, cells: &[String; N]) {
    let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |", cells.collect::<Vec<_>>().join(" | "));
}
