//! Pipelines in whole engines: emission, memory, threads.

mod delivery;
mod failing;
mod many;
mod nested;
mod reopened;
mod turns;

use arrow::util::display::array_value_to_string;
use futures::StreamExt;
use log_store::{Isolation, Offset, Payload, RecordsBuilder, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::engine::{Emission, Engine, Options, Storage, Workers};
use crate::{Outcome, Session};

/// A record: partition, key, value (none is a tombstone), time.
type Record = (usize, String, Option<String>, i64);

fn append(engine: &Engine, topic: &str, records: &[Record]) {
    let topic = engine.log().topic(topic).unwrap();
    for (at, partition) in topic.partitions().iter().enumerate() {
        let mut builder = RecordsBuilder::new();
        let own = records.iter().filter(|(partition, ..)| *partition == at);
        for (_, key, value, time) in own.clone() {
            let value = value.as_ref().map(String::as_bytes);
            builder.push(Some(key.as_bytes()), value, Timestamp(*time), &[]);
        }
        if own.count() > 0 {
            partition.append(builder.build()).unwrap();
        }
    }
}

/// Key and value of a record.
type Written = (Option<Vec<u8>>, Option<Vec<u8>>);

/// What a topic holds, partition by partition.
fn written(engine: &Engine, topic: &str) -> Vec<Written> {
    let mut found = Vec::new();
    for partition in engine.log().topic(topic).unwrap().partitions() {
        let mut next = Offset(0);
        while next < partition.last_stable_offset() {
            let fetched = partition.read(next, 1 << 20, Isolation::ReadCommitted).unwrap();
            for batch in &fetched.batches {
                let Payload::Records(records) = batch.payload().unwrap() else { continue };
                let records = records.iter().map(|record| record.unwrap());
                found.extend(
                    records.map(|r| (r.key.map(<[u8]>::to_vec), r.value.map(<[u8]>::to_vec))),
                );
            }
            next = fetched.next_offset;
        }
    }
    found
}

async fn rows(session: &mut Session, query: &str) -> Vec<String> {
    let outcome = session.run(query).await.unwrap().pop();
    let Some(Outcome::Rows(mut rows)) = outcome else { panic!("expected rows of {query}") };
    let mut found = Vec::new();
    while let Some(batch) = rows.stream.next().await {
        let batch = batch.unwrap();
        found.extend((0..batch.num_rows()).map(|row| {
            let cells = batch.columns().iter();
            let cells = cells.map(|column| array_value_to_string(column, row).unwrap());
            cells.collect::<Vec<_>>().join(" ")
        }));
    }
    found.sort();
    found
}

const TABLES: [&str; 6] = ["BY_K", "BY_V", "HOPS", "SESSIONS", "LARGE", "JOINED"];

const QUERIES: &str = "
    CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, FORMAT='JSON');
    CREATE TABLE T (K STRING PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='t', PARTITIONS=2, FORMAT='JSON');
    CREATE TABLE BY_K AS SELECT K, COUNT(*) AS N, SUM(V) AS S FROM S GROUP BY K;
    CREATE TABLE BY_V AS SELECT V, COUNT(*) AS N, COLLECT_LIST(K) AS KS FROM T GROUP BY V;
    CREATE TABLE HOPS AS SELECT K, SUM(V) AS S FROM S
        WINDOW HOPPING (SIZE 10 MILLISECONDS, ADVANCE BY 4 MILLISECONDS, GRACE PERIOD 8 MILLISECONDS)
        GROUP BY K;
    CREATE TABLE SESSIONS AS SELECT K, COUNT(*) AS N FROM S
        WINDOW SESSION (3 MILLISECONDS, GRACE PERIOD 8 MILLISECONDS) GROUP BY K;
    CREATE TABLE LARGE AS SELECT K, COUNT(*) AS N FROM S GROUP BY K HAVING COUNT(*) > 4;
    CREATE TABLE JOINED AS SELECT BY_K.K AS K, N, V FROM BY_K LEFT JOIN T ON BY_K.K = T.K;";

