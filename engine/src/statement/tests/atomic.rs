//! A statement takes effect wholly or leaves no trace, also where the process dies in the middle.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use log_store::{Isolation, Offset};

use super::{engine, lines};
use crate::engine::{Engine, Options, Storage, Workers};
use crate::error::{Error, Result};
use crate::state::{Backend, Entry, Family, View, WriteBatch};

/// Statements, each with the streams and tables that there are afterwards.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');", &["S"]),
    ("CREATE TABLE T AS SELECT A, COUNT(*) AS N FROM S GROUP BY A;", &["S", "T"]),
    (
        "CREATE SOURCE TABLE U (A INT PRIMARY KEY) WITH (KAFKA_TOPIC='u', PARTITIONS=1, FORMAT='JSON');",
        &["S", "T", "U"],
    ),
    ("DROP TABLE T DELETE TOPIC;", &["S", "U"]),
    ("DROP STREAM S DELETE TOPIC;", &["U"]),
];

/// What becomes of the step at which a state store fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum LastStep {
    IsDone,
    IsNotDone,
}

/// A state store that fails from some step on, until it is healed.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn Backend>,
    last: LastStep,
    /// Steps that succeed.
    left: AtomicUsize,
}

impl Failing {
    fn step(&self, step: impl FnOnce() -> Result<()>) -> Result<()> {
        let count_down = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down) {
            Ok(1) if self.last == LastStep::IsDone => step()?,
            Ok(left) if left > 1 => return step(),
            _ => {}
        }
        Err(Error::Storage { operation: "state store".into(), cause: "it fails".into() })
    }

    fn heal(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }
}

impl View for Failing {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get(family, key)
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        self.inner.scan(family, range, limit)
    }
}

impl Backend for Failing {
    fn write(&self, batch: WriteBatch) -> Result<()> {
        self.step(|| self.inner.write(batch))
    }

    fn sync(&self) -> Result<()> {
        self.step(|| self.inner.sync())
    }

    fn view(&self) -> Arc<dyn View> {
        self.inner.view()
    }
}

/// Lets the state store of an engine that has no session yet fail after `steps`.
fn failing(engine: &mut Engine, steps: usize, last: LastStep) -> Arc<Failing> {
    let shared = Arc::get_mut(&mut engine.shared).unwrap();
    let inner = Arc::clone(&shared.backend);
    // The step that fails counts, too.
    let failing = Arc::new(Failing { inner, last, left: AtomicUsize::new(steps + 1) });
    shared.backend = Arc::clone(&failing) as Arc<dyn Backend>;
    failing
}

async fn open(dir: &Path) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, workers: Workers::Manual, ..Options::default() };
    Engine::open(options).await.unwrap()
}

/// Runs the statements until the store fails. Gives how many took effect.
async fn statements_until_failure(dir: &Path, steps: usize, last: LastStep) -> usize {
    let mut engine = open(dir).await;
    let _failing = failing(&mut engine, steps, last);
    let mut session = engine.session();
    for (done, (statement, _)) in STATEMENTS.iter().enumerate() {
        if let Err(error) = session.run(statement).await {
            assert!(matches!(error, Error::Storage { .. }), "{error}");
            return done;
        }
    }
    STATEMENTS.len()
}

/// Streams, tables and topics, but for the engine's own.
async fn found(dir: &Path) -> (Vec<String>, BTreeSet<String>, BTreeSet<String>) {
    let engine = open(dir).await;
    let sources = engine.sources().into_iter();
    let sources: Vec<_> = sources.filter(|s| s.name != crate::processing_log::STREAM).collect();
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let expected = sources.iter().map(|source| source.topic.clone()).collect();
    let topics = engine.log().topics().into_iter().map(|topic| topic.name().to_owned());
    (names, expected, topics.filter(|name| name != crate::processing_log::TOPIC).collect())
}

#[tokio::test]
async fn wherever_the_state_store_ends_a_statement_is_whole_or_not_at_all() {
    for last in [LastStep::IsDone, LastStep::IsNotDone] {
        for steps in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let done = statements_until_failure(dir.path(), steps, last).await;
            let what = format!("{steps} steps, the last one {last:?}, {done} statements");
            let (names, expected, topics) = found(dir.path()).await;
            let after = |count: usize| match count {
                0 => &[][..],
                count => STATEMENTS[count - 1].1,
            };
            let whole = [done, (done + 1).min(STATEMENTS.len())].map(after);
            assert!(whole.iter().any(|whole| names == *whole), "{what}: {names:?}");
            assert_eq!(topics, expected, "{what}");
            if done == STATEMENTS.len() {
                break;
            }
        }
    }
}

