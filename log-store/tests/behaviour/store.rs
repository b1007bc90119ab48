//! What the tests share: short ways to write and to read back as text.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use log_store::*;

/// A clock that a test moves by hand.
#[derive(Clone, Default)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub fn at(ms: i64) -> HandClock {
        HandClock(Arc::new(AtomicI64::new(ms)))
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn options(&self) -> StoreOptions {
        let clock = self.0.clone();
        StoreOptions {
            maintenance: Maintenance::Manual,
            clock: Arc::new(move || Timestamp(clock.load(Ordering::SeqCst))),
            ..StoreOptions::default()
        }
    }
}

pub fn manual() -> StoreOptions {
    HandClock::at(1_000_000).options()
}

pub fn open(dir: &Path) -> LogStore {
    LogStore::open(Arc::new(RealIo), dir, manual()).unwrap()
}

pub fn config(settings: &[(&str, &str)]) -> TopicConfig {
    settings
        .iter()
        .fold(TopicConfig::new(), |config, (name, value)| config.with(name, value).unwrap())
}

/// A topic of one partition.
pub fn single(store: &LogStore, name: &str, settings: &[(&str, &str)]) -> Arc<Partition> {
    store.create_topic(name, 1, config(settings)).unwrap().partitions()[0].clone()
}

pub fn partition(store: &LogStore, topic: &str) -> Arc<Partition> {
    store.topic_named(topic).unwrap().partitions()[0].clone()
}

/// A batch out of `key=value` words; `key` alone is a tombstone.
pub fn batch(words: &str) -> AppendBatch {
    batch_at(words, 0)
}

pub fn batch_at(words: &str, first_timestamp: i64) -> AppendBatch {
    let mut records = RecordsBuilder::new();
    for (i, word) in words.split_whitespace().enumerate() {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value.as_bytes())),
            None => (word, None),
        };
        records.push(Some(key.as_bytes()), value, Timestamp(first_timestamp + i as i64), &[]);
    }
    records.build()
}

/// All that can be read from `from` on, as `offset:key=value`.
pub fn contents_from(partition: &Partition, from: i64, isolation: Isolation) -> String {
    let mut words = Vec::new();
    let mut next = Offset(from);
    loop {
        let fetched = partition.read(next, 300, isolation).unwrap();
        for batch in fetched.batches.iter().filter(|batch| !batch.is_control()) {
            for record in
                batch.records().unwrap().iter().map(Result::unwrap).filter(|r| r.offset.0 >= from)
            {
                words.push(word(&record));
            }
        }
        if fetched.next_offset == next {
            return words.join(" ");
        }
        next = fetched.next_offset;
    }
}

fn word(record: &Record<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let key = record.key.map(text).unwrap_or_default();
    match record.value {
        Some(value) => format!("{}:{key}={}", record.offset, text(value)),
        None => format!("{}:{key}", record.offset),
    }
}

pub fn contents(partition: &Partition) -> String {
    contents_from(partition, partition.log_start_offset().0, Isolation::ReadUncommitted)
}

pub fn committed(partition: &Partition) -> String {
    contents_from(partition, partition.log_start_offset().0, Isolation::ReadCommitted)
}

/// The files of a partition with an extension, sorted.
pub fn files(dir: &Path, topic: &str, extension: &str) -> Vec<std::path::PathBuf> {
    let dir = dir.join("topics").join(topic).join("0");
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    paths
}

/// Numbers that look like chance and are the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

const VICTIM: &str = "LOG_STORE_TEST_VICTIM_DIR";

/// This program once more, to run nothing but `test`, which finds `dir` as its [`victim_dir`].
pub fn victim(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(VICTIM, dir).stderr(Stdio::null());
    command
}

/// The directory of the test that has started this process.
pub fn victim_dir() -> Option<PathBuf> {
    std::env::var_os(VICTIM).map(PathBuf::from)
}
