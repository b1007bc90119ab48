//! `information_schema`, as the SQL standard has it: relations, columns and keys of the schemas
//! `public` and `millstream`. Types are named as Postgres names them.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use engine::Column;
use postgres_types::Type;

use super::filled::Filled;
use super::objects::Object;
use super::{DATABASE, OWNER_NAME, SCHEMA, SYSTEM_SCHEMA};
use crate::encode::types::{is_array, numeric_size, pg_type_of, standard_name};
use crate::text::names;

/// The tables that there are.
pub(super) const TABLES: &[&str] = &[
    "columns",
    "constraint_column_usage",
    "key_column_usage",
    "referential_constraints",
    "schemata",
    "table_constraints",
    "tables",
    "views",
];

/// The rows of a table; `None` if there is no such table.
pub(super) fn rows(table: &str, objects: &[Object]) -> Result<Option<RecordBatch>> {
    let rows = match table {
        "columns" => columns(objects),
        "constraint_column_usage" => constraint_column_usage(objects),
        "key_column_usage" => key_column_usage(objects),
        "referential_constraints" => Filled::new(&schema(REFERENTIAL, &[]), 0).finish(),
        "schemata" => schemata(),
        "table_constraints" => table_constraints(objects),
        "tables" => tables(objects),
        "views" => Filled::new(&schema(VIEWS, &[]), 0).finish(),
        _ => return Ok(None),
    };
    rows.map(Some)
}

const REFERENTIAL: &[&str] = &[
    "constraint_catalog",
    "constraint_schema",
    "constraint_name",
    "unique_constraint_catalog",
    "unique_constraint_schema",
    "unique_constraint_name",
    "match_option",
    "update_rule",
    "delete_rule",
];

const VIEWS: &[&str] = &[
    "table_catalog",
    "table_schema",
    "table_name",
    "view_definition",
    "check_option",
    "is_updatable",
    "is_insertable_into",
];

/// Columns of text, and of numbers behind them.
fn schema(texts: &[&str], numbers: &[&str]) -> SchemaRef {
    let texts = texts.iter().map(|name| Field::new(*name, DataType::Utf8, true));
    let numbers = numbers.iter().map(|name| Field::new(*name, DataType::Int32, true));
    Arc::new(Schema::new(texts.chain(numbers).collect::<Vec<_>>()))
}

fn schemata() -> Result<RecordBatch> {
    let names = ["information_schema", "pg_catalog", SCHEMA, SYSTEM_SCHEMA];
    let schema = schema(&["catalog_name", "schema_name", "schema_owner"], &[]);
    Filled::new(&schema, names.len())
        .with("catalog_name", names.map(|_| DATABASE))?
        .with("schema_name", names)?
        .with("schema_owner", names.map(|_| OWNER_NAME))?
        .finish()
}

fn tables(objects: &[Object]) -> Result<RecordBatch> {
    let texts = ["table_catalog", "table_schema", "table_name", "table_type", "is_insertable_into"];
    Filled::new(&schema(&texts, &[]), objects.len())
        .with("table_catalog", objects.iter().map(|_| DATABASE))?
        .with("table_schema", objects.iter().map(Object::schema))?
        .with("table_name", objects.iter().map(|object| object.name.as_str()))?
        .with("table_type", objects.iter().map(table_type))?
        .with("is_insertable_into", objects.iter().map(|object| yes_no(!object.is_system())))?
        .finish()
}

/// System tables hold nothing of their own, as views.
fn table_type(object: &Object) -> &'static str {
    if object.is_system() { "VIEW" } else { "BASE TABLE" }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

fn columns(objects: &[Object]) -> Result<RecordBatch> {
    let rows: Vec<(&Object, i16, &Column, Type)> = objects.iter().flat_map(typed_columns).collect();
    let texts = [
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "column_default",
        "is_nullable",
        "data_type",
        "udt_catalog",
        "udt_schema",
        "udt_name",
        "is_identity",
        "is_generated",
        "is_updatable",
    ];
    let numbers = [
        "ordinal_position",
        "character_maximum_length",
        "character_octet_length",
        "numeric_precision",
        "numeric_precision_radix",
        "numeric_scale",
        "datetime_precision",
    ];
    let schema = schema(&texts, &numbers);
    let size = |column: &Column| numeric_size(&column.data_type);
    Filled::new(&schema, rows.len())
        .with("table_catalog", rows.iter().map(|_| DATABASE))?
        .with("table_schema", rows.iter().map(|(object, ..)| object.schema()))?
        .with("table_name", rows.iter().map(|(object, ..)| object.name.as_str()))?
        .with("column_name", rows.iter().map(|(_, _, column, _)| shown(column)))?
        .with("ordinal_position", rows.iter().map(|(_, number, ..)| i32::from(*number)))?
        .with(
            "is_nullable",
            rows.iter().map(|(object, _, column, _)| yes_no(!object.is_not_null(column))),
        )?
        .with("data_type", rows.iter().map(|(.., pg_type)| standard_name(pg_type)))?
        .with("udt_catalog", rows.iter().map(|_| DATABASE))?
        .with("udt_schema", rows.iter().map(|_| "pg_catalog"))?
        .with("udt_name", rows.iter().map(|(.., pg_type)| pg_type.name()))?
        .with("is_identity", rows.iter().map(|_| "NO"))?
        .with("is_generated", rows.iter().map(|_| "NEVER"))?
        .with("is_updatable", rows.iter().map(|_| "NO"))?
        .with("character_maximum_length", rows.iter().map(|_| None::<i32>))?
        .with("character_octet_length", rows.iter().map(|_| None::<i32>))?
        .with("numeric_precision", rows.iter().map(|(_, _, column, _)| size(column).precision))?
        .with("numeric_precision_radix", rows.iter().map(|(_, _, column, _)| size(column).radix))?
        .with("numeric_scale", rows.iter().map(|(_, _, column, _)| size(column).scale))?
        .with("datetime_precision", rows.iter().map(|(.., pg_type)| seconds_digits(pg_type)))?
        .finish()
}

