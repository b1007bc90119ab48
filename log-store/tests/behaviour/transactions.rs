//! Transactions: what readers see, and what a crash leaves.

use std::sync::Arc;

use log_store::*;

use crate::store::*;

fn two(store: &LogStore) -> (Arc<Partition>, Arc<Partition>) {
    let topic = store.create_topic("pair", 2, TopicConfig::new()).unwrap();
    (topic.partitions()[0].clone(), topic.partitions()[1].clone())
}

#[test]
fn nothing_counts_before_the_commit_and_nothing_after_an_abort() {
    let store = LogStore::in_memory();
    let (a, b) = two(&store);
    a.append(batch("x=0")).unwrap();
    let mut transaction = store.begin().unwrap();
    transaction.append(&a, batch("x=1")).unwrap();
    transaction.append(&b, batch("y=1")).unwrap();
    a.append(batch("x=2")).unwrap();
    assert_eq!((committed(&a), committed(&b)), ("0:x=0".into(), "".into()));
    assert_eq!(contents(&a), "0:x=0 1:x=1 2:x=2");
    transaction.commit().unwrap();
    assert_eq!((committed(&a), committed(&b)), ("0:x=0 1:x=1 2:x=2".into(), "0:y=1".into()));

    let mut transaction = store.begin().unwrap();
    transaction.append(&a, batch("x=3")).unwrap();
    transaction.append(&b, batch("y=3")).unwrap();
    transaction.abort().unwrap();
    a.append(batch("x=4")).unwrap();
    assert_eq!((committed(&a), committed(&b)), ("0:x=0 1:x=1 2:x=2 6:x=4".into(), "0:y=1".into()));
    assert_eq!(
        b.read(Offset(1), 1000, Isolation::ReadCommitted).unwrap().next_offset,
        b.high_watermark()
    );
}

#[test]
fn a_dropped_transaction_is_aborted() {
    let store = LogStore::in_memory();
    let (a, _) = two(&store);
    let mut transaction = store.begin().unwrap();
    transaction.append(&a, batch("x=1")).unwrap();
    drop(transaction);
    assert_eq!((committed(&a), a.last_stable_offset()), ("".into(), a.high_watermark()));
}

#[test]
fn what_was_not_prepared_can_be_looked_at_before_it_is_aborted() {
    let dir = tempfile::tempdir().unwrap();
    let lost = {
        let store = open(dir.path());
        let (a, _) = two(&store);
        a.append(batch("x=0")).unwrap();
        let mut transaction = store.begin().unwrap();
        transaction.append(&a, batch("x=1")).unwrap();
        let lost = transaction.id();
        std::mem::forget(transaction);
        lost
    };
    let crashed = crate::reopening::copy_of(dir.path());
    let options = StoreOptions { unprepared: Unprepared::Keep, ..manual() };
    let store = LogStore::open(Arc::new(RealIo), crashed.path(), options).unwrap();
    let a = store.topic("pair").unwrap().partitions()[0].clone();
    let stands = |a: &Partition| (a.last_stable_offset(), a.high_watermark());
    assert_eq!(stands(&a), (Offset(1), Offset(2)));
    store.abort_unprepared().unwrap();
    assert_eq!(stands(&a), (Offset(3), Offset(3)));
    assert_eq!((committed(&a), &store.recovery().aborted[..]), ("0:x=0".into(), &[lost][..]));
}

#[test]
fn a_prepared_transaction_waits_over_a_crash_and_others_are_aborted() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second, lost) = {
        let store = open(dir.path());
        let (a, b) = two(&store);
        let mut transactions: Vec<Transaction> = (0..3).map(|_| store.begin().unwrap()).collect();
        for (i, transaction) in transactions.iter_mut().enumerate() {
            transaction.append(&a, batch(&format!("x={i}"))).unwrap();
            transaction.append(&b, batch(&format!("y={i}"))).unwrap();
        }
        let first = transactions[0].prepare().unwrap();
        let second = transactions[1].prepare().unwrap();
        let lost = transactions[2].id();
        // A crash writes no markers.
        transactions.into_iter().for_each(std::mem::forget);
        (first, second, lost)
    };
    let crashed = crate::reopening::copy_of(dir.path());
    let store = open(crashed.path());
    assert_eq!(store.prepared(), [first, second]);
    assert_eq!(store.recovery().aborted, [lost]);
    let pair = store.topic("pair").unwrap();
    let (a, b) = (&pair.partitions()[0], &pair.partitions()[1]);
    assert_eq!(committed(a), "");
    store.resolve(first, Outcome::Abort).unwrap();
    store.resolve(second, Outcome::Commit).unwrap();
    assert_eq!((committed(a), committed(b)), ("1:x=1".into(), "1:y=1".into()));
    let error = store.resolve(first, Outcome::Commit).unwrap_err();
    assert_eq!(error.to_string(), format!("no prepared transaction {first}"));
    store.close().unwrap();
    let store = open(crashed.path());
    assert!(store.recovery().is_clean() && store.prepared().is_empty());
    assert_eq!(committed(&partition(&store, "pair")), "1:x=1");
}

