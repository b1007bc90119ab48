//! psql at the Postgres port. `scripts/setup-clients` brings it; where it cannot be had, its tests
//! are skipped, and say so.

mod pg_harness;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use pg_harness::{Running, run, skip};

const STREAM: &str = "CREATE STREAM orders (id BIGINT KEY, item STRING, price DECIMAL(10, 2))
    WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');";
const TABLE: &str = "CREATE TABLE items (item STRING PRIMARY KEY, tags ARRAY<STRING>)
    WITH (KAFKA_TOPIC='items', PARTITIONS=1, VALUE_FORMAT='JSON');";

/// psql at the server.
fn command(running: &Running) -> Command {
    let (ip, port) = (running.addr.ip().to_string(), running.addr.port().to_string());
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--set", "VERBOSITY=verbose"]);
    command.args(["-h", &ip, "-p", &port, "-U", "tester", "millstream"]);
    command
}

/// What psql prints on both of its outputs for a script; `None` where there is no psql.
async fn psql(running: &Running, script: &[&str]) -> Option<(String, String)> {
    let output = run(command(running), script.join("\n")).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((text(output.stdout), text(output.stderr)))
}

/// Runs scripts that must not fail, and looks for what they must print. How wide psql makes a
/// column depends on everything in it, so one blank stands for any number of them.
async fn shows(script: &[&str], expected: &[&str]) {
    let running = Running::start().await;
    if let Some((out, err)) = psql(&running, script).await {
        let errors: Vec<_> =
            err.lines().filter(|line| line.contains("ERROR") || line.contains("FATAL")).collect();
        assert!(errors.is_empty(), "{script:?}: {errors:?}");
        let squeezed = squeezed(&out);
        for line in expected {
            assert!(squeezed.contains(line), "{line} is not in\n{out}");
        }
    }
    running.stop().await;
}

fn squeezed(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn statements_run_and_rows_are_printed() {
    let script = [
        STREAM,
        "INSERT INTO orders VALUES (1, 'apple', 1.50);",
        "SELECT * FROM orders;",
        "CREATE STREAM cheap AS SELECT * FROM orders WHERE price < 2;",
        "SHOW STREAMS;",
        "SHOW QUERIES;",
        "DESCRIBE cheap;",
        "EXPLAIN SELECT item FROM orders;",
        "TERMINATE ALL;",
        "DROP STREAM cheap;",
    ];
    let expected = [
        "CREATE STREAM",
        "INSERT 0 1",
        "id | item | price",
        "1 | apple | 1.50",
        "(1 row)",
        "CSAS_CHEAP_0",
        "TERMINATE",
        "DROP STREAM",
    ];
    shows(&script, &expected).await;
}

#[tokio::test]
async fn changes_are_printed_until_their_limit() {
    let script = [
        STREAM,
        "INSERT INTO orders VALUES (1, 'apple', 1.50); INSERT INTO orders VALUES (2, 'pear', 2);",
        "SET 'auto.offset.reset' = 'earliest';",
        "SELECT id, item FROM orders EMIT CHANGES LIMIT 2;",
        "COPY (SELECT id FROM orders EMIT CHANGES LIMIT 2) TO STDOUT;",
        "BEGIN; DECLARE c CURSOR FOR SELECT item FROM orders EMIT CHANGES; FETCH 1 FROM c; COMMIT;",
    ];
    shows(&script, &["1 | apple", "2 | pear", "(2 rows)", "1\n2\n", "\napple\n(1 row)"]).await;
}

#[tokio::test]
async fn mistakes_are_pointed_at() {
    let running = Running::start().await;
    if let Some((_, err)) = psql(&running, &[STREAM, "SELECT itm FROM orders;"]).await {
        assert!(err.contains("ERROR:  42703"), "{err}");
        assert!(err.contains("LINE 1: SELECT itm FROM orders;\n               ^"), "{err}");
    }
    running.stop().await;
}

#[tokio::test]
async fn relations_are_listed() {
    let script = [STREAM, TABLE, "\\d", "\\dt", "\\dt+", "\\dt ord*", "\\di", "\\dv"];
    let expected = [
        "public | items | table | millstream",
        "public | orders | table | millstream",
        "CREATE STREAM orders (id BIGINT KEY",
        "public | items_pkey | index",
    ];
    shows(&script, &expected).await;
}

#[tokio::test]
async fn relations_are_described() {
    let script = [STREAM, TABLE, "\\d orders", "\\d items", "\\d+ items", "\\d millstream.queries"];
    let expected = [
        "Table \"public.orders\"",
        "price | numeric(10,2) | | |",
        "Table \"public.items\"",
        "item | text | | not null |",
        "tags | text[] | | |",
        "\"items_pkey\" PRIMARY KEY, btree (item)",
        "View \"millstream.queries\"",
        "lag_records | bigint | | |",
    ];
    shows(&script, &expected).await;
}

#[tokio::test]
async fn schemas_databases_functions_and_roles_are_listed() {
    let script = ["\\dn", "\\l", "\\df", "\\du", "\\dT", "\\conninfo", "\\timing", "SELECT 1;"];
    let expected = [
        "millstream | millstream",
        "public | millstream",
        "millstream | millstream | UTF8 | C | C |",
        "public | array_contains | BOOLEAN | items ARRAY<T>, value T | func",
        "Time: ",
    ];
    shows(&script, &expected).await;
}

#[tokio::test]
async fn results_are_described_before_they_are_asked_for() {
    let script = [STREAM, "SELECT id, price FROM orders \\gdesc"];
    shows(&script, &["id | bigint", "price | numeric(10,2)"]).await;
}

#[tokio::test]
async fn ctrl_c_ends_a_push_query() {
    let script = [
        STREAM,
        "INSERT INTO orders VALUES (1, 'apple', 1.50);",
        "SET 'auto.offset.reset' = 'earliest';",
        // Without it psql prints nothing before a query has ended.
        "\\set FETCH_COUNT 1",
        "SELECT item FROM orders EMIT CHANGES;",
    ];
    interrupted(&script, "apple", 1).await;
}

#[tokio::test]
async fn a_query_is_watched_until_ctrl_c() {
    interrupted(&["SELECT 'seen' AS watched \\watch 0.01"], "seen", 3).await;
}

/// Runs what would run for ever, and sends Ctrl-C when psql has printed that many lines that hold
/// `line`. Then psql has to end.
async fn interrupted(script: &[&str], line: &'static str, count: usize) {
    let running = Running::start().await;
    let mut command = command(&running);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let script = script.join("\n");
    let interrupted = move || {
        let mut child = command.spawn()?;
        child.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes())).transpose()?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok).filter(|printed| printed.contains(line));
        let seen = lines.by_ref().take(count).count();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
        lines.for_each(drop);
        let err = child.wait_with_output()?.stderr;
        Ok((seen, String::from_utf8_lossy(&err).into_owned()))
    };
    let ended: io::Result<(usize, String)> =
        tokio::task::spawn_blocking(interrupted).await.expect("psql is waited for");
    running.stop().await;
    match ended {
        Ok((seen, err)) => assert_eq!(seen, count, "{err}"),
        Err(error) => skip(&format!("psql cannot be run ({error})")),
    }
}

#[tokio::test]
async fn rows_are_copied_by_the_client() {
    let script = [
        STREAM,
        "\\copy orders FROM PROGRAM 'printf \"1\\tapple\\t1.5\\n2\\t\\\\\\\\N\\t2\\n\"'",
        "\\copy (SELECT id, item FROM orders ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)",
    ];
    shows(&script, &["COPY 2", "id,item\n1,apple\n2,"]).await;
}
