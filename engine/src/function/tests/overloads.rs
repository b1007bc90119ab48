//! Which signature a call takes, and what is said if there is none.

use super::check;

#[test]
fn arguments_are_widened_where_one_signature_remains() {
    check(&[
        ("SQRT(4)", "2.0"),
        ("SQRT(CAST(6.25 AS DECIMAL(4, 2)))", "2.5"),
        ("FORMAT_DATE('2020-01-02', 'd')", "'2'"),
        ("SUBSTRING('abc', NULL)", "NULL"),
    ]);
}

#[test]
fn calls_that_fit_no_signature_are_told_which_there_are() {
    check(&[
        (
            "LCASE(5)",
            "!function 'lcase' does not accept parameters (INTEGER).\nvalid alternatives are:\n\
             LCASE(value STRING) → STRING",
        ),
        ("GREATEST()", "!function 'greatest' does not accept parameters ()."),
        ("GREATEST('a', 5)", "!function 'greatest' does not accept parameters (STRING, INTEGER)."),
        ("SUBSTRING('a', 1, 2, 3)", "!does not accept parameters"),
        ("MASK('a', 'X')", "!does not accept parameters"),
    ]);
}

#[test]
fn calls_that_fit_several_signatures_are_ambiguous() {
    check(&[
        (
            "GREATEST(1, CAST(2 AS BIGINT))",
            "!function 'greatest' cannot be resolved due to ambiguous method parameters (INTEGER, BIGINT).",
        ),
        ("LEAST(NULL, NULL)", "!ambiguous method parameters (NULL, NULL)"),
    ]);
}
