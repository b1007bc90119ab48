//! What is accepted, as canonical text; what is refused, as it is shown to the user.

use crate::ast::{ExplainTarget, Query, StatementKind};
use crate::{Error, ErrorCode, parse, parse_expression};

/// Parses one statement and compares its canonical text, which has to be stable.
#[track_caller]
fn check(typed: &str, canonical: &str) {
    let printed = print(typed);
    assert_eq!(printed, canonical);
    assert_eq!(print(&printed), canonical);
}

#[track_caller]
fn print(text: &str) -> String {
    match parse(text).as_deref() {
        Ok([statement]) => statement.to_string(),
        Ok(statements) => panic!("{} statements in {text}", statements.len()),
        Err(error) => panic!("{}", error.render(text)),
    }
}

/// Statements that are canonical as they stand.
#[track_caller]
fn same(text: &str) {
    check(text, text);
}

#[track_caller]
fn refused(text: &str) -> Error {
    parse(text).expect_err(text)
}

/// Compares the whole message.
#[track_caller]
fn check_error(text: &str, shown: &str) {
    assert_eq!(refused(text).render(text), shown.trim_matches('\n'));
}

#[track_caller]
fn query(text: &str) -> Query {
    match parse(text).map(|mut statements| statements.remove(0).kind) {
        Ok(StatementKind::Query(query)) => query,
        Ok(other) => panic!("{other} is no query"),
        Err(error) => panic!("{}", error.render(text)),
    }
}

#[test]
fn create() {
    same(
        "CREATE STREAM S (ID BIGINT KEY, `v` STRING) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON')",
    );
    same(
        "CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS T (ID BIGINT PRIMARY KEY) WITH (PARTITIONS = 3)",
    );
    check(
        "create stream s with ('kafka_topic'='x', partitions='2')",
        "CREATE STREAM S WITH (KAFKA_TOPIC = 'x', PARTITIONS = 2)",
    );
    same("CREATE STREAM S AS SELECT * FROM A EMIT CHANGES");
    same("CREATE OR REPLACE TABLE IF NOT EXISTS T WITH (FORMAT = 'JSON') AS SELECT A FROM B");
    same("CREATE TYPE IF NOT EXISTS ADDRESS AS STRUCT<STREET STRING, CITY STRING>");
    same(
        "CREATE STREAM S (H ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS, B BYTES HEADER('b')) WITH (FORMAT = 'JSON')",
    );
    same(
        "CREATE TABLE T (K INTEGER PRIMARY KEY) WITH (WINDOW_TYPE = 'HOPPING', WINDOW_SIZE = '1 HOUR')",
    );
}

#[test]
fn change_and_drop() {
    check(
        "alter stream s add column a int, add b bigint",
        "ALTER STREAM S ADD COLUMN A INTEGER, ADD COLUMN B BIGINT",
    );
    same("DROP TABLE IF EXISTS T DELETE TOPIC");
    same("DROP TYPE IF EXISTS ADDRESS");
}

#[test]
fn insert() {
    same("INSERT INTO S WITH (QUERY_ID = 'q') SELECT A FROM B");
    same("INSERT INTO S VALUES (1, 'a', NULL)");
    check(
        "insert into s (a, `b`) values (1, -2.50), (array[1], map('k' := 2))",
        "INSERT INTO S (A, `b`) VALUES (1, -2.50), (ARRAY[1], MAP('k' := 2))",
    );
}

#[test]
fn admin() {
    for text in [
        "TERMINATE ALL",
        "PAUSE CSAS_S_0",
        "RESUME ALL",
        "SHOW STREAMS EXTENDED",
        "SHOW ALL TOPICS EXTENDED",
        "SHOW TOPICS",
        "SHOW QUERIES",
        "SHOW FUNCTIONS",
        "SHOW PROPERTIES",
        "SHOW TYPES",
        "SHOW VARIABLES",
        "SHOW COLUMNS FROM S",
        "SHOW GROUPS",
        "DESCRIBE S EXTENDED",
        "DESCRIBE FUNCTION LEN",
        "DESCRIBE STREAMS",
        "DESCRIBE TABLES EXTENDED",
        "SET 'a.b' = 'c'",
        "UNSET 'a.b'",
        "DEFINE X = 'it''s'",
        "UNDEFINE X",
        "PRINT 'Topic' FROM BEGINNING INTERVAL 2 LIMIT 3",
        "RUN SCRIPT 'a.sql'",
        "EXPORT CATALOG",
        "VERIFY T",
        "BACKUP TO '/backups/it''s'",
        "EXPLAIN ANALYZE CTAS_T_1",
        "EXPLAIN CREATE STREAM S AS SELECT * FROM A",
    ] {
        same(text);
    }
    check("list tables", "SHOW TABLES");
    check("show consumer groups", "SHOW GROUPS");
    check("set auto.offset.reset to earliest", "SET 'auto.offset.reset' = 'earliest'");
    check("set x = -1", "SET 'x' = '-1'");
    check("print myTopic sample 5", "PRINT 'myTopic' INTERVAL 5");
    check("describe `STREAMS`", "DESCRIBE `STREAMS`");
}

