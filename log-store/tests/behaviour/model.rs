//! Random lives of a store beside a model in a few lines, with reopenings after a clean close and
//! after a crash of the process: of a log that keeps everything, and of one that is compacted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use log_store::*;

use crate::store::*;

/// What the log should hold.
#[derive(Default)]
struct Model {
    records: BTreeMap<i64, (String, bool)>,
    start: i64,
    end: i64,
}

impl Model {
    fn append(&mut self, words: &[String], counts: bool) {
        for word in words {
            self.records.insert(self.end, (word.clone(), counts));
            self.end += 1;
        }
    }

    fn contents(&self, from: i64, committed: bool) -> String {
        let seen = self
            .records
            .range(from.max(self.start)..)
            .filter(|(_, (_, counts))| *counts || !committed);
        seen.map(|(offset, (word, _))| format!("{offset}:{word}")).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_random_life_agrees_with_the_model() {
    for seed in 0..12 {
        random_life(seed);
    }
}

fn random_life(seed: u64) {
    let io = Arc::new(MemoryIo::new());
    let mut chance = Chance(seed);
    let open = || LogStore::open(io.clone(), Path::new("s"), manual()).unwrap();
    let mut store = open();
    let mut log =
        single(&store, "log", &[("segment.bytes", "1500"), ("index.interval.bytes", "200")]);
    let mut model = Model::default();
    for step in 0..300 {
        let what = format!("seed {seed}, step {step}");
        match chance.below(20) {
            0..=8 => {
                let words = words(&mut chance);
                let info = log.append(batch(&words.join(" "))).unwrap();
                assert_eq!(info.base_offset.0, model.end, "{what}");
                model.append(&words, true);
            }
            9..=12 => {
                let (words, commit) = (words(&mut chance), chance.below(2) == 0);
                let mut transaction = store.begin().unwrap();
                transaction.append(&log, batch(&words.join(" "))).unwrap();
                if commit {
                    transaction.commit().unwrap()
                } else {
                    transaction.abort().unwrap()
                }
                model.append(&words, commit);
                model.end += 1;
            }
            13..=15 => {
                let from =
                    model.start + chance.below((model.end - model.start + 1) as usize) as i64;
                let committed = chance.below(2) == 0;
                let isolation =
                    if committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
                assert_eq!(
                    contents_from(&log, from, isolation),
                    model.contents(from, committed),
                    "{what}"
                );
            }
            16 => {
                let before =
                    model.start + chance.below((model.end - model.start + 1) as usize) as i64;
                log.delete_records(Offset(before)).unwrap();
                model.start = before;
            }
            17 => store.maintain().unwrap(),
            18 => {
                store.close().unwrap();
                (store, log) = reopened(&open);
            }
            _ => {
                drop(store);
                (store, log) = reopened(&open);
            }
        }
        assert_eq!(
            (log.log_start_offset().0, log.high_watermark().0),
            (model.start, model.end),
            "{what}"
        );
    }
    assert_eq!(committed(&log), model.contents(0, true), "seed {seed}");
    assert!(log.verify(&|_| ()).unwrap().faults.is_empty());
}

fn reopened(open: &dyn Fn() -> LogStore) -> (LogStore, Arc<Partition>) {
    let store = open();
    assert!(store.recovery().is_clean(), "{}", store.recovery());
    let log = partition(&store, "log");
    (store, log)
}

fn words(chance: &mut Chance) -> Vec<String> {
    (0..1 + chance.below(5))
        .map(|_| format!("k{}={}", chance.below(10), "v".repeat(chance.below(60))))
        .collect()
}

/// What a compacted log must still tell: the last decided word of every key.
#[derive(Default)]
struct TableModel {
    last: BTreeMap<String, String>,
    /// Every record that was ever written, by its offset.
    written: BTreeMap<i64, String>,
}

impl TableModel {
    fn append(&mut self, base: Offset, words: &[String], counts: bool) {
        for (offset, word) in (base.0..).zip(words) {
            self.written.insert(offset, word.clone());
            if counts {
                self.last.insert(key_of(word).to_owned(), word.clone());
            }
        }
    }

    /// What is there was written there, and its last words are the model's. A key whose last word
    /// is a tombstone may be gone.
    fn check(&self, log: &Partition, what: &str) {
        let mut last: BTreeMap<String, String> =
            self.last.iter().filter(|(_, word)| !word.contains('=')).map(owned).collect();
        for found in committed(log).split_whitespace() {
            let (offset, word) = found.split_once(':').unwrap();
            assert_eq!(self.written[&offset.parse().unwrap()], word, "{what}");
            last.insert(key_of(word).to_owned(), word.to_owned());
        }
        assert_eq!(last, self.last, "{what}");
    }
}

fn key_of(word: &str) -> &str {
    word.split('=').next().unwrap()
}

fn owned((key, word): (&String, &String)) -> (String, String) {
    (key.clone(), word.clone())
}

#[test]
fn a_random_life_of_a_compacted_log_keeps_the_last_of_every_key() {
    for seed in 100..112 {
        random_life_of_a_table(seed);
    }
}

fn random_life_of_a_table(seed: u64) {
    let (io, clock) = (Arc::new(MemoryIo::new()), HandClock::at(10_000));
    let mut chance = Chance(seed);
    let open = || LogStore::open(io.clone(), Path::new("s"), clock.options()).unwrap();
    let mut store = open();
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "1500"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0"),
        ("delete.retention.ms", "300"),
    ];
    let mut log = single(&store, "log", &settings);
    let mut model = TableModel::default();
    for step in 0..400 {
        clock.advance(chance.below(30) as i64);
        match chance.below(20) {
            0..=9 => {
                let words = upserts(&mut chance);
                let info = log.append(batch(&words.join(" "))).unwrap();
                model.append(info.base_offset, &words, true);
            }
            10..=14 => {
                let (words, commit) = (upserts(&mut chance), chance.below(2) == 0);
                let mut transaction = store.begin().unwrap();
                let info = transaction.append(&log, batch(&words.join(" "))).unwrap();
                model.append(info.base_offset, &words, commit);
                if commit { transaction.commit() } else { transaction.abort() }.unwrap();
            }
            15..=17 => store.maintain().unwrap(),
            18 => {
                store.close().unwrap();
                (store, log) = reopened(&open);
            }
            _ => {
                drop(store);
                (store, log) = reopened(&open);
            }
        }
        model.check(&log, &format!("seed {seed}, step {step}"));
    }
    clock.advance(1000);
    store.maintain().unwrap();
    assert!(log.size_bytes() < 4000, "seed {seed}: {} bytes are left", log.size_bytes());
    assert_eq!(log.verify(&|_| ()).unwrap().faults, []);
}

/// Values and tombstones of a few keys.
fn upserts(chance: &mut Chance) -> Vec<String> {
    let upsert = |chance: &mut Chance| match (chance.below(8), chance.below(4)) {
        (key, 0) => format!("k{key}"),
        (key, _) => format!("k{key}={}", "v".repeat(1 + chance.below(40))),
    };
    (0..1 + chance.below(4)).map(|_| upsert(chance)).collect()
}
