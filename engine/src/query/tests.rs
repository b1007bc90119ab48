//! Queries on a whole engine.

mod lookup;
mod push;
mod system;

use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use futures::StreamExt;

use crate::catalog::Catalog;
use crate::engine::{Engine, Options, Workers};
use crate::{Error, Outcome, Rows, Session};

const CLICKS: &str = "
    CREATE STREAM CLICKS (ID STRING KEY, PAGE INT, AMOUNT INT)
        WITH (KAFKA_TOPIC='clicks', PARTITIONS=2, FORMAT='JSON');
    CREATE TABLE BY_ID AS SELECT ID, COUNT(*) AS N FROM CLICKS GROUP BY ID;
    CREATE TABLE BY_BOTH AS SELECT ID, PAGE, COUNT(*) AS N FROM CLICKS GROUP BY ID, PAGE;
    CREATE TABLE BY_SECOND AS
        SELECT ID, COUNT(*) AS N FROM CLICKS WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY ID;";

/// Id, page, amount, time; the partition is that of the id's length.
const ROWS: &[(&str, i32, i32, i64)] = &[
    ("a", 1, 10, 500),
    ("bb", 1, 20, 1500),
    ("a", 2, 30, 2500),
    ("c", 3, 40, 2600),
    ("bb", 1, 50, 3500),
];

