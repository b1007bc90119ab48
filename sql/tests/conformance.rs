//! Every statement of the conformance suite parses, or is refused where its case says so, and
//! prints to a text that parses and prints to itself.
//!
//! The suite is not part of the repository. Its place is `MILLSTREAM_QTT`, or `../shared/qtt`
//! beside the workspace; where neither exists the test says so and passes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use sql::{Error, parse};

/// A statement and what its case expects of it.
struct Statement {
    case: String,
    text: String,
    expected: Expected,
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Parses,
    /// The case wants an error of the parser.
    IsRefused,
    /// The case wants an error here or later, which may be one of the parser.
    MayBeRefused,
}

#[test]
fn statements_of_the_suite_parse_and_print() {
    let Some(folder) = suite() else {
        eprintln!("skipped: no conformance suite; set MILLSTREAM_QTT to its folder");
        return;
    };
    let statements = read(&folder);
    let failures: Vec<String> = statements.iter().filter_map(parse_failure).collect();
    let accepted = statements.iter().filter(|statement| parse(&statement.text).is_ok());
    let accepted: Vec<&Statement> = accepted.collect();
    let unstable: Vec<String> =
        accepted.iter().filter_map(|statement| print_failure(statement)).collect();
    eprintln!(
        "{} of {} statements are parsed or refused as expected, {} of {} parsed ones print stably",
        statements.len() - failures.len(),
        statements.len(),
        accepted.len() - unstable.len(),
        accepted.len()
    );
    let problems = [failures, unstable].concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn suite() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/qtt");
    let folder = env::var_os("MILLSTREAM_QTT").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn read(folder: &Path) -> Vec<Statement> {
    let mut statements = Vec::new();
    for kind in ["query", "rest", "sql"] {
        for entry in fs::read_dir(folder.join(kind)).expect("a folder of the suite") {
            let text =
                fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
            let file: Value = serde_json::from_str(&text).expect("a JSON file");
            for case in file["cases"].as_array().expect("a list of cases") {
                read_case(case, &mut statements);
            }
        }
    }
    statements
}

fn read_case(case: &Value, statements: &mut Vec<Statement>) {
    for (n, text) in case["statements"].as_array().expect("statements").iter().enumerate() {
        statements.push(Statement {
            case: case["id"].as_str().expect("an id").to_owned(),
            text: text.as_str().expect("a text").to_owned(),
            expected: expected(&case["expect_error"], n as u64),
        });
    }
}

fn expected(error: &Value, n: u64) -> Expected {
    let is_meant = error["statement"].as_u64().is_none_or(|statement| statement == n);
    match error["phase"].as_str() {
        Some("parse") if is_meant => Expected::IsRefused,
        Some("statement") if is_meant => Expected::MayBeRefused,
        _ => Expected::Parses,
    }
}

fn parse_failure(statement: &Statement) -> Option<String> {
    let Statement { case, text, expected } = statement;
    match (parse(text), expected) {
        (Ok(_), Expected::IsRefused) => Some(format!("{case}: accepted: {text}")),
        (Err(error), Expected::Parses) => Some(format!("{case}: {}", error.render(text))),
        _ => None,
    }
}

fn print_failure(statement: &Statement) -> Option<String> {
    let Ok(parsed) = parse(&statement.text) else { return None };
    let printed = print(&parsed);
    let again = parse(&printed).map(|parsed| print(&parsed));
    let problem = match again {
        Ok(again) if again == printed => return None,
        Ok(again) => again,
        Err(error) => Error::render(&error, &printed),
    };
    Some(format!("{}: prints {printed}, then {problem}", statement.case))
}

fn print(statements: &[sql::ast::Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};")).collect()
}
