//! What exactly once costs: the same queries over the same records, with transactions and without.
//!
//! Without them ([`Delivery::AtLeastOnce`]) an epoch's output is appended as it is and the state is
//! written afterwards: nothing is prepared, decided, marked or remembered, and a crash between the two
//! would leave the output twice. Everything else is the same, so the ratio is the price of the
//! transactions alone. Both sides take turns in one process, each with a data directory of its own, and
//! the best time of each counts; what the queries give is compared with what they have to give.
//!
//! Transactions cost something for each epoch, however many records are in it. A query that has fallen
//! behind reads epochs of 16 MiB; one that keeps up reads what has come meanwhile, and so the shares are
//! measured for epochs of several sizes. They are part of the time of a side: each batch of input is
//! appended, and then the queries run until nothing is left.
//!
//! A word on the command line picks the queries whose name has it.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

#[path = "common/hour.rs"]
mod hour;

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use engine::{Delivery, Engine, Options, Outcome, Session, Storage, Workers};
use futures::StreamExt;
use log_store::{RecordsBuilder, Timestamp, TopicConfig};

use hour::hour;
use tempfile::TempDir;

const TURNS: usize = 3;
const CUSTOMERS: usize = 100_000;
/// Records of a batch of the input where all of it is there before the queries begin.
const BATCH: usize = 10_000;

/// How the input comes.
#[derive(Clone, Copy)]
enum Arrival {
    /// All at once.
    Backlog,
    /// So many records at a time, which the queries read before the next come.
    Batches(usize),
}

/// The sizes of epochs, and how many records there are.
const ARRIVALS: [(&str, Arrival, usize); 4] = [
    ("a backlog, 16 MiB an epoch", Arrival::Backlog, 500_000),
    ("10,000 records an epoch", Arrival::Batches(10_000), 500_000),
    ("1,000 records an epoch", Arrival::Batches(1_000), 200_000),
    ("100 records an epoch", Arrival::Batches(100), 30_000),
];

/// Queries, and a query that gives the number of records for which they have given something.
struct Work {
    name: &'static str,
    /// The topic that they write, if it is to lose nothing.
    strict: Option<&'static str>,
    queries: &'static str,
    given: &'static str,
    /// What goes afterwards, readers first.
    made: &'static [&'static str],
}

const WORK: [Work; 4] = [
    Work {
        name: "filter and project",
        strict: None,
        queries: "CREATE STREAM BIG AS SELECT CUSTOMER, AMOUNT * 2 AS AMOUNT FROM ORDERS
            WHERE AMOUNT % 4 < 2;",
        given: "SELECT 2 * COUNT(*) FROM BIG;",
        made: &["STREAM BIG"],
    },
    Work {
        name: "count by 100 thousand keys",
        strict: None,
        queries: "CREATE TABLE COUNTS AS SELECT CUSTOMER, COUNT(*) AS N, SUM(AMOUNT) AS AMOUNT
            FROM ORDERS GROUP BY CUSTOMER;",
        given: "SELECT SUM(N) FROM COUNTS;",
        made: &["TABLE COUNTS"],
    },
    Work {
        name: "a filter, and a count over it",
        strict: None,
        queries: "CREATE STREAM BIG AS SELECT CUSTOMER, AMOUNT FROM ORDERS WHERE AMOUNT % 4 < 2;
            CREATE TABLE COUNTS AS SELECT CUSTOMER, COUNT(*) AS N FROM BIG GROUP BY CUSTOMER;",
        given: "SELECT 2 * SUM(N) FROM COUNTS;",
        made: &["TABLE COUNTS", "STREAM BIG"],
    },
    Work {
        name: "a filter whose output waits for the disk",
        strict: Some("BIG"),
        queries: "CREATE STREAM BIG AS SELECT CUSTOMER, AMOUNT FROM ORDERS WHERE AMOUNT % 4 < 2;",
        given: "SELECT 2 * COUNT(*) FROM BIG;",
        made: &["STREAM BIG"],
    },
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let mut exactly = Side::open(Delivery::ExactlyOnce).await;
    let mut at_least = Side::open(Delivery::AtLeastOnce).await;
    println!("records of {} bytes as JSON, one thread", order(0).len());
    println!("{:68} {:>12} {:>12} {:>6}", "", "exactly once", "at least", "ratio");
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let is_wanted = |work: &&Work| words.is_empty() || words.iter().any(|w| work.name.contains(w));
    for work in WORK.iter().filter(is_wanted) {
        for (arrival_name, arrival, records) in ARRIVALS {
            let mut best = [Duration::MAX; 2];
            for turn in 0..TURNS {
                // Who comes second finds the machine as the first has left it.
                for side in [turn % 2, 1 - turn % 2] {
                    let engine = if side == 0 { &mut exactly } else { &mut at_least };
                    best[side] = best[side].min(engine.run(work, arrival, records).await);
                }
            }
            let name = format!("{}, {arrival_name}", work.name);
            let rate = |time: Duration| format!("{:.0}/s", records as f64 / time.as_secs_f64());
            let ratio = best[1].as_secs_f64() / best[0].as_secs_f64();
            println!("{name:68} {:>12} {:>12} {ratio:6.3}", rate(best[0]), rate(best[1]));
        }
    }
}

