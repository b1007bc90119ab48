//! Case data to record bytes.

use anyhow::{Context, Result, bail};
use arrow::datatypes::DataType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use engine::TopicRecord;
use serde_json::{Map, Value};

use super::case::{self, Record, Window, WindowShape, text_of};
use super::layout::{Format, Layout, Side};
use super::number::Decimal;

/// The bytes of an input record.
pub fn record(record: &Record, layout: &Layout) -> Result<TopicRecord> {
    let key = payload(&record.key, &layout.key).context("key")?;
    Ok(TopicRecord {
        key: key.map(|bytes| with_window(bytes, record.window)),
        value: payload(&record.value, &layout.value).context("value")?,
        timestamp: record.timestamp.unwrap_or_default(),
        headers: headers(&record.headers)?,
    })
}

/// The headers of a record.
pub fn headers(headers: &[case::Header]) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    let header = |header: &case::Header| {
        let value = header.value.as_ref().map(|text| BASE64.decode(text)).transpose();
        Ok((header.key.clone(), value.context("a header is not base64")?))
    };
    headers.iter().map(header).collect()
}

/// The bytes of one side; null is no bytes.
pub fn payload(value: &Value, side: &Side) -> Result<Option<Vec<u8>>> {
    if value.is_null() {
        return Ok(None);
    }
    Ok(match side.format {
        Format::None => None,
        Format::Json => Some(serde_json::to_vec(&plain_numbers(value))?),
        Format::Delimited(_) => Some(text_of(value).into_bytes()),
        Format::Kafka => Some(kafka(value, side)?),
    })
}

/// The key with its window behind it: the start, or for sessions the end and the start.
fn with_window(mut key: Vec<u8>, window: Option<Window>) -> Vec<u8> {
    let Some(window) = window else { return key };
    if window.shape == WindowShape::Session {
        key.extend(window.end.to_be_bytes());
    }
    key.extend(window.start.to_be_bytes());
    key
}

fn kafka(value: &Value, side: &Side) -> Result<Vec<u8>> {
    let text = text_of(value);
    let data_type = match side.columns.as_slice() {
        [] => return Ok(text.into_bytes()),
        [column] => &column.data_type,
        columns => bail!("KAFKA holds one column, not {}", columns.len()),
    };
    Ok(match data_type {
        DataType::Int32 => integer(&text)?.parse::<i32>().context(text)?.to_be_bytes().to_vec(),
        DataType::Int64 => integer(&text)?.parse::<i64>().context(text)?.to_be_bytes().to_vec(),
        DataType::Float64 => text.parse::<f64>().context(text)?.to_be_bytes().to_vec(),
        DataType::Utf8 | DataType::Binary => text.into_bytes(),
        other => bail!("KAFKA does not hold {}", engine::types::sql_name(other)),
    })
}

fn integer(text: &str) -> Result<String> {
    let number = Decimal::parse(text).with_context(|| format!("`{text}` is no number"))?;
    Ok(number.truncated())
}

/// The same value with numbers that have an exponent written out.
fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => plain_number(number),
        Value::Array(items) => items.iter().map(plain_numbers).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), plain_numbers(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn plain_number(number: &serde_json::Number) -> Value {
    let text = number.to_string();
    let plain = match text.contains(['e', 'E']) {
        true => Decimal::parse(&text).map(|number| number.plain()),
        false => None,
    };
    let plain = plain.and_then(|plain| serde_json::from_str(&plain).ok());
    plain.unwrap_or_else(|| Value::Number(number.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::layout::Column;
    use super::*;

    fn side(format: Format, columns: &[(&str, DataType)], wrapped: bool) -> Side {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            data_type: data_type.clone(),
        };
        Side { format, columns: columns.iter().map(column).collect(), wrapped }
    }

    fn encoded(json: &str, side: &Side) -> Option<Vec<u8>> {
        let value: Value = serde_json::from_str(json).expect("valid JSON");
        payload(&value, side).expect("encodes")
    }

    #[test]
    fn json_keeps_field_order_and_number_text() {
        let side = side(Format::Json, &[], true);
        let bytes = encoded(r#"{"z": 1.10, "a": [1E3, "x"], "b": null}"#, &side);
        assert_eq!(bytes.as_deref(), Some(br#"{"z":1.10,"a":[1000,"x"],"b":null}"#.as_slice()));
        assert_eq!(encoded(r#""text""#, &side).as_deref(), Some(br#""text""#.as_slice()));
        assert_eq!(encoded("null", &side), None);
    }

    #[test]
    fn kafka_is_big_endian_by_type() {
        let key = |data_type| side(Format::Kafka, &[("K", data_type)], false);
        assert_eq!(encoded("258", &key(DataType::Int32)), Some(vec![0, 0, 1, 2]));
        assert_eq!(encoded("-1", &key(DataType::Int64)), Some(vec![255; 8]));
        assert_eq!(encoded("1.5", &key(DataType::Float64)), Some(1.5f64.to_be_bytes().to_vec()));
        assert_eq!(encoded(r#""é""#, &key(DataType::Utf8)), Some("é".as_bytes().to_vec()));
        assert_eq!(encoded(r#""x""#, &side(Format::Kafka, &[], false)), Some(b"x".to_vec()));
    }

    #[test]
    fn no_format_writes_nothing() {
        assert_eq!(encoded("12", &side(Format::None, &[], false)), None);
    }

    #[test]
    fn windows_stand_behind_the_key() {
        let window = |shape| Some(Window { start: 1, end: 2, shape });
        let time = with_window(b"k".to_vec(), window(WindowShape::Time));
        assert_eq!(time, b"k\0\0\0\0\0\0\0\x01");
        let session = with_window(b"k".to_vec(), window(WindowShape::Session));
        assert_eq!(session, b"k\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01");
    }
}
