//! Record bytes to comparable values.

use anyhow::{Context, Result, ensure};
use arrow::datatypes::DataType;
use serde_json::Value;

use super::case::{Window, WindowShape};
use super::layout::{Column, Format, KeyWindow, Side};

/// The value of one side; no bytes are null.
pub fn payload(bytes: Option<&[u8]>, side: &Side) -> Result<Value> {
    let Some(bytes) = bytes else { return Ok(Value::Null) };
    match side.format {
        Format::None => Ok(Value::Null),
        Format::Json => json(bytes),
        Format::Delimited(_) => text(bytes),
        Format::Kafka => kafka(bytes, side),
    }
}

/// The value of one side by columns; columns of an absent payload are null.
pub fn columns(bytes: Option<&[u8]>, side: &Side) -> Result<Vec<Value>> {
    let Some(bytes) = bytes else { return Ok(vec![Value::Null; side.columns.len()]) };
    match side.format {
        Format::Delimited(delimiter) => delimited_columns(bytes, delimiter, side),
        _ if !side.wrapped => Ok(vec![payload(Some(bytes), side)?; side.columns.len()]),
        _ => {
            let object = payload(Some(bytes), side)?;
            let field = |column: &Column| object.get(&column.name).cloned().unwrap_or_default();
            Ok(side.columns.iter().map(field).collect())
        }
    }
}

/// Takes the window off a key.
pub fn split_window(key: &[u8], window: KeyWindow) -> Result<(&[u8], Window)> {
    let (rest, start) = split_i64(key)?;
    match window {
        KeyWindow::Time { size_ms } => {
            let end = start.saturating_add(size_ms);
            Ok((rest, Window { start, end, shape: WindowShape::Time }))
        }
        KeyWindow::Session => {
            let (rest, end) = split_i64(rest)?;
            Ok((rest, Window { start, end, shape: WindowShape::Session }))
        }
    }
}

fn split_i64(bytes: &[u8]) -> Result<(&[u8], i64)> {
    let (rest, last) = bytes.split_last_chunk().context("the key is too short for its window")?;
    Ok((rest, i64::from_be_bytes(*last)))
}

fn json(bytes: &[u8]) -> Result<Value> {
    let shown = || format!("not JSON: {}", String::from_utf8_lossy(bytes));
    serde_json::from_slice(bytes).with_context(shown)
}

fn text(bytes: &[u8]) -> Result<Value> {
    Ok(Value::String(String::from_utf8(bytes.to_vec()).context("not UTF-8")?))
}

fn kafka(bytes: &[u8], side: &Side) -> Result<Value> {
    let [column] = side.columns.as_slice() else { return text(bytes) };
    match &column.data_type {
        DataType::Int32 => Ok(i32::from_be_bytes(fixed(bytes)?).into()),
        DataType::Int64 => Ok(i64::from_be_bytes(fixed(bytes)?).into()),
        DataType::Float64 => Ok(double(f64::from_be_bytes(fixed(bytes)?))),
        _ => text(bytes),
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().with_context(|| format!("expected {N} bytes, found {}", bytes.len()))
}

/// A double as JSON; what JSON has no number for is text.
pub fn double(value: f64) -> Value {
    number(&format!("{value:?}")).unwrap_or_else(|| Value::String(value.to_string()))
}

/// The number with this text.
pub fn number(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_number)
}

fn delimited_columns(bytes: &[u8], delimiter: char, side: &Side) -> Result<Vec<Value>> {
    let line = std::str::from_utf8(bytes).context("not UTF-8")?;
    let fields = split_line(line, delimiter);
    let (expected, found) = (side.columns.len(), fields.len());
    ensure!(expected == found, "expected {expected} fields, found {found}: {line}");
    Ok(fields.into_iter().zip(&side.columns).map(|(field, column)| typed(field, column)).collect())
}

/// Cuts a line of delimited text into its fields, quotes taken off.
fn split_line(line: &str, delimiter: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(next) = chars.next() {
        let field = fields.last_mut().expect("starts with one field and only grows");
        match next {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

fn typed(field: String, column: &Column) -> Value {
    match &column.data_type {
        _ if field.is_empty() => Value::Null,
        DataType::Utf8 | DataType::Binary => Value::String(field),
        DataType::Boolean => Value::Bool(field.eq_ignore_ascii_case("true")),
        _ => number(&field).unwrap_or(Value::String(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(format: Format, columns: &[(&str, DataType)], wrapped: bool) -> Side {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            data_type: data_type.clone(),
        };
        Side { format, columns: columns.iter().map(column).collect(), wrapped }
    }

    #[test]
    fn kafka_reads_back_by_type() -> Result<()> {
        let key = side(Format::Kafka, &[("K", DataType::Float64)], false);
        assert_eq!(payload(Some(&10.5f64.to_be_bytes()), &key)?.to_string(), "10.5");
        let key = side(Format::Kafka, &[("K", DataType::Int32)], false);
        assert_eq!(payload(Some(&[0, 0, 1, 2]), &key)?.to_string(), "258");
        let error = payload(Some(&[1]), &key).expect_err("too short");
        assert_eq!(error.to_string(), "expected 4 bytes, found 1");
        Ok(())
    }

    #[test]
    fn windows_come_off_the_key() -> Result<()> {
        let mut key = b"k".to_vec();
        key.extend(30i64.to_be_bytes());
        let (rest, window) = split_window(&key, KeyWindow::Time { size_ms: 10 })?;
        assert_eq!((rest, window.start, window.end), (b"k".as_slice(), 30, 40));
        key.extend(7i64.to_be_bytes());
        let (rest, window) = split_window(&key, KeyWindow::Session)?;
        assert_eq!((rest, window.start, window.end), (b"k".as_slice(), 7, 30));
        assert!(split_window(b"short", KeyWindow::Session).is_err());
        Ok(())
    }

    #[test]
    fn delimited_lines_split_with_quotes() -> Result<()> {
        let columns = [("A", DataType::Utf8), ("B", DataType::Int32), ("C", DataType::Utf8)];
        let side = side(Format::Delimited(','), &columns, true);
        let row = columns_of(&side, br#""a,""b",-1,"#)?;
        assert_eq!(row, r#"["a,\"b",-1,null]"#);
        assert!(columns_of(&side, b"1,2").is_err());
        Ok(())
    }

    fn columns_of(side: &Side, bytes: &[u8]) -> Result<String> {
        Ok(Value::Array(columns(Some(bytes), side)?).to_string())
    }

    #[test]
    fn json_columns_are_found_by_name() -> Result<()> {
        let names = [("A", DataType::Int32), ("B", DataType::Int32)];
        let side = side(Format::Json, &names, true);
        assert_eq!(columns_of(&side, br#"{"B": 2.50, "A": 1}"#)?, "[1,2.50]");
        Ok(())
    }
}
