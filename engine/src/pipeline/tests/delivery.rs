//! Queries without transactions: as right as the others as long as nothing interrupts them.

use super::{Record, append, rows};
use crate::engine::{Delivery, Engine, Options, Workers};

/// The rows of a table that a query keeps over what another query has written, and how many offsets
/// that other's topic has: markers of transactions take some too.
async fn counted(delivery: Delivery) -> (Vec<String>, i64) {
    let options = Options { delivery, workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    let statements = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM BIG WITH (KAFKA_TOPIC='big') AS SELECT K, V FROM S WHERE V > 1;
        CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N, SUM(V) AS V FROM BIG GROUP BY K;";
    session.run(statements).await.unwrap();
    for round in 0..3 {
        let record = |step: i64| -> Record {
            (0, format!("\"k{}\"", step % 2), Some(format!("{{\"V\":{step}}}")), round)
        };
        append(&engine, "s", &(0..6).map(record).collect::<Vec<_>>());
        engine.run_until_idle().await.unwrap();
    }
    let topic = engine.log().topic("big").unwrap();
    let end = topic.partitions()[0].high_watermark().0;
    (rows(&mut session, "SELECT * FROM COUNTS").await, end)
}

#[tokio::test]
async fn without_transactions_a_query_gives_the_same_and_writes_no_markers() {
    let (exactly, with_markers) = counted(Delivery::ExactlyOnce).await;
    let (at_least, end) = counted(Delivery::AtLeastOnce).await;
    assert_eq!((exactly.len(), exactly), (2, at_least));
    assert_eq!((with_markers, end), (12 + 3, 12));
}
