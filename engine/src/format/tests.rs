//! What goes in comes out again, for every format and type, on random values.

use arrow::array::{Array, ArrayRef, BinaryArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};

const ROWS: usize = 300;

fn scalar_types() -> Vec<DataType> {
    vec![
        DataType::Boolean,
        DataType::Int32,
        DataType::Int64,
        DataType::Float64,
        DataType::Decimal128(9, 4),
        DataType::Decimal128(38, 0),
        DataType::Utf8,
        DataType::Binary,
        DataType::Date32,
        TIME,
        TIMESTAMP,
    ]
}

fn nested_types() -> Vec<DataType> {
    let scalars = scalar_types().into_iter().enumerate();
    let everything = struct_of(scalars.map(|(index, data_type)| (format!("F{index}"), data_type)));
    vec![
        array_of(DataType::Int64),
        map_of(DataType::Utf8, DataType::Float64),
        array_of(array_of(everything.clone())),
        map_of(DataType::Utf8, array_of(map_of(DataType::Utf8, DataType::Utf8))),
        struct_of([("outer", struct_of([("Inner", array_of(DataType::Utf8))]))]),
        everything,
    ]
}

fn side(format: Format, types: &[DataType], wrapped: bool) -> Side {
    let column = |(index, data_type): (usize, &DataType)| {
        Field::new(format!("Column {index}"), data_type.clone(), true)
    };
    Side { format, columns: types.iter().enumerate().map(column).collect(), wrapped }
}

/// Values of the format `JSON` that decode to a column, a quarter of them null.
fn random_column(data_type: &DataType, random: &mut StdRng) -> ArrayRef {
    let side = side(Format::Json, std::slice::from_ref(data_type), false);
    let texts: Vec<Option<String>> = (0..ROWS)
        .map(|_| random.random_bool(0.75).then(|| random_json(data_type, random)))
        .collect();
    let payloads: Vec<Option<&[u8]>> =
        texts.iter().map(|text| text.as_ref().map(|text| text.as_bytes())).collect();
    let decoded = decoder(&side, &[0]).unwrap().decode(&payloads);
    assert_eq!(decoded.bad, []);
    ArrayRef::clone(&decoded.columns[0])
}

