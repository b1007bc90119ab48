//! Any value as JSON text, as TO_JSON_STRING gives it: compact, with dates and times as text.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::datetime::iso;
use super::java_number::{java_double, plain_decimal, write_java_double};
use crate::types::{TIME, TIMESTAMP};

/// The value of a column in a row as JSON; `null` for NULL.
pub(super) fn json_text(column: &ArrayRef, row: usize) -> String {
    let mut out = String::new();
    write_value(&mut out, column, row);
    out
}

fn write_value(out: &mut String, column: &ArrayRef, row: usize) {
    if column.is_null(row) {
        return out.push_str("null");
    }
    match column.data_type() {
        DataType::List(_) => write_items(out, &column.as_list::<i32>().value(row)),
        DataType::Map(..) => write_entries(out, &column.as_map().value(row)),
        DataType::Struct(_) => write_fields(out, column.as_struct(), row),
        _ => write_scalar(out, column, row),
    }
}

fn write_scalar(out: &mut String, column: &ArrayRef, row: usize) {
    match column.data_type() {
        DataType::Boolean => push(out, column.as_boolean().value(row)),
        DataType::Int32 => push(out, column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => push(out, column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => write_double(out, column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            push(out, plain_decimal(column.as_primitive::<Decimal128Type>().value(row), *scale));
        }
        DataType::Utf8 => write_string(out, column.as_string::<i32>().value(row)),
        DataType::Binary => {
            write_string(out, &BASE64_STANDARD.encode(column.as_binary::<i32>().value(row)));
        }
        DataType::Date32 => {
            write_string(out, &iso::date(column.as_primitive::<Date32Type>().value(row)));
        }
        data_type if *data_type == TIME => {
            write_string(
                out,
                &iso::time(column.as_primitive::<Time32MillisecondType>().value(row)),
            );
        }
        data_type if *data_type == TIMESTAMP => {
            let millis = column.as_primitive::<TimestampMillisecondType>().value(row);
            write_string(out, &iso::timestamp(millis));
        }
        _ => out.push_str("null"),
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// JSON has no number for these: they are written as text.
fn write_double(out: &mut String, value: f64) {
    match value.is_finite() {
        true => write_java_double(out, value),
        false => write_string(out, &java_double(value)),
    }
}

fn write_string(out: &mut String, text: &str) {
    push(out, serde_json::Value::from(text));
}

fn write_items(out: &mut String, items: &ArrayRef) {
    out.push('[');
    for index in 0..items.len() {
        out.push_str(if index > 0 { "," } else { "" });
        write_value(out, items, index);
    }
    out.push(']');
}

fn write_entries(out: &mut String, entries: &StructArray) {
    let (keys, values) = (entries.column(0), entries.column(1));
    out.push('{');
    for index in 0..entries.len() {
        out.push_str(if index > 0 { "," } else { "" });
        write_key(out, keys, index);
        write_value(out, values, index);
    }
    out.push('}');
}

/// A map's key: always text in JSON.
fn write_key(out: &mut String, keys: &ArrayRef, index: usize) {
    let mut key = String::new();
    write_value(&mut key, keys, index);
    match key.starts_with('"') {
        true => out.push_str(&key),
        false => write_string(out, &key),
    }
    out.push(':');
}

fn write_fields(out: &mut String, fields: &StructArray, row: usize) {
    out.push('{');
    for (index, (field, column)) in fields.fields().iter().zip(fields.columns()).enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_string(out, field.name());
        out.push(':');
        write_value(out, column, row);
    }
    out.push('}');
}
