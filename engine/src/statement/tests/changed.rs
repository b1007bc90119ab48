//! Streams, tables and types that change beneath queries that run.

use std::path::Path;

use super::lines;
use crate::engine::{Engine, Options, Storage, Workers};

async fn open(dir: &Path) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, workers: Workers::Manual, ..Options::default() };
    Engine::open(options).await.unwrap()
}

/// The status of every query.
async fn statuses(engine: &Engine) -> Vec<String> {
    let queries = lines(&mut engine.session(), "SHOW QUERIES;").await;
    queries[1..].iter().map(|line| line.split('|').nth(1).unwrap().to_owned()).collect()
}

/// What `*` means and which columns there are is decided when a query is created.
#[tokio::test]
async fn queries_go_on_after_their_stream_has_got_columns() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let create = "
        CREATE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE STREAM COPY AS SELECT * FROM S;
        CREATE TABLE COUNTED AS SELECT A, COUNT(*) AS N FROM COPY GROUP BY A;
        CREATE STREAM SUM_OF (K INT KEY, A INT)
            WITH (KAFKA_TOPIC='sums', PARTITIONS=1, VALUE_FORMAT='JSON');
        INSERT INTO SUM_OF SELECT K, A + A AS A FROM S;
        ALTER STREAM S ADD COLUMN B INT;
        CREATE OR REPLACE STREAM SUM_OF (K INT KEY, A INT, B INT)
            WITH (KAFKA_TOPIC='sums', VALUE_FORMAT='JSON');
        INSERT INTO S VALUES (1, 2, 3);";
    engine.session().run(create).await.unwrap();
    drop(engine);
    let engine = open(dir.path()).await;
    assert_eq!(statuses(&engine).await, ["RUNNING"; 3]);
    engine.session().run("INSERT INTO S VALUES (1, 2, 4);").await.unwrap();
    engine.run_until_idle().await.unwrap();
    let mut session = engine.session();
    let mut ask = async |query: &str| lines(&mut session, query).await;
    assert_eq!(ask("SELECT * FROM COPY;").await, ["K|A", "1|2", "1|2"]);
    assert_eq!(ask("SELECT * FROM S;").await, ["K|A|B", "1|2|3", "1|2|4"]);
    assert_eq!(ask("SELECT * FROM SUM_OF;").await, ["K|A|B", "1|4|", "1|4|"]);
    assert_eq!(ask("SELECT * FROM COUNTED;").await, ["A|N", "2|2"]);
}

/// The rows that a table has kept are as they were; the column that is new is null in them.
#[tokio::test]
async fn a_table_that_has_got_a_column_keeps_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let create = "
        CREATE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
        INSERT INTO S VALUES (1, 2), (2, 2);";
    engine.session().run(create).await.unwrap();
    engine.run_until_idle().await.unwrap();
    let wider = "CREATE OR REPLACE TABLE T AS SELECT K, COUNT(*) AS N, COUNT(*) * 10 AS M FROM S GROUP BY K;
        INSERT INTO S VALUES (1, 3);";
    engine.session().run(wider).await.unwrap();
    engine.run_until_idle().await.unwrap();
    drop(engine);
    let engine = open(dir.path()).await;
    assert_eq!(statuses(&engine).await, ["RUNNING"]);
    let rows = lines(&mut engine.session(), "SELECT K, N, M FROM T ORDER BY K;").await;
    assert_eq!(rows, ["K|N|M", "1|2|20", "2|1|"]);
}

#[tokio::test]
async fn a_type_that_a_query_names_is_not_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let create = "
        CREATE TYPE AMOUNT AS DECIMAL(10, 2);
        CREATE STREAM S (K INT KEY, A AMOUNT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE STREAM PAID AS SELECT K, CAST(A + 1 AS AMOUNT) AS A FROM S;";
    engine.session().run(create).await.unwrap();
    let error = engine.session().run("DROP TYPE AMOUNT;").await.unwrap_err();
    let expected = "cannot drop type AMOUNT: the following queries use it: [CSAS_PAID_0]";
    assert_eq!(error.message(), expected);
    drop(engine);
    let engine = open(dir.path()).await;
    assert_eq!(statuses(&engine).await, ["RUNNING"]);
    engine.session().run("TERMINATE CSAS_PAID_0; DROP TYPE AMOUNT;").await.unwrap();
    let described = lines(&mut engine.session(), "DESCRIBE S;").await;
    assert_eq!(described[2], "S|A|DECIMAL(10, 2)|");
}

/// One query that cannot be started does not keep the data from being opened.
#[tokio::test]
async fn a_query_without_its_topic_is_told_of_and_the_others_run() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let create = "
        CREATE STREAM S (K INT KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE STREAM U (K INT KEY, A INT) WITH (KAFKA_TOPIC='u', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE STREAM FROM_S AS SELECT * FROM S;
        CREATE STREAM FROM_U AS SELECT * FROM U;";
    engine.session().run(create).await.unwrap();
    engine.log().delete_topic("s").unwrap();
    drop(engine);
    let engine = open(dir.path()).await;
    assert_eq!(statuses(&engine).await, ["ERROR: topic 's' does not exist", "RUNNING"]);
    engine.session().run("DROP STREAM FROM_S;").await.unwrap();
    assert_eq!(statuses(&engine).await, ["RUNNING"]);
}
