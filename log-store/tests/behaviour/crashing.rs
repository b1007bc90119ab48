//! A loss of power at every sync of a short life: whatever the disk has kept, what was acknowledged
//! is there once and in order, and transactions are whole.

use std::sync::Arc;

use log_store::*;

use crate::store::*;

/// What was acknowledged before the power went.
#[derive(Default)]
struct Acknowledged {
    /// How many records of the strict topic.
    strict: i64,
    /// Transactions whose commit has returned, and the one whose commit was under way.
    committed: usize,
    prepared: Option<TransactionId>,
    created: bool,
}

/// Lives until the power goes.
fn live(io: &FaultyIo, clock: &HandClock) -> (Acknowledged, Result<()>) {
    let mut done = Acknowledged::default();
    let end = live_through(io, clock, &mut done);
    (done, end)
}

fn live_through(io: &FaultyIo, clock: &HandClock, done: &mut Acknowledged) -> Result<()> {
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), clock.options())?;
    let strict = config(&[("flush.messages", "1"), ("segment.bytes", "1024")]);
    let topic = store.create_topic("strict", 2, strict)?;
    let eager =
        [("cleanup.policy", "compact"), ("segment.ms", "10"), ("min.cleanable.dirty.ratio", "0")];
    let table = store.create_topic("table", 1, config(&eager))?;
    done.created = true;
    let (log, other) = (&topic.partitions()[0], &topic.partitions()[1]);
    for i in 0..12 {
        log.append(batch(&format!("k{i}={}", "v".repeat(200))))?;
        done.strict += 1;
        table.partitions()[0].append(batch(&format!("k{}=v{i}", i % 3)))?;
        let mut transaction = store.begin()?;
        transaction.append(log, batch(&format!("t{i}=a")))?;
        transaction.append(other, batch(&format!("t{i}=b")))?;
        done.prepared = Some(transaction.id());
        let id = transaction.prepare()?;
        drop(transaction);
        store.resolve(id, Outcome::Commit)?;
        done.committed += 1;
        done.prepared = None;
        clock.advance(20);
        store.maintain()?;
    }
    log.delete_records(Offset(3))?;
    store.close()
}

fn check(io: &FaultyIo, done: &Acknowledged, what: &str) {
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), manual())
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(store.recovery().damaged.is_empty(), "{what}: {}", store.recovery());
    if !done.created {
        return;
    }
    let topic = store.topic_named("strict").unwrap_or_else(|e| panic!("{what}: {e}"));
    for id in store.prepared() {
        store.resolve(id, Outcome::Commit).unwrap();
    }
    let [log, other] = topic.partitions() else { panic!("{what}: two partitions") };
    let (first, second) = (keys(&committed(log)), keys(&committed(other)));
    let plain: Vec<&String> = first.iter().filter(|key| key.starts_with('k')).collect();
    assert!(is_run(plain.iter().map(|key| &key[1..])), "{what}: {plain:?}");
    if log.log_start_offset() == Offset::ZERO {
        assert!(
            plain.len() as i64 >= done.strict,
            "{what}: {} of {} acknowledged",
            plain.len(),
            done.strict
        );
        let of_log: Vec<&String> = first.iter().filter(|key| key.starts_with('t')).collect();
        assert!(
            of_log.len() >= done.committed,
            "{what}: {of_log:?} of {} committed",
            done.committed
        );
        assert_eq!(of_log, second.iter().collect::<Vec<_>>(), "{what}");
    }
    log.append(batch("after=1")).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(keys(&committed(log)).last().unwrap(), "after");
    let table = partition(&store, "table");
    assert!(table.verify(&|_| ()).unwrap().faults.is_empty());
}

fn keys(contents: &str) -> Vec<String> {
    let words = contents.split_whitespace();
    words
        .map(|word| word.split_once(':').unwrap().1.split('=').next().unwrap().to_owned())
        .collect()
}

