//! Decoding columns against decoding JSON, and summing a column of the log against summing it in
//! memory: the same rows, in the same run.
//!
//! The rows are bids with seven fields. As JSON they are 8,192 records in memory; as columns they
//! lie in the log of a data directory, in the batch that the sink would write, and are read from
//! its file as a query reads them. Both decoders take turns, so that a slow moment of the machine
//! hits both; the best time of each counts. What matters is the ratio.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

#[path = "common/bids.rs"]
mod bids;
#[path = "common/columnar.rs"]
mod columnar;
#[path = "common/figure.rs"]
mod figure;
#[path = "common/hour.rs"]
mod hour;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use engine::format::Frame;
use log_store::{Columnar, Isolation, LogStore, Offset, Partition, Payload, TopicConfig};

use bids::{ROWS, bids, columns, decode_json, json};
use figure::figure;
use hour::hour;

const TURNS: usize = 200;
const GOAL: f64 = 3.0;
/// The part of the speed of memory that a column of the log has to have.
const SUM_GOAL: f64 = 0.8;
/// As many rows of four numbers as are written as one batch.
const SUM_ROWS: usize = 32_000;
const SUM_BATCHES: usize = 256;
const SUM_TURNS: usize = 15;

fn main() {
    let records = bids();
    let payloads: Vec<Option<&[u8]>> = records.iter().map(|text| Some(text.as_bytes())).collect();
    let dir = tempfile::tempdir().expect("a directory");
    let log = LogStore::open_dir(dir.path()).expect("a data directory");
    let topic = log.create_topic("bids", 1, TopicConfig::default()).expect("a topic");
    let partition = &topic.partitions()[0];
    let all: Vec<usize> = (0..columns().len()).collect();
    write(partition, columns(), json(&all).decode(&payloads).columns);
    let batches = read(partition);
    compare("decode columns, all seven", &payloads, &batches, &all);
    compare("decode columns, two of seven", &payloads, &batches, &[0, 2]);
    compare_sums(&log);
}

/// Writes rows of one moment.
fn write(partition: &Partition, columns: Fields, values: Vec<ArrayRef>) {
    let times = Int64Array::from_value(hour(), values[0].len());
    columnar::write(partition, columns, times, values);
}

/// What the log hands out: slices of its memory map.
fn read(partition: &Partition) -> Vec<Columnar> {
    let fetched = partition.read(Offset(0), usize::MAX, Isolation::ReadCommitted);
    let columnar = |batch: log_store::Batch| match batch.payload().expect("a payload") {
        Payload::Columnar(columnar) => columnar,
        Payload::Records(_) => unreachable!("only columns were written"),
    };
    fetched.expect("the log is there").batches.into_iter().map(columnar).collect()
}

fn compare(what: &str, payloads: &[Option<&[u8]>], batches: &[Columnar], wanted: &[usize]) {
    let json = json(wanted);
    let (mut best_json, mut best_arrow) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        best_json = best_json.min(decode_json(json.as_ref(), payloads));
        best_arrow = best_arrow.min(decode_arrow(batches, wanted));
    }
    println!("{what}, {ROWS} records; goal {GOAL}");
    println!("  JSON  {}", rate(best_json));
    println!("  ARROW {}", rate(best_arrow));
    let ratio = best_json.as_secs_f64() / best_arrow.as_secs_f64();
    figure(what, ratio, "of decoding JSON");
}

fn decode_arrow(batches: &[Columnar], wanted: &[usize]) -> Duration {
    let start = Instant::now();
    let mut rows = 0;
    for batch in batches {
        let frame = Frame::open(batch).expect("the batch is whole");
        let place = |at: &usize| frame.value(columns()[*at].name());
        let places: Option<Vec<usize>> = wanted.iter().map(place).collect();
        let columns = frame.read(&places.expect("the columns are there"));
        rows += black_box(columns.expect("the columns are whole")).num_rows();
        black_box(frame.times().expect("time stamps are there"));
    }
    let time = start.elapsed();
    assert_eq!(rows, ROWS);
    time
}

/// One column of four, out of the log and in memory.
fn compare_sums(log: &LogStore) {
    let topic = log.create_topic("numbers", 1, TopicConfig::default()).expect("a topic");
    let partition = &topic.partitions()[0];
    let names = ["A", "B", "C", "D"];
    let fields: Fields =
        names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    let column = |batch: usize| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..SUM_ROWS).map(|row| (batch * row) as i64)))
    };
    for batch in 0..SUM_BATCHES {
        write(partition, fields.clone(), vec![column(batch); names.len()]);
    }
    let memory: Vec<ArrayRef> = (0..SUM_BATCHES).map(column).collect();
    let (mut best_log, mut best_memory) = (Duration::MAX, Duration::MAX);
    for _ in 0..SUM_TURNS {
        let start = Instant::now();
        let out_of_log = black_box(sum_log(partition, "B"));
        best_log = best_log.min(start.elapsed());
        let start = Instant::now();
        let in_memory = black_box(memory.iter().map(sum_of).sum::<i64>());
        best_memory = best_memory.min(start.elapsed());
        assert_eq!(out_of_log, in_memory);
    }
    let rate = |time: Duration| {
        let rows = (SUM_BATCHES * SUM_ROWS) as f64;
        format!("{:8.2} million rows/s", rows / time.as_secs_f64() / 1e6)
    };
    let what = "sum one column of four, ARROW";
    println!("{what}, {SUM_BATCHES} batches of {SUM_ROWS} rows; goal {SUM_GOAL}");
    println!("  memory {}", rate(best_memory));
    println!("  log    {}", rate(best_log));
    let ratio = best_memory.as_secs_f64() / best_log.as_secs_f64();
    figure(what, ratio, "of the same in memory");
}

/// Reads a partition as a query does, and of its batches one column.
fn sum_log(partition: &Partition, column: &str) -> i64 {
    let (mut next, mut sum) = (Offset(0), 0);
    while next < partition.high_watermark() {
        let fetched = partition.read(next, 1 << 20, Isolation::ReadCommitted);
        let fetched = fetched.expect("the log is there");
        for batch in &fetched.batches {
            let Payload::Columnar(columnar) = batch.payload().expect("a payload") else {
                unreachable!("only columns were written")
            };
            let frame = Frame::open(&columnar).expect("the batch is whole");
            let place = frame.value(column).expect("the column is there");
            let columns = frame.read(&[place]).expect("the column is whole");
            sum += sum_of(columns.column(0));
        }
        next = fetched.next_offset;
    }
    sum
}

fn sum_of(column: &ArrayRef) -> i64 {
    arrow::compute::sum(column.as_primitive::<Int64Type>()).expect("rows")
}

fn rate(time: Duration) -> String {
    format!("{:8.2} million records/s", ROWS as f64 / time.as_secs_f64() / 1e6)
}