fn typed_columns(object: &Object) -> impl Iterator<Item = (&Object, i16, &Column, Type)> {
    let typed = |column: &Column| pg_type_of(&column.data_type);
    object.columns().map(move |(number, column)| (object, number, column, typed(column)))
}

/// Digits of a second that a type keeps.
fn seconds_digits(pg_type: &Type) -> Option<i32> {
    match *pg_type {
        Type::DATE => Some(0),
        Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ if !is_array(pg_type) => Some(3),
        _ => None,
    }
}

fn table_constraints(objects: &[Object]) -> Result<RecordBatch> {
    let keys: Vec<(&Object, &str)> = objects.iter().filter_map(named_key).collect();
    let texts = [
        "constraint_catalog",
        "constraint_schema",
        "constraint_name",
        "table_catalog",
        "table_schema",
        "table_name",
        "constraint_type",
        "is_deferrable",
        "initially_deferred",
        "enforced",
    ];
    Filled::new(&schema(&texts, &[]), keys.len())
        .with("constraint_catalog", keys.iter().map(|_| DATABASE))?
        .with("constraint_schema", keys.iter().map(|_| SCHEMA))?
        .with("constraint_name", keys.iter().map(|(_, name)| *name))?
        .with("table_catalog", keys.iter().map(|_| DATABASE))?
        .with("table_schema", keys.iter().map(|_| SCHEMA))?
        .with("table_name", keys.iter().map(|(object, _)| object.name.as_str()))?
        .with("constraint_type", keys.iter().map(|_| "PRIMARY KEY"))?
        .with("is_deferrable", keys.iter().map(|_| "NO"))?
        .with("initially_deferred", keys.iter().map(|_| "NO"))?
        .with("enforced", keys.iter().map(|_| "YES"))?
        .finish()
}

fn named_key(object: &Object) -> Option<(&Object, &str)> {
    Some((object, object.key.as_ref()?.name.as_str()))
}

/// Columns of keys: the relation, the constraint, the column and its place in the key.
fn key_columns(objects: &[Object]) -> Vec<(&Object, &str, String, i32)> {
    let keys = objects.iter().filter_map(named_key);
    keys.flat_map(|(object, name)| {
        let columns = (1..).zip(object.key_columns());
        columns.map(move |(at, (_, column))| (object, name, shown(column), at))
    })
    .collect()
}

fn key_column_usage(objects: &[Object]) -> Result<RecordBatch> {
    let rows = key_columns(objects);
    let texts = [
        "constraint_catalog",
        "constraint_schema",
        "constraint_name",
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
    ];
    Filled::new(&schema(&texts, &["ordinal_position"]), rows.len())
        .with("constraint_catalog", rows.iter().map(|_| DATABASE))?
        .with("constraint_schema", rows.iter().map(|_| SCHEMA))?
        .with("constraint_name", rows.iter().map(|row| row.1))?
        .with("table_catalog", rows.iter().map(|_| DATABASE))?
        .with("table_schema", rows.iter().map(|_| SCHEMA))?
        .with("table_name", rows.iter().map(|row| row.0.name.as_str()))?
        .with("column_name", rows.iter().map(|row| row.2.as_str()))?
        .with("ordinal_position", rows.iter().map(|row| row.3))?
        .finish()
}

fn constraint_column_usage(objects: &[Object]) -> Result<RecordBatch> {
    let rows = key_columns(objects);
    let texts = [
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "constraint_catalog",
        "constraint_schema",
        "constraint_name",
    ];
    Filled::new(&schema(&texts, &[]), rows.len())
        .with("table_catalog", rows.iter().map(|_| DATABASE))?
        .with("table_schema", rows.iter().map(|_| SCHEMA))?
        .with("table_name", rows.iter().map(|row| row.0.name.as_str()))?
        .with("column_name", rows.iter().map(|row| row.2.as_str()))?
        .with("constraint_catalog", rows.iter().map(|_| DATABASE))?
        .with("constraint_schema", rows.iter().map(|_| SCHEMA))?
        .with("constraint_name", rows.iter().map(|row| row.1))?
        .finish()
}

fn shown(column: &Column) -> String {
    names::shown(&column.name).into_owned()
}
