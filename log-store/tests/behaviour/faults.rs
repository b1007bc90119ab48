//! A disk that fails while the store is open.

use std::sync::Arc;

use log_store::*;

use crate::store::*;

fn open_on(io: &FaultyIo) -> LogStore {
    LogStore::open(Arc::new(io.clone()), "s".as_ref(), manual()).unwrap()
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let io = FaultyIo::new();
    let store = open_on(&io);
    let log = single(&store, "log", &[]);
    log.append(batch("a=1")).unwrap();
    io.inject(DiskFault::FullAfterBytes(70_000));
    let large = "k=v ".repeat(5000);
    let refused = (0..100)
        .map_while(|_| log.append(batch(&large)).err().map_or(Some(None), |e| Some(Some(e))));
    let error = refused.flatten().next().unwrap();
    assert!(error.is_disk_full(), "{error}");
    assert!(error.to_string().starts_with("cannot "), "{error}");
    let kept = log.high_watermark();
    assert_eq!(contents(&log).split(' ').count() as i64, kept.0);
    io.heal();
    log.append(batch("b=2")).unwrap();
    assert!(contents(&log).ends_with(&format!("{kept}:b=2")));
    drop((store, log));
    let store = open_on(&io);
    assert!(store.recovery().is_clean(), "{}", store.recovery());
    assert!(contents(&partition(&store, "log")).ends_with(&format!("{kept}:b=2")));
}

#[test]
fn a_failed_sync_poisons_until_the_store_is_reopened() {
    let io = FaultyIo::new();
    let store = open_on(&io);
    let log = single(&store, "log", &[("flush.messages", "1")]);
    log.append(batch("a=1")).unwrap();
    io.inject(DiskFault::FailSyncAfter(0));
    assert!(matches!(log.append(batch("b=2")), Err(Error::Io { operation: "sync", .. })));
    assert_eq!(contents(&log), "0:a=1");
    let error = log.append(batch("c=3")).unwrap_err();
    assert!(
        error.to_string().starts_with("log-0 takes no writes until it is reopened: cannot sync"),
        "{error}"
    );
    drop((store, log));
    let store = open_on(&io);
    let log = partition(&store, "log");
    log.append(batch("d=4")).unwrap();
    assert!(contents(&log).starts_with("0:a=1"));
}

#[test]
fn a_read_only_directory_and_a_lack_of_handles_are_told_and_pass() {
    let io = FaultyIo::new();
    let options = StoreOptions { open_segments_max: 1, ..manual() };
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), options).unwrap();
    let (one, two) = (single(&store, "one", &[]), single(&store, "two", &[]));
    one.append(batch("a=1")).unwrap();
    two.append(batch("b=1")).unwrap();
    io.inject(DiskFault::ReadOnly);
    for log in [&one, &two] {
        let error = log.append(batch("c=1")).unwrap_err();
        assert!(error.to_string().contains("read-only"), "{error}");
    }
    assert_eq!((contents(&one), contents(&two)), ("0:a=1".into(), "0:b=1".into()));
    io.inject(DiskFault::OutOfHandles);
    assert!(contents_result(&one).unwrap_err().is_out_of_file_handles());
    io.heal();
    for log in [&one, &two] {
        log.append(batch("c=2")).unwrap();
    }
    assert_eq!((contents(&one), contents(&two)), ("0:a=1 1:c=2".into(), "0:b=1 1:c=2".into()));
    drop((store, one, two));
    let store = open_on(&io);
    assert!(store.recovery().is_clean(), "{}", store.recovery());
    assert_eq!(contents(&partition(&store, "two")), "0:b=1 1:c=2");
}

#[test]
fn a_sync_that_got_no_handle_is_done_when_there_is_one() {
    let io = FaultyIo::new();
    let options = StoreOptions { open_segments_max: 1, ..manual() };
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), options).unwrap();
    let (one, two) = (single(&store, "one", &[]), single(&store, "two", &[]));
    one.append(batch("a=1")).unwrap();
    two.append(batch("b=1")).unwrap();
    io.inject(DiskFault::OutOfHandles);
    assert!(one.flush().unwrap_err().is_out_of_file_handles());
    assert_eq!(one.durable_offset(), Offset(0));
    io.heal();
    one.flush().unwrap();
    assert_eq!(one.durable_offset(), Offset(1));
    let found = open_on(&io.after_crash(3));
    assert_eq!(contents(&partition(&found, "one")), "0:a=1");
}

/// Where nothing can be created, upkeep has to wait and must not lose count of anything.
#[test]
fn upkeep_that_a_full_disk_held_up_is_made_up_for() {
    let io = FaultyIo::new();
    let clock = HandClock::at(10_000);
    let open = || LogStore::open(Arc::new(io.clone()), "s".as_ref(), clock.options()).unwrap();
    let store = open();
    let small = ("segment.bytes", "1024");
    let old = single(&store, "old", &[small, ("retention.ms", "1000")]);
    let eager = ("min.cleanable.dirty.ratio", "0");
    let table = single(&store, "table", &[small, eager, ("cleanup.policy", "compact")]);
    for i in 0..40 {
        old.append(batch(&format!("k{i}=v"))).unwrap();
        table.append(batch(&format!("k{}={i}", i % 2))).unwrap();
    }
    let before = table.size_bytes();
    io.inject(DiskFault::FullAfterBytes(0));
    assert!(store.maintain().unwrap_err().is_disk_full());
    assert_eq!(table.size_bytes(), before);
    assert!(contents(&table).ends_with("38:k0=38 39:k1=39"));
    io.heal();
    store.maintain().unwrap();
    assert!(table.size_bytes() < before && old.log_start_offset() > Offset(30));
    let left: Vec<String> = [&old, &table].map(|log| contents(log)).into();
    store.close().unwrap();
    let store = open();
    assert_eq!(store.recovery().bytes_scanned, 0);
    let found: Vec<String> = ["old", "table"].map(|name| contents(&partition(&store, name))).into();
    assert_eq!(found, left);
}

#[test]
fn a_checkpoint_that_found_no_room_is_written_on_closing() {
    let io = FaultyIo::new();
    let store = open_on(&io);
    let log = single(&store, "log", &[]);
    log.append(batch("a=1")).unwrap();
    io.inject(DiskFault::FullAfterBytes(0));
    assert!(log.delete_records(Offset(1)).unwrap_err().is_disk_full());
    io.heal();
    store.close().unwrap();
    let store = open_on(&io);
    assert_eq!(store.recovery().bytes_scanned, 0);
    assert_eq!(partition(&store, "log").log_start_offset(), Offset(1));
}

fn contents_result(partition: &Partition) -> Result<Fetched> {
    partition.read(Offset(0), 1000, Isolation::ReadUncommitted)
}
