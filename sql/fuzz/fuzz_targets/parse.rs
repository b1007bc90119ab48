//! Any text is a script or is refused: no panic, no overflow of the stack, and what is accepted
//! prints to something that is accepted and prints the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sql::ast::Statement;
use sql::{Splitter, parse};

fuzz_target!(|text: &str| {
    let mut splitter = Splitter::new();
    splitter.push(text);
    while splitter.next_statement().is_some() {}
    match parse(text) {
        Err(error) => drop(error.render(text)),
        Ok(statements) => check_printed(&statements),
    }
});

fn check_printed(statements: &[Statement]) {
    let printed = print(statements);
    let again = parse(&printed).unwrap_or_else(|error| panic!("{}", error.render(&printed)));
    assert_eq!(print(&again), printed);
}

fn print(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}
