//! The examples that users read are true.

use super::evaluate::evaluate;
use crate::function::{FunctionKind, Functions, Origin};

#[test]
fn every_example_gives_what_it_says() {
    let functions = Functions::builtin();
    let of_rows = functions.definitions().filter(|d| d.kind != FunctionKind::Aggregate);
    for definition in of_rows {
        for (call, result) in definition.examples {
            match evaluate(call) {
                Ok(evaluated) => assert_eq!(evaluated, *result, "{call}"),
                Err(error) => panic!("{call}: {error}"),
            }
        }
    }
}

#[test]
fn every_function_is_described() {
    for definition in Functions::builtin().definitions().filter(|d| d.origin == Origin::Dialect) {
        let random = ["RANDOM", "UUID"].contains(&definition.name);
        assert!(random || !definition.examples.is_empty(), "{} has no example", definition.name);
        assert!(definition.description.ends_with('.'), "{}", definition.name);
        for signature in definition.signatures {
            assert!(signature.starts_with(&format!("{}(", definition.name)), "{signature}");
        }
    }
}

#[test]
fn functions_are_found_in_any_case_and_by_kind() {
    let functions = Functions::builtin();
    let kind = |name| functions.get(name).map(|(definition, _)| definition.kind);
    assert_eq!(kind("ucase"), Some(FunctionKind::Scalar));
    assert_eq!(kind("Explode"), Some(FunctionKind::Table));
    assert_eq!(kind("no_such_function"), None);
}
