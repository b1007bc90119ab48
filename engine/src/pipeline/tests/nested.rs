//! Queries over queries, and joins with several conditions: what they keep is what a batch query
//! gives over the same rows, whichever changes leave and wherever the engine is opened again.

use std::path::Path;

use super::{append, random_batches, rows};
use crate::engine::{Emission, Engine, Options, Storage, Workers};

const SOURCES: &str = "
    CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, FORMAT='JSON');
    CREATE TABLE T (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='t', PARTITIONS=2, FORMAT='JSON');
    CREATE STREAM TS (K STRING KEY, V INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON');
    CREATE TABLE LATEST AS SELECT * FROM T;
    CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
    CREATE TABLE PAIRS AS SELECT K, V, COUNT(*) AS N FROM S GROUP BY K, V;
    CREATE TABLE OTHERS AS SELECT K, V, COUNT(*) AS N FROM TS WHERE V < 3 GROUP BY K, V;
    CREATE TABLE BY_V AS SELECT V, COUNT(*) AS N FROM T GROUP BY V;
    CREATE TABLE SESSIONS AS SELECT K, COUNT(*) AS N, SUM(V) AS W, COLLECT_LIST(V) AS VS FROM S
        WINDOW SESSION (3 MILLISECONDS, GRACE PERIOD 1 DAY) GROUP BY K;";

/// What is kept, the query that keeps it, and the batch query that gives the same.
const CASES: [(&str, &str, &str); 22] = [
    (
        "SELECT K, W FROM DERIVED",
        "CREATE STREAM DERIVED AS SELECT K, W FROM (SELECT K, V * 2 AS W FROM S WHERE V > 0) X WHERE W < 6",
        "SELECT K, V * 2 FROM S WHERE V > 0 AND V * 2 < 6",
    ),
    (
        "SELECT K, W FROM NAMED",
        "CREATE STREAM NAMED AS WITH C AS (SELECT K, V + 1 AS W FROM S), D AS (SELECT * FROM C WHERE W > 1)
            SELECT * FROM D WHERE W < 4",
        "SELECT K, V + 1 FROM S WHERE V + 1 > 1 AND V + 1 < 4",
    ),
    (
        "SELECT K, V FROM BOTH",
        "CREATE STREAM BOTH AS SELECT K, V FROM S UNION ALL SELECT K, V FROM TS WHERE V > 1",
        "SELECT K, V FROM S UNION ALL SELECT K, V FROM TS WHERE V > 1",
    ),
    (
        "SELECT K, V FROM WIDENED",
        "CREATE STREAM WIDENED AS SELECT K, V FROM S UNION ALL SELECT K, CAST(V AS BIGINT) * 10 AS X FROM TS WHERE V > 1",
        "SELECT K, V FROM S UNION ALL SELECT K, V * 10 FROM TS WHERE V > 1",
    ),
    (
        "SELECT K, N, M FROM OF_BOTH",
        "CREATE TABLE OF_BOTH AS SELECT K, COUNT(*) AS N, SUM(V) AS M
            FROM (SELECT K, V FROM S UNION ALL SELECT K, V FROM TS WHERE V IS NOT NULL) U GROUP BY K",
        "SELECT K, COUNT(*), SUM(V) FROM (SELECT K, V FROM S UNION ALL
            SELECT K, V FROM TS WHERE V IS NOT NULL) GROUP BY K",
    ),
    (
        "SELECT V, N FROM OF_TABLES WHERE N > 0",
        "CREATE TABLE OF_TABLES AS SELECT V, COUNT(*) AS N
            FROM (SELECT CAST(V AS BIGINT) AS V FROM T UNION ALL SELECT N FROM COUNTS) U GROUP BY V",
        "SELECT V, COUNT(*) FROM (SELECT V FROM LATEST UNION ALL
            SELECT COUNT(*) FROM S GROUP BY K) GROUP BY V",
    ),
    (
        "SELECT N, M FROM NESTED WHERE M > 0",
        "CREATE TABLE NESTED AS SELECT N, COUNT(*) AS M
            FROM (SELECT COUNT(*) AS N FROM S GROUP BY K) X GROUP BY N",
        "SELECT N, COUNT(*) FROM (SELECT COUNT(*) AS N FROM S GROUP BY K) GROUP BY N",
    ),
    (
        "SELECT N, M, A FROM OF_SESSIONS WHERE M > 0",
        "CREATE TABLE OF_SESSIONS AS SELECT N, COUNT(*) AS M, SUM(W) AS A
            FROM (SELECT K, COUNT(*) AS N, SUM(V) AS W FROM S
                WINDOW SESSION (3 MILLISECONDS, GRACE PERIOD 1 DAY) GROUP BY K) X GROUP BY N",
        "SELECT N, COUNT(*), SUM(W) FROM SESSIONS GROUP BY N",
    ),
    (
        "SELECT P, A, B, C FROM DEEP WHERE C > 0",
        "CREATE TABLE DEEP AS SELECT P, MAX(M) AS A, MIN(M) AS B, COUNT(DISTINCT M) AS C
            FROM (SELECT V, V % 2 AS P, COUNT(*) AS M FROM
                (SELECT K, SUM(V) AS V FROM S GROUP BY K) Y GROUP BY V, V % 2) X WHERE M > 0 GROUP BY P",
        "SELECT P, MAX(M), MIN(M), COUNT(DISTINCT M) FROM (SELECT V, V % 2 AS P, COUNT(*) AS M
            FROM (SELECT K, SUM(V) AS V FROM S GROUP BY K) GROUP BY V, V % 2) GROUP BY P",
    ),
    (
        "SELECT K, A, B, C FROM FILTERED",
        "CREATE TABLE FILTERED AS SELECT K, COUNT(*) FILTER (WHERE V > 1) AS A, COUNT(DISTINCT V) AS B,
            MAX(V) FILTER (WHERE V < 3) AS C FROM S GROUP BY K",
        "SELECT K, COUNT(*) FILTER (WHERE V > 1), COUNT(DISTINCT V), MAX(V) FILTER (WHERE V < 3)
            FROM S GROUP BY K",
    ),
    (
        "SELECT V, N, A, B FROM RETRACTED WHERE N > 0",
        "CREATE TABLE RETRACTED AS SELECT V, COUNT(*) AS N, COUNT(*) FILTER (WHERE K < 'k3') AS A,
            COUNT(DISTINCT K) AS B FROM T GROUP BY V",
        "SELECT V, COUNT(*), COUNT(*) FILTER (WHERE K < 'k3'), COUNT(DISTINCT K) FROM LATEST GROUP BY V",
    ),
    (
        "SELECT K, A, B FROM NEAR",
        "CREATE STREAM NEAR AS SELECT S.K AS K, S.V AS A, TS.V AS B FROM S JOIN TS WITHIN 5 MILLISECONDS
            ON S.K = TS.K AND S.V = TS.V AND S.V + TS.V > 1",
        "SELECT S.K, S.V, TS.V FROM S JOIN TS ON S.K = TS.K AND S.V = TS.V AND S.V + TS.V > 1
            AND ABS(S.ROWTIME - TS.ROWTIME) <= 5",
    ),
    (
        "SELECT K, A, B FROM ITSELF",
        "CREATE STREAM ITSELF AS SELECT A.K AS K, A.V AS A, B.V AS B FROM S A
            JOIN (SELECT K, V FROM S) B WITHIN 4 MILLISECONDS ON A.K = B.K AND A.V < B.V",
        "SELECT A.K, A.V, B.V FROM S A JOIN S B ON A.K = B.K AND A.V < B.V
            AND ABS(A.ROWTIME - B.ROWTIME) <= 4",
    ),
    (
        "SELECT K, N, V FROM LARGER",
        "CREATE TABLE LARGER AS SELECT A.K AS K, N, V FROM COUNTS A JOIN T ON A.K = T.K AND N > V + 3",
        "SELECT A.K, N, V FROM COUNTS A JOIN LATEST T ON A.K = T.K AND N > V + 3",
    ),
    (
        "SELECT K, N, V FROM PADDED",
        "CREATE TABLE PADDED AS SELECT A.K AS K, N, V FROM COUNTS A LEFT JOIN T ON A.K = T.K AND T.V > 1",
        "SELECT A.K, N, V FROM COUNTS A LEFT JOIN LATEST T ON A.K = T.K AND T.V > 1",
    ),
    (
        "SELECT K, V, A, B FROM COMPOSITE",
        "CREATE TABLE COMPOSITE AS SELECT A.K AS K, A.V AS V, A.N AS A, B.N AS B
            FROM PAIRS A JOIN OTHERS B ON A.V = B.V AND A.K = B.K",
        "SELECT A.K, A.V, A.N, B.N FROM PAIRS A JOIN OTHERS B ON A.V = B.V AND A.K = B.K",
    ),
    (
        "SELECT K, V, A, B FROM FULLY",
        "CREATE TABLE FULLY AS SELECT ROWKEY AS K, ROWKEY_1 AS V, A.N AS A, B.N AS B
            FROM PAIRS A FULL JOIN OTHERS B ON A.K = B.K AND A.V = B.V",
        "SELECT COALESCE(A.K, B.K), COALESCE(A.V, B.V), A.N, B.N
            FROM PAIRS A FULL JOIN OTHERS B ON A.K = B.K AND A.V = B.V",
    ),
    (
        "SELECT K, V, N FROM REFERRING",
        "CREATE TABLE REFERRING AS SELECT L.K AS K, L.V AS V, N
            FROM (SELECT K, V FROM T WHERE V < 3) L JOIN BY_V B ON L.V = B.V AND B.N > 1",
        "SELECT L.K, L.V, N FROM LATEST L JOIN BY_V B ON L.V = B.V AND B.N > 1 WHERE L.V < 3",
    ),
    (
        "SELECT K, V, N FROM REFERRING_LEFT",
        "CREATE TABLE REFERRING_LEFT AS SELECT L.K AS K, L.V AS V, N
            FROM T L LEFT JOIN (SELECT V, COUNT(*) AS N FROM S WHERE V > 1 GROUP BY V) B ON L.V = B.V",
        "SELECT L.K, L.V, N FROM LATEST L LEFT JOIN
            (SELECT V, COUNT(*) AS N FROM S WHERE V > 1 GROUP BY V) B ON L.V = B.V",
    ),
    (
        "SELECT K, M FROM LARGEST",
        "CREATE TABLE LARGEST AS SELECT K, MAX(N) AS M FROM (SELECT K, COUNT(*) AS N FROM S
            WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K) X GROUP BY K",
        "SELECT K, MAX(N) FROM (SELECT K, COUNT(*) AS N FROM S GROUP BY K, ROWTIME - ROWTIME % 10) GROUP BY K",
    ),
    (
        "SELECT W, M FROM PER_WINDOW",
        "CREATE TABLE PER_WINDOW AS SELECT WINDOWSTART AS W, MAX(N) AS M FROM (SELECT K, COUNT(*) AS N FROM S
            WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K) X GROUP BY WINDOWSTART",
        "SELECT W, MAX(N) FROM (SELECT K, ROWTIME - ROWTIME % 10 AS W, COUNT(*) AS N FROM S
            GROUP BY K, ROWTIME - ROWTIME % 10) GROUP BY W",
    ),
    (
        "SELECT V, M FROM JOINED WHERE M > 0",
        "CREATE TABLE JOINED AS WITH G AS (SELECT K, COUNT(*) AS N FROM S GROUP BY K),
            L AS (SELECT K, V FROM T WHERE V > 0)
            SELECT V, SUM(N) AS M FROM G JOIN L ON G.K = L.K GROUP BY V",
        "SELECT V, SUM(N) FROM (SELECT K, COUNT(*) AS N FROM S GROUP BY K) G
            JOIN LATEST L ON G.K = L.K WHERE V > 0 GROUP BY V",
    ),
];

