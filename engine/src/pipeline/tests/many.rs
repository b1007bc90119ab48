//! Many queries on few threads.

use super::{append, written};
use crate::engine::{Engine, Options, Workers};

const QUERIES: usize = 300;
const THREADS: usize = 2;

/// Threads of this process that move queries; other tests of the process may have some too.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.flatten().map(|task| task.path().join("comm"));
    let names = names.filter_map(|path| std::fs::read_to_string(path).ok());
    names.filter(|name| name.starts_with("query-")).count()
}

#[tokio::test]
async fn hundreds_of_queries_share_the_threads() {
    #[cfg(target_os = "linux")]
    let before = threads();
    let options = Options { workers: Workers::Threads(THREADS), ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    let sources = "
        CREATE STREAM S (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
        CREATE STREAM IDLE (K STRING KEY, V INT)
            WITH (KAFKA_TOPIC='idle', PARTITIONS=1, FORMAT='JSON');";
    session.run(sources).await.unwrap();
    for query in 0..QUERIES {
        // Every third query has nothing to read.
        let source = if query % 3 == 2 { "IDLE" } else { "S" };
        let statement =
            format!("CREATE STREAM Q{query} AS SELECT K, V + {query} AS V FROM {source};");
        session.run(&statement).await.unwrap();
    }
    for step in 0..3 {
        append(&engine, "s", &[(0, "\"k\"".to_owned(), Some(format!("{{\"V\":{step}}}")), step)]);
    }
    engine.run_until_idle().await.unwrap();
    for query in 0..QUERIES {
        let values: Vec<String> = written(&engine, &format!("Q{query}"))
            .into_iter()
            .map(|(_, value)| String::from_utf8(value.unwrap()).unwrap())
            .collect();
        let steps = if query % 3 == 2 { 0..0 } else { 0..3 };
        let expected: Vec<String> =
            steps.map(|step| format!("{{\"V\":{}}}", step + query)).collect();
        assert_eq!(values, expected, "Q{query}");
    }
    // What the tests beside this one started can only make it fewer.
    #[cfg(target_os = "linux")]
    assert!(threads() <= before + QUERIES / 10, "{} threads, {before} before", threads());
}
