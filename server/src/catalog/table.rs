//! Tables of `pg_catalog` whose rows come from the engine, and those that Postgres has and
//! `datafusion-pg-catalog` does not.
//!
//! Each is a function from what there is at the moment of asking to rows. A table is made when a
//! query names it; reading one never leads to another, so that no list of tables can wait for
//! itself.

mod activity;
mod attribute;
mod class;
mod database;
mod description;
mod function;
mod key;
mod namespace;
mod role;
mod settings;
mod tables;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

use super::objects::{Object, Oids};
use super::signature::FunctionSignature;
use crate::client::settings::Settings;
use crate::sessions::Sessions;

/// What the tables are made from.
pub(super) struct Contents<'a> {
    pub objects: Vec<Object>,
    pub oids: &'a Oids,
    pub sessions: &'a Sessions,
    pub signatures: &'a [FunctionSignature],
    pub settings: &'a Settings,
    /// The names of the tables of `pg_catalog`.
    pub system: &'a [String],
    /// The names of those who may connect.
    pub users: Vec<String>,
}

/// Makes the rows of a table in the columns of its schema.
type Make = fn(&Contents<'_>, &SchemaRef) -> Result<RecordBatch>;

/// How the rows of a table are made; `None` for one that holds nothing of ours.
pub(super) fn make(table: &str) -> Option<Make> {
    Some(match table {
        "pg_attribute" => attribute::rows,
        "pg_authid" | "pg_roles" | "pg_user" | "pg_shadow" => role::rows,
        "pg_class" => class::rows,
        "pg_constraint" => key::constraints,
        "pg_database" => database::rows,
        "pg_description" => description::rows,
        "pg_index" => key::indexes,
        "pg_namespace" => namespace::rows,
        "pg_proc" => function::rows,
        "pg_settings" => settings::rows,
        "pg_stat_activity" => activity::rows,
        "pg_tables" => tables::rows,
        // It holds nothing: what is put right is the type of a column.
        "pg_event_trigger" => |_, schema| Ok(RecordBatch::new_empty(schema.clone())),
        _ => return None,
    })
}

/// Whether a table also holds what it holds in every Postgres.
pub(super) fn keeps_fixed(table: &str) -> bool {
    table == "pg_proc"
}

/// Tables that Postgres has and `datafusion-pg-catalog` has not.
pub(crate) const ADDED: &[&str] = &["pg_shadow", "pg_stat_activity", "pg_user"];

/// The columns of a table with those that Postgres has and `datafusion-pg-catalog` has not, or has
/// as text where Postgres has arrays.
pub(super) fn completed(table: &str, schema: SchemaRef) -> SchemaRef {
    let added: Columns = match table {
        "pg_class" => &[("relacl", "text[]"), ("reloptions", "text[]")],
        "pg_event_trigger" => &[("evttags", "text[]")],
        "pg_settings" => &[("boot_val", "text")],
        _ => return schema,
    };
    let is_added = |name: &str| added.iter().any(|(added, _)| *added == name);
    let known = schema.fields().iter().filter(|field| !is_added(field.name()));
    let known = known.map(|field| field.as_ref().clone());
    Arc::new(Schema::new(known.chain(fields(added)).collect::<Vec<_>>()))
}

/// The columns of one of [`ADDED`].
pub(super) fn added_schema(table: &str) -> Option<SchemaRef> {
    let columns = match table {
        "pg_stat_activity" => ACTIVITY,
        "pg_user" | "pg_shadow" => USER,
        _ => return None,
    };
    Some(Arc::new(Schema::new(fields(columns).collect::<Vec<_>>())))
}

/// Columns as `(name, type)`, by Postgres's own names of types.
type Columns = &'static [(&'static str, &'static str)];

const ACTIVITY: Columns = &[
    ("datid", "oid"),
    ("datname", "name"),
    ("pid", "int4"),
    ("leader_pid", "int4"),
    ("usesysid", "oid"),
    ("usename", "name"),
    ("application_name", "text"),
    ("client_addr", "inet"),
    ("client_hostname", "text"),
    ("client_port", "int4"),
    ("backend_start", "timestamptz"),
    ("xact_start", "timestamptz"),
    ("query_start", "timestamptz"),
    ("state_change", "timestamptz"),
    ("wait_event_type", "text"),
    ("wait_event", "text"),
    ("state", "text"),
    ("backend_xid", "int4"),
    ("backend_xmin", "int4"),
    ("query_id", "int8"),
    ("query", "text"),
    ("backend_type", "text"),
];

const USER: Columns = &[
    ("usename", "name"),
    ("usesysid", "oid"),
    ("usecreatedb", "bool"),
    ("usesuper", "bool"),
    ("userepl", "bool"),
    ("usebypassrls", "bool"),
    ("passwd", "text"),
    ("valuntil", "timestamptz"),
    ("useconfig", "text"),
];

fn fields(columns: Columns) -> impl Iterator<Item = Field> {
    columns.iter().map(|(name, kind)| field(name, kind))
}

fn field(name: &str, kind: &str) -> Field {
    let data_type = match kind {
        "oid" | "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "bool" => DataType::Boolean,
        "text[]" => DataType::new_list(DataType::Utf8, true),
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Utf8,
    };
    Field::new(name, data_type, true)
}
