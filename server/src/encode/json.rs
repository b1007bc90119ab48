//! MAP, STRUCT and nested ARRAY values as JSON text.
//!
//! Field names of structs are names and fold like all names at this edge; keys of maps are data
//! and stay. Numbers that JSON has no notation for (NaN, infinities) become strings, as Postgres's
//! `to_jsonb` writes them.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::text::names;

/// The version byte before a `jsonb` value in binary format.
const JSONB_VERSION: char = '\u{1}';

/// How the text is going to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonForm {
    /// In text format.
    Text,
    /// In binary format, behind the version byte.
    Binary,
}

/// A column of JSON texts, null where `column` is.
pub(crate) fn json_column(column: &ArrayRef, form: JsonForm) -> Result<StringArray, ArrowError> {
    let writer = Writer::new(column)?;
    let text = |row| -> Result<Option<String>, ArrowError> {
        if column.is_null(row) {
            return Ok(None);
        }
        let mut out = String::new();
        if form == JsonForm::Binary {
            out.push(JSONB_VERSION);
        }
        writer.write(row, &mut out)?;
        Ok(Some(out))
    };
    (0..column.len()).map(text).collect()
}

/// Writes the values of one column, of any type.
enum Writer<'a> {
    Struct {
        array: &'a StructArray,
        fields: Vec<(String, Writer<'a>)>,
    },
    Map {
        array: &'a MapArray,
        keys: ArrayFormatter<'a>,
        values: Box<Writer<'a>>,
    },
    List {
        array: &'a ListArray,
        items: Box<Writer<'a>>,
    },
    /// Numbers and Booleans: the text is JSON already.
    Bare {
        array: &'a dyn Array,
        text: ArrayFormatter<'a>,
    },
    Double {
        array: &'a ArrayRef,
    },
    Quoted {
        array: &'a dyn Array,
        text: ArrayFormatter<'a>,
    },
}

impl<'a> Writer<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Struct(_) => Self::of_struct(array.as_struct())?,
            DataType::Map(_, _) => Self::of_map(array.as_map())?,
            DataType::List(_) => {
                let array = array.as_list::<i32>();
                Self::List { array, items: Box::new(Self::new(array.values())?) }
            }
            DataType::Float64 => Self::Double { array },
            DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::Decimal128(_, _) => {
                Self::Bare { array, text: formatter(array)? }
            }
            _ => Self::Quoted { array, text: formatter(array)? },
        })
    }

    fn of_struct(array: &'a StructArray) -> Result<Self, ArrowError> {
        let named = array.fields().iter().zip(array.columns());
        let fields = named
            .map(|(field, column)| Ok((quoted(&names::shown(field.name())), Self::new(column)?)))
            .collect::<Result<_, ArrowError>>()?;
        Ok(Self::Struct { array, fields })
    }

    fn of_map(array: &'a MapArray) -> Result<Self, ArrowError> {
        let values = Box::new(Self::new(array.values())?);
        Ok(Self::Map { array, keys: formatter(array.keys())?, values })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Struct { array, .. } => array.is_null(row),
            Self::Map { array, .. } => array.is_null(row),
            Self::List { array, .. } => array.is_null(row),
            Self::Double { array } => array.is_null(row),
            Self::Bare { array, .. } | Self::Quoted { array, .. } => array.is_null(row),
        }
    }

    fn write(&self, row: usize, out: &mut String) -> Result<(), ArrowError> {
        if self.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        match self {
            Self::Struct { fields, .. } => {
                write_object(out, fields.iter(), |out, (name, value)| {
                    out.push_str(name);
                    out.push_str(": ");
                    value.write(row, out)
                })
            }
            Self::Map { array, keys, values } => {
                write_object(out, range(array.value_offsets(), row), |out, entry| {
                    out.push_str(&quoted(&keys.value(entry).to_string()));
                    out.push_str(": ");
                    values.write(entry, out)
                })
            }
            Self::List { array, items } => {
                let range = range(array.value_offsets(), row);
                write_list(out, '[', ']', range, |out, item| items.write(item, out))
            }
            Self::Double { array } => {
                write_double(out, array.as_primitive::<Float64Type>().value(row));
                Ok(())
            }
            Self::Bare { text, .. } => {
                out.push_str(&text.value(row).to_string());
                Ok(())
            }
            Self::Quoted { text, .. } => {
                out.push_str(&quoted(&text.value(row).to_string()));
                Ok(())
            }
        }
    }
}

fn formatter(array: &dyn Array) -> Result<ArrayFormatter<'_>, ArrowError> {
    static OPTIONS: FormatOptions<'static> = FormatOptions::new();
    ArrayFormatter::try_new(array, &OPTIONS)
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    // Offsets of a valid array are ascending and never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}

fn write_object<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    write: impl FnMut(&mut String, T) -> Result<(), ArrowError>,
) -> Result<(), ArrowError> {
    write_list(out, '{', '}', items, write)
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> Result<(), ArrowError>,
) -> Result<(), ArrowError> {
    out.push(open);
    for (index, item) in items.enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write(out, item)?;
    }
    out.push(close);
    Ok(())
}

fn write_double(out: &mut String, value: f64) {
    match serde_json::Number::from_f64(value) {
        Some(number) => out.push_str(&number.to_string()),
        None => out.push_str(&quoted(&value.to_string())),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array};
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn texts(column: ArrayRef) -> Vec<Option<String>> {
        let texts = json_column(&column, JsonForm::Text).unwrap();
        texts.iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn structs_fold_their_names_and_escape_their_texts() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"b"), None]));
        let sizes: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN]));
        let column = StructArray::from(vec![
            (Arc::new(Field::new("NAME", DataType::Utf8, true)), names),
            (Arc::new(Field::new("sizeCm", DataType::Float64, true)), sizes),
        ]);
        let expected = [r#"{"name": "a\"b", "sizeCm": 1.5}"#, r#"{"name": null, "sizeCm": "NaN"}"#];
        let texts: Vec<_> = texts(Arc::new(column)).into_iter().flatten().collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn lists_of_lists_are_nested_and_nulls_stay_nulls() {
        let inner = ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
        ]);
        let field = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::new(vec![0, 3].into());
        let outer = ListArray::new(field, offsets, Arc::new(inner), None);
        assert_eq!(texts(Arc::new(outer)), [Some("[[1, null], null, []]".to_owned())]);
        assert_eq!(
            texts(Arc::new(Int32Array::from(vec![None, Some(3)]))),
            [None, Some("3".into())]
        );
    }
}
