//! kill -9 of a real process under load: everything it acknowledged is there once and in order.
//!
//! The test program starts itself again as the victim, which writes to its standard output what
//! was acknowledged. Two threads write, one in transactions over two partitions, one record by record
//! to a compacted topic, while the store's own threads flush, roll and compact.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use log_store::*;

use crate::store::*;

const TEST: &str = "killing::what_was_acknowledged_survives_kill_9";
const ROUNDS: usize = 20;
const KEYS: i64 = 10;

/// The last number that was acknowledged, by kind of writing.
#[derive(Clone, Copy, Default)]
struct Acknowledged {
    transaction: i64,
    upsert: i64,
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    if let Some(dir) = victim_dir() {
        return be_the_victim(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Acknowledged::default();
    for round in 0..ROUNDS {
        let mut victim = victim(TEST, dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        kill_after(&mut victim, 50 + 37 * round, &mut expected);
        check(dir.path(), &mut expected, round);
    }
}

/// Kills the victim when it has acknowledged so many more.
fn kill_after(victim: &mut Child, count: usize, last: &mut Acknowledged) {
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(|l| l.ok());
    lines.by_ref().filter(|line| last.note(line)).take(count).for_each(drop);
    victim.kill().unwrap();
    // What was in the pipe was acknowledged, too.
    lines.filter(|line| last.note(line)).for_each(drop);
    victim.wait().unwrap();
}

impl Acknowledged {
    /// Takes note of a line of the victim's, if it is one.
    fn note(&mut self, line: &str) -> bool {
        let number = |kind: &str| line.strip_prefix(kind)?.parse().ok();
        match (number("transaction "), number("upsert ")) {
            (Some(n), _) => self.transaction = n,
            (_, Some(n)) => self.upsert = n,
            (None, None) => return false,
        }
        true
    }
}

/// What is there must be at least what was acknowledged; what is more is expected from now on.
fn check(dir: &Path, expected: &mut Acknowledged, round: usize) {
    let store = open(dir);
    assert!(store.recovery().damaged.is_empty(), "round {round}: {}", store.recovery());
    assert!(store.prepared().is_empty(), "round {round}");
    expected.transaction = transactions(&store, expected.transaction, round);
    expected.upsert = upserts(&store, expected.upsert, round);
    for topic in store.topics() {
        for partition in topic.partitions() {
            assert_eq!(partition.verify(&|_| ()).unwrap().faults, [], "round {round}");
        }
    }
}

/// Both partitions hold every number, once and in order, and the same ones.
fn transactions(store: &LogStore, acknowledged: i64, round: usize) -> i64 {
    let topic = store.topic_named("numbers").unwrap();
    let [first, second] = [0, 1].map(|i| numbers(&topic.partitions()[i]));
    let count = first.len() as i64;
    assert_eq!(first, (1..=count).collect::<Vec<_>>(), "round {round}");
    assert!(count >= acknowledged, "round {round}: {count} of {acknowledged}");
    assert_eq!(first, second, "round {round}");
    count
}

/// The last number of every key is there, and numbers come in order.
fn upserts(store: &LogStore, acknowledged: i64, round: usize) -> i64 {
    let found = numbers(&partition(store, "table"));
    assert!(found.is_sorted_by(|a, b| a < b), "round {round}: {found:?}");
    let last = found.last().copied().unwrap_or(0);
    assert!(last >= acknowledged, "round {round}: {last} of {acknowledged}");
    let newest = &found[found.len().saturating_sub(KEYS as usize)..];
    let expected: Vec<i64> = ((last - KEYS + 1).max(1)..=last).collect();
    assert_eq!(newest, expected, "round {round}");
    last
}

fn numbers(partition: &Partition) -> Vec<i64> {
    let words = committed(partition);
    let numbers = words.split_whitespace().map(|word| word.rsplit('=').next().unwrap());
    numbers.map(|number| number.parse().unwrap()).collect()
}

/// Writes numbers until it is killed.
fn be_the_victim(dir: &Path) {
    let store = LogStore::open(Arc::new(RealIo), dir, StoreOptions::default()).unwrap();
    let for_ever = ("retention.ms", "-1");
    let numbers = topic(&store, "numbers", 2, &[("segment.bytes", "4096"), for_ever]);
    let compacted = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "2048"),
        ("min.cleanable.dirty.ratio", "0.1"),
    ];
    let table = topic(&store, "table", 1, &compacted);
    std::thread::scope(|scope| {
        scope.spawn(|| write_transactions(&store, &numbers));
        scope.spawn(|| write_upserts(&table.partitions()[0]));
    });
}

fn topic(store: &LogStore, name: &str, partitions: u32, settings: &[(&str, &str)]) -> Arc<Topic> {
    let create = || store.create_topic(name, partitions, config(settings)).unwrap();
    store.topic(name).unwrap_or_else(create)
}

fn write_transactions(store: &LogStore, topic: &Topic) {
    for next in numbers(&topic.partitions()[0]).len() as i64 + 1.. {
        let mut transaction = store.begin().unwrap();
        for partition in topic.partitions() {
            transaction.append(partition, batch(&format!("n={next}"))).unwrap();
        }
        transaction.commit().unwrap();
        acknowledge("transaction", next);
    }
}

fn write_upserts(table: &Partition) {
    for next in numbers(table).last().copied().unwrap_or(0) + 1.. {
        table.append(batch(&format!("k{}={next}", next % KEYS))).unwrap();
        acknowledge("upsert", next);
    }
}

fn acknowledge(kind: &str, number: i64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{kind} {number}").unwrap();
}
