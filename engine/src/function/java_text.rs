//! Values as Java prints them, which is what `CAST(… AS STRING)` gives:
//! `1.0E10`, `[a, b]`, `{a=1}`, `Struct{A=1,B=x}`.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::datetime::iso;
use super::java_number::{plain_decimal, write_java_double};
use crate::types::{TIME, TIMESTAMP};

/// A column of texts, null for null.
pub(crate) fn java_texts(column: &ArrayRef) -> StringArray {
    let text = |row| {
        let mut text = String::new();
        write_java_text(&mut text, column, row);
        text
    };
    (0..column.len()).map(|row| column.is_valid(row).then(|| text(row))).collect()
}

/// Appends the value of a column in a row; `null` for NULL.
pub(super) fn write_java_text(out: &mut String, column: &ArrayRef, row: usize) {
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
        DataType::Float64 => {
            write_java_double(out, column.as_primitive::<Float64Type>().value(row));
        }
        DataType::Decimal128(_, scale) => {
            push(out, plain_decimal(column.as_primitive::<Decimal128Type>().value(row), *scale));
        }
        DataType::Utf8 => out.push_str(column.as_string::<i32>().value(row)),
        DataType::Binary => {
            out.push_str(&BASE64_STANDARD.encode(column.as_binary::<i32>().value(row)));
        }
        DataType::Date32 => {
            out.push_str(&iso::date(column.as_primitive::<Date32Type>().value(row)));
        }
        data_type if *data_type == TIME => {
            out.push_str(&iso::time(column.as_primitive::<Time32MillisecondType>().value(row)));
        }
        data_type if *data_type == TIMESTAMP => {
            let millis = column.as_primitive::<TimestampMillisecondType>().value(row);
            out.push_str(&iso::timestamp(millis));
        }
        _ => out.push_str("null"),
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

fn write_items(out: &mut String, items: &ArrayRef) {
    out.push('[');
    for index in 0..items.len() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_java_text(out, items, index);
    }
    out.push(']');
}

fn write_entries(out: &mut String, entries: &StructArray) {
    out.push('{');
    for index in 0..entries.len() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_java_text(out, entries.column(0), index);
        out.push('=');
        write_java_text(out, entries.column(1), index);
    }
    out.push('}');
}

/// A struct leaves its null fields out.
fn write_fields(out: &mut String, fields: &StructArray, row: usize) {
    out.push_str("Struct{");
    let mut separator = "";
    for (field, column) in fields.fields().iter().zip(fields.columns()) {
        if column.is_valid(row) {
            out.push_str(separator);
            out.push_str(field.name());
            out.push('=');
            write_java_text(out, column, row);
            separator = ",";
        }
    }
    out.push('}');
}