#[test]
fn whoever_takes_a_transactional_id_fences_the_one_before() {
    let store = LogStore::in_memory();
    let (a, _) = two(&store);
    let mut old = store.transactional_producer("sink").unwrap();
    let mut stale = old.begin().unwrap();
    stale.append(&a, batch("x=1")).unwrap();
    let mut new = store.transactional_producer("sink").unwrap();
    assert!(matches!(stale.append(&a, batch("x=2")), Err(Error::Fenced { .. })));
    assert!(matches!(stale.commit(), Err(Error::Fenced { .. })));
    assert!(matches!(old.begin(), Err(Error::Fenced { .. })));
    let mut transaction = new.begin().unwrap();
    transaction.append(&a, batch("x=3")).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&a), "2:x=3");
}

#[test]
fn a_producer_is_used_again_and_its_transactions_stay_apart() {
    let store = LogStore::in_memory();
    let (a, _) = two(&store);
    let mut ids = Vec::new();
    for i in 0..10 {
        let mut transaction = store.begin().unwrap();
        transaction.append(&a, batch(&format!("x={i}"))).unwrap();
        ids.push(transaction.id());
        if i % 2 == 0 { transaction.commit().unwrap() } else { transaction.abort().unwrap() }
    }
    assert!(ids.iter().all(|id| id.producer_id == ids[0].producer_id));
    assert_eq!(committed(&a), "0:x=0 4:x=2 8:x=4 12:x=6 16:x=8");
}

#[test]
fn an_outside_decider_needs_one_producer_however_often_it_commits() {
    let io = Arc::new(MemoryIo::new());
    let clock = HandClock::at(0);
    let store = LogStore::open(io.clone(), "s".as_ref(), clock.options()).unwrap();
    let (a, b) = two(&store);
    let mut producers = Vec::new();
    for i in 0..50 {
        let mut transaction = store.begin().unwrap();
        transaction.append(&a, batch(&format!("x={i}"))).unwrap();
        transaction.append(&b, batch(&format!("y={i}"))).unwrap();
        let id = transaction.prepare().unwrap();
        assert!(transaction.append(&a, batch("z=1")).is_err());
        drop(transaction);
        store.resolve(id, Outcome::Commit).unwrap();
        producers.push(id.producer_id);
        clock.advance(70_000);
        store.maintain().unwrap();
    }
    assert!(producers.iter().all(|producer| *producer == producers[0]));
    store.close().unwrap();
    let store = LogStore::open(io, "s".as_ref(), clock.options()).unwrap();
    assert!(store.recovery().is_clean() && store.prepared().is_empty());
    assert_eq!(committed(&partition(&store, "pair")).split(' ').count(), 50);
}

#[test]
fn a_transaction_without_records_can_be_prepared_and_ended() {
    let store = LogStore::in_memory();
    let mut transaction = store.begin().unwrap();
    let id = transaction.prepare().unwrap();
    assert_eq!(store.prepared(), [id]);
    transaction.commit().unwrap();
    assert!(store.prepared().is_empty());
    store.begin().unwrap().commit().unwrap();
}

#[test]
fn deleting_a_topic_does_not_stop_the_transactions_that_wrote_to_it() {
    let store = LogStore::in_memory();
    let (a, _) = two(&store);
    let other = single(&store, "other", &[]);
    let strict = single(&store, "strict", &[("flush.messages", "1")]);
    let mut transaction = store.begin().unwrap();
    for partition in [&a, &other, &strict] {
        transaction.append(partition, batch("y=1")).unwrap();
    }
    store.delete_topic("strict").unwrap();
    let id = transaction.prepare().unwrap();
    drop(transaction);
    store.delete_topic("pair").unwrap();
    store.resolve(id, Outcome::Commit).unwrap();
    assert_eq!(committed(&other), "0:y=1");
    store.maintain().unwrap();
}

#[test]
fn an_end_is_durable_when_no_loss_of_power_takes_it_back() {
    for seed in 0..8 {
        let io = FaultyIo::new();
        let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), manual()).unwrap();
        let strict = config(&[("flush.messages", "1")]);
        let topic = store.create_topic("strict", 2, strict).unwrap();
        let mut transaction = store.begin().unwrap();
        for partition in topic.partitions() {
            transaction.append(partition, batch("x=1")).unwrap();
        }
        let id = transaction.prepare().unwrap();
        drop(transaction);
        assert!(!store.is_ended_durably(id));
        store.resolve(id, Outcome::Commit).unwrap();
        assert!(!store.is_ended_durably(id));
        store.flush_outcomes().unwrap();
        assert!(store.is_ended_durably(id));
        let found = io.after_crash(seed);
        let store = LogStore::open(Arc::new(found), "s".as_ref(), manual()).unwrap();
        assert!(store.prepared().is_empty());
        for partition in store.topic("strict").unwrap().partitions() {
            assert_eq!(committed(partition), "0:x=1", "seed {seed}");
        }
    }
}
