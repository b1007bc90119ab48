//! DataFusion's own functions, called as the dialect's are.

use super::check;
use crate::function::{Functions, Origin};

#[test]
fn they_take_and_give_the_types_of_the_dialect() {
    check(&[
        ("REVERSE('abc')", "'cba'"),
        ("SPLIT_PART('a,b', ',', 2)", "'b'"),
        ("STRPOS('abc', 'c') + 1", "4"),
        ("STARTS_WITH('abc', 'ab')", "true"),
        ("TO_HEX(255)", "'ff'"),
        ("GCD(12, 18)", "6"),
        ("LEVENSHTEIN('kitten', 'sitting')", "3"),
        ("ARRAY_POSITION(ARRAY['x', 'y'], 'y')", "2"),
        ("DATE_TRUNC('month', CAST('2020-02-29' AS DATE))", "2020-02-01T00:00:00.000"),
        ("DATE_PART('year', CAST('2020-02-29T10:00' AS TIMESTAMP))", "2020"),
        ("REGEXP_LIKE('abc', 'b+')", "true"),
    ]);
}

#[test]
fn what_they_do_not_take_is_the_users_mistake() {
    check(&[
        ("REVERSE(ARRAY[1], 2)", "!function 'reverse' does not accept parameters"),
        ("NOW()", "!there is no function NOW"),
    ]);
}

#[test]
fn the_dialect_keeps_its_names() {
    let functions = Functions::builtin();
    let origin = |name| functions.get(name).map(|(definition, _)| definition.origin);
    assert_eq!(origin("SUBSTRING"), Some(Origin::Dialect));
    assert_eq!(origin("COUNT"), Some(Origin::Dialect));
    assert_eq!(origin("SUBSTR"), Some(Origin::DataFusion));
    assert_eq!(origin("MEDIAN"), Some(Origin::DataFusion));
}
