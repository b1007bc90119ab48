//! The rules of reading delimited lines.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field};

use crate::format::{Decoded, Format, Side, decoder, encoder};

fn side(types: &[DataType]) -> Side {
    let field = |(index, data_type): (usize, &DataType)| {
        Field::new(format!("C{index}"), data_type.clone(), true)
    };
    let columns = types.iter().enumerate().map(field).collect();
    Side { format: Format::Delimited { delimiter: ',' }, columns, wrapped: true }
}

fn decode(side: &Side, payloads: &[&str]) -> Decoded {
    let payloads: Vec<Option<&[u8]>> = payloads.iter().map(|text| Some(text.as_bytes())).collect();
    let all: Vec<usize> = (0..side.columns.len()).collect();
    decoder(side, &all).unwrap().decode(&payloads)
}

/// The fields of a line of three strings, null as `-`, or what is wrong with it.
fn fields(line: &str) -> String {
    let decoded = decode(&side(&vec![DataType::Utf8; 3]), &[line]);
    if let Some(bad) = decoded.bad.first() {
        return bad.message.clone();
    }
    let columns = decoded.columns.iter().map(|column| column.as_string::<i32>());
    columns
        .map(|column| column.iter().next().flatten().unwrap_or("-"))
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn lines_are_cut_at_delimiters_outside_quotes() {
    for (line, expected) in [
        ("a,b,c", "a|b|c"),
        ("a,,", "a|-|-"),
        (r#""a,b","c""d","x"#, r#"expected a closing '"', found the end of the line"#),
        (r#""a,b","c""d","""""#, r#"a,b|c"d|""#),
        (r#""a" , b,c"#, "a| b|c"),
        (r#"a"b,c,"#, r#"a"b|c|-"#),
        ("\"a\nb\",c,d\r\n", "a\nb|c|d"),
        (r#""",b,c"#, "-|b|c"),
        ("a,b", "expected 3 columns, found 2 in \"a,b\""),
        ("a,b,c,d", "expected 3 columns, found 4 in \"a,b,c,d\""),
        ("", "expected 3 columns, found 1 in \"\""),
        (r#""a"b,c,d"#, r#"expected ',' behind a quoted field, found "b,c,d""#),
        ("a,b,c\nd,e,f", "expected one line, found \"d,e,f\" on another"),
    ] {
        assert_eq!(fields(line), expected, "{line}");
    }
}

#[test]
fn values_are_read_by_their_type() {
    let types = [DataType::Boolean, DataType::Int32, DataType::Float64, DataType::Decimal128(6, 4)];
    let side = side(&types);
    let decoded = decode(&side, &["TRUE,+7,1e3,.12", ",,,", "yes,1,1,1", "true,1.5,1,1"]);
    let encoded = encoder(&side).unwrap().encode(&decoded.columns, 4, None).unwrap();
    assert_eq!(encoded.value(0), b"true,7,1000.0,0.1200");
    assert_eq!(encoded.value(1), b",,,");
    let messages: Vec<&str> = decoded.bad.iter().map(|bad| bad.message.as_str()).collect();
    assert_eq!(
        messages,
        ["field C0: expected BOOLEAN, found \"yes\"", "field C1: expected INTEGER, found \"1.5\"",]
    );
}

#[test]
fn a_leading_sign_is_quoted() {
    let side = side(&[DataType::Int32, DataType::Int32]);
    let decoded = decode(&side, &["-1,-2"]);
    let encoded = encoder(&side).unwrap().encode(&decoded.columns, 1, None).unwrap();
    assert_eq!(encoded.value(0), b"\"-1\",-2");
}
