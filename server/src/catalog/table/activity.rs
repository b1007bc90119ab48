//! `pg_stat_activity`: who is connected, and what they are doing.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::super::DATABASE;
use super::super::filled::Filled;
use super::role::oid_of;
use super::{Contents, database};

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let sessions = contents.sessions.list();
    let at = |micros: Option<i64>| ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()));
    Filled::new(schema, sessions.len())
        .with("datid", sessions.iter().map(|_| database::OID))?
        .with("datname", sessions.iter().map(|_| DATABASE))?
        .with("pid", sessions.iter().map(|each| each.process_id))?
        .with("usesysid", sessions.iter().map(|each| oid_of(contents, &each.user)))?
        .with("usename", sessions.iter().map(|each| each.user.as_str()))?
        .with("application_name", sessions.iter().map(|each| each.application.as_str()))?
        .with("client_addr", sessions.iter().map(|each| each.address.ip().to_string()))?
        .with("client_port", sessions.iter().map(|each| i32::from(each.address.port())))?
        .with("backend_start", sessions.iter().map(|each| at(Some(each.since))))?
        .with("xact_start", sessions.iter().map(|each| at(each.transaction_since)))?
        .with("query_start", sessions.iter().map(|each| at(each.statement_since)))?
        .with("state_change", sessions.iter().map(|each| at(Some(each.state_since))))?
        .with("state", sessions.iter().map(|each| each.state.shown()))?
        .with("query", sessions.iter().map(|each| each.statement.as_str()))?
        .with("backend_type", sessions.iter().map(|_| "client backend"))?
        .finish()
}
