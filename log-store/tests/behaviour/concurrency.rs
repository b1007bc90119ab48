//! Writers, readers and upkeep at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log_store::*;

use crate::store::*;

const BATCHES: i64 = 3000;

fn open_small(dir: &std::path::Path) -> LogStore {
    let options = StoreOptions { open_segments_max: 4, ..manual() };
    LogStore::open(Arc::new(RealIo), dir, options).unwrap()
}

/// Runs upkeep over and over until `done`.
fn upkeep(store: &LogStore, done: &AtomicBool) {
    while !done.load(Ordering::SeqCst) {
        store.maintain().unwrap();
    }
}

#[test]
fn a_reader_sees_the_last_value_of_every_key_while_the_log_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_small(dir.path());
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "2048"),
        ("min.cleanable.dirty.ratio", "0.1"),
    ];
    let log = single(&store, "log", &settings);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| upkeep(&store, &done));
        let reader = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let words = contents(&log);
                let offsets: Vec<i64> = words
                    .split(' ')
                    .filter_map(|word| word.split_once(':')?.0.parse().ok())
                    .collect();
                assert!(offsets.is_sorted_by(|a, b| a < b));
            }
        });
        for i in 0..BATCHES {
            log.append(batch(&format!("k{}={i} j{}={i}", i % 50, i % 7))).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    let last = |words: &str| -> BTreeMap<String, String> {
        let pairs =
            words.split(' ').map(|word| word.split_once(':').unwrap().1.split_once('=').unwrap());
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let expected =
        (0..BATCHES).flat_map(|i| [(format!("k{}", i % 50), i), (format!("j{}", i % 7), i)]);
    let expected: BTreeMap<String, String> =
        expected.map(|(key, i)| (key, i.to_string())).collect();
    assert_eq!(last(&contents(&log)), expected);
    store.maintain().unwrap();
    let left = log.size_bytes();
    assert!(left < 60_000, "{left} bytes are left");
    drop((log, store));
    assert_eq!(last(&contents(&partition(&open(dir.path()), "log"))), expected);
}

#[test]
fn many_writers_share_syncs_and_lose_nothing() {
    let io = FaultyIo::new();
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), manual()).unwrap();
    let log = single(&store, "log", &[("flush.messages", "1"), ("segment.bytes", "4096")]);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for i in 0..50 {
                    let info = log.append(batch(&format!("w{writer}={i}"))).unwrap();
                    assert!(log.durable_offset() > info.last_offset);
                    assert!(log.high_watermark() > info.last_offset);
                }
            });
        }
    });
    let crashed = io.after_crash(1);
    let store = LogStore::open(Arc::new(crashed), "s".as_ref(), manual()).unwrap();
    let words = contents(&partition(&store, "log"));
    for writer in 0..8 {
        let key = format!(":w{writer}=");
        let of_writer: Vec<&str> =
            words.split(' ').filter_map(|word| Some(word.split_once(&key)?.1)).collect();
        assert_eq!(of_writer, (0..50).map(|i| i.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn a_reader_follows_a_writer_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_small(dir.path());
    let log = single(&store, "log", &[("segment.bytes", "4096")]);
    let subscription = store.subscribe(Interest::Partitions(vec![log.topic_partition().clone()]));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut next = Offset::ZERO;
            while next < Offset(BATCHES) {
                let fetched = log.read(next, 1000, Isolation::ReadCommitted).unwrap();
                let found: Vec<Offset> =
                    fetched.batches.iter().map(|batch| batch.base_offset()).collect();
                assert_eq!(found, (next.0..fetched.next_offset.0).map(Offset).collect::<Vec<_>>());
                if found.is_empty() {
                    assert_ne!(subscription.wait(Duration::from_secs(60)), []);
                }
                next = fetched.next_offset;
            }
        });
        for i in 0..BATCHES {
            log.append(batch(&format!("k={i}"))).unwrap();
        }
        reader.join().unwrap();
    });
}
