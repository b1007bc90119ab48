//! Numeric functions.

use super::check;

#[test]
fn functions_keep_the_type_of_their_argument() {
    check(&[
        ("ABS(-7)", "7"),
        ("ABS(CAST(-7 AS BIGINT))", "7"),
        ("ABS(-7.25)", "7.25"),
        ("ABS(-1e0)", "1.0"),
        ("ABS(CAST(NULL AS INTEGER))", "NULL"),
        ("CEIL(5)", "5"),
        ("CEIL(1.01)", "2.00"),
        ("FLOOR(-1.01)", "-2.00"),
        ("FLOOR(-15e-1)", "-2.0"),
        ("SIGN(-2.5)", "-1"),
    ]);
}

#[test]
fn rounding_goes_by_decimal_digits() {
    check(&[
        ("ROUND(15e-1)", "2"),
        ("ROUND(-15e-1)", "-1"),
        ("ROUND(9.9)", "10"),
        ("ROUND(12345678987654321.2345678987654321)", "12345678987654321"),
        ("ROUND(12345678987654321.2345678987654321, 10)", "12345678987654321.2345678988000000"),
        ("ROUND(12345678987654321.2345678987654321, -2)", "12345678987654300.0000000000000000"),
        ("ROUND(1005e-3, 2)", "1.01"),
        ("ROUND(125, -1)", "130"),
        ("TRUNC(111.0000000, -2)", "100.0000000"),
        ("TRUNC(1.2345670, 2)", "1.2300000"),
        ("TRUNC(-17e-1)", "-1"),
        ("ROUND(1.5, CAST(NULL AS INTEGER))", "NULL"),
    ]);
}

#[test]
fn functions_of_real_numbers_leave_their_domain_quietly() {
    check(&[
        ("ACOS(2)", "NaN"),
        ("LOG(-13)", "NaN"),
        ("LOG(0)", "-Infinity"),
        ("LOG(13)", "2.5649493574615367"),
        ("SQRT(2)", "1.4142135623730951"),
        ("EXP(1)", "2.718281828459045"),
        ("POWER(15, -1)", "0.06666666666666667"),
        ("POWER(15, 13)", "1.946195068359375E15"),
        ("COT(CAST(NULL AS DOUBLE))", "NULL"),
    ]);
}

#[test]
fn extremes_leave_nulls_out() {
    check(&[
        ("GREATEST(CAST(NULL AS INTEGER), CAST(NULL AS INTEGER))", "NULL"),
        ("GREATEST(1.5, NULL, 10.25)", "10.25"),
        ("LEAST('apple', 'banana', NULL, 'aardvark')", "'aardvark'"),
        ("LEAST(CAST('2022-06-15' AS DATE), '2022-06-14')", "2022-06-14"),
    ]);
}

#[test]
fn series_go_either_way() {
    check(&[
        ("GENERATE_SERIES(4, 3)", "[4, 3]"),
        ("GENERATE_SERIES(-2, 1, 2)", "[-2, 0]"),
        ("GENERATE_SERIES(1, -2, -2)", "[1, -1]"),
        ("GENERATE_SERIES(1, CAST(3 AS BIGINT))", "[1, 2, 3]"),
        ("GENERATE_SERIES(1, NULL)", "NULL"),
        ("GENERATE_SERIES(1, 3, 0)", "!must not be"),
        ("GENERATE_SERIES(1, 3, -1)", "!leads away from 3"),
        ("GENERATE_SERIES(0, 2000000000)", "!more than"),
    ]);
}

#[test]
fn distances_are_great_circles() {
    check(&[
        ("GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122)", "8634.659796579546"),
        ("GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, NULL)", "8634.659796579546"),
        ("GEO_DISTANCE(-33.9323, 18.4197, -33.8666, 151.1, 'MI')", "6838.756491533589"),
        ("GEO_DISTANCE(1, 2, 3, 4, 'feet')", "!use 'KM' or 'MI'"),
        ("GEO_DISTANCE(91, 2, 3, 4)", "!latitude 91 is not between"),
    ]);
}
