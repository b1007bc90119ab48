//! JSON functions: over JSON documents that are held as text.
//!
//! As in ksqlDB, a document ends where its first value ends: what follows is not looked at.
//! Numbers keep the digits with which they were written. A text that is no JSON fails the row.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, MapBuilder, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};
use serde_json::{Map, Value};

use super::arguments::{Arguments, Memo};
use super::json_path::JsonPath;
use super::json_text::json_text;
use super::scalar::{Scalar, define};
use super::string::text_lists;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    [questions(), conversions()].into_iter().flatten().collect()
}

/// Functions that ask something of a document.
fn questions() -> Vec<Scalar> {
    vec![
        define(
            "EXTRACTJSONFIELD",
            "What a path such as '$.items[0].name' leads to in a JSON document; NULL if there is \
             nothing.",
            &["EXTRACTJSONFIELD(json STRING, path STRING) → STRING"],
            &[("EXTRACTJSONFIELD('{\"a\": [1.50, 2]}', '$.a[0]')", "'1.50'")],
            extract_field,
        ),
        define(
            "IS_JSON_STRING",
            "Whether a text is JSON.",
            &["IS_JSON_STRING(json STRING) → BOOLEAN"],
            &[("IS_JSON_STRING('[1, 2]')", "true"), ("IS_JSON_STRING('abc')", "false")],
            is_json,
        ),
        define(
            "JSON_ARRAY_CONTAINS",
            "Whether a JSON array contains a value of the same type.",
            &["JSON_ARRAY_CONTAINS(json STRING, value T) → BOOLEAN"],
            &[("JSON_ARRAY_CONTAINS('[1, 2]', 2)", "true")],
            array_contains,
        ),
        define(
            "JSON_ARRAY_LENGTH",
            "The number of items of a JSON array; NULL if it is none.",
            &["JSON_ARRAY_LENGTH(json STRING) → INTEGER"],
            &[("JSON_ARRAY_LENGTH('[1, 2, 3]')", "3")],
            array_length,
        ),
    ]
}

/// Functions that make other documents, or values, of it.
fn conversions() -> Vec<Scalar> {
    vec![
        define(
            "JSON_CONCAT",
            "Several JSON documents as one: objects are merged, later fields winning; anything \
             else becomes one array.",
            &["JSON_CONCAT(json STRING...) → STRING"],
            &[
                ("JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", "'{\"a\":1,\"b\":2}'"),
                ("JSON_CONCAT('[1]', '2')", "'[1,2]'"),
            ],
            concat,
        ),
        define(
            "JSON_ITEMS",
            "The items of a JSON array, each as JSON text.",
            &["JSON_ITEMS(json STRING) → ARRAY<STRING>"],
            &[("JSON_ITEMS('[1, {\"a\": 2}]')", "[1, {\"a\":2}]")],
            items,
        ),
        define(
            "JSON_KEYS",
            "The field names of a JSON object.",
            &["JSON_KEYS(json STRING) → ARRAY<STRING>"],
            &[("JSON_KEYS('{\"a\": 1, \"b\": 2}')", "[a, b]")],
            keys,
        ),
        define(
            "JSON_RECORDS",
            "The fields of a JSON object, each value as JSON text.",
            &["JSON_RECORDS(json STRING) → MAP<STRING, STRING>"],
            &[("JSON_RECORDS('{\"a\": 1, \"b\": [2]}')", "{a=1, b=[2]}")],
            records,
        ),
        define(
            "TO_JSON_STRING",
            "Any value as JSON text.",
            &["TO_JSON_STRING(value T) → STRING"],
            &[("TO_JSON_STRING(ARRAY[1, 2])", "'[1,2]'"), ("TO_JSON_STRING('a')", "'\"a\"'")],
            |args| {
                let values = args.values(0);
                args.each::<StringArray, _>(|row| Some(json_text(values, args.position(0, row))))
            },
        ),
    ]
}

/// The first value of a text; none if there is none.
fn parse(text: &str) -> Result<Option<Value>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let error = |error| exec_datafusion_err!("'{text}' is not JSON: {error}");
    values.next().transpose().map_err(error)
}

