//! Functions of arrays and maps, of nulls, and table functions.

use super::check;

#[test]
fn arrays_are_sets() {
    check(&[
        ("ARRAY_DISTINCT(ARRAY[ARRAY['a', NULL], ARRAY['a', NULL], NULL])", "[[a, null], null]"),
        ("ARRAY_DISTINCT(ARRAY[MAP('a' := 1), MAP('a' := 1)])", "[{a=1}]"),
        ("ARRAY_EXCEPT(ARRAY[0, 0, 1, 0, -1], ARRAY[1, -2])", "[0, -1]"),
        ("ARRAY_INTERSECT(ARRAY[0, 0, 1, 0, -1], ARRAY[1, -2, 0])", "[0, 1]"),
        ("ARRAY_UNION(ARRAY[0, 0, 1], CAST(NULL AS ARRAY<INTEGER>))", "NULL"),
        ("ARRAY_CONCAT(ARRAY[0, 3], CAST(NULL AS ARRAY<INTEGER>))", "[0, 3]"),
        ("ARRAY_CONCAT(CAST(NULL AS ARRAY<INTEGER>), CAST(NULL AS ARRAY<INTEGER>))", "NULL"),
        ("ARRAY_UNION(ARRAY[1], ARRAY[CAST(2 AS BIGINT)])", "[1, 2]"),
    ]);
}

#[test]
fn arrays_are_ordered() {
    check(&[
        ("ARRAY_SORT(ARRAY['foo', 'fo', 'Food', NULL, 'F'])", "[F, Food, fo, foo, null]"),
        ("ARRAY_SORT(ARRAY[1.0, -0.2, NULL, 9.0], 'desc')", "[9.0, 1.0, -0.2, null]"),
        ("ARRAY_SORT(ARRAY[1], 'sideways')", "NULL"),
        ("ARRAY_MIN(ARRAY[true, NULL, false])", "false"),
        ("ARRAY_MAX(CAST(ARRAY[NULL, 1] AS ARRAY<DOUBLE>))", "1.0"),
        ("ARRAY_MAX(ARRAY[CAST(NULL AS STRING)])", "NULL"),
    ]);
}

#[test]
fn arrays_are_searched_and_cut() {
    check(&[
        ("ARRAY_CONTAINS(ARRAY['Pink', NULL], 'Pink')", "true"),
        ("ARRAY_CONTAINS(CAST(NULL AS ARRAY<STRING>), 'Pink')", "false"),
        ("ARRAY_CONTAINS(ARRAY[CAST(1 AS BIGINT)], 1)", "true"),
        ("ARRAY_REMOVE(ARRAY['foo', NULL, 'bar'], NULL)", "[foo, bar]"),
        ("ARRAY_JOIN(ARRAY[1.23, -23.42], ' ')", "'1.23 -23.42'"),
        ("ARRAY_JOIN(ARRAY[true, NULL], NULL)", "'truenull'"),
        ("ARRAY_JOIN(ARRAY[ARRAY[1]])", "!simple values"),
        ("ARRAY_LENGTH(CAST(NULL AS ARRAY<INTEGER>))", "NULL"),
        ("SLICE(ARRAY['a', 'b', 'c'], NULL, 2)", "[a, b]"),
        ("SLICE(ARRAY['a', 'b', 'c'], 2, 9)", "NULL"),
    ]);
}

#[test]
fn maps_are_put_together() {
    check(&[
        ("AS_MAP(ARRAY['a', 'b', 'a'], ARRAY[1, 2, 3, 4])", "{a=3, b=2}"),
        (
            "MAP_UNION(MAP('foo' := 10, 'bar' := 20), MAP('foo' := 99, 'apple' := -1))",
            "{foo=99, bar=20, apple=-1}",
        ),
        ("MAP_UNION(CAST(NULL AS MAP<STRING, INTEGER>), MAP('a' := 1))", "{a=1}"),
        ("ENTRIES(CAST(NULL AS MAP<STRING, STRING>), true)", "NULL"),
        ("ENTRIES(MAP('b' := 2, 'a' := 1), false)[1]->K", "'b'"),
        ("MAP_KEYS(CAST(NULL AS MAP<STRING, STRING>))", "NULL"),
    ]);
}

#[test]
fn nulls_are_replaced_and_made() {
    check(&[
        ("COALESCE(CAST(NULL AS INTEGER), CAST(NULL AS INTEGER))", "NULL"),
        ("COALESCE(NULL, CAST(NULL AS ARRAY<INTEGER>), ARRAY[1])", "[1]"),
        ("COALESCE(NULL, NULL)", "!cannot infer the type"),
        ("IFNULL(CAST(NULL AS ARRAY<INTEGER>), ARRAY[10, 20])", "[10, 20]"),
        ("NULLIF(ARRAY[1, 2], ARRAY[1, 2])", "NULL"),
        ("NULLIF('X', 'x')", "'X'"),
        ("NULLIF(CAST(NULL AS STRING), 'x')", "NULL"),
    ]);
}

#[test]
fn cubes_leave_out_combinations_that_are_the_same() {
    check(&[
        ("CUBE_EXPLODE(ARRAY[1, NULL])", "[[null, null], [1, null]]"),
        ("CUBE_EXPLODE(CAST(NULL AS ARRAY<INTEGER>))", "NULL"),
        (
            "EXPLODE(MAP('a' := 1))",
            "!function 'explode' does not accept parameters (MAP<STRING, INTEGER>)",
        ),
    ]);
}