async fn open(dir: &Path, emission: Emission) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, emission, workers: Workers::Manual, ..Options::default() };
    Engine::open(options).await.unwrap()
}

/// Runs all queries over random input, and compares what they keep with the batch answers. Says
/// which of them keep anything.
async fn compare(emission: Emission, seed: u64) -> Vec<bool> {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open(dir.path(), emission).await;
    engine.session().run(SOURCES).await.unwrap();
    for (_, statement, _) in CASES {
        if let Err(error) = engine.session().run(&format!("{statement};")).await {
            panic!("{statement}: {error}");
        }
    }
    for (at, [stream, table]) in random_batches(seed).into_iter().enumerate() {
        append(&engine, "s", &stream);
        append(&engine, "t", &table);
        engine.run_until_idle().await.unwrap();
        if at == 3 {
            engine.shutdown().await.unwrap();
            engine = open(dir.path(), emission).await;
        }
    }
    let mut session = engine.session();
    let mut is_kept = Vec::new();
    for (kept, _, batch) in CASES {
        let (kept, expected) = (rows(&mut session, kept).await, rows(&mut session, batch).await);
        assert_eq!(kept, expected, "{emission:?}, seed {seed}: {batch}");
        is_kept.push(!kept.is_empty());
    }
    is_kept
}

/// Compares for some seeds; every query keeps something for one of them.
async fn compare_all(emission: Emission) {
    let mut is_kept = vec![false; CASES.len()];
    for seed in 10..14 {
        let kept = compare(emission, seed).await;
        is_kept.iter_mut().zip(kept).for_each(|(is_kept, kept)| *is_kept |= kept);
    }
    for ((_, statement, _), is_kept) in CASES.iter().zip(is_kept) {
        assert!(is_kept, "{statement}");
    }
}

#[tokio::test]
async fn where_one_change_per_key_leaves_they_end_with_the_answer_of_a_batch_query() {
    compare_all(Emission::Coalesced).await;
}

#[tokio::test]
async fn where_every_change_leaves_they_end_with_the_answer_of_a_batch_query() {
    compare_all(Emission::Every).await;
}
