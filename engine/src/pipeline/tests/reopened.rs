//! Engines that are opened again over what has changed meanwhile.

use std::path::Path;

use log_store::LogStore;

use super::{Record, append, rows};
use crate::engine::{Engine, Options, Storage, Workers};
use crate::scheduler::Turn;

async fn open(dir: &Path) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, workers: Workers::Manual, ..Options::default() };
    Engine::open(options).await.unwrap()
}

#[tokio::test]
async fn readers_of_one_topic_go_on_where_each_of_them_stood() {
    const RECORDS: i64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    // B reads the same records as A, an hour later.
    let statements = "
        CREATE STREAM A (K INT KEY, T BIGINT, PAD STRING)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM B (K INT KEY, T BIGINT, PAD STRING)
            WITH (KAFKA_TOPIC='s', FORMAT='JSON', TIMESTAMP='T');
        CREATE STREAM AB AS SELECT A.K AS K, B.T AS T FROM A
            JOIN B WITHIN 1 DAY GRACE PERIOD 1 DAY ON A.K = B.K;";
    engine.session().run(statements).await.unwrap();
    let pad = "x".repeat(12_000);
    let record = |step: i64| -> Record {
        let value = format!("{{\"T\":{},\"PAD\":\"{pad}\"}}", 3_600_000 + step);
        (0, step.to_string(), Some(value), step)
    };
    for first in (0..RECORDS).step_by(200) {
        append(&engine, "s", &(first..first + 200).map(record).collect::<Vec<_>>());
    }
    let task = engine.shared.scheduler.task(0).unwrap();
    assert_eq!(task.advance(), Turn::Worked);
    assert!(task.progress().lag.records > RECORDS as u64, "one reader is ahead of the other");
    drop(task);
    engine.shutdown().await.unwrap();

    let engine = open(dir.path()).await;
    engine.run_until_idle().await.unwrap();
    let pairs = rows(&mut engine.session(), "SELECT COUNT(*), COUNT(DISTINCT K) FROM AB").await;
    assert_eq!(pairs, [format!("{RECORDS} {RECORDS}")]);
}

#[tokio::test]
async fn a_topic_with_more_partitions_leaves_the_state_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let statements = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=2, FORMAT='JSON');
        CREATE TABLE T (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='t', PARTITIONS=2, FORMAT='JSON');
        CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
        CREATE TABLE BY_V AS SELECT V, COUNT(*) AS N FROM T GROUP BY V;
        CREATE STREAM ST AS SELECT S.K AS K, S.V AS V, T.V AS W FROM S JOIN T ON S.K = T.K;";
    engine.session().run(statements).await.unwrap();
    let records = |partitions: usize, value: &dyn Fn(usize) -> Option<i64>| -> Vec<Record> {
        let record = |key: usize| {
            let value = value(key).map(|value| format!("{{\"V\":{value}}}"));
            (key % partitions, format!("\"k{key}\""), value, key as i64)
        };
        (0..30).map(record).collect()
    };
    append(&engine, "t", &records(2, &|key| Some(key as i64 % 3)));
    engine.run_until_idle().await.unwrap();
    append(&engine, "s", &records(2, &|_| Some(1)));
    engine.run_until_idle().await.unwrap();
    engine.shutdown().await.unwrap();

    let log = LogStore::open_dir(dir.path()).unwrap();
    log.add_partitions("s", 3).unwrap();
    log.add_partitions("t", 5).unwrap();
    log.close().unwrap();
    let engine = open(dir.path()).await;
    // Every key is in another partition now; a third of the rows goes, another one changes.
    append(&engine, "s", &records(3, &|_| Some(2)));
    engine.run_until_idle().await.unwrap();
    let changed = |key: usize| match key % 3 {
        0 => None,
        1 => Some(2),
        _ => Some(7),
    };
    append(&engine, "t", &records(5, &changed));
    engine.run_until_idle().await.unwrap();
    let mut session = engine.session();
    let counts = rows(&mut session, "SELECT N, COUNT(*) FROM COUNTS GROUP BY N").await;
    assert_eq!(counts, ["2 30"]);
    let by_v = rows(&mut session, "SELECT V, N FROM BY_V WHERE N > 0").await;
    assert_eq!(by_v, ["2 10", "7 10"]);
    let joined = rows(&mut session, "SELECT V, W, COUNT(*) FROM ST GROUP BY V, W").await;
    assert_eq!(joined, ["1 0 10", "1 1 10", "1 2 10", "2 0 10", "2 1 10", "2 2 10"]);
}

#[tokio::test]
async fn a_missing_topic_stops_what_needs_it_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let statements = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM GONE (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='gone', PARTITIONS=1, FORMAT='JSON');
        CREATE SOURCE TABLE KEPT (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='gone', FORMAT='JSON');
        CREATE STREAM COPY AS SELECT * FROM S;
        CREATE STREAM LOST AS SELECT * FROM GONE;
        CREATE STREAM SUNK AS SELECT * FROM S;";
    engine.session().run(statements).await.unwrap();
    engine.shutdown().await.unwrap();
    let log = LogStore::open_dir(dir.path()).unwrap();
    log.delete_topic("gone").unwrap();
    log.delete_topic("SUNK").unwrap();
    log.close().unwrap();

    let engine = open(dir.path()).await;
    append(&engine, "s", &[(0, "\"k\"".to_owned(), Some("{\"V\":1}".to_owned()), 0)]);
    engine.run_until_idle().await.unwrap();
    let mut session = engine.session();
    assert_eq!(rows(&mut session, "SELECT * FROM COPY").await, ["k 1"]);
    let failures: Vec<(String, Option<String>)> =
        engine.queries().into_iter().map(|query| (query.id, query.failure)).collect();
    for (id, failure) in &failures {
        let missing = match id.as_str() {
            "CSAS_COPY_1" => None,
            "CSAS_SUNK_3" => Some("SUNK"),
            _ => Some("gone"),
        };
        match (missing, failure) {
            (None, None) => {}
            (Some(topic), Some(reason)) => assert!(reason.contains(topic), "{id}: {reason}"),
            _ => panic!("{id}: {failure:?}"),
        }
    }
    let shown = rows(&mut session, "SHOW QUERIES;").await;
    assert!(shown.iter().any(|line| line.contains("LOST") && line.contains("ERROR")), "{shown:?}");
    let error = session.run("SELECT * FROM GONE;").await.unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    // What needs it can be taken away.
    session.run("DROP STREAM LOST; DROP TABLE KEPT; DROP STREAM GONE;").await.unwrap();
}
