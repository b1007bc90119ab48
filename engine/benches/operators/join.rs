//! Joining a stream with a table, and with another stream.

use super::rig::{Against, Rig};

/// Records of each of two streams.
const EVENTS: usize = 200_000;
const ORDERS: usize = 1_000_000;
const KEYS: usize = 100_000;
/// Records, and milliseconds, between two of one key in the streams that are joined.
const APART: usize = 10_000;

pub async fn measure(mut rig: Rig) {
    rig.stream("LEFTS", 1, EVENTS, |row| row % APART).await;
    rig.stream("RIGHTS", 1, EVENTS, |row| row % APART).await;
    rig.against_batch(&Against {
        name: "stream-stream join",
        records: 2 * EVENTS,
        turns: 2,
        query: "CREATE STREAM {out} AS SELECT A.K AS K, A.V AS V, B.V AS W
            FROM LEFTS A JOIN RIGHTS B WITHIN 5 SECONDS GRACE PERIOD 1 SECOND ON A.K = B.K;",
        batch: "SELECT COUNT(*) FROM LEFTS A JOIN RIGHTS B ON A.K = B.K
            WHERE A.ROWTIME - B.ROWTIME <= 5000 AND B.ROWTIME - A.ROWTIME <= 5000",
        expected: EVENTS as i64,
    })
    .await;

    rig.stream("USERS", 1, KEYS, |row| row).await;
    rig.table_of("USERS").await;
    // All users are there when the first order comes.
    rig.beginning += KEYS as i64;
    rig.stream("ORDERS", 1, ORDERS, |row| row * 7919 % KEYS).await;
    rig.against_batch(&Against {
        name: "stream-table join",
        records: ORDERS,
        turns: 2,
        query: "CREATE STREAM {out} AS SELECT O.K AS K, O.V AS V, U.V AS W
            FROM ORDERS O JOIN USERS_BY_KEY U ON O.K = U.K;",
        batch: "SELECT COUNT(U.V) FROM ORDERS O JOIN USERS_BY_KEY U ON O.K = U.K",
        expected: ORDERS as i64,
    })
    .await;
}
