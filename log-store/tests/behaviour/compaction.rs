//! Compaction, as readers see it.

use std::sync::Arc;

use log_store::*;

use crate::store::*;

/// Every batch in a segment of its own, and everything new worth a run.
const EAGER: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("segment.bytes", "1024"),
    ("segment.ms", "10"),
    ("min.cleanable.dirty.ratio", "0"),
    ("delete.retention.ms", "1000"),
];

struct Table {
    clock: HandClock,
    io: Arc<MemoryIo>,
    store: LogStore,
    log: Arc<Partition>,
}

fn table() -> Table {
    let (clock, io) = (HandClock::at(10_000), Arc::new(MemoryIo::new()));
    let store = LogStore::open(io.clone(), "s".as_ref(), clock.options()).unwrap();
    let log = single(&store, "table", EAGER);
    Table { clock, io, store, log }
}

impl Table {
    /// Ends the active segment and compacts.
    fn compact(&self) {
        self.clock.advance(20);
        self.store.maintain().unwrap();
    }

    fn reopened(self) -> Table {
        self.store.close().unwrap();
        let store = LogStore::open(self.io.clone(), "s".as_ref(), self.clock.options()).unwrap();
        assert!(store.recovery().is_clean());
        let log = partition(&store, "table");
        Table { store, log, ..self }
    }
}

#[test]
fn the_last_value_of_every_key_stays_under_its_offset() {
    let table = table();
    for words in ["a=1 b=1 c=1", "a=2", "c=2 d=1", "a=3"] {
        table.log.append(batch(words)).unwrap();
        table.clock.advance(20);
    }
    let held = table.log.read(Offset(0), 1000, Isolation::ReadUncommitted).unwrap().batches;
    table.compact();
    assert_eq!(contents(&table.log), "1:b=1 4:c=2 5:d=1 6:a=3");
    assert_eq!(table.log.segment_count(), 2);
    held[0].verify().unwrap();
    assert_eq!(contents_from(&table.log, 3, Isolation::ReadUncommitted), "4:c=2 5:d=1 6:a=3");
    table.log.append(batch("b=2")).unwrap();
    let table = table.reopened();
    assert_eq!(contents(&table.log), "1:b=1 4:c=2 5:d=1 6:a=3 7:b=2");
    table.compact();
    assert_eq!(contents(&table.log), "4:c=2 5:d=1 6:a=3 7:b=2");
    assert!(table.log.verify(&|_| ()).unwrap().faults.is_empty());
}

#[test]
fn tombstones_stay_for_their_time() {
    let table = table();
    table.log.append(batch("a=1 b=1")).unwrap();
    table.log.append(batch("a")).unwrap();
    table.compact();
    assert_eq!(contents(&table.log), "1:b=1 2:a");
    table.clock.advance(500);
    table.compact();
    assert_eq!(contents(&table.log), "1:b=1 2:a");
    let table = table.reopened();
    table.clock.advance(1000);
    table.compact();
    assert_eq!(contents(&table.log), "1:b=1");
}

#[test]
fn aborted_records_go_and_committed_ones_count_without_their_marker() {
    let table = table();
    for (words, outcome) in [("a=1 b=1", Outcome::Commit), ("a=2", Outcome::Abort)] {
        let mut transaction = table.store.begin().unwrap();
        transaction.append(&table.log, batch(words)).unwrap();
        transaction.prepare().unwrap();
        let id = transaction.id();
        drop(transaction);
        table.store.resolve(id, outcome).unwrap();
    }
    table.compact();
    assert_eq!(
        (contents(&table.log), committed(&table.log)),
        ("0:a=1 1:b=1".into(), "0:a=1 1:b=1".into())
    );
    table.clock.advance(2000);
    table.compact();
    let everything = table.log.read(Offset(0), 1000, Isolation::Everything).unwrap().batches;
    assert!(everything.iter().all(|batch| !batch.is_control()));
    assert_eq!(committed(&table.reopened().log), "0:a=1 1:b=1");
}

#[test]
fn what_is_undecided_is_left_alone() {
    let table = table();
    table.log.append(batch("a=1")).unwrap();
    table.clock.advance(20);
    let mut transaction = table.store.begin().unwrap();
    transaction.append(&table.log, batch("a=2")).unwrap();
    table.compact();
    assert_eq!(contents(&table.log), "0:a=1 1:a=2");
    transaction.commit().unwrap();
    table.compact();
    assert_eq!(contents(&table.log), "1:a=2");
}
