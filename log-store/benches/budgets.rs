//! The log store's speed as ratios to something measured in the same run.
//!
//! Absolute times differ from machine to machine; ratios hardly do. Both sides of a ratio take turns,
//! and the best of several rounds counts, so that what else the machine does is left out. Run with
//! `cargo bench -p log-store`; a word on the command line picks the benches whose name has it.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::*;

const MIB: usize = 1 << 20;
const ROUNDS: usize = 7;

/// Makes this program the writer that is to be killed.
const WRITE: &str = "--write-until-killed";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, dir, gib] = words.as_slice()
        && flag == WRITE
    {
        return write_until_killed(dir.as_ref(), gib.parse().unwrap());
    }
    let wanted: Vec<String> = words.into_iter().filter(|word| !word.starts_with('-')).collect();
    let benches: [(&str, fn()); 7] = [
        ("append_batches", append_batches),
        ("append_records", append_records),
        ("read_records", read_records),
        ("read_columns", read_columns),
        ("group_commit", group_commit),
        ("open_clean", open_clean),
        ("open_after_kill", open_after_kill),
    ];
    for (name, bench) in benches {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            bench();
        }
    }
}

/// Appending 1 KiB records in 64 KiB batches, against writing the same bytes to a file.
fn append_batches() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let topic = store.create_topic("bench", 1, never_synced()).unwrap();
    let partition = &topic.partitions()[0];
    let batch = records_of(1024, 64);
    let bytes = batch.size_bytes();
    let batches = 256 * MIB / bytes;
    let mut file = File::create(dir.path().join("plain")).unwrap();
    // As many bytes as ours come from, so that both sides read them out of memory.
    let plain = vec![1_u8; bytes * batches];
    let (ours, theirs) = alternate(
        || {
            let copies: Vec<AppendBatch> = (0..batches).map(|_| batch.clone()).collect();
            timed(|| {
                for batch in copies {
                    partition.append(batch).unwrap();
                }
            })
        },
        || timed(|| plain.chunks(bytes).for_each(|bytes| file.write_all(bytes).unwrap())),
    );
    let rate = |time: Duration| (batches * bytes) as f64 / time.as_secs_f64() / MIB as f64;
    report(
        "append 64 KiB batches",
        &format!("{:.0} MiB/s", rate(ours)),
        ratio(theirs, ours),
        0.7,
        "of a plain file",
    );
}

/// Appending records of 100 bytes that come one at a time.
fn append_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let topic = store.create_topic("bench", 1, never_synced()).unwrap();
    let records = 2_000_000;
    let value = [7; 90];
    let best = (0..3).map(|_| {
        timed(|| {
            let mut writer = TopicWriter::new(topic.clone(), Codec::None);
            for i in 0..records {
                writer
                    .push(Some(&u64::to_be_bytes(i)), Some(&value), Timestamp(i as i64), &[])
                    .unwrap();
            }
            writer.flush().unwrap();
        })
    });
    let rate = records as f64 / best.min().unwrap().as_secs_f64() / 1e6;
    report(
        "append 100-byte records",
        &format!("{rate:.1} million/s"),
        rate / 1.5,
        1.0,
        "times 1.5 million/s",
    );
}

/// Reading batches out of the page cache with their checksums compared, against reading memory.
fn read_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let topic = store.create_topic("bench", 1, never_synced()).unwrap();
    let partition = &topic.partitions()[0];
    let batch = records_of(1024, 64);
    let batches = 256 * MIB / batch.size_bytes();
    for _ in 0..batches {
        partition.append(batch.clone()).unwrap();
    }
    let memory = vec![1_u8; partition.size_bytes() as usize];
    let (ours, theirs) = alternate(
        || timed(|| each_batch(partition, |batch| batch.verify().unwrap())),
        || timed(|| assert_ne!(black_box(sum(&memory)), 0)),
    );
    let rate = memory.len() as f64 / ours.as_secs_f64() / MIB as f64;
    report(
        "read and verify batches",
        &format!("{rate:.0} MiB/s"),
        ratio(theirs, ours),
        0.5,
        "of reading memory",
    );
}

/// Summing one column of four out of the log, against summing it in memory.
fn read_columns() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let topic = store.create_topic("bench", 1, never_synced()).unwrap();
    let partition = &topic.partitions()[0];
    let column = 8 * 8192;
    let batches = 256 * MIB / (4 * column);
    for _ in 0..batches {
        let columns = vec![3_u8; 4 * column];
        partition
            .append(AppendBatch::columnar(8192, Timestamp(0), Timestamp(0), &columns))
            .unwrap();
    }
    let memory: Vec<Vec<u8>> = (0..batches).map(|_| vec![3_u8; column]).collect();
    let sum_log = || {
        each_batch(partition, |batch| match batch.payload().unwrap() {
            Payload::Columnar(columns) => {
                assert_ne!(black_box(sum(&columns.bytes[column..2 * column])), 0)
            }
            Payload::Records(_) => unreachable!("only columns were written"),
        })
    };
    // The first time, checksums are compared.
    sum_log();
    let (ours, theirs) = alternate(
        || timed(sum_log),
        || timed(|| memory.iter().for_each(|column| assert_ne!(black_box(sum(column)), 0))),
    );
    let rate = (batches * 4 * column) as f64 / ours.as_secs_f64() / MIB as f64;
    report(
        "sum one column of four",
        &format!("{rate:.0} MiB/s"),
        ratio(theirs, ours),
        0.8,
        "of the same in memory",
    );
}

