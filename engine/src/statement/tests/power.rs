//! Losses of power, each at its worst: one store keeps all that was written, the other one only what
//! was synced.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use log_store::{DiskFault, FaultyIo, Isolation, LogStore, Offset, TopicConfig};
use tempfile::TempDir;

use super::lines;
use crate::engine::{Engine, Options, Simulated, Storage, Workers};
use crate::state::StateWatch;

/// The disk of the log, and the directory of the state.
struct Machine {
    dir: TempDir,
    io: FaultyIo,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    dir: PathBuf,
    synced: Mutex<HashMap<OsString, u64>>,
}

impl StateWatch for Watch {
    fn write(&self, _bytes: usize) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        *self.synced.lock().unwrap() = logs(&self.dir);
        Ok(())
    }
}

/// Lengths of write-ahead logs by name.
fn logs(dir: &PathBuf) -> HashMap<OsString, u64> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let logs = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "log"));
    logs.map(|log| (log.file_name(), log.metadata().unwrap().len())).collect()
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch { dir: dir.path().join("state"), ..Watch::default() };
        Self { io: FaultyIo::new(), watch: Arc::new(watch), dir }
    }

    async fn open(&self) -> Engine {
        let storage = Storage::Simulated(Simulated {
            log: Arc::new(self.io.clone()),
            state: self.dir.path().join("state"),
            watch: self.watch.clone(),
        });
        let options = Options { storage, workers: Workers::Manual, ..Options::default() };
        Engine::open(options).await.unwrap()
    }

    /// The state loses what was not synced; the log loses nothing.
    fn state_forgets(&mut self) {
        self.io = self.io.after_kill();
        let synced = self.watch.synced.lock().unwrap();
        for name in logs(&self.watch.dir).into_keys() {
            let file = File::options().write(true).open(self.watch.dir.join(&name)).unwrap();
            file.set_len(synced.get(&name).copied().unwrap_or_default()).unwrap();
        }
    }

    /// The log loses what was not synced, or some of it; the state loses nothing.
    fn log_forgets(&mut self, seed: u64) {
        self.io = self.io.after_crash(seed);
    }
}

const QUERY: &str = "
    CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');
    CREATE STREAM BIG WITH (KAFKA_TOPIC='big') AS SELECT K, V FROM S WHERE V > 1;";

/// A query from one topic into another; both lose nothing.
async fn strict(engine: &Engine) {
    for topic in ["s", "big"] {
        let config = TopicConfig::new().with("flush.messages", "1").unwrap();
        engine.log().create_topic(topic, 1, config).unwrap();
    }
    engine.session().run(QUERY).await.unwrap();
}

/// How many records a topic holds that count.
fn count(log: &LogStore, topic: &str) -> usize {
    let topic = log.topic(topic).unwrap();
    let partition = &topic.partitions()[0];
    let fetched = partition.read(Offset::ZERO, 1 << 20, Isolation::ReadCommitted).unwrap();
    fetched.batches.iter().map(|batch| batch.records().unwrap().iter().count()).sum()
}

async fn insert_and_run(engine: &Engine, value: i32) {
    let mut session = engine.session();
    session.run(&format!("INSERT INTO S VALUES ('a', {value});")).await.unwrap();
    engine.run_until_idle().await.unwrap();
}

#[tokio::test]
async fn an_output_that_loses_nothing_is_not_made_twice_when_the_state_loses_something() {
    let mut machine = Machine::new();
    let engine = machine.open().await;
    strict(&engine).await;
    for value in 2..5 {
        insert_and_run(&engine, value).await;
    }
    drop(engine);
    machine.state_forgets();
    let engine = machine.open().await;
    engine.run_until_idle().await.unwrap();
    assert_eq!(count(engine.log(), "big"), 3);
}

#[tokio::test]
async fn an_output_that_loses_nothing_is_there_when_the_log_has_lost_its_end() {
    for seed in 0..8 {
        let mut machine = Machine::new();
        let engine = machine.open().await;
        strict(&engine).await;
        for value in 2..5 {
            insert_and_run(&engine, value).await;
        }
        drop(engine);
        machine.log_forgets(seed);
        let engine = machine.open().await;
        engine.run_until_idle().await.unwrap();
        assert_eq!(count(engine.log(), "big"), 3, "seed {seed}");
        // What was decided while it was opened is remembered as well.
        drop(engine);
        machine.log_forgets(seed);
        assert_eq!(count(machine.open().await.log(), "big"), 3, "seed {seed}");
    }
}

#[tokio::test]
async fn a_query_does_not_skip_what_comes_where_a_log_was_cut() {
    let mut cut = 0;
    for seed in 0..16 {
        let mut machine = Machine::new();
        let engine = machine.open().await;
        engine.session().run(QUERY).await.unwrap();
        for value in 2..5 {
            insert_and_run(&engine, value).await;
        }
        drop(engine);
        machine.log_forgets(seed);
        let engine = machine.open().await;
        let left = count(engine.log(), "s");
        let mut session = engine.session();
        // Nobody reads until the log is as long as it was.
        session.run("PAUSE ALL;").await.unwrap();
        for value in 10..14 {
            session.run(&format!("INSERT INTO S VALUES ('b', {value});")).await.unwrap();
        }
        drop((session, engine));
        let engine = machine.open().await;
        let mut session = engine.session();
        session.run("RESUME ALL;").await.unwrap();
        engine.run_until_idle().await.unwrap();
        let new = lines(&mut session, "SELECT COUNT(*) AS N FROM BIG WHERE K = 'b';").await;
        assert_eq!(new, ["N", "4"], "seed {seed}");
        let told = "SELECT COUNT(*) AS N FROM KSQL_PROCESSING_LOG WHERE OPERATOR = 'recover';";
        let is_told = lines(&mut session, told).await == ["N", "1"];
        assert_eq!(is_told, left < 3, "seed {seed}");
        cut += usize::from(is_told);
    }
    assert!(cut > 0, "no seed has cut the log");
}

#[tokio::test]
async fn topics_that_could_not_be_deleted_are_deleted_later_all_of_them() {
    let mut machine = Machine::new();
    let engine = machine.open().await;
    let mut session = engine.session();
    for name in ["a", "b", "c"] {
        let create = format!(
            "CREATE STREAM {name} (V INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, FORMAT='JSON');"
        );
        session.run(&create).await.unwrap();
    }
    machine.io.inject(DiskFault::ReadOnly);
    for name in ["a", "b"] {
        session.run(&format!("DROP STREAM {name} DELETE TOPIC;")).await.unwrap();
    }
    machine.io.heal();
    let create = "CREATE STREAM d (V INT) WITH (KAFKA_TOPIC='d', PARTITIONS=1, FORMAT='JSON');";
    session.run(create).await.unwrap();
    drop((session, engine));
    machine.io = machine.io.after_kill();
    let engine = machine.open().await;
    let topics: Vec<String> =
        engine.log().topics().iter().map(|topic| topic.name().to_owned()).collect();
    assert_eq!(topics, ["c", "d", crate::processing_log::TOPIC]);
    assert_eq!(engine.leftovers().unwrap(), Vec::<String>::new());
}