/// An engine with its data directory.
struct Side {
    engine: Engine,
    session: Session,
    _dir: TempDir,
}

impl Side {
    async fn open(delivery: Delivery) -> Side {
        let dir = tempfile::tempdir().expect("a directory");
        let storage = Storage::Directory(dir.path().to_owned());
        let options = Options { storage, delivery, workers: Workers::Manual, ..Options::default() };
        let engine = Engine::open(options).await.expect("a data directory");
        Side { session: engine.session(), engine, _dir: dir }
    }

    /// How long the queries take for the records; afterwards nothing of them is left.
    async fn run(&mut self, work: &Work, arrival: Arrival, records: usize) -> Duration {
        self.statements(
            "CREATE STREAM ORDERS (CUSTOMER BIGINT, AMOUNT BIGINT, ITEM STRING, NOTE STRING)
                WITH (KAFKA_TOPIC='ORDERS', PARTITIONS=1, VALUE_FORMAT='JSON');",
        )
        .await;
        if let Some(topic) = work.strict {
            let strict = TopicConfig::new().with("flush.messages", "1").expect("a setting");
            self.engine.log().create_topic(topic, 1, strict).expect("a topic");
        }
        let time = match arrival {
            Arrival::Backlog => {
                self.append(0..records);
                let start = Instant::now();
                self.statements(work.queries).await;
                self.engine.run_until_idle().await.expect("the queries run");
                start.elapsed()
            }
            Arrival::Batches(size) => {
                self.statements(work.queries).await;
                let start = Instant::now();
                for first in (0..records).step_by(size) {
                    self.append(first..first + size);
                    self.engine.run_until_idle().await.expect("the queries run");
                }
                start.elapsed()
            }
        };
        assert_eq!(self.number(work.given).await, records as i64, "{}", work.name);
        for made in work.made {
            self.statements(&format!("DROP {made} DELETE TOPIC;")).await;
        }
        self.statements("DROP STREAM ORDERS DELETE TOPIC;").await;
        time
    }

    async fn statements(&mut self, text: &str) {
        self.session.run(text).await.expect("the statements are right");
    }

    fn append(&self, orders: std::ops::Range<usize>) {
        let topic = self.engine.log().topic("ORDERS").expect("the topic is there");
        let (hour, mut builder) = (hour(), RecordsBuilder::new());
        let last = orders.end - 1;
        for index in orders {
            builder.push(None, Some(order(index).as_bytes()), Timestamp(hour + index as i64), &[]);
            if builder.len() == BATCH || index == last {
                topic.partitions()[0].append(builder.build()).expect("the log takes the batch");
            }
        }
    }

    /// The only number of an answer.
    async fn number(&mut self, query: &str) -> i64 {
        let outcome = self.session.run(query).await.expect("the query is right").pop();
        let Some(Outcome::Rows(mut rows)) = outcome else { panic!("{query} gives no rows") };
        let batch = rows.stream.next().await.expect("a batch").expect("rows");
        batch.column(0).as_primitive::<Int64Type>().value(0)
    }
}

/// Of every four orders, two have an amount that the filters let through.
fn order(index: usize) -> String {
    let customer = index * 7919 % CUSTOMERS;
    let item = index * 104_729 % 1_000_000;
    format!(
        r#"{{"CUSTOMER":{customer},"AMOUNT":{index},"ITEM":"item {item:06}","NOTE":"leave it at the door, and ring twice; nobody is at home before six"}}"#
    )
}
