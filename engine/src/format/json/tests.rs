//! The rules of reading JSON, and what hostile bytes can do.

use arrow::datatypes::{DataType, Field};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::format::{Decoded, Format, Side, decoder, encoder};
use crate::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};

fn side(columns: &[(&str, DataType)], wrapped: bool) -> Side {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Side { format: Format::Json, columns: columns.iter().map(field).collect(), wrapped }
}

fn decode(side: &Side, wanted: &[usize], payloads: &[impl AsRef<[u8]>]) -> Decoded {
    let payloads: Vec<Option<&[u8]>> = payloads.iter().map(|text| Some(text.as_ref())).collect();
    decoder(side, wanted).unwrap().decode(&payloads)
}

/// Rows as JSON again, or what is wrong with them.
fn rows(side: &Side, payloads: &[&str]) -> Vec<String> {
    let all: Vec<usize> = (0..side.columns.len()).collect();
    let decoded = decode(side, &all, payloads);
    let encoder = encoder(&Side { wrapped: true, ..side.clone() }).unwrap();
    let encoded = encoder.encode(&decoded.columns, payloads.len(), None).unwrap();
    let text = |row| String::from_utf8(encoded.value(row).to_vec()).unwrap();
    let mut rows: Vec<String> = (0..payloads.len()).map(text).collect();
    for bad in decoded.bad {
        rows[bad.row] = bad.message;
    }
    rows
}

/// What a column `V` of the type makes of a value.
fn value(data_type: DataType, json: &str) -> String {
    let side = side(&[("V", data_type)], false);
    let row = rows(&side, &[json]).remove(0);
    match row.strip_prefix("{\"V\":") {
        Some(value) => value.trim_end_matches('}').to_owned(),
        None => row,
    }
}

#[test]
fn names_match_exactly_or_in_upper_case() {
    let side =
        side(&[("A", DataType::Int32), ("b", DataType::Int32), ("B", DataType::Int32)], true);
    let payloads = [
        r#"{"A":1,"b":2,"B":3}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"A":1,"a":2}"#,
        r#"{"a":1,"A":null}"#,
        r#"{"A":1,"A":2}"#,
        r#"{"a":1,"a":2,"X":{"A":[5]}}"#,
        "{}",
        " { \"A\" : 1 , \"c\" : null } ",
    ];
    assert_eq!(
        rows(&side, &payloads),
        [
            r#"{"A":1,"b":2,"B":3}"#,
            r#"{"A":1,"b":2,"B":2}"#,
            r#"{"A":1,"b":null,"B":null}"#,
            r#"{"A":null,"b":null,"B":null}"#,
            r#"{"A":2,"b":null,"B":null}"#,
            r#"{"A":2,"b":null,"B":null}"#,
            r#"{"A":null,"b":null,"B":null}"#,
            r#"{"A":1,"b":null,"B":null}"#,
        ]
    );
}

#[test]
fn numbers_come_as_numbers_or_strings() {
    assert_eq!(value(DataType::Int32, "-1.7"), "-1");
    assert_eq!(value(DataType::Int32, "\"22\""), "22");
    assert_eq!(value(DataType::Int64, "4.6e18"), "4600000000000000000");
    assert_eq!(value(DataType::Float64, "10"), "10.0");
    assert_eq!(value(DataType::Float64, "\"1e10\""), "1.0E10");
    assert_eq!(value(DataType::Float64, "\"NaN\""), "\"NaN\"");
    assert_eq!(value(DataType::Decimal128(4, 2), "10.1"), "10.10");
    assert_eq!(value(DataType::Decimal128(4, 2), "\"10.10\""), "10.10");
    assert_eq!(value(DataType::Date32, "18000"), "18000");
    assert_eq!(value(TIME, "\"10000\""), "10000");
    assert_eq!(value(TIMESTAMP, "-5"), "-5");
    assert_eq!(value(DataType::Binary, "\"ew\\u003d=\""), "\"ew==\"");
}