#[test]
fn assertions() {
    for text in [
        "ASSERT NOT EXISTS TOPIC 't' WITH (PARTITIONS = 1, REPLICAS = 1) TIMEOUT 10 SECONDS",
        "ASSERT SCHEMA SUBJECT 'x-value' ID 3 TIMEOUT 1 MINUTE",
        "ASSERT VALUES S (A, ROWTIME) VALUES (1, 2)",
        "ASSERT NULL VALUES T (K) KEY ('a')",
        "ASSERT STREAM S (A INTEGER KEY) WITH (KAFKA_TOPIC = 's')",
        "ASSERT TABLE T (A INTEGER PRIMARY KEY) WITH (KAFKA_TOPIC = 't')",
    ] {
        same(text);
    }
}

#[test]
fn select() {
    check(
        "select a, b as c, d e, t.*, f->* from s t",
        "SELECT A, B AS C, D AS E, T.*, F->* FROM S AS T",
    );
    same(
        "SELECT * FROM A INNER JOIN B WITHIN 1 HOUR GRACE PERIOD 5 MINUTES ON A.X = B.X EMIT CHANGES",
    );
    same("SELECT * FROM A FULL JOIN B WITHIN (1 DAY, 2 DAYS) ON A.X = B.X");
    check(
        "select * from a left outer join b on a.x=b.x right join c on b.y=c.y",
        "SELECT * FROM A LEFT JOIN B ON A.X = B.X RIGHT JOIN C ON B.Y = C.Y",
    );
    same(
        "SELECT K, COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 DAY, RETENTION 2 DAYS, GRACE PERIOD 0 SECONDS) GROUP BY (K) EMIT FINAL",
    );
    same(
        "SELECT K FROM S WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 1 SECOND) WHERE A GROUP BY (K, B + 1) HAVING COUNT(*) > 1",
    );
    check(
        "select k from s window w session (1 minutes) group by k",
        "SELECT K FROM S WINDOW SESSION (1 MINUTE) GROUP BY (K)",
    );
    same("SELECT K FROM S PARTITION BY (A, B) EMIT CHANGES LIMIT 5");
    check("select partition, emit, size from stream", "SELECT PARTITION, EMIT, SIZE FROM STREAM");
    check(
        "select 1 as `from` from s emit emit changes",
        "SELECT 1 AS `from` FROM S AS EMIT EMIT CHANGES",
    );
    check("select count(*) filter, 1st from s", "SELECT COUNT(*) AS FILTER, `1ST` FROM S");
}

#[test]
fn own_shape_and_general() {
    let general = [
        "SELECT 1",
        "SELECT DISTINCT a FROM t",
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t UNION ALL SELECT b FROM u",
        "WITH c AS (SELECT a FROM t) SELECT * FROM c",
        "SELECT * FROM (SELECT a FROM t) x",
        "SELECT * FROM t, u",
        "SELECT * FROM t CROSS JOIN u",
        "SELECT * FROM t WHERE a IN (SELECT b FROM u)",
        "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t",
        "SELECT * FROM public.t",
        "SELECT * FROM t LIMIT 5 OFFSET 2",
        "SELECT a::INT FROM t WHERE b ~ 'x' LIMIT $1",
        "VALUES (1), (2)",
        "SELECT a FROM t MINUS SELECT b FROM u",
        "SELECT EXTRACT(YEAR FROM a), TRIM(BOTH 'x' FROM b), CURRENT_DATE, INTERVAL '1' DAY FROM t ORDER BY 1 DESC",
        "SELECT a, SUM(b) FILTER (WHERE c > 1) FROM t GROUP BY ROLLUP (a)",
        "SELECT DISTINCT a FROM t EMIT CHANGES LIMIT 3",
    ];
    for text in general {
        assert!(matches!(query(text), Query::General { .. }), "{text}");
        let printed = print(text);
        assert_eq!(print(&printed), printed);
    }
    for text in [
        "SELECT * FROM t LIMIT 5",
        "SELECT a FROM t GROUP BY a",
        "SELECT a FROM t PARTITION BY (SELECT 1)",
    ] {
        assert!(matches!(query(text), Query::Select(_)), "{text}");
    }
}

