//! `pg_attribute`: columns of relations, and of the indexes of their keys.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use engine::Column;
use postgres_types::Type;

use super::super::filled::Filled;
use super::super::objects::Object;
use super::Contents;
use crate::encode::types::{is_array, pg_type_of, type_modifier, type_size};
use crate::text::names;

/// One row.
struct Attribute<'a> {
    relation: i32,
    number: i16,
    column: &'a Column,
    pg_type: Type,
    not_null: bool,
}

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows: Vec<Attribute<'_>> = contents.objects.iter().flat_map(of_object).collect();
    let size = |row: &Attribute<'_>| type_size(&row.pg_type);
    Filled::new(schema, rows.len())
        .with("attrelid", rows.iter().map(|row| row.relation))?
        .with("attname", rows.iter().map(|row| names::shown(&row.column.name).into_owned()))?
        // Oids of built-in types are small.
        .with("atttypid", rows.iter().map(|row| row.pg_type.oid() as i32))?
        .with("attstattarget", rows.iter().map(|_| -1))?
        .with("attlen", rows.iter().map(size))?
        .with("attnum", rows.iter().map(|row| row.number))?
        .with("attndims", rows.iter().map(|row| i32::from(is_array(&row.pg_type))))?
        .with("attcacheoff", rows.iter().map(|_| -1))?
        .with("atttypmod", rows.iter().map(|row| type_modifier(&row.column.data_type)))?
        .with("attbyval", rows.iter().map(|row| (1..=8).contains(&size(row))))?
        .with("attalign", rows.iter().map(|row| alignment(size(row))))?
        .with("attstorage", rows.iter().map(|row| storage(&row.pg_type)))?
        .with("attnotnull", rows.iter().map(|row| row.not_null))?
        .with("attislocal", rows.iter().map(|_| true))?
        .finish()
}

fn of_object(object: &Object) -> impl Iterator<Item = Attribute<'_>> {
    let columns = object.columns().map(|(number, column)| Attribute {
        relation: object.oid,
        number,
        column,
        pg_type: pg_type_of(&column.data_type),
        not_null: object.is_not_null(column),
    });
    let in_index = object.key.iter().flat_map(|key| {
        (1..).zip(object.key_columns()).map(|(number, (_, column))| Attribute {
            relation: key.index,
            number,
            column,
            pg_type: pg_type_of(&column.data_type),
            not_null: false,
        })
    });
    columns.chain(in_index)
}

fn alignment(size: i16) -> &'static str {
    match size {
        1 => "c",
        2 => "s",
        8 => "d",
        _ => "i",
    }
}

fn storage(pg_type: &Type) -> &'static str {
    match *pg_type {
        Type::NUMERIC => "m",
        _ if type_size(pg_type) > 0 => "p",
        _ => "x",
    }
}
