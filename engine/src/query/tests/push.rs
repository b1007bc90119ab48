//! Push queries and the threads that they share.

use std::time::Duration;

use futures::{FutureExt, StreamExt};

use super::{rows, texts};
use crate::engine::{Engine, Options};
use crate::{Error, QueryKind, Session};

/// Enough to fill what waits for a client many times over.
const BATCHES: i64 = 60;
const BATCH_ROWS: i64 = 100;
const TEXT_BYTES: usize = 1000;

const CREATE: &str = "CREATE STREAM S (ID BIGINT, T STRING)
    WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');";

async fn engine() -> (Engine, Session) {
    let engine = Engine::open(Options::default()).await.unwrap();
    let mut session = engine.session();
    session.run(CREATE).await.unwrap();
    (engine, session)
}

fn write_much(engine: &Engine) {
    let topic = engine.log().topic("s").unwrap();
    let text = "x".repeat(TEXT_BYTES);
    for batch in 0..BATCHES {
        let mut records = log_store::RecordsBuilder::new();
        for id in batch * BATCH_ROWS..(batch + 1) * BATCH_ROWS {
            let value = format!("{{\"ID\":{id},\"T\":\"{text}\"}}");
            records.push(None, Some(value.as_bytes()), log_store::Timestamp(id), &[]);
        }
        topic.partitions()[0].append(records.build()).unwrap();
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_up_nobody() {
    let (engine, mut session) = engine().await;
    let all = "SELECT ID, T FROM S EMIT CHANGES;";
    let slow = rows(&mut session, all).await.unwrap();
    let other_slow = rows(&mut session, all).await.unwrap();
    session.run("CREATE STREAM FEW AS SELECT ID FROM S WHERE ID < 10;").await.unwrap();
    write_much(&engine);

    let total = (BATCHES * BATCH_ROWS) as u64;
    let limited = format!("SELECT ID FROM S EMIT CHANGES LIMIT {total};");
    let taken = texts(rows(&mut session, &limited).await.unwrap()).await;
    assert_eq!(taken.len() as u64, total);
    engine.run_until_idle().await.unwrap();
    assert_eq!(engine.queries()[0].records_in, total);

    // Those that nobody reads have stopped where their clients' room ends.
    let parked = engine.push_queries();
    assert_eq!(parked.len(), 2);
    assert!(parked.iter().all(|query| query.kind == QueryKind::Push && query.records_in < total));
    assert!(parked.iter().all(|query| query.lag > 0 && query.sources == ["S"]));

    // One leaves, the other goes on.
    drop(other_slow);
    assert_eq!(engine.push_queries().len(), 1);
    let ids = slow.stream.map(|batch| batch.unwrap().num_rows() as u64);
    let read = ids.scan(0, |sum, count| {
        *sum += count;
        futures::future::ready(Some(*sum))
    });
    let mut read = std::pin::pin!(read);
    while read.next().await.unwrap() < total {}
    assert!(read.next().now_or_never().is_none());
    // What a query has read is noted when its turn is over, after its rows have gone.
    while engine.push_queries()[0].records_in < total {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_client_leaves_behind_is_gone() {
    let (engine, mut session) = engine().await;
    for _ in 0..20 {
        let query = "SELECT T, COUNT(*) AS N FROM S GROUP BY T EMIT CHANGES;";
        let rows = rows(&mut session, query).await.unwrap();
        write_much(&engine);
        drop(rows);
    }
    assert!(engine.push_queries().is_empty());
}

#[tokio::test]
async fn closing_the_engine_ends_its_push_queries() {
    let (engine, mut session) = engine().await;
    let mut rows = rows(&mut session, "SELECT ID FROM S EMIT CHANGES;").await.unwrap();
    drop(session);
    engine.shutdown().await.unwrap();
    assert!(matches!(rows.stream.next().await, Some(Err(Error::Cancelled))));
    assert!(rows.stream.next().await.is_none());
}

#[tokio::test]
async fn records_without_a_key_are_rows_of_a_stream_and_not_of_a_table() {
    let (engine, mut session) = engine().await;
    let create = "CREATE STREAM KEYED (ID STRING KEY, V INT)
            WITH (KAFKA_TOPIC='keyed', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE TABLE LATEST (ID STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='keyed', VALUE_FORMAT='JSON');";
    session.run(create).await.unwrap();
    let topic = engine.log().topic("keyed").unwrap();
    let mut records = log_store::RecordsBuilder::new();
    for (key, v) in [(None, 1), (Some(b"a"), 2), (None, 3), (Some(b"b"), 4)] {
        let value = format!("{{\"V\":{v}}}");
        let key = key.map(|key| &key[..]);
        records.push(key, Some(value.as_bytes()), log_store::Timestamp(v), &[]);
    }
    topic.partitions()[0].append(records.build()).unwrap();
    let stream = rows(&mut session, "SELECT V FROM KEYED EMIT CHANGES LIMIT 4;").await.unwrap();
    assert_eq!(texts(stream).await, ["1", "2", "3", "4"]);
    let table = rows(&mut session, "SELECT V FROM LATEST EMIT CHANGES LIMIT 2;").await.unwrap();
    assert_eq!(texts(table).await, ["2 false", "4 false"]);
}
