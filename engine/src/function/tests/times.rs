//! Date and time functions.

use super::check;

#[test]
fn patterns_print_and_parse() {
    check(&[
        ("FORMAT_DATE(FROM_DAYS(-1), 'dd-MM-yyyy''Sophia''')", "'31-12-1969Sophia'"),
        ("FORMAT_TIME('00:20:34.567', 'HHmmss''AAAAA''')", "'002034AAAAA'"),
        ("FORMAT_TIME('00:20', 'yyyy')", "!which a TIME does not have"),
        ("PARSE_DATE('2018-05-11Lit', 'yyyy-MM-dd''Lit''')", "2018-05-11"),
        ("PARSE_DATE('JAN-2022', 'MMM-yyyy')", "2022-01-01"),
        ("PARSE_DATE('2003-12-24-01-01', 'yyyy-MM-dd')", "2003-12-24"),
        ("STRINGTODATE('2003-12-24-01-01', 'yyyy-MM-dd')", "!unexpected text at 11"),
        ("PARSE_DATE('foo', 'yyyyMMdd')", "!does not match the pattern"),
        ("PARSE_TIME('01:00:00 Pm', 'hh:mm:ss a')", "13:00"),
        (
            "PARSE_TIMESTAMP('2018-05-11T21:58:33 PST', 'yyyy-MM-dd''T''HH:mm:ss zzz')",
            "2018-05-12T04:58:33.000",
        ),
        (
            "TIMESTAMPTOSTRING(1526075913000, 'yyyy-MM-dd HH:mm:ss zzz', 'America/Los_Angeles')",
            "'2018-05-11 14:58:33 PDT'",
        ),
        (
            "STRINGTOTIMESTAMP('2018-05-11', 'yyyy-MM-dd', 'Nowhere')",
            "!unknown time zone 'Nowhere'",
        ),
        ("FORMAT_DATE('2020-01-01', CAST(NULL AS STRING))", "NULL"),
    ]);
}

#[test]
fn zones_convert_local_times() {
    check(&[
        (
            "UNIX_TIMESTAMP(CONVERT_TZ(FROM_UNIXTIME(1589234313000), '+0200', '+0500'))",
            "1589245113000",
        ),
        (
            "UNIX_TIMESTAMP(CONVERT_TZ(FROM_UNIXTIME(100), 'America/Los_Angeles', 'America/New_York'))",
            "10800100",
        ),
    ]);
}

#[test]
fn units_are_added() {
    check(&[
        ("DATEADD('HOURS', 36, '2020-01-01')", "2020-01-02"),
        ("DATESUB('DAYS', 10, FROM_DAYS(5))", "1969-12-27"),
        ("TIMESUB('MILLISECONDS', 10, '00:00:00.005')", "23:59:59.995"),
        ("TIMESTAMPADD('MILLISECONDS', 10, FROM_UNIXTIME(10))", "1970-01-01T00:00:00.020"),
        ("TIMESTAMPADD('MONTHS', 1, '2021-01-31T10:00')", "2021-02-28T10:00:00.000"),
        ("DATEADD('DAYS', NULL, '2020-01-01')", "NULL"),
        ("DATEADD('PARSECS', 1, '2020-01-01')", "!unknown unit of time 'PARSECS'"),
        (
            "DATEADD(CAST('2020-01-01' AS DATE), 5, CAST('2020-01-01' AS DATE))",
            "!function 'dateadd' does not accept parameters (DATE, INTEGER, DATE)",
        ),
    ]);
}

#[test]
fn the_clock_is_read() {
    check(&[("UNIX_DATE() > 20000", "true"), ("UNIX_TIMESTAMP() > 1700000000000", "true")]);
}
