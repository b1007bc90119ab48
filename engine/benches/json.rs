//! JSON against `arrow-json`, on the same rows and schema, in the same run.
//!
//! The records are bids of 209 bytes with seven fields. Both sides take turns on the same batches,
//! so that a slow moment of the machine hits both; the best time of each counts. What matters is
//! the ratio: decoding at least 1.5 for all columns and 2 for two of them.
//!
//! Encoding leaves the time stamp out, which the two write differently.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

#[path = "common/bids.rs"]
mod bids;
#[path = "common/figure.rs"]
mod figure;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{Fields, Schema};
use arrow::record_batch::RecordBatch;
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use engine::format::{Encoder, Side, encoder};

use bids::{ROWS, bids, columns, decode_json, json, side};
use figure::figure;

const TURNS: usize = 200;

fn main() {
    let records = bids();
    let all: Vec<usize> = (0..columns().len()).collect();
    compare("decode JSON, all seven columns", &records, &all, 1.5);
    compare("decode JSON, two of seven columns", &records, &[0, 2], 2.0);
    compare_encoders(&records);
}

fn compare(what: &str, records: &[String], wanted: &[usize], goal: f64) {
    let text = records.join("\n");
    let schema = Arc::new(Schema::new(columns()));
    let schema = Arc::new(schema.project(wanted).expect("the wanted columns exist"));
    let ours = json(wanted);
    let payloads: Vec<Option<&[u8]>> = records.iter().map(|text| Some(text.as_bytes())).collect();
    let (mut best_theirs, mut best_ours) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        best_theirs = best_theirs.min(decode_theirs(&schema, text.as_bytes()));
        best_ours = best_ours.min(decode_json(ours.as_ref(), &payloads));
    }
    let bytes: usize = records.iter().map(String::len).sum();
    println!("{what}, {ROWS} records of {} bytes; goal {goal}", bytes / ROWS);
    show(what, bytes, best_theirs, best_ours);
}

fn decode_theirs(schema: &Arc<Schema>, text: &[u8]) -> Duration {
    let start = Instant::now();
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(ROWS);
    let mut decoder = builder.build_decoder().expect("the schema is supported");
    let read = decoder.decode(text).expect("the records are well formed");
    let batch = black_box(decoder.flush().expect("the records are complete"));
    let time = start.elapsed();
    assert_eq!((read, batch.map(|batch| batch.num_rows())), (text.len(), Some(ROWS)));
    time
}

fn compare_encoders(records: &[String]) {
    let plain = [0, 1, 2, 3, 4, 6];
    let payloads: Vec<Option<&[u8]>> = records.iter().map(|text| Some(text.as_bytes())).collect();
    let values = json(&plain).decode(&payloads).columns;
    let fields: Fields = plain.iter().map(|at| Arc::clone(&columns()[*at])).collect();
    let ours = encoder(&Side { columns: fields.clone(), ..side() }).expect("JSON takes these");
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values).expect("one length");
    let (mut best_theirs, mut best_ours) = (Duration::MAX, Duration::MAX);
    let mut bytes = 0;
    for _ in 0..TURNS {
        let (time, written) = encode_theirs(&batch);
        best_theirs = best_theirs.min(time);
        bytes = written - ROWS;
        let (time, written) = encode_ours(ours.as_ref(), &batch);
        best_ours = best_ours.min(time);
        assert!(written.abs_diff(bytes) < bytes / 10, "{written} bytes of ours, {bytes} of theirs");
    }
    let what = "encode JSON, six columns";
    println!("{what}, {ROWS} records of {} bytes", bytes / ROWS);
    show(what, bytes, best_theirs, best_ours);
}

fn encode_theirs(batch: &RecordBatch) -> (Duration, usize) {
    let start = Instant::now();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch).expect("the columns are supported");
    writer.finish().expect("memory takes everything");
    let text = black_box(writer.into_inner());
    (start.elapsed(), text.len())
}

fn encode_ours(encoder: &dyn Encoder, batch: &RecordBatch) -> (Duration, usize) {
    let start = Instant::now();
    let payloads = encoder.encode(batch.columns(), ROWS, None).expect("the columns fit");
    let payloads = black_box(payloads);
    (start.elapsed(), payloads.value_data().len())
}

fn show(what: &str, bytes: usize, theirs: Duration, ours: Duration) {
    println!("  arrow-json {}", rate(bytes, theirs));
    println!("  millstream {}", rate(bytes, ours));
    figure(what, theirs.as_secs_f64() / ours.as_secs_f64(), "of arrow-json");
}

fn rate(bytes: usize, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let megabytes = bytes as f64 / seconds / 1e6;
    format!("{megabytes:6.0} MB/s, {:5.2} million records/s", ROWS as f64 / seconds / 1e6)
}