#[test]
fn queries_over_queries_that_run_on() {
    for text in [
        "CREATE STREAM A AS SELECT * FROM (SELECT B FROM C WHERE (B > 1)) AS D",
        "CREATE STREAM A AS SELECT X.B FROM B AS X JOIN (SELECT * FROM B) AS Y WITHIN 1 HOURS ON X.C = Y.C AND X.D < Y.D",
        "CREATE TABLE A AS SELECT N, COUNT(*) FROM (SELECT COUNT(*) AS N FROM B WINDOW TUMBLING (SIZE 1 DAYS) GROUP BY (C) EMIT FINAL) AS D GROUP BY (N)",
        "INSERT INTO A SELECT B FROM C UNION ALL SELECT B FROM D UNION ALL SELECT B FROM E EMIT CHANGES",
        "WITH A AS (SELECT B FROM C PARTITION BY (B)), D AS (SELECT * FROM A AS E) SELECT * FROM D EMIT CHANGES LIMIT 3",
    ] {
        let printed = print(text);
        assert_eq!(print(&printed), printed);
        let parsed = parse(text).expect(text).remove(0).kind;
        let query = match &parsed {
            StatementKind::CreateAs { query, .. } | StatementKind::InsertInto { query, .. } => {
                query
            }
            StatementKind::Query(query) => query,
            other => panic!("{other} has no query"),
        };
        assert!(matches!(query, Query::Nested(_)), "{text}");
    }
    // Nothing of it is nested, or is asked once, or is beyond our shape.
    let one = "CREATE STREAM A AS SELECT B FROM C";
    assert!(matches!(
        &parse(one).expect(one)[0].kind,
        StatementKind::CreateAs { query: Query::Select(_), .. }
    ));
    let once = "SELECT * FROM (SELECT B FROM C) AS D";
    assert!(matches!(query(once), Query::General { .. }));
    let beyond = "SELECT * FROM (SELECT B FROM C WHERE B IN (SELECT D FROM E)) AS F EMIT CHANGES";
    assert!(matches!(query(beyond), Query::General { .. }));
}

#[test]
fn mistakes_in_queries_over_queries_are_found_where_they_are() {
    for (text, place) in [
        (
            "CREATE STREAM A AS SELECT * FROM (SELECT B FROM C WINDOW TUMBLNG (SIZE 1 DAY)) D;",
            "TUMBLNG",
        ),
        ("CREATE STREAM A AS WITH B AS SELECT C FROM D SELECT * FROM B;", "SELECT C"),
        ("CREATE STREAM A AS SELECT B FROM C UNION ALL SELEC B FROM D;", "SELEC "),
    ] {
        let found = refused(text).span().start.column;
        assert_eq!(Some(found as usize), text.find(place).map(|at| at + 1), "{text}");
    }
}

#[test]
fn general_queries_print_our_expressions() {
    check(
        "with c as (select a->b x from t) select transform(x, (k, v) => 'a''''b') from c order by 1",
        "WITH C AS (SELECT A->B AS X FROM T) SELECT TRANSFORM(X, (K, V) => 'a''''b') FROM C ORDER BY 1",
    );
}

#[test]
fn own_shape_as_a_general_query() {
    let plain = "SELECT A AS B, T.*, S->* FROM T AS X LEFT JOIN U ON X.I = U.I WHERE A GROUP BY (A) HAVING B LIMIT 3";
    let Query::Select(select) = query(plain) else { panic!("not our shape") };
    let general = select.to_general().map(|query| query.to_string());
    let expected = "SELECT A AS B, T.*, S -> A.* FROM T AS X LEFT JOIN U ON X.I = U.I WHERE A GROUP BY A HAVING B LIMIT 3";
    assert_eq!(general.map(|text| text.replace("S.*", "S -> A.*")).as_deref(), Some(expected));
    let Query::Select(select) = query("SELECT A FROM T PARTITION BY A") else {
        panic!("not our shape")
    };
    assert!(select.to_general().is_none());
}

#[test]
fn scripts_keep_text_and_place() {
    let text = "-- first\nSHOW STREAMS;;\n  select 1 ; explain\nshow tables";
    let statements = parse(text).expect("accepted");
    let texts: Vec<_> = statements.iter().map(|statement| statement.text.as_str()).collect();
    assert_eq!(texts, ["SHOW STREAMS", "select 1", "explain\nshow tables"]);
    let places: Vec<_> =
        statements.iter().map(|s| (s.span.start.line, s.span.start.column)).collect();
    assert_eq!(places, [(2, 1), (3, 3), (3, 14)]);
    let StatementKind::Explain { target: ExplainTarget::Statement(explained), .. } =
        &statements[2].kind
    else {
        panic!("not an EXPLAIN");
    };
    assert_eq!(explained.text, "show tables");
    assert_eq!(explained.span.start.line, 4);
}

