//! No text makes the parser panic, run out of stack, or print something that it cannot read.

use sql::ast::Statement;
use sql::{ErrorCode, Splitter, lexer, parse, parse_expression};

/// Statements of every kind, to be damaged.
const SEEDS: &[&str] = &[
    "CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, `v w` ARRAY<STRUCT<a INT>>) \
     WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON', PARTITIONS = 3);",
    "CREATE STREAM s AS SELECT a->b[1], CAST(c AS MAP<STRING, INT>) d, x.*, y->* FROM l x LEFT JOIN r y \
     WITHIN (1 DAY, 2 HOURS) GRACE PERIOD 1 SECOND ON x.id = y.id WHERE a LIKE '%x!%' ESCAPE '!' \
     PARTITION BY a, b EMIT CHANGES;",
    "CREATE TABLE t AS SELECT k, COUNT(*) FROM s WINDOW HOPPING (SIZE 1 DAY, ADVANCE BY 1 HOUR, \
     RETENTION 2 DAYS, GRACE PERIOD 0 SECONDS) GROUP BY (k, REDUCE(m, 0, (p, q, r) => p + -r)) \
     HAVING COUNT(*) > 1 AND NOT k IS NULL EMIT FINAL;",
    "INSERT INTO s (a, b) VALUES (MAP('k' := ARRAY[1, 2.5E-3]), STRUCT(f := 'it''s')), (NULL, -7);",
    "WITH c AS (SELECT DISTINCT a FROM t ORDER BY 1) SELECT *, ROW_NUMBER() OVER (PARTITION BY a) FROM c, \
     (SELECT 1 UNION ALL SELECT 2) d WHERE a IN (SELECT a FROM e) AND EXISTS (SELECT 1) LIMIT 3;",
    "CREATE TABLE t AS WITH c AS (SELECT a, COUNT(*) n FROM s WINDOW TUMBLING (SIZE 1 DAY) GROUP BY a EMIT FINAL), \
     d AS (SELECT * FROM c x) SELECT y.a, z.n FROM (SELECT a FROM d UNION ALL SELECT b FROM e) y JOIN (SELECT a, n \
     FROM f PARTITION BY a) AS z WITHIN 1 HOUR ON y.a = z.a AND z.n > 1 UNION ALL SELECT * FROM g EMIT CHANGES;",
    "SELECT CASE a WHEN 1 THEN 'x' ELSE \"y\" END || 'z' FROM s WHERE a BETWEEN 1 AND 2 OR b IN (1, 2) \
     EMIT CHANGES LIMIT 10;",
    "DESCRIBE t EXTENDED; SHOW ALL TOPICS EXTENDED; EXPLAIN ANALYZE SELECT 1; SET 'a' = 'b'; DEFINE x = 'y'; \
     PRINT t FROM BEGINNING INTERVAL 2 LIMIT 3; TERMINATE ALL; /* c */ DROP STREAM s DELETE TOPIC; -- d",
    "ASSERT NOT EXISTS TOPIC 'x' WITH (PARTITIONS = 1) TIMEOUT 2 SECONDS; ASSERT NULL VALUES t (a) KEY (1); \
     ALTER STREAM s ADD COLUMN a INT, ADD b DECIMAL(4, 2); CREATE TYPE a AS STRUCT<x INT>;",
];

/// Pieces that are put in.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "'",
    "\"",
    "`",
    ",",
    ";",
    "->",
    "=>",
    ":=",
    "::",
    "*",
    "-",
    "--",
    "/*",
    "${",
    "$1",
    ".",
    "0",
    "1e9",
    "99999999999999999999",
    "é",
    "\u{0}",
    "\n",
    "SELECT ",
    " FROM ",
    "(SELECT ",
    " ARRAY<",
    " CASE ",
    " NOT ",
    " AS ",
    " EMIT CHANGES",
    " UNION ",
    " CAST(",
    " INTERVAL ",
    "FILTER ",
];

/// A small generator of numbers, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

