//! Hundreds of push queries on one stream. Alone in its file, because it counts the threads of the
//! process.

use std::fs;

use engine::{Engine, Options, Outcome, RowStream, Session};
use futures::StreamExt;
use futures::future::join_all;

const QUERIES: usize = 400;
const ROWS: usize = 60;

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("the system lists threads").count()
}

async fn push(session: &mut Session, query: &str) -> RowStream {
    match session.run(query).await.expect("a query").pop() {
        Some(Outcome::Rows(rows)) => rows.stream,
        other => panic!("expected rows, found {other:?}"),
    }
}

/// How many rows come until the stream ends.
async fn count(mut rows: RowStream) -> usize {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch.expect("rows").num_rows();
    }
    count
}

#[tokio::test]
async fn push_queries_share_the_threads_of_all_queries() {
    let engine = Engine::open(Options::default()).await.expect("an engine in memory opens");
    let mut session = engine.session();
    let create = "CREATE STREAM s (id INT, name STRING)
        WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
        CREATE TABLE per_name AS SELECT name, COUNT(*) AS n FROM s GROUP BY name;";
    session.run(create).await.expect("a stream and a table");
    session.set("auto.offset.reset", "latest").expect("a setting");
    let query = format!("SELECT id, UCASE(name) AS name FROM s EMIT CHANGES LIMIT {ROWS};");
    let mut rows = vec![push(&mut session, &query).await];
    let before = threads();
    for _ in 1..QUERIES {
        rows.push(push(&mut session, &query).await);
    }
    assert_eq!(engine.push_queries().len(), QUERIES);
    assert_eq!(threads(), before);

    for id in 0..ROWS {
        session.run(&format!("INSERT INTO s VALUES ({id}, 'a');")).await.expect("a row");
    }
    let counts = join_all(rows.into_iter().map(count)).await;
    assert_eq!(counts, vec![ROWS; QUERIES]);
    assert_eq!(threads(), before);
    // They have come to their limit, and nothing of them is left.
    assert!(engine.push_queries().is_empty());
    engine.run_until_idle().await.expect("queries catch up");
    assert_eq!(engine.queries()[0].records_in, ROWS as u64);
}
