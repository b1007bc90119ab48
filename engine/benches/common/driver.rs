//! An engine that the bench moves by itself, on one thread.

use std::path::Path;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use engine::{Engine, Options, Outcome, Session, Storage, Workers};
use futures::StreamExt;

pub async fn open(dir: &Path, state_memory: usize) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, workers: Workers::Manual, state_memory, ..Options::default() };
    Engine::open(options).await.expect("a data directory")
}

/// Creates a query and runs it until it has read everything.
pub async fn run(engine: &Engine, session: &mut Session, query: &str) -> Duration {
    let start = Instant::now();
    session.run(query).await.expect("the query is right");
    engine.run_until_idle().await.expect("the query runs");
    let time = start.elapsed();
    assert!(engine.queries().iter().all(|query| query.failure.is_none() && query.lag == 0));
    time
}

/// Drops what a query has made under this name, its topic and the query itself. The others go on:
/// a table can be asked only while its query keeps it.
pub async fn drop_made(session: &mut Session, query: &str, name: &str) {
    let kind = if query.starts_with("CREATE TABLE") { "TABLE" } else { "STREAM" };
    let statement = format!("DROP {kind} {name} DELETE TOPIC;");
    session.run(&statement).await.expect("what was made is there");
}

/// The number in the last row of an answer.
pub async fn number(session: &mut Session, query: &str) -> i64 {
    let outcome = session.run(&format!("{query};")).await.expect("the query is right").pop();
    let Some(Outcome::Rows(mut rows)) = outcome else { panic!("{query} gives no rows") };
    let mut last = None;
    while let Some(batch) = rows.stream.next().await {
        let batch = batch.expect("rows");
        let numbers = batch.column(0).as_primitive::<Int64Type>();
        last = numbers.values().last().copied().or(last);
    }
    last.expect("a number")
}

pub async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let result = work.await;
    (start.elapsed(), result)
}
