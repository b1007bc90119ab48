//! `pg_description`: what relations and their columns are, in words.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::objects::Object;
use super::Contents;
use super::class::PG_CLASS;

/// One row: a relation, or with a number that is not 0 one of its columns.
struct Description {
    relation: i32,
    column: i32,
    text: String,
}

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows: Vec<Description> = contents.objects.iter().flat_map(of_object).collect();
    Filled::new(schema, rows.len())
        .with("objoid", rows.iter().map(|row| row.relation))?
        .with("classoid", rows.iter().map(|_| PG_CLASS))?
        .with("objsubid", rows.iter().map(|row| row.column))?
        .with("description", rows.iter().map(|row| row.text.as_str()))?
        .finish()
}

fn of_object(object: &Object) -> impl Iterator<Item = Description> {
    let described = |column: i32, text: String| Description { relation: object.oid, column, text };
    let relation = object.comment().map(|text| described(0, text));
    let columns = object.columns().filter_map(move |(number, column)| {
        object.column_comment(column).map(|text| described(i32::from(number), text))
    });
    relation.into_iter().chain(columns)
}
