//! Decoding JSON against `arrow-json`, on the same bytes and schema, in the same run.
//!
//! The records are bids of 209 bytes with seven fields. Both decoders take turns on the same
//! batches, so that a slow moment of the machine hits both; the best time of each counts. What
//! matters is the ratio: at least 1.5 for all columns and 2 for two of them.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow_json::ReaderBuilder;
use engine::format::{Decoder, Format, Side, decoder};
use engine::types::TIMESTAMP;

const ROWS: usize = 8192;
const RECORD_BYTES: usize = 209;
const TURNS: usize = 200;

fn main() {
    let records: Vec<String> = (0..ROWS).map(bid).collect();
    let all: Vec<usize> = (0..columns().len()).collect();
    compare("all seven columns", &records, &all, 1.5);
    compare("two of seven columns", &records, &[0, 2], 2.0);
}

fn columns() -> Fields {
    let columns = [
        ("auction", DataType::Int64),
        ("bidder", DataType::Int64),
        ("price", DataType::Float64),
        ("channel", DataType::Utf8),
        ("url", DataType::Utf8),
        ("date_time", TIMESTAMP),
        ("extra", DataType::Utf8),
    ];
    columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

fn bid(index: usize) -> String {
    let (auction, bidder) = (1000 + index * 37 % 9000, 100_000 + index * 7919 % 800_000);
    let (dollars, cents) = (10 + index * 31 % 90_000, index * 17 % 100);
    let channel = ["Google", "Facebook", "Baidu", "Apple"][index % 4];
    let time = 1_700_000_000_000_u64 + index as u64 * 13;
    let item = index * 104_729 % 1_000_000;
    let head = format!(
        r#"{{"auction":{auction},"bidder":{bidder},"price":{dollars}.{cents:02},"channel":"{channel}","url":"https://www.nexmark.com/item/{item}/bid.html?query=1","date_time":{time},"extra":""#
    );
    let extra = "abcdefghijklmnopqrstuvwxyz ".chars().cycle().skip(index % 26);
    let extra: String = extra.take(RECORD_BYTES - head.len() - 2).collect();
    format!("{head}{extra}\"}}")
}

fn compare(what: &str, records: &[String], wanted: &[usize], goal: f64) {
    let text = records.join("\n");
    let schema = Arc::new(Schema::new(columns().into_iter().map(Arc::clone).collect::<Fields>()));
    let schema = Arc::new(schema.project(wanted).expect("the wanted columns exist"));
    let side = Side { format: Format::Json, columns: columns(), wrapped: true };
    let ours = decoder(&side, wanted).expect("JSON takes these columns");
    let payloads: Vec<Option<&[u8]>> = records.iter().map(|text| Some(text.as_bytes())).collect();
    let (mut best_theirs, mut best_ours) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        best_theirs = best_theirs.min(decode_theirs(&schema, text.as_bytes()));
        best_ours = best_ours.min(decode_ours(ours.as_ref(), &payloads));
    }
    let bytes = records.iter().map(String::len).sum();
    println!("{what}, {ROWS} records of {} bytes", bytes / ROWS);
    println!("  arrow-json {}", rate(bytes, best_theirs));
    println!("  millstream {}", rate(bytes, best_ours));
    let ratio = best_theirs.as_secs_f64() / best_ours.as_secs_f64();
    println!("  ratio {ratio:.2}, goal {goal}");
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

fn decode_ours(decoder: &dyn Decoder, payloads: &[Option<&[u8]>]) -> Duration {
    let start = Instant::now();
    let decoded = black_box(decoder.decode(payloads));
    let time = start.elapsed();
    assert!(decoded.bad.is_empty() && decoded.columns.iter().all(|column| column.len() == ROWS));
    time
}

fn rate(bytes: usize, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let megabytes = bytes as f64 / seconds / 1e6;
    format!("{megabytes:6.0} MB/s, {:5.2} million records/s", ROWS as f64 / seconds / 1e6)
}
