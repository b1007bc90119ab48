//! Arithmetic, casts, subscripts, constructors.

use super::check;

#[test]
fn integers_wrap_and_widen() {
    check(&[
        ("2147483647 + 1", "-2147483648"),
        ("2147483647 + CAST(1 AS BIGINT)", "2147483648"),
        ("-7 / 2", "-3"),
        ("-7 % 2", "-1"),
        ("(-2147483647 - 1) / -1", "-2147483648"),
        ("1 / 0", "!zero"),
        ("1 + CAST(NULL AS INTEGER)", "NULL"),
        ("6 % 4 / 2 * 6", "6"),
    ]);
}

#[test]
fn doubles_follow_ieee() {
    check(&[("1e0 / 0", "Infinity"), ("0e0 / 0", "NaN"), ("7e0 % 2", "1.0"), ("1e0 + 1.5", "2.5")]);
}

#[test]
fn decimals_are_exact() {
    check(&[
        ("1.10 + 2", "3.10"),
        ("1.10 * 2.5", "2.750"),
        ("1.0 / 3", "0.333333333333"),
        ("7.5 % 2", "1.5"),
        ("1.0 / 0", "!division by zero"),
        ("9999999999999999999999999999999999999.0 * 10", "!overflow"),
    ]);
}

#[test]
fn texts_are_joined_and_nothing_else() {
    check(&[
        ("'a' + 'b'", "'ab'"),
        ("'a' + 1", "!unsupported arithmetic: STRING + INTEGER"),
        ("true + 1", "!unsupported arithmetic: BOOLEAN + INTEGER"),
    ]);
}

#[test]
fn casts_to_text_print_as_java() {
    check(&[
        ("CAST(1e10 AS STRING)", "'1.0E10'"),
        ("CAST(ARRAY[1, NULL] AS STRING)", "'[1, null]'"),
        ("CAST(MAP('a' := 1e0) AS STRING)", "'{a=1.0}'"),
        (
            "CAST(STRUCT(F0 := 1, f1 := 'x', g := CAST(NULL AS INTEGER)) AS STRING)",
            "'Struct{F0=1,f1=x}'",
        ),
        ("CAST(CAST('2022-02-02' AS DATE) AS STRING)", "'2022-02-02'"),
        ("CAST(TO_BYTES('a', 'utf8') AS STRING)", "!cast of BYTES to STRING is not supported"),
    ]);
}

#[test]
fn casts_from_text_parse_as_java() {
    check(&[
        ("CAST(' 12 ' AS INTEGER)", "12"),
        ("CAST('twelve' AS INTEGER)", "!invalid input syntax for type INTEGER: \"twelve\""),
        ("CAST('1.25' AS DOUBLE)", "1.25"),
        ("CAST('1.255' AS DECIMAL(4, 2))", "1.26"),
        ("CAST('2e1' AS DECIMAL(4, 1))", "20.0"),
        ("CAST('TRUE' AS BOOLEAN)", "true"),
        ("CAST('yes' AS BOOLEAN)", "false"),
        ("CAST('2020-02-29T10:11' AS TIMESTAMP)", "2020-02-29T10:11:00.000"),
        ("CAST('10:11:12' AS TIME)", "10:11:12"),
        ("CAST('x' AS ARRAY<INTEGER>)", "!cast of STRING to ARRAY<INTEGER> is not supported"),
    ]);
}

#[test]
fn casts_between_numbers_lose_what_java_loses() {
    check(&[
        ("CAST(2147483648 AS INTEGER)", "-2147483648"),
        ("CAST(-1.9 AS INTEGER)", "-1"),
        ("CAST(1e300 AS BIGINT)", "9223372036854775807"),
        ("CAST(1.005 AS DECIMAL(3, 2))", "1.01"),
        ("CAST(1e-1 AS DECIMAL(3, 2))", "0.10"),
        ("CAST(1000 AS DECIMAL(3, 0))", "!numeric field overflow: 1000 does not fit DECIMAL(3, 0)"),
        ("CAST(1.10 AS DOUBLE)", "1.1"),
    ]);
}

#[test]
fn casts_of_nested_values_go_by_element() {
    check(&[
        ("CAST(ARRAY[ARRAY[1], NULL] AS ARRAY<ARRAY<STRING>>)", "[[1], null]"),
        ("CAST(MAP('k' := '10') AS MAP<STRING, INTEGER>)", "{k=10}"),
        ("CAST(STRUCT(F0 := 1, F1 := 2) AS STRUCT<F0 STRING>)", "Struct{F0=1}"),
        ("CAST(STRUCT(F0 := 1) AS STRUCT<F3 STRING>)", "Struct{}"),
        ("CAST(CAST('2020-02-29T10:11' AS TIMESTAMP) AS DATE)", "2020-02-29"),
        ("CAST(CAST('2020-02-29' AS DATE) AS TIMESTAMP)", "2020-02-29T00:00:00.000"),
    ]);
}

#[test]
fn elements_are_taken_out() {
    check(&[
        ("ARRAY['a', 'b'][1]", "'a'"),
        ("ARRAY['a', 'b'][-1]", "'b'"),
        ("ARRAY['a', 'b'][0]", "NULL"),
        ("ARRAY['a', 'b'][3]", "NULL"),
        ("MAP('a' := 1)['a']", "1"),
        ("MAP('a' := 1)['b']", "NULL"),
        ("STRUCT(A := STRUCT(B := 1))->A->B", "1"),
        ("CAST(NULL AS STRUCT<A INTEGER>)->A", "NULL"),
        ("STRUCT(A := 1)->B", "!there is no field 'B': the struct has A"),
        ("ARRAY[1]['x']", "!whole number"),
        ("5[1]", "!INTEGER has no elements"),
    ]);
}

#[test]
fn constructors_unify_their_elements() {
    check(&[
        ("ARRAY[NULL, 10, CAST(40 AS BIGINT)]", "[null, 10, 40]"),
        (
            "ARRAY[STRUCT(X := 1, Y := 2), STRUCT(Y := 3, Z := 4)]",
            "[Struct{X=1,Y=2}, Struct{Y=3,Z=4}]",
        ),
        ("ARRAY[1, 'x']", "!no common type"),
        ("ARRAY[]", "!cannot be empty"),
        ("ARRAY[NULL]", "!all NULL elements"),
        ("MAP('a' := 1, 'a' := 2, 'b' := NULL)", "{a=2, b=null}"),
        ("MAP('a' := 1, NULL := 10)", "{a=1, null=10}"),
        ("MAP('a' := NULL)", "!all NULL values"),
        ("STRUCT(A := 1, A := 2)", "!duplicate field names"),
    ]);
}
