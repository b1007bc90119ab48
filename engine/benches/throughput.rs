//! Persistent queries from end to end: read, processed, written and committed, on one thread.
//!
//! The input lies in a topic of a data directory, once as JSON and once as columns; the query is
//! created over it and runs until nothing is left. What matters is the ratio to a batch query of
//! DataFusion that does the same work over the same topic in the same run, without state, output
//! and commits. Both take turns, and the best time of each counts. What a query keeps or writes
//! is compared with the batch answer.
//!
//! The last measurement has more state than memory for it.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

#[path = "common/driver.rs"]
mod driver;
#[path = "common/figure.rs"]
mod figure;
#[path = "common/hour.rs"]
mod hour;

use std::time::{Duration, Instant};

use engine::{Engine, Options, Session};
use log_store::{RecordsBuilder, Timestamp};

use driver::{drop_made, number, open, run, timed};
use figure::figure;
use hour::hour;

const RECORDS: usize = 1_000_000;
const BATCH: usize = 10_000;
const TURNS: usize = 2;
/// Keys of the count and of the table that is joined.
const KEYS: usize = 100_000;
const WINDOW_MS: i64 = 3_600_000;

const COLUMNS: &str =
    "AUCTION BIGINT, BIDDER BIGINT, PRICE DOUBLE, CHANNEL STRING, URL STRING, EXTRA STRING";

/// A query, how many rows it has to give, and the batch query of the same work. `{bids}` is the
/// stream that is read, `{id}` makes names unique.
struct Work {
    name: &'static str,
    query: &'static str,
    given: &'static str,
    batch: &'static str,
}

const WORK: [Work; 3] = [
    Work {
        name: "filter and project",
        query: "CREATE STREAM OUT_{id} AS SELECT AUCTION, BIDDER, PRICE * 0.908 AS PRICE
            FROM {bids} WHERE AUCTION % 4 < 2;",
        given: "SELECT COUNT(*) FROM OUT_{id}",
        batch: "SELECT COUNT(P) FROM (SELECT AUCTION, BIDDER, PRICE * 0.908 AS P
            FROM {bids} WHERE AUCTION % 4 < 2)",
    },
    Work {
        name: "tumbling count, 100 thousand keys",
        query: "CREATE TABLE OUT_{id} AS SELECT BIDDER, COUNT(*) AS N FROM {bids}
            WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY BIDDER;",
        given: "SELECT SUM(N) FROM OUT_{id}",
        batch: "SELECT SUM(N) FROM (SELECT BIDDER, ROWTIME - ROWTIME % 3600000 AS W, COUNT(*) AS N
            FROM {bids} GROUP BY BIDDER, ROWTIME - ROWTIME % 3600000)",
    },
    Work {
        name: "stream-table join",
        query:
            "CREATE STREAM OUT_{id} AS SELECT B.BIDDER AS BIDDER, B.PRICE AS PRICE, U.NAME AS NAME
            FROM {bids} B JOIN USERS U ON B.BIDDER = U.ID;",
        given: "SELECT COUNT(*) FROM OUT_{id}",
        batch: "SELECT COUNT(NAME) FROM (SELECT B.BIDDER, B.PRICE, U.NAME
            FROM {bids} B JOIN KEPT_USERS U ON B.BIDDER = U.ID)",
    },
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(dir.path(), Options::default().state_memory).await;
    let mut session = engine.session();
    write_input(&engine, &mut session).await;
    println!("{RECORDS} records of {} bytes as JSON, one thread", bid(0).len());
    println!("{:34} {:>5} {:>16} {:>16} {:>6}", "", "", "query", "batch query", "ratio");
    let mut id = 0;
    for work in &WORK {
        for (format, bids) in [("JSON", "BIDS"), ("ARROW", "COLUMNAR")] {
            let (mut best_query, mut best_batch) = (Duration::MAX, Duration::MAX);
            for _ in 0..TURNS {
                id += 1;
                let text =
                    |text: &str| text.replace("{bids}", bids).replace("{id}", &id.to_string());
                let (time, rows) = timed(number(&mut session, &text(work.batch))).await;
                best_batch = best_batch.min(time);
                best_query = best_query.min(run(&engine, &mut session, &text(work.query)).await);
                assert_eq!(number(&mut session, &text(work.given)).await, rows, "{}", work.name);
                let memory = memory(&engine, &format!("OUT_{id}"));
                drop_made(&mut session, work.query, &format!("OUT_{id}")).await;
                if work.name.starts_with("tumbling") && id % (TURNS as i32) == 0 {
                    let per_key = memory / KEYS;
                    println!("  {memory} bytes of state in memory, {per_key} per key");
                }
            }
            show(work.name, format, best_query, best_batch);
        }
    }
    drop((session, engine));
    more_state_than_memory().await;
}