#[test]
fn a_string_column_takes_anything() {
    for (json, text) in [
        ("1.10", "1.10"),
        ("true", "true"),
        (r#"[1, "a", [null]]"#, "[1, a, [null]]"),
        (r#"{"b": [1, {"c": 2e3}]}"#, r#"{"b":[1,{"c":2e3}]}"#),
    ] {
        let side = side(&[("V", DataType::Utf8)], false);
        let decoded = decode(&side, &[0], &[json]);
        assert_eq!(decoded.columns[0].as_ref(), &arrow::array::StringArray::from(vec![text]));
    }
}

#[test]
fn what_does_not_fit_is_bad() {
    for (data_type, json, message) in [
        (DataType::Boolean, "\"true\"", "field V: expected BOOLEAN, found \"true\""),
        (DataType::Boolean, "1", "field V: expected BOOLEAN, found 1"),
        (DataType::Int32, "2147483648", "field V: expected INTEGER, found 2147483648"),
        (DataType::Int32, "\"\"", "field V: expected INTEGER, found \"\""),
        (DataType::Int32, "\"1.5\"", "field V: expected INTEGER, found \"1.5\""),
        (DataType::Int32, "true", "field V: expected INTEGER, found true"),
        (DataType::Int64, "1e19", "field V: expected BIGINT, found 1e19"),
        (DataType::Int64, "{}", "field V: expected BIGINT, found an object"),
        (DataType::Float64, "1e400", "field V: expected DOUBLE, found 1e400"),
        (
            DataType::Decimal128(4, 2),
            "1.001",
            "field V: expected DECIMAL(4, 2) without rounding, found 1.001",
        ),
        (DataType::Binary, "\"ew\"", "field V: expected BYTES in base64, found \"ew\""),
        (DataType::Binary, "7", "field V: expected BYTES in base64, found 7"),
        (TIME, "86400000", "field V: expected TIME as milliseconds of the day, found 86400000"),
        (array_of(DataType::Int32), "{}", "field V: expected ARRAY, found an object"),
        (array_of(DataType::Int32), "[1,\"x\"]", "field V[1]: expected INTEGER, found \"x\""),
        (map_of(DataType::Utf8, DataType::Int32), "[]", "field V: expected MAP, found an array"),
        (
            map_of(DataType::Utf8, array_of(DataType::Int32)),
            r#"{"k":[{}]}"#,
            "field V[\"k\"][0]: expected INTEGER, found an object",
        ),
        (
            struct_of([("F", struct_of([("G", DataType::Int32)]))]),
            r#"{"f":{"g":false}}"#,
            "field V.F.G: expected INTEGER, found false",
        ),
    ] {
        assert_eq!(value(data_type, json), message);
    }
}

#[test]
fn broken_text_is_bad() {
    let side = side(&[("A", DataType::Int32), ("S", DataType::Utf8)], true);
    for (json, message) in [
        ("", "expected an object, found the end of the payload at byte 0"),
        ("5", "expected an object, found 5"),
        ("{", "expected a field name, found the end of the payload at byte 1"),
        ("{\"A\"}", "expected ':', found '}' at byte 4"),
        ("{\"A\":}", "field A: expected a JSON value, found '}' at byte 5"),
        ("{\"A\":1", "expected ',' or '}', found the end of the payload at byte 6"),
        ("{\"A\":1,}", "expected a field name, found '}' at byte 7"),
        ("{\"A\":1}}", "expected the end of the payload, found '}' at byte 7"),
        ("{\"A\":01}", "field A: expected a number without leading zeros, found '0' at byte 5"),
        ("{\"A\":NaN}", "field A: expected a JSON value, found 'N' at byte 5"),
        (
            "{\"S\":\"a",
            "field S: expected '\"' at the end of a string, found the end of the payload at byte 7",
        ),
        (
            "{\"S\":\"\t\"}",
            "field S: expected no control character in a string, found byte 0x09 at byte 6",
        ),
        ("{\"X\":\"\\x\"}", "expected one of '\"\\/bfnrtu' behind '\\', found 'x' at byte 7"),
        ("{\"X\":[1,2}", "expected ',' or ']', found '}' at byte 9"),
        ("{\"X\":tru}", "expected a JSON value, found 't' at byte 5"),
        ("nul", "expected a JSON value, found 'n' at byte 0"),
    ] {
        assert_eq!(rows(&side, &[json]), [message], "{json}");
    }
    let decoded = decode(&side, &[], &[b"{\"X\":\"\xff\"}"]);
    assert_eq!(decoded.bad[0].message, "expected text in UTF-8, found byte 0xff at byte 6");
}

#[test]
fn hostile_nesting_is_bad_and_nothing_worse() {
    let side = side(&[("S", DataType::Utf8)], true);
    for open in ["{\"S\":", "{\"X\":"] {
        let deep = |levels| format!("{open}{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(decode(&side, &[0], &[deep(512)]).bad, []);
        let message = &decode(&side, &[0], &[deep(100_000)]).bad[0].message;
        assert!(message.contains("at most 512 levels of nesting"), "{message}");
    }
}

#[test]
fn a_bad_row_leaves_its_neighbours_alone() {
    let columns = [
        ("A", DataType::Int32),
        ("L", array_of(DataType::Utf8)),
        ("M", map_of(DataType::Utf8, TIME)),
    ];
    let side = side(&columns, true);
    let good = r#"{"A":1,"L":["x","y"],"M":{"k":5}}"#;
    let bad = r#"{"A":2,"L":["z"],"M":{"k":5,"l":-1}}"#;
    let empty = r#"{"A":null,"L":null,"M":null}"#;
    let message = "field M[\"l\"]: expected TIME as milliseconds of the day, found -1";
    assert_eq!(rows(&side, &[good, bad, good]), [good, message, good]);
    let decoded = decode(&side, &[0, 1, 2], &[bad, good, empty]);
    assert!(decoded.columns.iter().all(|column| column.is_null(0) && column.is_valid(1)));
}

#[test]
fn the_last_of_repeated_map_keys_counts() {
    let side = side(&[("M", map_of(DataType::Utf8, DataType::Int32))], true);
    let many = |last: usize| -> String {
        let keys = (0..40).map(|index| format!("\"k{index}\":{index}"));
        let keys: Vec<String> = keys.chain([format!("\"k3\":{last}")]).collect();
        keys.join(",")
    };
    let with_many = format!("{{\"M\":{{{}}}}}", many(99));
    let decoded = rows(&side, &[r#"{"M":{"a":1,"b":2,"\u0061":3}}"#, &with_many]);
    assert_eq!(decoded[0], r#"{"M":{"b":2,"a":3}}"#);
    assert!(decoded[1].ends_with(r#""k39":39,"k3":99}}"#) && !decoded[1].contains(r#""k3":3,"#));
}

#[test]
fn the_text_null_is_no_value() {
    for wrapped in [true, false] {
        let side = side(&[("A", DataType::Int32)], wrapped);
        let decoded = decode(&side, &[0], &[" null ", "null x"]);
        assert_eq!(decoded.absent, [0]);
        assert_eq!(decoded.bad[0].row, 1);
        assert_eq!(decoded.columns[0].null_count(), 2);
    }
}

#[test]
fn written_json_names_every_column() {
    let columns = [
        ("D", DataType::Float64),
        ("with \"quotes\"", DataType::Boolean),
        ("N", struct_of([("X", DataType::Decimal128(6, 4)), ("y", array_of(DataType::Int32))])),
    ];
    let side = side(&columns, true);
    let payloads = [r#"{"D":1E7,"n":{"x":0.5,"y":[1,null]}}"#, "{}"];
    assert_eq!(
        rows(&side, &payloads),
        [
            r#"{"D":1.0E7,"with \"quotes\"":null,"N":{"X":0.5000,"y":[1,null]}}"#,
            r#"{"D":null,"with \"quotes\"":null,"N":null}"#,
        ]
    );
}

/// Columns of every kind, and a payload that fills them.
fn everything() -> (Side, &'static str) {
    let columns = [
        ("B", DataType::Boolean),
        ("I", DataType::Int32),
        ("L", DataType::Int64),
        ("D", DataType::Float64),
        ("P", DataType::Decimal128(6, 2)),
        ("S", DataType::Utf8),
        ("Y", DataType::Binary),
        ("T", TIME),
        ("A", array_of(DataType::Utf8)),
        ("M", map_of(DataType::Utf8, DataType::Int64)),
        ("O", struct_of([("X", DataType::Int32), ("Z", array_of(DataType::Float64))])),
    ];
    let payload = r#"{"B":true,"I":-12,"L":"34","D":1.5e3,"P":12.5,"S":"a\n\u00e9é","Y":"ew==","T":5,
        "u":{"k":[1,null,{}]},"A":["x",1,[2],{"y":3}],"M":{"k":1,"k":2,"l":null},"o":{"x":1,"Z":[1.5]}}"#;
    (side(&columns, true), payload)
}

fn mutate(payload: &str, random: &mut StdRng) -> Vec<u8> {
    const TOKENS: &[u8] = b"{}[]\",:\\0129.-+eEntfu \n\xc3\xa9\xff\0";
    let mut bytes = payload.as_bytes().to_vec();
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(0..=bytes.len());
        let token = TOKENS[random.random_range(0..TOKENS.len())];
        match random.random_range(0..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, token),
            2 => drop(bytes.splice(at..bytes.len().min(at + 1), [])),
            _ => drop(bytes.splice(at..bytes.len().min(at + 1), [token])),
        }
    }
    bytes
}

#[test]
fn whether_a_row_is_bad_does_not_depend_on_the_columns_wanted() {
    let (side, payload) = everything();
    let random = &mut StdRng::seed_from_u64(6);
    let payloads: Vec<Vec<u8>> = (0..20_000).map(|_| mutate(payload, random)).collect();
    let all: Vec<usize> = (0..side.columns.len()).collect();
    let decoded = decode(&side, &all, &payloads);
    assert!(decoded.bad.len() > 1000 && decoded.bad.len() < 19_000);
    for wanted in [&[][..], &[1, 5], &[9], &[10, 8, 6]] {
        let some = decode(&side, wanted, &payloads);
        assert_eq!(some.bad, decoded.bad);
        for (column, index) in some.columns.iter().zip(wanted) {
            assert_eq!(column, &decoded.columns[*index]);
        }
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    let (side, payload) = everything();
    let random = &mut StdRng::seed_from_u64(7);
    let payloads: Vec<Vec<u8>> = (0..500).map(|_| mutate(payload, random)).collect();
    let all: Vec<usize> = (0..side.columns.len()).collect();
    let together = decode(&side, &all, &payloads);
    for (row, payload) in payloads.iter().enumerate() {
        let alone = decode(&side, &all, &[payload]);
        for (alone, together) in alone.columns.iter().zip(&together.columns) {
            assert_eq!(alone, &together.slice(row, 1));
        }
    }
}

#[test]
fn the_grammar_is_that_of_another_parser() {
    let side = side(&[("UNKNOWN", DataType::Utf8)], true);
    let random = &mut StdRng::seed_from_u64(8);
    let (_, payload) = everything();
    let payload = payload.replace("\\u00e9", "");
    for _ in 0..20_000 {
        let bytes = mutate(&payload, random);
        let parsed = serde_json::from_slice(&bytes);
        let fine = matches!(parsed, Ok(Value::Object(_) | Value::Null));
        // Half a pair of unicode escapes is fine with us.
        if bytes.windows(2).any(|pair| pair == b"\\u") {
            continue;
        }
        let bad = decode(&side, &[0], &[&bytes]).bad;
        assert_eq!(bad.is_empty(), fine, "{}: {bad:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let (side, _) = everything();
    let random = &mut StdRng::seed_from_u64(9);
    let all: Vec<usize> = (0..side.columns.len()).collect();
    let payloads: Vec<Vec<u8>> = (0..20_000)
        .map(|_| (0..random.random_range(0..40)).map(|_| random.random()).collect())
        .collect();
    assert_eq!(decode(&side, &all, &payloads).columns[0].len(), payloads.len());
}