/// Inputs of S and T: few keys, updates, deletions, times out of order.
fn random_batches(seed: u64) -> Vec<[Vec<Record>; 2]> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut record = |step: i64, deletes: bool| -> Record {
        let key = random.random_range(0..6usize);
        let value = format!("{{\"V\":{}}}", random.random_range(0..4));
        let value = (!deletes || random.random_range(0..4) > 0).then_some(value);
        (key % 2, format!("\"k{key}\""), value, (step + random.random_range(-9..3)).max(0))
    };
    let batches = (0..6).map(|batch| {
        let steps = || (0..25).map(move |step| batch * 25 + step);
        [steps().map(|s| record(s, false)).collect(), steps().map(|s| record(s, true)).collect()]
    });
    batches.collect()
}

/// The tables after random input, and how many records BY_K wrote.
async fn tables(emission: Emission, seed: u64) -> (Vec<Vec<String>>, usize) {
    let options = Options { emission, workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    session.run(QUERIES).await.unwrap();
    for [stream, table] in random_batches(seed) {
        append(&engine, "s", &stream);
        append(&engine, "t", &table);
        engine.run_until_idle().await.unwrap();
    }
    let mut found = Vec::new();
    for table in TABLES {
        found.push(rows(&mut session, &format!("SELECT * FROM {table}")).await);
    }
    (found, written(&engine, "BY_K").len())
}

#[tokio::test]
async fn both_emissions_end_in_the_same_tables() {
    for seed in 0..5 {
        let (every, all) = tables(Emission::Every, seed).await;
        let (coalesced, fewer) = tables(Emission::Coalesced, seed).await;
        assert_eq!(every, coalesced, "seed {seed}");
        assert!(every.iter().all(|table| !table.is_empty()), "seed {seed}");
        // A record per input, or per key, partition and batch: six batches, six keys.
        assert_eq!((all, fewer <= 36), (150, true), "seed {seed}");
    }
}

/// Queries over S and T, and what a batch query over the same rows gives.
const BATCH: [(&str, &str); 8] = [
    ("SELECT K, N, S FROM BY_K", "SELECT K, COUNT(*), SUM(V) FROM S GROUP BY K"),
    ("SELECT K, N FROM LARGE", "SELECT K, COUNT(*) FROM S GROUP BY K HAVING COUNT(*) > 4"),
    ("SELECT V, N FROM BY_V WHERE N > 0", "SELECT V, COUNT(*) FROM LATEST GROUP BY V"),
    (
        "SELECT N, M FROM NESTED WHERE M > 0",
        "SELECT N, COUNT(*) FROM (SELECT K, COUNT(*) AS N FROM S GROUP BY K) GROUP BY N",
    ),
    (
        "SELECT K, N, V FROM JOINED",
        "SELECT G.K, N, V FROM (SELECT K, COUNT(*) AS N FROM S GROUP BY K) G
            LEFT JOIN LATEST ON G.K = LATEST.K",
    ),
    (
        "SELECT K, V, N FROM REFERRED",
        "SELECT K, L.V, N FROM LATEST L
            JOIN (SELECT V, COUNT(*) AS N FROM LATEST GROUP BY V) G ON L.V = G.V",
    ),
    (
        "SELECT S_K, A, B FROM PAIRS",
        "SELECT S.K, S.V, TS.V FROM S JOIN TS ON S.K = TS.K
            WHERE TS.V IS NOT NULL AND ABS(S.ROWTIME - TS.ROWTIME) <= 5",
    ),
    (
        "SELECT K, WINDOWSTART, N FROM TUMBLED",
        "SELECT K, ROWTIME - ROWTIME % 10 AS W, COUNT(*) FROM S GROUP BY K, ROWTIME - ROWTIME % 10",
    ),
];

const MORE_QUERIES: &str = "
    CREATE STREAM TS (K STRING KEY, V INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON');
    CREATE TABLE LATEST AS SELECT * FROM T;
    CREATE TABLE NESTED AS SELECT N, COUNT(*) AS M FROM BY_K GROUP BY N;
    CREATE TABLE REFERRED AS
        SELECT T.K AS K, T.V AS V, N FROM T INNER JOIN BY_V ON T.V = BY_V.V;
    CREATE STREAM PAIRS AS SELECT S.K, S.V AS A, TS.V AS B
        FROM S INNER JOIN TS WITHIN 5 MILLISECONDS ON S.K = TS.K;
    CREATE TABLE TUMBLED AS SELECT K, COUNT(*) AS N FROM S
        WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY K;";

#[tokio::test]
async fn queries_end_with_the_answer_of_a_batch_query() {
    for seed in 0..3 {
        let options = Options { workers: Workers::Manual, ..Options::default() };
        let engine = Engine::open(options).await.unwrap();
        let mut session = engine.session();
        session.run(QUERIES).await.unwrap();
        session.run(MORE_QUERIES).await.unwrap();
        for [stream, table] in random_batches(seed) {
            append(&engine, "s", &stream);
            append(&engine, "t", &table);
            engine.run_until_idle().await.unwrap();
        }
        for (kept, batch) in BATCH {
            let (kept, expected) =
                (rows(&mut session, kept).await, rows(&mut session, batch).await);
            assert_eq!(kept, expected, "seed {seed}: {batch}");
            assert!(!kept.is_empty(), "seed {seed}: {batch}");
        }
    }
}

#[tokio::test]
async fn a_join_of_tables_gives_one_change_per_key_and_batch() {
    for (emission, expected) in [(Emission::Every, 4), (Emission::Coalesced, 1)] {
        let options = Options { emission, workers: Workers::Manual, ..Options::default() };
        let engine = Engine::open(options).await.unwrap();
        let tables = "
            CREATE TABLE A (K STRING PRIMARY KEY, V INT)
                WITH (KAFKA_TOPIC='a', PARTITIONS=1, FORMAT='JSON');
            CREATE TABLE B (K STRING PRIMARY KEY, V INT)
                WITH (KAFKA_TOPIC='b', PARTITIONS=1, FORMAT='JSON');
            CREATE TABLE AB AS SELECT A.K, A.V, B.V FROM A LEFT JOIN B ON A.K = B.K;";
        engine.session().run(tables).await.unwrap();
        let records = [0, 1, 2, 3]
            .map(|step| (0, "\"k\"".to_owned(), Some(format!("{{\"V\":{step}}}")), step));
        append(&engine, "a", &records);
        engine.run_until_idle().await.unwrap();
        let found = written(&engine, "AB");
        assert_eq!(found.len(), expected);
        let last = found.last().and_then(|(_, value)| value.as_deref());
        assert_eq!(last, Some(&br#"{"A_V":3,"B_V":null}"#[..]));
    }
}

/// What tables that are joined one after the other write.
async fn chained_join(in_steps: bool) -> Vec<Written> {
    let options =
        Options { emission: Emission::Every, workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let tables = "
        CREATE TABLE A (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='a', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE B (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='b', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE C (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='c', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE ABC AS SELECT ROWKEY AS K, A.V, B.V, C.V
            FROM A JOIN B ON A.K = B.K FULL JOIN C ON A.K = C.K;";
    engine.session().run(tables).await.unwrap();
    for (step, topic) in ["a", "c", "b", "a", "b", "c", "a"].into_iter().enumerate() {
        let value = Some(format!("{{\"V\":{step}}}"));
        append(&engine, topic, &[(0, "\"k\"".to_owned(), value, step as i64)]);
        if in_steps {
            engine.run_until_idle().await.unwrap();
        }
    }
    engine.run_until_idle().await.unwrap();
    written(&engine, "ABC")
}

#[tokio::test]
async fn the_pace_of_the_inputs_does_not_show_in_a_join_of_tables() {
    let at_once = chained_join(false).await;
    assert_eq!(at_once.len(), 6, "all but the first row of A, which has no partner");
    assert_eq!(chained_join(true).await, at_once);
}

#[tokio::test]
async fn a_stream_meets_what_its_table_has_at_the_same_time() {
    let options = Options { workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let statements = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE T (K STRING PRIMARY KEY, V INT)
            WITH (KAFKA_TOPIC='t', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM ST AS SELECT S.K, S.V, T.V FROM S LEFT JOIN T ON S.K = T.K;";
    engine.session().run(statements).await.unwrap();
    let record = |time: i64| (0, "\"k\"".to_owned(), Some(format!("{{\"V\":{time}}}")), time);
    append(&engine, "s", &[2, 5, 7].map(record));
    append(&engine, "t", &[5, 6, 8].map(record));
    engine.run_until_idle().await.unwrap();
    let values = written(&engine, "ST").into_iter().filter_map(|(_, value)| value);
    let values: Vec<String> = values.map(|value| String::from_utf8(value).unwrap()).collect();
    let expected = [(2, "null"), (5, "5"), (7, "6")];
    assert_eq!(values, expected.map(|(s, t)| format!("{{\"S_V\":{s},\"T_V\":{t}}}")));
}

#[tokio::test]
async fn state_larger_than_its_memory_is_read_back() {
    const KEYS: usize = 200_000;
    const MEMORY: usize = 2 << 20;
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        storage: Storage::Directory(dir.path().to_owned()),
        workers: Workers::Manual,
        state_memory: MEMORY,
        ..Options::default()
    };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    let statements = "
        CREATE STREAM S (K BIGINT KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='KAFKA');
        CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;";
    session.run(statements).await.unwrap();
    let topic = engine.log().topic("s").unwrap();
    for _ in 0..2 {
        for first in (0..KEYS).step_by(10_000) {
            let mut builder = RecordsBuilder::new();
            for key in first..first + 10_000 {
                let key = (key as i64).to_be_bytes();
                builder.push(Some(&key), Some(&[0; 4]), Timestamp(0), &[]);
            }
            topic.partitions()[0].append(builder.build()).unwrap();
        }
        engine.run_until_idle().await.unwrap();
    }
    let counts = rows(&mut session, "SELECT N, COUNT(*) FROM COUNTS GROUP BY N").await;
    assert_eq!(counts, [format!("2 {KEYS}")]);
    let task = engine.shared.scheduler.task(0).unwrap();
    assert!(task.progress().memory <= MEMORY, "{} bytes", task.progress().memory);
    assert_eq!(task.stores().unwrap()[0].keys, KEYS as u64);
}

/// What a query over four partitions writes when so many threads move it.
async fn output(workers: Workers) -> Vec<Written> {
    let engine = Engine::open(Options { workers, ..Options::default() }).await.unwrap();
    let mut session = engine.session();
    let stream = "CREATE STREAM S (K INT KEY, V INT)
        WITH (KAFKA_TOPIC='s', PARTITIONS=4, KEY_FORMAT='KAFKA', VALUE_FORMAT='DELIMITED');";
    session.run(stream).await.unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let records = (0..40_000).map(|step| {
        let key: i32 = random.random_range(0..500);
        let value = random.random_range(0..100).to_string();
        (key, value, step)
    });
    let mut builders: [RecordsBuilder; 4] = std::array::from_fn(|_| RecordsBuilder::new());
    for (key, value, time) in records {
        let builder = &mut builders[key as usize % 4];
        builder.push(Some(&key.to_be_bytes()), Some(value.as_bytes()), Timestamp(time), &[]);
    }
    let topic = engine.log().topic("s").unwrap();
    for (partition, mut builder) in topic.partitions().iter().zip(builders) {
        partition.append(builder.build()).unwrap();
    }
    let table = "CREATE TABLE SUMS AS SELECT V, COUNT(*) AS N, SUM(K) AS S FROM S GROUP BY V;";
    session.run(table).await.unwrap();
    engine.run_until_idle().await.unwrap();
    written(&engine, "SUMS")
}

#[tokio::test]
async fn the_number_of_threads_does_not_show_in_the_output() {
    let alone = output(Workers::Manual).await;
    assert!(alone.len() >= 100, "{} records", alone.len());
    assert_eq!(output(Workers::Threads(3)).await, alone);
}
