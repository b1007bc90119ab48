//! `pg_tables`: streams and tables in a form for people.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::{OWNER_NAME, SCHEMA};
use super::Contents;

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let objects: Vec<_> = contents.objects.iter().filter(|each| !each.is_system()).collect();
    Filled::new(schema, objects.len())
        .with("schemaname", objects.iter().map(|_| SCHEMA))?
        .with("tablename", objects.iter().map(|object| object.name.as_str()))?
        .with("tableowner", objects.iter().map(|_| OWNER_NAME))?
        .with("hasindexes", objects.iter().map(|object| object.key.is_some()))?
        .finish()
}
