//! `pg_namespace`: the schemas.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::{SCHEMA, SYSTEM_SCHEMA};
use super::Contents;
use super::role::OWNER;

/// The catalog's own schema, as Postgres numbers it.
pub(super) const PG_CATALOG: i32 = 11;
/// The schema of all streams and tables, as Postgres numbers it.
pub(super) const PUBLIC: i32 = 2200;
/// The schema of the system tables.
pub(super) const SYSTEM: i32 = 13_001;
/// Where the standard's views of the catalog are.
const INFORMATION_SCHEMA: i32 = 13_000;

const SCHEMAS: [(i32, &str); 4] = [
    (PG_CATALOG, "pg_catalog"),
    (PUBLIC, SCHEMA),
    (INFORMATION_SCHEMA, "information_schema"),
    (SYSTEM, SYSTEM_SCHEMA),
];

pub(super) fn rows(_: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    Filled::new(schema, SCHEMAS.len())
        .with("oid", SCHEMAS.map(|(oid, _)| oid))?
        .with("nspname", SCHEMAS.map(|(_, name)| name))?
        .with("nspowner", SCHEMAS.map(|_| OWNER))?
        .finish()
}