async fn engine() -> (Engine, Session) {
    let options = Options { workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    session.run(CLICKS).await.unwrap();
    write(&engine, ROWS);
    engine.run_until_idle().await.unwrap();
    (engine, session)
}

/// The catalog of the sources above.
pub(super) async fn catalog() -> Arc<Catalog> {
    let (_engine, session) = engine().await;
    session.shared.catalog()
}

fn write(engine: &Engine, rows: &[(&str, i32, i32, i64)]) {
    let topic = engine.log().topic("clicks").unwrap();
    for (id, page, amount, time) in rows {
        let key = format!("\"{id}\"");
        let value = format!("{{\"PAGE\":{page},\"AMOUNT\":{amount}}}");
        let mut records = log_store::RecordsBuilder::new();
        let time = log_store::Timestamp(*time);
        records.push(Some(key.as_bytes()), Some(value.as_bytes()), time, &[]);
        topic.partitions()[id.len() - 1].append(records.build()).unwrap();
    }
}

async fn rows(session: &mut Session, query: &str) -> Result<Rows, Error> {
    let mut outcomes = session.run(query).await?;
    match outcomes.pop() {
        Some(Outcome::Rows(rows)) => Ok(rows),
        other => panic!("expected rows of {query}, found {other:?}"),
    }
}

async fn texts(mut rows: Rows) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(batch) = rows.stream.next().await {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter();
            let cells = cells.map(|column| array_value_to_string(column, row).unwrap());
            texts.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    texts
}

/// The rows of a query, sorted.
async fn asked(session: &mut Session, query: &str) -> Vec<String> {
    let mut found = texts(rows(session, query).await.unwrap()).await;
    found.sort();
    found
}

async fn refused(session: &mut Session, query: &str) -> String {
    match rows(session, query).await {
        Ok(_) => panic!("{query} was not refused"),
        Err(error) => error.message(),
    }
}

/// Names of the columns, a key with an asterisk.
fn header(rows: &Rows) -> Vec<String> {
    let mark = |key: bool| if key { "*" } else { "" };
    rows.columns.iter().map(|column| format!("{}{}", column.name, mark(column.key))).collect()
}

#[tokio::test]
async fn a_table_is_asked_by_key_range_and_window() {
    let (_engine, mut session) = engine().await;
    let mut ask = async |condition: &str| {
        asked(&mut session, &format!("SELECT ID, N FROM BY_ID WHERE {condition};")).await
    };
    assert_eq!(ask("ID = 'a'").await, ["a 2"]);
    assert_eq!(ask("ID IN ('a', 'c', 'zzz')").await, ["a 2", "c 1"]);
    assert_eq!(ask("ID IN ('a', 'b', 'c', 'd') AND N > 1").await, ["a 2"]);
    assert_eq!(ask("ID > 'a' AND ID <= 'bb'").await, ["bb 2"]);
    assert_eq!(ask("ID = 'a' OR N = 1").await, ["a 2", "c 1"]);
    assert_eq!(ask("NOT (ID = 'a')").await, ["bb 2", "c 1"]);
    let windowed = "SELECT * FROM BY_SECOND WHERE ID = 'bb' AND WINDOWEND > 2000;";
    assert_eq!(asked(&mut session, windowed).await, ["bb 3000 4000 1"]);
    let one = "SELECT N FROM BY_SECOND WHERE ID = 'a' AND WINDOWSTART = 2000;";
    assert_eq!(asked(&mut session, one).await, ["1"]);
    let both = "SELECT * FROM BY_BOTH WHERE ID = 'bb' AND PAGE = 1;";
    assert_eq!(asked(&mut session, both).await, ["bb 1 2"]);
    assert_eq!(asked(&mut session, "SELECT * FROM BY_BOTH WHERE ID = 'a';").await.len(), 2);
}

#[tokio::test]
async fn a_stream_is_asked_by_partition_offset_and_time() {
    let (_engine, mut session) = engine().await;
    let mut ask = async |condition: &str| {
        asked(&mut session, &format!("SELECT AMOUNT FROM CLICKS WHERE {condition};")).await
    };
    assert_eq!(ask("ROWPARTITION = 1").await, ["20", "50"]);
    assert_eq!(ask("ROWPARTITION = 0 AND ROWOFFSET >= 1").await, ["30", "40"]);
    assert_eq!(ask("ROWOFFSET < 1").await, ["10", "20"]);
    assert_eq!(ask("ROWTIME >= 2500").await, ["30", "40", "50"]);
    assert_eq!(ask("ROWTIME > 99999").await, Vec::<String>::new());
    assert_eq!(ask("ROWTIME BETWEEN 1000 AND 2550").await, ["20", "30"]);
    assert_eq!(ask("ROWPARTITION = 7").await, Vec::<String>::new());
}

#[tokio::test]
async fn columns_have_their_names_and_keys_their_marks() {
    let (_engine, mut session) = engine().await;
    let mut columns = async |query: &str| header(&rows(&mut session, query).await.unwrap());
    assert_eq!(
        columns("SELECT * FROM BY_SECOND;").await,
        ["ID*", "WINDOWSTART*", "WINDOWEND*", "N"]
    );
    assert_eq!(columns("SELECT N + 1, ID AS I FROM BY_ID;").await, ["KSQL_COL_0", "I*"]);
    assert_eq!(columns("SELECT * FROM CLICKS;").await, ["ID", "PAGE", "AMOUNT"]);
    let joined = "SELECT C.*, T.N, C.PAGE * 2 FROM CLICKS C JOIN BY_ID T ON C.ID = T.ID;";
    assert_eq!(columns(joined).await, ["C_ID", "C_PAGE", "C_AMOUNT", "N", "KSQL_COL_0"]);
}

#[tokio::test]
async fn joins_and_aggregates_are_answered() {
    let (_engine, mut session) = engine().await;
    let total = "SELECT COUNT(*), SUM(AMOUNT) FROM CLICKS WHERE ID = 'bb';";
    assert_eq!(asked(&mut session, total).await, ["2 70"]);
    let joined = "SELECT C.AMOUNT, T.N FROM CLICKS C JOIN BY_ID T ON C.ID = T.ID WHERE T.ID = 'a';";
    assert_eq!(asked(&mut session, joined).await, ["10 2", "30 2"]);
    let grouped = "SELECT ID, MAX(AMOUNT) AS MOST FROM CLICKS GROUP BY ID;";
    assert_eq!(asked(&mut session, grouped).await, ["a 30", "bb 50", "c 40"]);
}

#[tokio::test]
async fn what_a_session_switches_off_is_refused() {
    let (_engine, mut session) = engine().await;
    session.set("ksql.query.pull.table.scan.enabled", "false").unwrap();
    assert_eq!(asked(&mut session, "SELECT N FROM BY_ID WHERE ID = 'a';").await, ["2"]);
    assert_eq!(asked(&mut session, "SELECT N FROM BY_ID WHERE ID >= 'bb';").await, ["1", "2"]);
    for query in [
        "SELECT N FROM BY_ID;",
        "SELECT N FROM BY_ID WHERE N = 1;",
        "SELECT N FROM BY_ID WHERE ID = 'a' OR N = 1;",
        "SELECT N FROM BY_BOTH WHERE ID = 'a';",
        "SELECT SUM(N) FROM BY_ID;",
    ] {
        assert!(refused(&mut session, query).await.contains("requires table scan"), "{query}");
    }
    session.set("ksql.query.pull.stream.enabled", "false").unwrap();
    assert!(refused(&mut session, "SELECT * FROM CLICKS;").await.contains("found stream CLICKS"));
    session.set("ksql.query.pull.limit.clause.enabled", "false").unwrap();
    let limited = "SELECT N FROM BY_ID WHERE ID = 'a' LIMIT 1;";
    assert!(refused(&mut session, limited).await.contains("without LIMIT"));
}

#[tokio::test]
async fn what_a_table_has_not_is_refused() {
    let (_engine, mut session) = engine().await;
    let partition = "SELECT ID, ROWPARTITION FROM BY_ID;";
    assert!(refused(&mut session, partition).await.contains("ROWPARTITION"));
    let offset = "SELECT ID FROM BY_ID WHERE N = 1 AND ROWOFFSET < 3;";
    assert!(refused(&mut session, offset).await.contains("WHERE clauses: ROWOFFSET"));
    let text = "SELECT * FROM BY_BOTH WHERE ID = 'a' AND PAGE IN ('1', 2);";
    assert!(refused(&mut session, text).await.contains("found '1'"));
}

#[tokio::test]
async fn a_push_query_ends_at_its_limit() {
    let (_engine, mut session) = engine().await;
    let query = "SELECT ID, AMOUNT FROM CLICKS WHERE ID = 'bb' EMIT CHANGES LIMIT 2;";
    assert_eq!(asked(&mut session, query).await, ["bb 20", "bb 50"]);
    let none = "SELECT ID FROM CLICKS EMIT CHANGES LIMIT 0;";
    assert!(asked(&mut session, none).await.is_empty());
    let all = "SELECT COUNT(*) AS N FROM CLICKS EMIT CHANGES LIMIT 1;";
    assert_eq!(asked(&mut session, all).await.len(), 1);
}

#[tokio::test]
async fn a_push_query_may_begin_with_what_comes() {
    let (engine, mut session) = engine().await;
    session.set("auto.offset.reset", "latest").unwrap();
    let rows = rows(&mut session, "SELECT AMOUNT FROM CLICKS EMIT CHANGES LIMIT 1;").await.unwrap();
    write(&engine, &[("a", 1, 60, 4000)]);
    assert_eq!(texts(rows).await, ["60"]);
}

#[tokio::test]
async fn deletions_have_nothing_but_their_key() {
    let (engine, mut session) = engine().await;
    let few = "CREATE TABLE FEW AS SELECT ID, SUM(AMOUNT) AS S FROM CLICKS
        WHERE ID <> 'bb' GROUP BY ID HAVING SUM(AMOUNT) < 45;";
    session.run(few).await.unwrap();
    engine.run_until_idle().await.unwrap();
    write(&engine, &[("a", 1, 9, 5000)]);
    engine.run_until_idle().await.unwrap();
    let query = "SELECT S, ID FROM FEW EMIT CHANGES LIMIT 3;";
    assert_eq!(asked(&mut session, query).await, [" a true", "40 a false", "40 c false"]);
}

#[tokio::test]
async fn a_running_query_is_measured_node_by_node() {
    let (engine, mut session) = engine().await;
    let create =
        "CREATE TABLE LARGE AS SELECT ID, COUNT(*) AS N FROM CLICKS WHERE AMOUNT > 20 GROUP BY ID;";
    session.run(create).await.unwrap();
    engine.run_until_idle().await.unwrap();
    write(&engine, &ROWS[..1]);
    let explained = session.run("EXPLAIN ANALYZE CTAS_LARGE_3;").await.unwrap().pop();
    let Some(Outcome::Rows(explained)) = explained else { panic!("expected rows") };
    let plan = texts(explained).await;
    let measured = |node: &str| {
        let at = plan.iter().position(|line| line.trim_start().starts_with(node)).unwrap();
        plan[at + 2].trim_start().to_owned()
    };
    assert!(measured("Source").starts_with("= rows in: 5, rows out: 5, "), "{plan:#?}");
    assert!(measured("Source").ends_with("lag: 1"), "{plan:#?}");
    assert!(measured("Filter").starts_with("= rows in: 5, rows out: 3, "), "{plan:#?}");
    assert!(measured("Aggregate").starts_with("= rows in: 3, "), "{plan:#?}");
    assert!(measured("Aggregate").contains(", state: 3 keys, "), "{plan:#?}");
    assert!(!measured("Filter").contains("state"), "{plan:#?}");
    assert!(measured("Project").starts_with("= rows in: "), "{plan:#?}");
}

#[tokio::test]
async fn only_a_running_query_is_measured() {
    let (_engine, mut session) = engine().await;
    let error = session.run("EXPLAIN ANALYZE SELECT * FROM BY_ID;").await.unwrap_err();
    assert!(error.to_string().contains("takes the id of a running query"), "{error}");
}
