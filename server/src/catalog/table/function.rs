//! `pg_proc`: the dialect's functions, beside those of Postgres itself.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use engine::function::FunctionKind;

use super::super::filled::Filled;
use super::Contents;
use super::namespace::PUBLIC;
use super::role::OWNER;

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let signatures = contents.signatures;
    let kind = |kind| if kind == FunctionKind::Aggregate { "a" } else { "f" };
    Filled::new(schema, signatures.len())
        .with("oid", signatures.iter().map(|each| each.oid))?
        .with("proname", signatures.iter().map(|each| each.name.as_str()))?
        .with("pronamespace", signatures.iter().map(|_| PUBLIC))?
        .with("proowner", signatures.iter().map(|_| OWNER))?
        .with("prokind", signatures.iter().map(|each| kind(each.kind)))?
        .with("proretset", signatures.iter().map(|each| each.kind == FunctionKind::Table))?
        .finish()
}