#[test]
fn damaged_statements_are_parsed_or_refused() {
    let mut numbers = Numbers(0x5eed);
    for _ in 0..6_000 {
        let mut text = SEEDS[numbers.below(SEEDS.len())].to_owned();
        for _ in 0..=numbers.below(4) {
            text = damage(&text, &mut numbers);
        }
        check(&text);
    }
}

fn damage(text: &str, numbers: &mut Numbers) -> String {
    let tokens = lexer::tokenize(text);
    if tokens.is_empty() {
        return text.to_owned();
    }
    let one = tokens[numbers.below(tokens.len())].range.clone();
    let other = tokens[numbers.below(tokens.len())].range.clone();
    match numbers.below(4) {
        0 => format!("{}{}", &text[..one.start], &text[one.end..]),
        1 => format!("{} {} {}", &text[..one.start], &text[other], &text[one.end..]),
        2 => format!(
            "{}{}{}",
            &text[..one.start],
            PIECES[numbers.below(PIECES.len())],
            &text[one.end..]
        ),
        _ => text[..one.end].to_owned(),
    }
}

/// Errors can be shown; what is accepted prints to something that prints to itself.
fn check(text: &str) {
    let mut splitter = Splitter::new();
    splitter.push(text);
    while splitter.next_statement().is_some() {}
    match parse(text) {
        Err(error) => assert!(!error.render(text).is_empty() && !error.to_string().is_empty()),
        Ok(statements) => {
            let printed = print(&statements);
            match parse(&printed) {
                Ok(again) => assert_eq!(print(&again), printed, "from {text}"),
                Err(error) => panic!("from {text}\n{}", error.render(&printed)),
            }
        }
    }
}

fn print(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(20_000), close.repeat(20_000))
    };
    let expressions = [
        deep("(", "1", ")"),
        deep("f(", "1", ")"),
        deep("- ", "1", " "),
        deep("NOT ", "a", " "),
        deep("x => ", "1", ""),
        deep("CASE WHEN ", "1", " THEN 1 END"),
        deep("CAST(", "1", " AS INT)"),
        deep("ARRAY[", "1", "]"),
        deep("STRUCT(a := ", "1", ")"),
        deep("(SELECT ", "1", ")"),
        deep("a IN (SELECT ", "1", ")"),
        deep("", "1", " + 1"),
        deep("", "a", " IS NULL"),
        deep("", "a", "->a"),
        deep("", "a", "->a[1]"),
        deep("", "a", "::INT"),
        format!("CAST(a AS {})", deep("ARRAY<", "INT", ">")),
        format!("CAST(a AS {})", deep("", "INT", " ARRAY")),
        format!("a::{}", deep("ARRAY<", "INT", ">")),
        format!("a::{}", deep("", "INT", "[]")),
    ];
    for expression in expressions {
        let error = parse_expression(&expression).expect_err(&expression[..40]);
        assert_eq!(error.code(), ErrorCode::Nesting, "{}", &expression[..40]);
    }
}

#[test]
fn deep_queries_are_an_error() {
    let deep = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000))
    };
    for query in [
        deep("(", "SELECT 1", ")"),
        deep("SELECT * FROM (", "SELECT 1", ")"),
        deep("SELECT * FROM ((", "SELECT 1", "))"),
        deep("SELECT 1 UNION ", "SELECT 1", ""),
        deep("WITH a AS (", "SELECT 1", ") SELECT 1"),
        format!("SELECT * FROM {}", deep("(", "a", ")")),
    ] {
        assert!(parse(&query).is_err(), "{}", &query[..40]);
    }
}

#[test]
fn mistakes_deep_inside_are_found_quickly() {
    for query in ["SELECT * FROM (", "SELECT * FROM ((", "SELECT * FROM t WHERE a IN (SELECT f(x."]
    {
        for depth in 1..40 {
            assert!(parse(&query.repeat(depth)).is_err());
        }
    }
}

#[test]
fn long_expressions_are_fine() {
    let long = format!("a{}", " OR a".repeat(2_900));
    assert!(parse_expression(&long).is_ok());
    let values = format!("INSERT INTO t VALUES (1{});", ", -1".repeat(50_000));
    let parsed = parse(&values).expect("accepted");
    check(&parsed[0].to_string());
}
