//! Tests of functions by what users write: a call, and the text of its result.

mod borrowed;
mod evaluate;
mod examples;
mod lambdas;
mod nested;
mod numbers;
mod operators;
mod overloads;
mod texts;
mod times;

use evaluate::evaluate;

/// Checks calls against the text of their results; `!` and a part of its message is an error.
fn check(cases: &[(&str, &str)]) {
    for (call, expected) in cases {
        match (evaluate(call), expected.strip_prefix('!')) {
            (Ok(result), None) => assert_eq!(result, *expected, "{call}"),
            (Err(error), Some(part)) => {
                assert!(error.to_string().contains(part), "{call}: {error}");
            }
            (Ok(result), Some(part)) => panic!("{call}: expected an error '{part}', got {result}"),
            (Err(error), None) => panic!("{call}: {error}"),
        }
    }
}