/// Statements that stop a query before the catalog is committed.
#[tokio::test]
async fn a_query_goes_on_when_what_was_to_end_it_fails() {
    for (statement, page) in [
        (
            "CREATE OR REPLACE TABLE PAGES AS SELECT PAGE, COUNT(*) AS N FROM CLICKS WHERE ID <> 'x' GROUP BY PAGE;",
            "a",
        ),
        ("DROP TABLE PAGES;", "b"),
        ("TERMINATE CTAS_PAGES_0;", "c"),
    ] {
        let (mut engine, session) = engine().await;
        drop(session);
        let store = failing(&mut engine, 0, LastStep::IsNotDone);
        let mut session = engine.session();
        let error = session.run(statement).await.unwrap_err();
        assert!(matches!(error, Error::Storage { .. }), "{statement}: {error}");
        store.heal();
        session.run(&format!("INSERT INTO CLICKS VALUES ('y', '{page}');")).await.unwrap();
        engine.run_until_idle().await.unwrap();
        let query = format!("SELECT N FROM PAGES WHERE PAGE = '{page}';");
        assert_eq!(lines(&mut session, &query).await, ["N", "1"], "{statement}");
    }
}

/// What a query has in memory after an error is not what it has committed.
#[tokio::test]
async fn a_query_that_has_failed_is_resumed_from_what_it_has_committed() {
    for last in [LastStep::IsDone, LastStep::IsNotDone] {
        let (mut engine, session) = engine().await;
        drop(session);
        let store = failing(&mut engine, 0, last);
        store.heal();
        let mut session = engine.session();
        let create = "CREATE TABLE MORE AS SELECT PAGE, COUNT(*) AS N FROM CLICKS GROUP BY PAGE;";
        session.run(create).await.unwrap();
        engine.run_until_idle().await.unwrap();
        session.run("INSERT INTO CLICKS VALUES ('c', 'home');").await.unwrap();
        store.left.store(1, Ordering::SeqCst);
        engine.run_until_idle().await.unwrap();
        store.heal();
        assert!(engine.queries()[1].failure.is_some());
        assert_eq!(engine.log().prepared().len(), 1);
        // Neither may let it go on as it is.
        session.run("PAUSE ALL; RESUME ALL;").await.unwrap();
        assert_eq!(engine.log().prepared().len(), 0);
        engine.run_until_idle().await.unwrap();
        session.run("INSERT INTO CLICKS VALUES ('d', 'home');").await.unwrap();
        engine.run_until_idle().await.unwrap();
        assert_eq!(engine.queries()[1].failure, None);
        let pages = lines(&mut session, "SELECT N FROM MORE WHERE PAGE = 'home';").await;
        assert_eq!(pages, ["N", "3"], "{last:?}");
        let topic = engine.log().topic("MORE").unwrap();
        let partition = &topic.partitions()[0];
        let fetched = partition.read(Offset::ZERO, 1 << 20, Isolation::ReadCommitted).unwrap();
        let records = fetched.batches.iter().map(|batch| batch.records().unwrap().iter().count());
        assert_eq!(records.sum::<usize>(), 4, "{last:?}");
    }
}

#[tokio::test]
async fn a_topic_that_others_lie_on_is_not_deleted() {
    let (engine, mut session) = engine().await;
    let other = "CREATE STREAM HITS (ID STRING KEY, PAGE STRING) WITH (KAFKA_TOPIC='clicks', FORMAT='JSON');";
    session.run(other).await.unwrap();
    let error = session.run("DROP STREAM HITS DELETE TOPIC;").await.unwrap_err();
    let expected = "refusing to delete topic clicks: found other data sources using it: [CLICKS]";
    assert_eq!(error.message(), expected);
    assert!(engine.source("HITS").is_some());
    session.run("DROP STREAM HITS;").await.unwrap();
    assert!(engine.log().topic("clicks").is_some());
}
