//! Any bytes are a row or are refused, whatever columns are asked for, and the verdict is the
//! same for all columns and for none.

#![no_main]

use arrow::datatypes::{DataType, Field, Fields};
use engine::format::{Format, Side, decoder};
use engine::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let payloads = [Some(bytes), None, Some(bytes)];
    let all = decode(&payloads, (0..columns().len()).collect());
    let none = decode(&payloads, Vec::new());
    assert_eq!(all, none, "whether a record is valid depends on the columns asked for");
});

/// The rows that were refused.
fn decode(payloads: &[Option<&[u8]>], wanted: Vec<usize>) -> Vec<usize> {
    let side = Side { format: Format::Json, columns: columns(), wrapped: true };
    let decoder = decoder(&side, &wanted).expect("JSON takes these columns");
    let decoded = decoder.decode(payloads);
    assert_eq!(decoded.columns.len(), wanted.len());
    assert!(decoded.columns.iter().all(|column| column.len() == payloads.len()));
    decoded.bad.iter().map(|bad| bad.row).collect()
}

fn columns() -> Fields {
    let columns = [
        ("A", DataType::Int32),
        ("B", DataType::Int64),
        ("C", DataType::Float64),
        ("D", DataType::Decimal128(20, 4)),
        ("E", DataType::Utf8),
        ("F", DataType::Binary),
        ("G", DataType::Boolean),
        ("H", DataType::Date32),
        ("I", TIME),
        ("J", TIMESTAMP),
        ("K", array_of(DataType::Int64)),
        ("L", map_of(DataType::Utf8, array_of(DataType::Float64))),
        ("M", struct_of([("X", DataType::Utf8), ("Y", struct_of([("Z", DataType::Int32)]))])),
    ];
    columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}
