//! Bids of 209 bytes with seven fields, and our decoder over them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Fields};
use engine::format::{Decoder, Format, Side, decoder};
use engine::types::TIMESTAMP;

/// As many as are decoded at once.
pub const ROWS: usize = 8192;
const RECORD_BYTES: usize = 209;

pub fn columns() -> Fields {
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

/// The bids as JSON.
pub fn bids() -> Vec<String> {
    (0..ROWS).map(bid).collect()
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

/// How bids lie in a topic as JSON.
pub fn side() -> Side {
    Side { format: Format::Json, columns: columns(), wrapped: true }
}

/// Our decoder for some of the columns.
pub fn json(wanted: &[usize]) -> Arc<dyn Decoder> {
    decoder(&side(), wanted).expect("JSON takes these columns")
}

/// Decodes all bids.
pub fn decode_json(decoder: &dyn Decoder, bids: &[Option<&[u8]>]) -> Duration {
    let start = Instant::now();
    let decoded = black_box(decoder.decode(bids));
    let time = start.elapsed();
    assert!(decoded.bad.is_empty() && decoded.columns.iter().all(|column| column.len() == ROWS));
    time
}