/// Whether the numbers follow each other without a gap.
fn is_run<'a>(numbers: impl Iterator<Item = &'a str>) -> bool {
    let numbers: Vec<i64> = numbers.map(|number| number.parse().unwrap()).collect();
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[test]
fn at_every_sync_the_power_may_go() {
    let whole = FaultyIo::new();
    let (_, end) = live(&whole, &HandClock::at(1_000_000));
    end.unwrap();
    let syncs = whole.syncs();
    assert!(syncs > 50, "{syncs} syncs");
    for after in 0..syncs {
        let io = FaultyIo::new();
        io.inject(DiskFault::CrashAfterSyncs(after));
        let (done, end) = live(&io, &HandClock::at(1_000_000));
        assert!(end.is_err() && io.has_crashed(), "after {after} syncs");
        for seed in 0..6 {
            let what = format!("after {after} syncs, seed {seed}");
            let found = io.after_crash(seed);
            check(&found, &done, &what);
            // And once more, after a crash of what recovery did.
            check(&found.after_crash(seed + 100), &done, &format!("{what}, again"));
        }
    }
}

/// The first compaction of a partition is the first to need a checkpoint: without one, recovery takes
/// the gaps that compaction leaves for losses.
#[test]
fn a_first_compaction_may_be_cut_short_anywhere() {
    let whole = compacted_with(None).1;
    assert!(whole > 4, "{whole} syncs");
    for after in 0..whole {
        let (io, _) = compacted_with(Some(DiskFault::CrashAfterSyncs(after)));
        for seed in 0..20 {
            let what = format!("after {after} syncs, seed {seed}");
            let found = io.after_crash(seed);
            for found in [found.clone(), found.after_crash(seed)] {
                let store = LogStore::open(Arc::new(found), "s".as_ref(), manual()).unwrap();
                let contents = committed(&partition(&store, "table"));
                assert!(contents.ends_with("9:k0=v9 10:k1=v10 11:k2=v11"), "{what}: {contents}");
                assert!(store.recovery().damaged.is_empty(), "{what}: {}", store.recovery());
            }
        }
    }
}

/// A table whose upkeep meets a fault, and how many syncs that took.
fn compacted_with(fault: Option<DiskFault>) -> (FaultyIo, u64) {
    let (io, clock) = (FaultyIo::new(), HandClock::at(1_000_000));
    let store = LogStore::open(Arc::new(io.clone()), "s".as_ref(), clock.options()).unwrap();
    let eager = [
        ("cleanup.policy", "compact"),
        ("flush.messages", "1"),
        ("segment.ms", "10"),
        ("min.cleanable.dirty.ratio", "0"),
    ];
    let table = store.create_topic("table", 1, config(&eager)).unwrap();
    for i in 0..12 {
        table.partitions()[0].append(batch(&format!("k{}=v{i}", i % 3))).unwrap();
        clock.advance(20);
    }
    let before = io.syncs();
    if let Some(fault) = fault {
        io.inject(fault);
    }
    // Upkeep tells its errors to the log, and begins again with the next round.
    let _ = store.maintain();
    (io.clone(), io.syncs() - before)
}

/// A sync that fails is worse than none: what it was to keep may be gone, and nobody asks again.
#[test]
fn at_every_sync_the_disk_may_refuse() {
    let whole = FaultyIo::new();
    live(&whole, &HandClock::at(1_000_000)).1.unwrap();
    for after in 0..whole.syncs() {
        let io = FaultyIo::new();
        io.inject(DiskFault::FailSyncAfter(after));
        let (done, end) = live(&io, &HandClock::at(1_000_000));
        assert!(matches!(end, Err(Error::Io { operation: "sync", .. })), "after {after} syncs");
        for seed in 0..3 {
            check(&io.after_crash(seed), &done, &format!("after {after} syncs, seed {seed}"));
        }
    }
}

/// Wherever the disk fills up, what was acknowledged is there when there is room again.
#[test]
fn at_every_step_the_disk_may_be_full() {
    for room in (0..).step_by(1999) {
        let io = FaultyIo::new();
        io.inject(DiskFault::FullAfterBytes(room));
        let (done, end) = live(&io, &HandClock::at(1_000_000));
        let what = format!("with room for {room} bytes");
        let Err(error) = end else { break };
        assert!(error.is_disk_full(), "{what}: {error}");
        io.heal();
        check(&io.after_crash(room), &done, &format!("{what}, after a crash"));
        check(&io, &done, &what);
    }
}

/// A process may be killed between creating something and making its name durable. Whoever finds it
/// must not build on it as if it were: the power may go next.
#[test]
fn what_a_killed_process_has_left_is_made_durable() {
    let full = (0..16).map(|n| DiskFault::FullAfterBytes(40 * n));
    let faults = (0..8).map(DiskFault::FailSyncAfter).chain(full);
    let left = faults.filter(|fault| leaves_something_durable(*fault)).count();
    assert!(left > 4, "{left} topics were left behind");
}

/// Says whether there was something to build on.
fn leaves_something_durable(fault: DiskFault) -> bool {
    let io = FaultyIo::new();
    let open =
        |io: &FaultyIo| LogStore::open(Arc::new(io.clone()), "s".as_ref(), manual()).unwrap();
    let store = open(&io);
    store.create_topic("other", 1, config(&[])).unwrap();
    io.inject(fault);
    let created = store.create_topic("t", 1, config(&[("flush.messages", "1")]));
    let _ = created.and_then(|topic| topic.partitions()[0].append(batch("lost=1")));
    io.heal();
    drop(store);

    let store = open(&io);
    if store.topic("t").is_none() {
        return false;
    }
    for seed in 0..20 {
        let topic = open(&io.after_crash(seed)).topic("t");
        assert!(topic.is_some(), "{fault:?}, seed {seed}: the topic is gone");
    }
    partition(&store, "t").append(batch("kept=1")).unwrap();
    for seed in 0..20 {
        let store = open(&io.after_crash(seed));
        let topic = store.topic("t").unwrap_or_else(|| panic!("{fault:?}, seed {seed}"));
        let found = committed(&topic.partitions()[0]);
        assert!(found.ends_with("kept=1"), "{fault:?}, seed {seed}: {found}");
    }
    true
}