#[test]
fn unsupported_statements_are_recognised() {
    for (text, what) in [
        ("CREATE SINK CONNECTOR c WITH ('a' = 'b')", "CREATE CONNECTOR"),
        ("DROP CONNECTOR c", "DROP CONNECTOR"),
        ("SHOW CONNECTORS", "SHOW CONNECTORS"),
        ("DESCRIBE CONNECTOR c", "DESCRIBE CONNECTOR"),
        ("ALTER SYSTEM 'a' = 'b'", "ALTER SYSTEM"),
    ] {
        let statement = parse(text).expect("accepted").remove(0);
        assert!(
            matches!(&statement.kind, StatementKind::NotSupported { what: w, .. } if w == what),
            "{text}"
        );
        assert_eq!(statement.to_string(), text);
    }
}

#[test]
fn precedence() {
    let same_tree = |a: &str, b: &str| {
        let strip =
            |text: &str| format!("{:?}", unnested(parse_expression(text).expect("accepted")));
        assert_eq!(strip(a), strip(b), "{a}");
    };
    same_tree("a or b and c", "a or (b and c)");
    same_tree("not a = b and c", "(not (a = b)) and c");
    same_tree("a is distinct from b and c", "(a is distinct from b) and c");
    same_tree("-a->b * c + d", "((-(a->b)) * c) + d");
    same_tree("'x' || a + 1 = b", "('x' || (a + 1)) = b");
    same_tree("a between 1 and 2 and b", "(a between 1 and 2) and b");
}

/// The expression without brackets and places.
fn unnested(mut expr: crate::ast::Expr) -> String {
    use sqlparser::ast::visit_expressions_mut;
    let _: std::ops::ControlFlow<()> = visit_expressions_mut(&mut expr, |expr| {
        let operator = match expr {
            sqlparser::ast::Expr::Nested(inner) => inner.to_string(),
            sqlparser::ast::Expr::Identifier(_) | sqlparser::ast::Expr::Value(_) => {
                expr.to_string()
            }
            ref other => format!("[{other}]"),
        };
        *expr = sqlparser::ast::Expr::Identifier(crate::ast::Ident::new(operator));
        std::ops::ControlFlow::Continue(())
    });
    expr.to_string()
}

#[test]
fn errors_show_place_and_expectation() {
    check_error(
        "SELECT a EMIT CHANGES",
        "
error[syntax]: expected FROM, found EMIT
  line 1, column 10
    SELECT a EMIT CHANGES
             ^^^^",
    );
    check_error(
        "CREATE STREM s AS SELECT * FROM t",
        "
error[syntax]: expected STREAM, TABLE, TYPE, SOURCE or OR REPLACE, found STREM
  line 1, column 8
    CREATE STREM s AS SELECT * FROM t
           ^^^^^
  hint: did you mean STREAM?",
    );
    check_error(
        "SHOW STREAMS;\nSELECT *\nFROM t WEHRE a = 1",
        "
error[syntax]: expected end of statement, found WEHRE
  line 3, column 8
    FROM t WEHRE a = 1
           ^^^^^
  hint: did you mean WHERE?",
    );
    check_error(
        "SELECT a FROM",
        "
error[syntax]: expected a stream or table name, found end of text
  line 1, column 14
    SELECT a FROM
                 ^",
    );
    check_error(
        "SELECT * FROM (SELECT a FROM t WHERE) x",
        "
error[syntax]: expected an expression, found )
  line 1, column 37
    SELECT * FROM (SELECT a FROM t WHERE) x
                                        ^",
    );
    check_error(
        "SELECT f(a FROM t",
        "
error[syntax]: expected ), found FROM
  line 1, column 12
    SELECT f(a FROM t
               ^^^^",
    );
    check_error(
        "SELECT a, FROM t",
        "
error[syntax]: expected an expression, found FROM
  line 1, column 11
    SELECT a, FROM t
              ^^^^",
    );
}

