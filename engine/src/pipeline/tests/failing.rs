//! Queries that fail, beside others that do not.

use std::sync::Arc;

use super::{append, rows, written};
use crate::engine::{Emission, Engine, Options, Workers};
use crate::pipeline::{Build, Output, build};
use crate::scheduler::{Status, Task};
use crate::statement::queries::{aggregate_settings, source_plan};

/// A query over the stream S whose output panics.
fn panicking(engine: &Engine) -> crate::pipeline::Pipeline {
    let shared = &engine.shared;
    let catalog = shared.catalog();
    let plan = source_plan(&catalog.sources["S"]);
    let output = Output::Client(Box::new(|_| panic!("the cup is full")));
    let build_of_s = Build {
        number: 99,
        id: "PANICKING",
        plan: &plan,
        catalog: &catalog,
        settings: aggregate_settings(&engine.session().properties),
        backend: Arc::clone(&shared.backend),
        log: shared.log.clone(),
        emission: Emission::Coalesced,
        delivery: shared.options.delivery,
        state_memory: 1 << 20,
        shards: 0,
        threads: 1,
        durable: true,
        strict_time: false,
        clock: Arc::clone(&shared.options.clock),
        from_latest: false,
    };
    build(build_of_s, output).unwrap()
}

#[tokio::test]
async fn a_panic_stops_its_query_and_no_other() {
    let options = Options { workers: Workers::Threads(1), ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let statements = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM COPY AS SELECT * FROM S;";
    engine.session().run(statements).await.unwrap();
    let clock = Arc::clone(&engine.shared.options.clock);
    let topics = vec!["s".to_owned()];
    engine.shared.scheduler.add(Task::persistent(
        topics,
        panicking(&engine),
        Status::Running,
        clock,
    ));
    for step in 0..2 {
        append(&engine, "s", &[(0, "\"k\"".to_owned(), Some(format!("{{\"V\":{step}}}")), step)]);
        engine.run_until_idle().await.unwrap();
    }
    assert_eq!(written(&engine, "COPY").len(), 2);
    let task = engine.shared.scheduler.task(99).unwrap();
    let Status::Failed(reason) = task.status() else { panic!("{}", task.status()) };
    assert!(reason.contains("the cup is full"), "{reason}");
}

/// A stream whose copy goes to a topic that takes batches of so many bytes.
async fn copied(format: &str, bytes_max: usize, sizes: &[usize]) -> (usize, Option<String>) {
    let options = Options { workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let statements = format!(
        "CREATE STREAM S (K STRING KEY, V STRING)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
         CREATE STREAM COPY WITH (VALUE_FORMAT='{format}') AS SELECT K, V FROM S;"
    );
    engine.session().run(&statements).await.unwrap();
    let limit = bytes_max.to_string();
    let changes = [("max.message.bytes", Some(limit.as_str()))];
    engine.log().alter_topic("COPY", &changes).unwrap();
    let record = |size: &usize| {
        let value = Some(format!("{{\"V\":\"{}\"}}", "x".repeat(*size)));
        (0, "\"k\"".to_owned(), value, 0)
    };
    append(&engine, "s", &sizes.iter().map(record).collect::<Vec<_>>());
    engine.run_until_idle().await.unwrap();
    let records = rows(&mut engine.session(), "SELECT COUNT(*) FROM COPY").await;
    (records[0].parse().unwrap(), engine.queries()[0].failure.clone())
}

#[tokio::test]
async fn a_large_record_does_not_burst_the_batch_before_it() {
    let sizes = [1_000_000, 600_000, 1_000_000];
    assert_eq!(copied("JSON", 1_100_000, &sizes).await, (3, None));
}

#[tokio::test]
async fn a_topic_that_takes_small_batches_gets_small_batches() {
    let sizes = vec![1000; 500];
    for format in ["JSON", "ARROW"] {
        assert_eq!(copied(format, 20_000, &sizes).await, (500, None), "{format}");
    }
}

#[tokio::test]
async fn a_record_that_its_topic_does_not_take_stops_the_query() {
    let (records, failure) = copied("JSON", 20_000, &[1000, 30_000]).await;
    assert_eq!(records, 0);
    let failure = failure.unwrap();
    assert!(failure.contains("max.message.bytes"), "{failure}");
}
