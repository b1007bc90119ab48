//! `pg_constraint` and `pg_index`: primary keys of tables.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::objects::{Object, PrimaryKey};
use super::Contents;
use super::namespace::PUBLIC;

fn keys<'a>(contents: &'a Contents<'_>) -> Vec<(&'a Object, &'a PrimaryKey)> {
    let objects = contents.objects.iter();
    objects.filter_map(|object| Some((object, object.key.as_ref()?))).collect()
}

pub(super) fn constraints(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let keys = keys(contents);
    Filled::new(schema, keys.len())
        .with("oid", keys.iter().map(|(_, key)| key.constraint))?
        .with("conname", keys.iter().map(|(_, key)| key.name.as_str()))?
        .with("connamespace", keys.iter().map(|_| PUBLIC))?
        .with("contype", keys.iter().map(|_| "p"))?
        .with("convalidated", keys.iter().map(|_| true))?
        .with("conrelid", keys.iter().map(|(object, _)| object.oid))?
        .with("conindid", keys.iter().map(|(_, key)| key.index))?
        .with("confupdtype", keys.iter().map(|_| " "))?
        .with("confdeltype", keys.iter().map(|_| " "))?
        .with("confmatchtype", keys.iter().map(|_| " "))?
        .with("conislocal", keys.iter().map(|_| true))?
        .with("connoinherit", keys.iter().map(|_| true))?
        .with_arrays("conkey", keys.iter().map(|(_, key)| key.columns.clone()))?
        .with_arrays("confkey", keys.iter().map(|_| Vec::new()))?
        .finish()
}

pub(super) fn indexes(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let keys = keys(contents);
    let count = |key: &PrimaryKey| key.columns.len() as i64;
    Filled::new(schema, keys.len())
        .with("indexrelid", keys.iter().map(|(_, key)| key.index))?
        .with("indrelid", keys.iter().map(|(object, _)| object.oid))?
        .with("indnatts", keys.iter().map(|(_, key)| count(key)))?
        .with("indnkeyatts", keys.iter().map(|(_, key)| count(key)))?
        .with("indisunique", keys.iter().map(|_| true))?
        .with("indisprimary", keys.iter().map(|_| true))?
        .with("indimmediate", keys.iter().map(|_| true))?
        .with("indisvalid", keys.iter().map(|_| true))?
        .with("indisready", keys.iter().map(|_| true))?
        .with("indislive", keys.iter().map(|_| true))?
        .with_arrays("indkey", keys.iter().map(|(_, key)| key.columns.clone()))?
        .with_arrays("indoption", keys.iter().map(|(_, key)| vec![0; key.columns.len()]))?
        .with_arrays("indclass", keys.iter().map(|(_, key)| vec![0; key.columns.len()]))?
        .with_arrays("indcollation", keys.iter().map(|(_, key)| vec![0; key.columns.len()]))?
        .finish()
}