#[test]
fn errors_of_values_and_types() {
    check_error(
        "CREATE TABLE t (id INT KEY) WITH (FORMAT='JSON')",
        "
error[column]: the column ID is declared as KEY
  line 1, column 17
    CREATE TABLE t (id INT KEY) WITH (FORMAT='JSON')
                    ^^^^^^^^^^
  hint: use PRIMARY KEY for tables",
    );
    check_error(
        "CREATE STREAM s (a INT) WITH (KAFKA_TOPC='x')",
        "
error[property]: there is no property KAFKA_TOPC
  line 1, column 31
    CREATE STREAM s (a INT) WITH (KAFKA_TOPC='x')
                                  ^^^^^^^^^^
  hint: did you mean KAFKA_TOPIC?",
    );
    check_error(
        "CREATE STREAM s (a INT) WITH (PARTITIONS='x')",
        "
error[property]: expected a whole number from 1 for PARTITIONS, found 'x'
  line 1, column 42
    CREATE STREAM s (a INT) WITH (PARTITIONS='x')
                                             ^^^",
    );
    check_error(
        "SELECT * FROM s WINDOW TUMBLING (SIZE 10 SECOND_) GROUP BY a",
        "
error[syntax]: expected a unit: DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS, found SECOND_
  line 1, column 42
    SELECT * FROM s WINDOW TUMBLING (SIZE 10 SECOND_) GROUP BY a
                                             ^^^^^^^
  hint: did you mean SECONDS?",
    );
    check_error(
        "SELECT 9223372036854775808 FROM s",
        "
error[literal]: the number 9223372036854775808 does not fit BIGINT
  line 1, column 8
    SELECT 9223372036854775808 FROM s
           ^^^^^^^^^^^^^^^^^^^
  hint: write 9223372036854775808.0 for a DECIMAL",
    );
    check_error(
        "SELECT 'abc FROM s",
        "
error[literal]: the string is not closed
  line 1, column 8
    SELECT 'abc FROM s
           ^^^^^^^^^^^
  hint: add the closing '",
    );
    check_error(
        "CREATE STREAM s AS SELECT * FROM EXPLODE(a)",
        "
error[syntax]: expected a stream or table in FROM, found a table function
  line 1, column 34
    CREATE STREAM s AS SELECT * FROM EXPLODE(a)
                                     ^^^^^^^
  hint: table functions such as EXPLODE stand in the SELECT list",
    );
}

#[test]
fn refused_with_their_class() {
    use ErrorCode::*;
    for (text, code) in [
        ("SELECT CAST(a AS NULL) FROM s", Syntax),
        ("SELECT a FROM s GROUP BY b, (c, d)", Syntax),
        ("SELECT a FROM s GROUP BY b AND c", Syntax),
        ("SELECT a FROM s WHERE b IN ()", Syntax),
        ("CREATE STREAM s (a INT (KEY)) WITH (FORMAT='JSON')", Syntax),
        ("CREATE STREAM s (a NULL) WITH (FORMAT='JSON')", Syntax),
        ("CREATE STREAM s (a INT PRIMARY KEY) WITH (FORMAT='JSON')", Column),
        ("CREATE STREAM s (a INT HEADER('x')) WITH (FORMAT='JSON')", Column),
        ("CREATE STREAM s (a DECIMAL(2, 3)) WITH (FORMAT='JSON')", Type),
        ("CREATE STREAM s (a INT) WITH (FORMAT='JSON', FORMAT='JSON')", Property),
        ("CREATE STREAM s (a INT) WITH (QUERY_ID='x')", Property),
        ("CREATE TABLE s (a INT) WITH (WINDOW_TYPE='SESSION', WINDOW_SIZE='1 DAY')", Property),
        ("SELECT ${a} FROM s", Variable),
        ("SELECT a FROM s LIMIT -1", Syntax),
        ("SELECT a FROM s WHERE b NOT NULL", Syntax),
        ("SELECT a FROM s WHERE b == 1", Syntax),
        ("SELECT a.'b' FROM s", Syntax),
        ("SELECT DISTINCT a 'b' FROM s", Syntax),
        ("SELECT DISTINCT a FROM s 'b'", Syntax),
        ("SELECT `a``b` FROM s", Syntax),
        ("SELECT 2 .a, 'b' .c FROM s", Syntax),
        ("INSERT INTO s (a, b) VALUES (1)", Syntax),
        ("EXPLAIN EXPLAIN SELECT 1", Syntax),
        ("WITH a AS (SELECT 1) DELETE FROM b", Syntax),
        ("SELECT a INTO b FROM c ORDER BY a", Syntax),
        ("SELECT a FROM s EMIT CHANGE", Syntax),
        ("SELECT a FROM s; nonsense", Syntax),
    ] {
        assert_eq!(refused(text).code(), code, "{text}");
    }
}