/// The document of argument 0 for each row.
fn document(args: &Arguments) -> Result<impl Fn(usize) -> Result<Option<Value>>> {
    let texts = args.column::<StringArray>(0)?;
    Ok(move |row| match texts.get(row) {
        Some(text) => parse(text),
        None => Ok(None),
    })
}

fn extract_field(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    let paths = args.column::<StringArray>(1)?;
    let mut parsed = Memo::new(JsonPath::parse);
    args.try_each::<StringArray, _>(|row| {
        let Some(path) = paths.get(row) else { return Ok(None) };
        let path = parsed.get(path)?;
        let document = document(row)?;
        Ok(document.as_ref().and_then(|document| path.find(document)).map(plain_text))
    })
}

/// A string without quotes, anything else as JSON.
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_json(args: &Arguments) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    args.each::<BooleanArray, _>(|row| {
        Some(texts.get(row).is_some_and(|text| matches!(parse(text), Ok(Some(_)))))
    })
}

fn array_contains(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    let wanted = args.values(1);
    args.try_each::<BooleanArray, _>(|row| {
        let Some(Value::Array(items)) = document(row)? else { return Ok(Some(false)) };
        let position = args.position(1, row);
        Ok(Some(items.iter().any(|item| is_same(item, wanted, position))))
    })
}

/// Whether a JSON value is the value of a column in a row, and of its type.
fn is_same(item: &Value, column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return item.is_null();
    }
    match column.data_type() {
        DataType::Boolean => item.as_bool() == Some(column.as_boolean().value(row)),
        DataType::Int32 => {
            item.as_i64() == Some(column.as_primitive::<Int32Type>().value(row).into())
        }
        DataType::Int64 => item.as_i64() == Some(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => {
            !item.is_i64() && item.as_f64() == Some(column.as_primitive::<Float64Type>().value(row))
        }
        DataType::Utf8 => item.as_str() == Some(column.as_string::<i32>().value(row)),
        _ => {
            serde_json::from_str(&json_text(column, row)).is_ok_and(|wanted: Value| wanted == *item)
        }
    }
}

fn array_length(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    args.try_each::<Int32Array, _>(|row| {
        Ok(document(row)?.as_ref().and_then(Value::as_array).map(|items| items.len() as i32))
    })
}

fn concat(args: &Arguments) -> Result<ArrayRef> {
    let texts = args.columns::<StringArray>(0)?;
    args.try_each::<StringArray, _>(|row| {
        let mut documents = Vec::with_capacity(texts.len());
        for text in &texts {
            let Some(text) = text.get(row) else { return Ok(None) };
            let Some(document) = parse(text)? else { return Ok(None) };
            documents.push(document);
        }
        Ok(Some(joined(documents).to_string()))
    })
}

fn joined(documents: Vec<Value>) -> Value {
    if documents.iter().all(Value::is_object) {
        let mut fields = Map::new();
        for document in documents {
            if let Value::Object(more) = document {
                fields.extend(more);
            }
        }
        return Value::Object(fields);
    }
    let items = documents.into_iter().flat_map(|document| match document {
        Value::Array(items) => items,
        other => vec![other],
    });
    Value::Array(items.collect())
}

fn items(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    text_lists(args.rows(), |row| {
        let Some(Value::Array(items)) = document(row)? else { return Ok(None) };
        Ok(Some(items.into_iter().map(|item| Some(Cow::Owned(item.to_string())))))
    })
}

fn keys(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    text_lists(args.rows(), |row| {
        let Some(Value::Object(fields)) = document(row)? else { return Ok(None) };
        Ok(Some(fields.into_iter().map(|(name, _)| Some(Cow::Owned(name)))))
    })
}

fn records(args: &Arguments) -> Result<ArrayRef> {
    let document = document(args)?;
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..args.rows() {
        let fields = match document(row)? {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        };
        for (name, value) in fields.iter().flatten() {
            maps.keys().append_value(name);
            maps.values().append_value(value.to_string());
        }
        maps.append(fields.is_some())?;
    }
    Ok(Arc::new(maps.finish()))
}
