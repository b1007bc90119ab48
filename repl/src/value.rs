//! Arrow columns to JSON values, the form in which all rows are rendered.
//!
//! Numbers keep every digit (a decimal is not squeezed through a double); what JSON has no
//! form for becomes text: bytes as base64, times in ISO 8601, NaN and the infinities by name.

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

/// The values of a column, top to bottom.
pub fn column(array: &ArrayRef) -> Vec<Value> {
    match array.data_type() {
        DataType::Boolean => each(array, |row| Value::Bool(array.as_boolean().value(row))),
        DataType::Binary => each(array, |row| bytes(array.as_binary::<i32>().value(row))),
        DataType::List(_) => {
            each(array, |row| Value::Array(column(&array.as_list::<i32>().value(row))))
        }
        DataType::Map(..) => each(array, |row| entries(&array.as_map().value(row))),
        DataType::Struct(_) => structs(array.as_struct()),
        other if other.is_numeric() => texts(array, number),
        _ => texts(array, Value::String),
    }
}

fn each(array: &ArrayRef, value: impl Fn(usize) -> Value) -> Vec<Value> {
    let value = |row| if array.is_null(row) { Value::Null } else { value(row) };
    (0..array.len()).map(value).collect()
}

/// Values that Arrow knows how to print; one that cannot be printed shows the reason instead.
fn texts(array: &ArrayRef, value: impl Fn(String) -> Value) -> Vec<Value> {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => each(array, |row| value(formatter.value(row).to_string())),
        Err(error) => each(array, |_| Value::String(error.to_string())),
    }
}

fn bytes(content: &[u8]) -> Value {
    Value::String(BASE64.encode(content))
}

/// The number of this text with all its digits, or the text where JSON has no such number.
pub fn number(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(text),
    }
}

fn structs(array: &StructArray) -> Vec<Value> {
    let columns: Vec<Vec<Value>> = array.columns().iter().map(column).collect();
    let object = |row: usize| {
        let values = columns.iter().map(|column| column[row].clone());
        array.column_names().into_iter().map(String::from).zip(values).collect()
    };
    (0..array.len())
        .map(|row| if array.is_null(row) { Value::Null } else { Value::Object(object(row)) })
        .collect()
}

/// The entries of one map; a key that is not text is written as text.
fn entries(array: &StructArray) -> Value {
    let (keys, values) = (column(array.column(0)), column(array.column(1)));
    let keys = keys.iter().map(text);
    Value::Object(keys.zip(values).collect::<Map<_, _>>())
}

/// A value as text: strings without quotes, everything else as JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Decimal128Array, Float64Array, Int32Array, ListArray, StringArray,
        TimestampMillisecondArray,
    };
    use arrow::datatypes::{Field, Int32Type};
    use serde_json::json;

    use super::*;

    fn shown(array: impl Array + 'static) -> String {
        let array: ArrayRef = Arc::new(array);
        Value::Array(column(&array)).to_string()
    }

    #[test]
    fn numbers_keep_their_digits() {
        let decimals = Decimal128Array::from(vec![Some(12_345_678_901_234_567_890), None]);
        let decimals = decimals.with_precision_and_scale(20, 2).unwrap();
        assert_eq!(shown(decimals), "[123456789012345678.90,null]");
        assert_eq!(shown(Float64Array::from(vec![1.5, f64::NAN])), r#"[1.5,"NaN"]"#);
        assert_eq!(shown(Int32Array::from(vec![Some(-7), None])), "[-7,null]");
    }

    #[test]
    fn what_json_lacks_becomes_text() {
        assert_eq!(shown(BinaryArray::from_vec(vec![b"\x00\xff"])), r#"["AP8="]"#);
        let time = TimestampMillisecondArray::from(vec![1_357_035_300_000]);
        assert_eq!(shown(time), r#"["2013-01-01T10:15:00"]"#);
    }

    #[test]
    fn nested_values_keep_their_shape() {
        let lists = vec![Some(vec![Some(1), None]), None];
        assert_eq!(
            shown(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
            "[[1,null],null]"
        );
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let field = Arc::new(Field::new("NAME", DataType::Utf8, true));
        let structs: ArrayRef = Arc::new(StructArray::from(vec![(field, name)]));
        assert_eq!(column(&structs), [json!({"NAME": "a"}), json!({"NAME": null})]);
    }
}
