//! Old records go: by age, by size, and by order.

use std::sync::Arc;
use std::time::Duration;

use log_store::*;

use crate::store::*;

fn filled(settings: &[(&str, &str)]) -> (HandClock, LogStore, Arc<Partition>) {
    let clock = HandClock::at(1000);
    let store = LogStore::open(Arc::new(MemoryIo::new()), "s".as_ref(), clock.options()).unwrap();
    let log = single(&store, "log", &[&[("segment.bytes", "1024")], settings].concat());
    for i in 0..100 {
        log.append(batch_at(&format!("k{i}=v"), 1000 + i)).unwrap();
    }
    (clock, store, log)
}

#[test]
fn old_segments_go_and_held_batches_stay() {
    let (clock, store, log) = filled(&[("retention.ms", "1000")]);
    let held = log.read(Offset(0), 1, Isolation::ReadUncommitted).unwrap().batches;
    clock.advance(1050);
    store.maintain().unwrap();
    let start = log.log_start_offset();
    assert!(start > Offset(30) && start <= Offset(51), "{start}");
    held[0].verify().unwrap();
    assert!(matches!(
        log.read(Offset(0), 1, Isolation::ReadUncommitted),
        Err(Error::OffsetOutOfRange { .. })
    ));
    assert!(contents(&log).starts_with(&format!("{start}:k{start}=v")));
    clock.advance(100_000);
    store.maintain().unwrap();
    assert_eq!((log.log_start_offset(), contents(&log).as_str()), (Offset(100), ""));
    log.append(batch("new=1")).unwrap();
    assert_eq!(contents(&log), "100:new=1");
}

#[test]
fn a_log_is_kept_within_its_size() {
    let (_, store, log) = filled(&[("retention.bytes", "3000")]);
    store.maintain().unwrap();
    assert!((3000..4100).contains(&log.size_bytes()), "{}", log.size_bytes());
    assert_eq!(log.high_watermark(), Offset(100));
}

#[test]
fn what_retention_removed_need_not_be_synced() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::at(10_000);
    let store = LogStore::open(Arc::new(RealIo), dir.path(), clock.options()).unwrap();
    let log = single(&store, "log", &[("retention.ms", "1000"), ("segment.bytes", "1024")]);
    for i in 0..50 {
        log.append(batch(&format!("k{i}=v"))).unwrap();
        log.flush().unwrap();
        store.maintain().unwrap();
    }
    assert_eq!((log.log_start_offset(), log.high_watermark()), (Offset(50), Offset(50)));
    log.append(batch_at("new=1", 10_000)).unwrap();
    log.flush().unwrap();
    store.close().unwrap();
    assert_eq!(contents(&partition(&open(dir.path()), "log")), "50:new=1");
}

#[test]
fn deleted_records_stay_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let log = single(&store, "log", &[("segment.bytes", "1024")]);
    for i in 0..100 {
        log.append(batch(&format!("k{i}=v"))).unwrap();
    }
    let before = files(dir.path(), "log", "log").len();
    assert_eq!(log.delete_records(Offset(57)).unwrap(), Offset(57));
    assert!(contents(&log).starts_with("57:k57=v 58:"));
    assert!(matches!(log.delete_records(Offset(101)), Err(Error::OffsetOutOfRange { .. })));
    drop((log, store));
    let store = open(dir.path());
    let log = partition(&store, "log");
    assert_eq!(log.log_start_offset(), Offset(57));
    store.maintain().unwrap();
    assert!(files(dir.path(), "log", "log").len() < before);
    assert!(contents(&log).starts_with("57:k57=v 58:"));
}

/// The store's own threads, on the machine's clock, while somebody writes.
#[test]
fn a_store_that_is_open_tidies_up_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = LogStore::open_dir(dir.path()).unwrap();
    let small = ("segment.bytes", "1024");
    let log = single(&store, "log", &[small, ("retention.bytes", "4000"), ("flush.ms", "1")]);
    let settings = [small, ("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.1")];
    let table = single(&store, "table", &settings);
    let synced = store.subscribe(Interest::Partitions(vec![log.topic_partition().clone()]));
    let mut appended_bytes = 0;
    while log.log_start_offset() < Offset(100) || table.size_bytes() > appended_bytes / 2 {
        for i in 0..50 {
            log.append(batch(&format!("k{i}=v"))).unwrap();
            let upsert = batch(&format!("k{}={i}", i % 10));
            appended_bytes += upsert.size_bytes() as u64;
            table.append(upsert).unwrap();
        }
        // The appends have told of themselves; what is heard now is the store's own sync, unless
        // that was quicker.
        synced.poll();
        synced.wait(Duration::from_millis(200));
    }
    store.close().unwrap();
}
