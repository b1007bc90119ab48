//! What is read at once, in turns, gives what it gives record by record. All records are in the first
//! partition of their topic, because partitions of one topic have no order between them; a query has
//! as many shards as its topics have partitions.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Record, Written, append, written};
use crate::engine::{Emission, Engine, Options, Workers};

const QUERIES: &str = "
    CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, FORMAT='JSON');
    CREATE STREAM R (K STRING KEY, W INT) WITH (KAFKA_TOPIC='r', PARTITIONS=3, FORMAT='JSON');
    CREATE TABLE T (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='t', PARTITIONS=2, FORMAT='JSON');
    CREATE TABLE U (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='u', PARTITIONS=1, FORMAT='JSON');
    CREATE STREAM PAIRS AS SELECT S.K, V, W FROM S JOIN R WITHIN 5 MILLISECONDS ON S.K = R.K;
    CREATE STREAM HIGH AS SELECT S.K, V, W FROM S JOIN R WITHIN 5 MILLISECONDS ON S.K = R.K
        WHERE V > 0 AND W < 3 AND V + W < 5 AND 6 / W > 1;
    CREATE STREAM PADDED AS SELECT ROWKEY AS K, V, W FROM S
        FULL JOIN R WITHIN 4 MILLISECONDS GRACE PERIOD 6 MILLISECONDS ON S.K = R.K
        WHERE COALESCE(V, 1) > 0;
    CREATE STREAM MET AS SELECT S.K, S.V AS A, T.V AS B FROM S LEFT JOIN T ON S.K = T.K;
    CREATE STREAM SOME AS SELECT S.K, S.V AS A, T.V AS B FROM S
        LEFT JOIN T ON S.K = T.K AND S.V < T.V;
    CREATE STREAM MOVED AS SELECT T.V AS B, S.K, S.V AS A FROM S JOIN T ON S.K = T.K
        PARTITION BY T.V;
    CREATE TABLE COUNTED AS SELECT T.V AS B, COUNT(*) AS N, COLLECT_LIST(S.V) AS VS
        FROM S JOIN T ON S.K = T.K GROUP BY T.V;
    CREATE STREAM CHAINED AS SELECT S.K, S.V AS A, W, T.V AS B FROM S
        JOIN R WITHIN 5 MILLISECONDS ON S.K = R.K JOIN T ON S.K = T.K;
    CREATE TABLE BOTH AS SELECT ROWKEY AS K, T.V AS A, U.V AS B FROM T FULL JOIN U ON T.K = U.K;
    CREATE TABLE REFERRED AS SELECT T.K AS K, T.V AS A, U.V AS B FROM T
        LEFT JOIN U ON 'k' + CAST(T.V AS STRING) = U.K;
    CREATE TABLE GROUPED AS SELECT B, COUNT(*) AS N FROM
        (SELECT T.K AS K, U.V AS B FROM T JOIN U ON T.K = U.K) X GROUP BY B;";

const OUTPUTS: [&str; 11] = [
    "PAIRS", "HIGH", "PADDED", "MET", "SOME", "MOVED", "COUNTED", "CHAINED", "BOTH", "REFERRED",
    "GROUPED",
];

const AGGREGATED: [&str; 2] = ["COUNTED", "GROUPED"];

/// Records in the order of their times, each with its topic.
fn random_records(seed: u64) -> Vec<(&'static str, Record)> {
    let mut random = StdRng::seed_from_u64(seed);
    let records = (0..150).map(|time| {
        let topic = ["s", "r", "t", "u", "s"][random.random_range(0..5usize)];
        let key = random.random_range(0..5usize);
        let value = random.random_range(0..4);
        let value = match topic {
            "r" => format!("{{\"W\":{value}}}"),
            _ => format!("{{\"V\":{value}}}"),
        };
        let value = (random.random_range(0..5) > 0).then_some(value);
        (topic, (0, format!("\"k{key}\""), value, time))
    });
    records.collect()
}

/// What all queries write when they wake after so many records.
async fn outputs(seed: u64, pace: usize) -> Vec<Vec<Written>> {
    let options =
        Options { emission: Emission::Every, workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    engine.session().run(QUERIES).await.unwrap();
    for records in random_records(seed).chunks(pace) {
        for (topic, record) in records {
            append(&engine, topic, std::slice::from_ref(record));
        }
        engine.run_until_idle().await.unwrap();
    }
    let outputs = OUTPUTS.iter().map(|topic| {
        let mut output = written(&engine, topic);
        // What is aggregated in several shards has an order for each key.
        if AGGREGATED.contains(topic) {
            output.sort_by(|(key, _), (other, _)| key.cmp(other));
        }
        output
    });
    outputs.collect()
}

#[tokio::test]
async fn the_pace_of_the_inputs_does_not_show() {
    for seed in 0..6 {
        let one_by_one = outputs(seed, 1).await;
        for pace in [7, 1000] {
            for ((topic, expected), found) in
                OUTPUTS.iter().zip(&one_by_one).zip(outputs(seed, pace).await)
            {
                assert!(!expected.is_empty(), "seed {seed}: {topic}");
                assert_eq!(found, *expected, "seed {seed}: {topic}, {pace} at once");
            }
        }
    }
}