/// Bids as JSON and as columns, and the users who bid.
async fn write_input(engine: &Engine, session: &mut Session) {
    let statements = format!(
        "CREATE STREAM BIDS ({COLUMNS}) WITH (KAFKA_TOPIC='bids', PARTITIONS=1, VALUE_FORMAT='JSON');
         CREATE TABLE USERS (ID BIGINT PRIMARY KEY, NAME STRING)
            WITH (KAFKA_TOPIC='users', PARTITIONS=1, FORMAT='JSON');
         CREATE STREAM COLUMNAR WITH (VALUE_FORMAT='ARROW') AS SELECT * FROM BIDS;
         CREATE TABLE KEPT_USERS AS SELECT * FROM USERS;"
    );
    session.run(&statements).await.expect("the statements are right");
    let users =
        (0..KEYS).map(|user| (Some(user.to_string()), format!("{{\"NAME\":\"user {user}\"}}")));
    // Whoever bids has been there for a while.
    append(engine, "users", hour() - WINDOW_MS, users);
    append(engine, "bids", hour(), (0..RECORDS).map(|index| (None, bid(index))));
    engine.run_until_idle().await.expect("the queries run");
}

fn bid(index: usize) -> String {
    let (auction, bidder) = (1000 + index * 37 % 9000, index * 7919 % KEYS);
    let (dollars, cents) = (10 + index * 31 % 90_000, index * 17 % 100);
    let channel = ["Google", "Facebook", "Baidu", "Apple"][index % 4];
    let item = index * 104_729 % 1_000_000;
    format!(
        r#"{{"AUCTION":{auction},"BIDDER":{bidder},"PRICE":{dollars}.{cents:02},"CHANNEL":"{channel}","URL":"https://www.nexmark.com/item/{item}/bid.html?query=1","EXTRA":"abcdefghijklmnopqrstuvwxyz"}}"#
    )
}

fn append(
    engine: &Engine,
    topic: &str,
    beginning: i64,
    records: impl Iterator<Item = (Option<String>, String)>,
) {
    let topic = engine.log().topic(topic).expect("the topic is there");
    let mut builder = RecordsBuilder::new();
    for (at, (key, value)) in records.enumerate() {
        let time = Timestamp(beginning + at as i64 % WINDOW_MS);
        builder.push(key.as_deref().map(str::as_bytes), Some(value.as_bytes()), time, &[]);
        if builder.len() == BATCH {
            topic.partitions()[0].append(builder.build()).expect("the log takes the batch");
        }
    }
    assert!(builder.is_empty(), "all batches are full");
}

/// The memory that the state of a query takes.
fn memory(engine: &Engine, id: &str) -> usize {
    let queries = engine.queries();
    let of_query = queries.iter().find(|query| query.id.contains(id));
    of_query.expect("the query is there").memory
}

fn show(name: &str, format: &str, query: Duration, batch: Duration) {
    let rate = |time: Duration| format!("{:.0} records/s", RECORDS as f64 / time.as_secs_f64());
    let ratio = batch.as_secs_f64() / query.as_secs_f64();
    println!("{name:34} {format:>5} {:>16} {:>16} {ratio:6.2}", rate(query), rate(batch));
    figure(&format!("{name}, {format}"), ratio, "of a batch query");
}

/// Counts by a million keys, twice each, with 4 MiB of memory.
async fn more_state_than_memory() {
    const MEMORY: usize = 4 << 20;
    let dir = tempfile::tempdir().expect("a directory");
    let engine = open(dir.path(), MEMORY).await;
    let mut session = engine.session();
    let statements = "
        CREATE STREAM S (K BIGINT KEY, V BIGINT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N, SUM(V) AS V FROM S GROUP BY K;";
    session.run(statements).await.expect("the statements are right");
    let start = Instant::now();
    for turn in 1..=2 {
        let record = |key: usize| (Some(key.to_string()), format!("{{\"V\":{turn}}}"));
        append(&engine, "s", hour(), (0..RECORDS).map(record));
        engine.run_until_idle().await.expect("the query runs");
    }
    let time = start.elapsed();
    let memory = memory(&engine, "COUNTS");
    let whole = "SELECT COUNT(*) FROM COUNTS WHERE N = 2 AND V = 3";
    assert_eq!(number(&mut session, whole).await, RECORDS as i64);
    assert!(memory <= MEMORY, "{memory} bytes in memory");
    println!(
        "count by {RECORDS} keys with {MEMORY} bytes of memory: {:.0} records/s, {memory} bytes held",
        2.0 * RECORDS as f64 / time.as_secs_f64()
    );
}