fn random_json(data_type: &DataType, random: &mut StdRng) -> String {
    match data_type {
        DataType::Boolean => random.random::<bool>().to_string(),
        DataType::Int32 | DataType::Date32 => random_i64(random, 31).to_string(),
        DataType::Int64 => random_i64(random, 63).to_string(),
        DataType::Float64 => random_double(random),
        DataType::Decimal128(9, 4) => format!("{}e-4", random_i64(random, 29)),
        DataType::Decimal128(..) => random_i64(random, 63).to_string(),
        DataType::Utf8 => format!("{:?}", random_text(random)).replace("\\'", "'"),
        DataType::Binary => ["\"ew==\"", "\"/+8=\"", "\"AAAA\""][random.random_range(0..3)].into(),
        DataType::List(item) => {
            let items =
                (0..random.random_range(0..4)).map(|_| random_json(item.data_type(), random));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        DataType::Map(entries, _) => random_map(entries.data_type(), random),
        DataType::Struct(fields) => random_struct(fields, random),
        other if *other == TIME => random.random_range(0..86_400_000).to_string(),
        _ => random_i64(random, 50).to_string(),
    }
}

fn random_i64(random: &mut StdRng, bits: u32) -> i64 {
    let shift = 64 - random.random_range(1..=bits);
    (random.random::<u64>() >> shift) as i64 * if random.random() { 1 } else { -1 }
}

fn random_double(random: &mut StdRng) -> String {
    let value = match random.random_range(0..4) {
        0 => f64::from(random.random_range(-1000..1000)) / 100.0,
        1 => f64::from_bits(random.random()),
        2 => [f64::NAN, f64::INFINITY, -0.0, 5e-324, 1e7, 1e-3][random.random_range(0..6)],
        _ => random.random_range(-1e9..1e9),
    };
    if value.is_nan() {
        "\"NaN\"".into()
    } else {
        format!("\"{value:e}\"").replace("inf", "Infinity")
    }
}

fn random_text(random: &mut StdRng) -> String {
    const PARTS: [&str; 12] =
        ["a", "Z", "\"", "\\", ",", "\n", "\r", "\t", " ", "é", "😀", "plain text"];
    let text: String = (0..random.random_range(1..9))
        .map(|_| PARTS[random.random_range(0..PARTS.len())])
        .collect();
    text
}

fn random_map(entries: &DataType, random: &mut StdRng) -> String {
    let DataType::Struct(fields) = entries else { panic!("{entries}") };
    let entries = (0..random.random_range(0..4))
        .map(|index| format!("\"k{index}\":{}", random_json(fields[1].data_type(), random)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

fn random_struct(fields: &Fields, random: &mut StdRng) -> String {
    let present: Vec<_> = fields.iter().filter(|_| random.random_bool(0.8)).collect();
    let members = present
        .iter()
        .map(|field| format!("{:?}:{}", field.name(), random_json(field.data_type(), random)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn decode(side: &Side, wanted: &[usize], payloads: &BinaryArray) -> Decoded {
    decoder(side, wanted).unwrap().decode(&payloads.iter().collect::<Vec<_>>())
}

/// Encodes random columns and decodes them again: all, in reverse order, and none.
fn check_round_trip(side: &Side, random: &mut StdRng) {
    let types = side.columns.iter().map(|field| field.data_type());
    let columns: Vec<ArrayRef> = types.map(|data_type| random_column(data_type, random)).collect();
    let payloads = encoder(side).unwrap().encode(&columns, ROWS, None).unwrap();
    let all: Vec<usize> = (0..columns.len()).collect();
    let decoded = decode(side, &all, &payloads);
    assert_eq!(decoded.bad, [], "{side:?}");
    assert_eq!(decoded.columns, columns, "{side:?}");

    let reversed: Vec<usize> = all.iter().rev().copied().collect();
    let columns: Vec<ArrayRef> = columns.into_iter().rev().collect();
    assert_eq!(decode(side, &reversed, &payloads).columns, columns);
    assert_eq!(decode(side, &[], &payloads).bad, []);
}

#[test]
fn json_round_trips_every_type() {
    let random = &mut StdRng::seed_from_u64(1);
    let types = [scalar_types(), nested_types()].concat();
    check_round_trip(&side(Format::Json, &types, true), random);
    for data_type in types {
        check_round_trip(&side(Format::Json, &[data_type], false), random);
    }
}

#[test]
fn delimited_round_trips_every_scalar() {
    let random = &mut StdRng::seed_from_u64(2);
    for delimiter in [',', '\t', ' ', '-', '€'] {
        let format = Format::Delimited { delimiter };
        check_round_trip(&side(format.clone(), &scalar_types(), true), random);
        for data_type in scalar_types() {
            check_round_trip(&side(format.clone(), &[data_type], true), random);
        }
    }
}

#[test]
fn kafka_round_trips_its_types() {
    let random = &mut StdRng::seed_from_u64(3);
    for data_type in
        [DataType::Int32, DataType::Int64, DataType::Float64, DataType::Utf8, DataType::Binary]
    {
        check_round_trip(&side(Format::Kafka, &[data_type], true), random);
    }
}

#[test]
fn rows_that_are_not_present_have_no_payload() {
    let random = &mut StdRng::seed_from_u64(4);
    let present = NullBuffer::from((0..ROWS).map(|row| row % 3 > 0).collect::<Vec<bool>>());
    for format in [Format::Json, Format::Delimited { delimiter: ',' }, Format::Kafka] {
        let side = side(format, &[DataType::Int64], true);
        let column = random_column(&DataType::Int64, random);
        let encoded = encoder(&side).unwrap().encode(&[column], ROWS, Some(&present)).unwrap();
        assert!((0..ROWS).step_by(3).all(|row| encoded.is_null(row)));
    }
}

#[test]
fn columns_may_be_slices_of_others() {
    let random = &mut StdRng::seed_from_u64(5);
    for data_type in nested_types() {
        let side = side(Format::Json, std::slice::from_ref(&data_type), true);
        let column = random_column(&data_type, random).slice(100, 50);
        let encoder = encoder(&side).unwrap();
        let payloads = encoder.encode(&[ArrayRef::clone(&column)], 50, None).unwrap();
        let copy = take(&column, &UInt32Array::from_iter_values(0..50), None).unwrap();
        assert_eq!(encoder.encode(&[copy], 50, None).unwrap(), payloads);
        assert_eq!(&decode(&side, &[0], &payloads).columns[0], &column);
    }
}

#[test]
fn a_side_without_columns_ignores_what_it_reads() {
    for format in [Format::Json, Format::Delimited { delimiter: ',' }, Format::Kafka, Format::None]
    {
        let side = side(format, &[], true);
        let decoded = decoder(&side, &[]).unwrap().decode(&[Some(b"anything"), None]);
        assert_eq!((decoded.columns.len(), decoded.bad.len()), (0, 0));
    }
    let none = side(Format::None, &[], true);
    let payloads = encoder(&none).unwrap().encode(&[], 2, None).unwrap();
    assert_eq!(payloads.null_count(), 2);
}

#[test]
fn arrow_has_no_single_payloads() {
    let side = side(Format::Arrow, &[DataType::Int64], true);
    assert!(check(&side).is_ok());
    let error = encoder(&side).err().unwrap().to_string();
    assert_eq!(error, "the 'ARROW' format holds batches of records, not single payloads");
    let decoded = decoder(&side, &[0]).unwrap().decode(&[Some(b"{}")]);
    assert_eq!(decoded.bad.len(), 1);
}

#[test]
fn wrong_columns_are_refused() {
    let side = side(Format::Json, &[DataType::Int64], true);
    let error = encoder(&side).unwrap().encode(&[], 0, None).unwrap_err();
    assert_eq!(error.to_string(), "internal error: expected 1 columns to encode, found 0");
    assert!(decoder(&side, &[1]).is_err());
}
