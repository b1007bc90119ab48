//! `pg_database`: the one database.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::DATABASE;
use super::super::filled::Filled;
use super::Contents;
use super::role::OWNER;

/// Its number: the one that Postgres gives to the first database.
pub(super) const OID: i32 = 5;
/// UTF8, as Postgres numbers encodings.
const ENCODING: i32 = 6;
/// Where Postgres keeps databases that are not told where.
const TABLESPACE: i32 = 1663;

pub(super) fn rows(_: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    Filled::new(schema, 1)
        .with("oid", [OID])?
        .with("datname", [DATABASE])?
        .with("datdba", [OWNER])?
        .with("encoding", [ENCODING])?
        .with("datlocprovider", ["c"])?
        .with("datcollate", ["C"])?
        .with("datctype", ["C"])?
        .with("datallowconn", [true])?
        .with("datconnlimit", [-1])?
        .with("dattablespace", [TABLESPACE])?
        .finish()
}