/// 64 writers that each wait for the disk, against one.
fn group_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let config = TopicConfig::new().with("flush.messages", "1").unwrap();
    let topic = store.create_topic("bench", 1, config).unwrap();
    let rate = |writers: usize| {
        let deadline = Instant::now() + Duration::from_secs(2);
        let write = || {
            let partition = &topic.partitions()[0];
            let mut appended = 0;
            while Instant::now() < deadline {
                partition.append(records_of(100, 1)).unwrap();
                appended += 1;
            }
            appended
        };
        let appended: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..writers).map(|_| scope.spawn(write)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        appended as f64 / 2.0
    };
    let (one, many) = (rate(1), rate(64));
    report(
        "64 writers, each synced",
        &format!("{many:.0} against {one:.0} appends/s"),
        many / one,
        20.0,
        "of one writer",
    );
}

/// Opening 1,000 partitions that were closed cleanly.
fn open_clean() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let topic = store.create_topic("bench", 1000, never_synced()).unwrap();
    for partition in topic.partitions() {
        partition.append(records_of(100, 10)).unwrap();
    }
    store.close().unwrap();
    let time = timed(|| drop(open(dir.path())));
    report(
        "open 1,000 clean partitions",
        &format!("{time:.2?}"),
        1.0 / time.as_secs_f64(),
        1.0,
        "in a second",
    );
}

/// Opening a large partition whose process was killed: this program writes it as a process of its
/// own, which is killed as soon as it says that it is done.
fn open_after_kill() {
    let gib =
        std::env::var("LOG_STORE_BENCH_GIB").ok().and_then(|gib| gib.parse().ok()).unwrap_or(2);
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args([WRITE.as_ref(), dir.path().as_os_str(), gib.to_string().as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut said).unwrap();
    writer.kill().unwrap();
    writer.wait().unwrap();
    let (mut scanned, mut end) = (0, Offset::ZERO);
    let time = timed(|| {
        let store = open(dir.path());
        scanned = store.recovery().bytes_scanned;
        end = store.topic("bench").unwrap().partitions()[0].high_watermark();
    });
    assert_eq!(said.trim(), end.to_string(), "what was written is there");
    let shown = format!("{time:.2?} for {gib} GiB, {} MiB scanned", scanned / MIB as u64);
    report("open after kill -9", &shown, 1.0 / time.as_secs_f64(), 1.0, "in a second");
}

/// Writes some GiB to a partition as a store with its thread does, says the end, and waits for its
/// own.
fn write_until_killed(dir: &Path, gib: usize) {
    let store = LogStore::open_dir(dir).unwrap();
    let config = TopicConfig::new().with("retention.ms", "-1").unwrap();
    let topic = store.create_topic("bench", 1, config).unwrap();
    let batch = records_of(1024, 1024);
    for _ in 0..gib * 1024 {
        topic.partitions()[0].append(batch.clone()).unwrap();
    }
    println!("{}", topic.partitions()[0].high_watermark());
    loop {
        std::thread::park();
    }
}

fn open(dir: &Path) -> LogStore {
    let options = StoreOptions { maintenance: Maintenance::Manual, ..StoreOptions::default() };
    LogStore::open(Arc::new(RealIo), dir, options).unwrap()
}

fn never_synced() -> TopicConfig {
    TopicConfig::new().with("flush.ms", &i64::MAX.to_string()).unwrap()
}

fn records_of(bytes: usize, count: usize) -> AppendBatch {
    let value = vec![7; bytes - 10];
    let mut records = RecordsBuilder::with_capacity(bytes * count);
    (0..count).for_each(|i| records.push(None, Some(&value), Timestamp(i as i64), &[]));
    records.build()
}

fn each_batch(partition: &Partition, mut visit: impl FnMut(&Batch)) {
    let mut next = Offset::ZERO;
    while next < partition.high_watermark() {
        let fetched = partition.read(next, MIB, Isolation::ReadCommitted).unwrap();
        fetched.batches.iter().for_each(&mut visit);
        next = fetched.next_offset;
    }
}

fn sum(bytes: &[u8]) -> i64 {
    bytes.as_chunks::<8>().0.iter().fold(0, |sum, word| sum.wrapping_add(i64::from_le_bytes(*word)))
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn alternate(
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let rounds: Vec<(Duration, Duration)> = (0..ROUNDS).map(|_| (ours(), theirs())).collect();
    (rounds.iter().map(|r| r.0).min().unwrap(), rounds.iter().map(|r| r.1).min().unwrap())
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}

/// Shows a figure, and once more as `make bench` reads it: there `of …` is what was measured in the
/// same run.
fn report(what: &str, absolute: &str, ratio: f64, budget: f64, against: &str) {
    let verdict = if ratio >= budget { "kept" } else { "MISSED" };
    println!("{what:<30} {absolute:<38} {ratio:>7.2} {against:<23} budget {budget:<5} {verdict}");
    println!("figure\t{what}\t{ratio:.3}\t{against}");
}
