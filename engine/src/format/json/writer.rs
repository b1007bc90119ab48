//! Columns that write their values as JSON.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;

use super::escape::write_string;
use crate::error::{Error, Result};
use crate::format::printer::Printer;

/// A column with the knowledge of how JSON writes its type.
pub(super) struct Writer<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    /// Written as its text.
    Plain(Printer<'a>),
    /// Written as its text in quotes, which needs no escapes.
    Quoted(Printer<'a>),
    /// Written as a number, or in quotes if it is none.
    Double(&'a Float64Array),
    String(&'a arrow::array::StringArray),
    List {
        offsets: &'a OffsetBuffer<i32>,
        items: Box<Writer<'a>>,
    },
    Map {
        offsets: &'a OffsetBuffer<i32>,
        keys: Box<Writer<'a>>,
        values: Box<Writer<'a>>,
    },
    Struct(Vec<Member<'a>>),
}

/// A column of an object with what stands before its value: `{"A":` or `,"B":`.
pub(super) struct Member<'a> {
    prefix: String,
    writer: Writer<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(Self { nulls: array.nulls(), values: Values::new(array)? })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the value at `row`.
    pub(super) fn write(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            out.push_str("null");
            return;
        }
        match &self.values {
            Values::Plain(printer) => printer.print(row, out),
            Values::Quoted(printer) => write_quoted(*printer, row, out),
            Values::Double(array) if array.value(row).is_finite() => {
                Printer::Double(array).print(row, out);
            }
            Values::Double(array) => write_quoted(Printer::Double(array), row, out),
            Values::String(array) => write_string(array.value(row), out),
            Values::List { offsets, items } => write_list(range(offsets, row), items, out),
            Values::Map { offsets, keys, values } => {
                write_map(range(offsets, row), keys, values, out);
            }
            Values::Struct(members) => write_object(members, row, out),
        }
    }
}

impl<'a> Values<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Float64 => Self::Double(array.as_primitive()),
            DataType::Utf8 => Self::String(array.as_string()),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let items = Box::new(Writer::new(list.values())?);
                Self::List { offsets: list.offsets(), items }
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let keys = Box::new(Writer::new(map.keys())?);
                let values = Box::new(Writer::new(map.values())?);
                Self::Map { offsets: map.offsets(), keys, values }
            }
            DataType::Struct(fields) => {
                let names = fields.iter().map(|field| field.name().as_str());
                Self::Struct(members(names, array.as_struct().columns())?)
            }
            data_type => match Printer::new(array) {
                Some(printer @ Printer::Bytes(_)) => Self::Quoted(printer),
                Some(printer) => Self::Plain(printer),
                None => {
                    let message = format!("the 'JSON' format has no type {data_type}");
                    return Err(Error::Internal(message));
                }
            },
        })
    }
}

/// The columns of an object under their names.
pub(super) fn members<'a, 'n>(
    names: impl Iterator<Item = &'n str>,
    columns: &'a [ArrayRef],
) -> Result<Vec<Member<'a>>> {
    let member = |(index, (name, column)): (usize, (&str, &'a ArrayRef))| {
        let mut prefix = String::from(if index == 0 { "{" } else { "," });
        write_string(name, &mut prefix);
        prefix.push(':');
        Ok(Member { prefix, writer: Writer::new(column)? })
    };
    names.zip(columns).enumerate().map(member).collect()
}

/// Appends an object of the values at `row`.
pub(super) fn write_object(members: &[Member<'_>], row: usize, out: &mut String) {
    for member in members {
        out.push_str(&member.prefix);
        member.writer.write(row, out);
    }
    out.push_str(if members.is_empty() { "{}" } else { "}" });
}

fn write_quoted(printer: Printer<'_>, row: usize, out: &mut String) {
    out.push('"');
    printer.print(row, out);
    out.push('"');
}

fn write_list(range: std::ops::Range<usize>, items: &Writer<'_>, out: &mut String) {
    out.push('[');
    for item in range.clone() {
        out.push_str(if item > range.start { "," } else { "" });
        items.write(item, out);
    }
    out.push(']');
}

fn write_map(
    range: std::ops::Range<usize>,
    keys: &Writer<'_>,
    values: &Writer<'_>,
    out: &mut String,
) {
    out.push('{');
    for entry in range.clone() {
        out.push_str(if entry > range.start { "," } else { "" });
        keys.write(entry, out);
        out.push(':');
        values.write(entry, out);
    }
    out.push('}');
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}
