//! Joining a stream with a table, and with another stream.

use super::rig::{Against, Rig};

const RECORDS: usize = 500_000;
const KEYS: usize = 100_000;
/// Records, and milliseconds, between two of one key in the streams that are joined.
const APART: usize = 10_000;

pub async fn measure(mut rig: Rig) {
    rig.stream("LEFTS", 1, RECORDS, |row| row % APART).await;
    rig.stream("RIGHTS", 1, RECORDS, |row| row % APART).await;
    rig.against_batch(&Against {
        name: "stream-stream join",
        records: 2 * RECORDS,
        turns: 2,
        query: "CREATE STREAM {out} AS SELECT A.K AS K, A.V AS V, B.V AS W
            FROM LEFTS A JOIN RIGHTS B WITHIN 5 SECONDS GRACE PERIOD 1 SECOND ON A.K = B.K;",
        batch: "SELECT COUNT(*) FROM LEFTS A JOIN RIGHTS B ON A.K = B.K
            WHERE A.ROWTIME - B.ROWTIME <= 5000 AND B.ROWTIME - A.ROWTIME <= 5000",
        expected: RECORDS as i64,
    })
    .await;

    rig.stream("USERS", 1, KEYS, |row| row).await;
    rig.table_of("USERS").await;
    // All users are there when the first order comes.
    rig.beginning += KEYS as i64;
    rig.stream("ORDERS", 1, 2 * RECORDS, |row| row * 7919 % KEYS).await;
    rig.against_batch(&Against {
        name: "stream-table join",
        records: 2 * RECORDS,
        turns: 2,
        query: "CREATE STREAM {out} AS SELECT O.K AS K, O.V AS V, U.V AS W
            FROM ORDERS O JOIN USERS_BY_KEY U ON O.K = U.K;",
        batch: "SELECT COUNT(U.V) FROM ORDERS O JOIN USERS_BY_KEY U ON O.K = U.K",
        expected: 2 * RECORDS as i64,
    })
    .await;
}
