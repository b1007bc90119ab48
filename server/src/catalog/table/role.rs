//! `pg_roles` and its kin: who may connect. The owner of everything comes first; it is no user.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::objects::Kind;
use super::super::{DATABASE, OWNER_NAME};
use super::Contents;

/// The number of the owner of everything.
pub(super) const OWNER: i32 = 10;

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let users = contents.users.iter();
    let users = users.map(|name| (oid_of(contents, name), name.as_str(), true));
    let roles: Vec<_> = std::iter::once((OWNER, OWNER_NAME, false)).chain(users).collect();
    let mut filled = Filled::new(schema, roles.len());
    let has = |name: &str| schema.column_with_name(name).is_some();
    for oid in ["oid", "usesysid"].into_iter().filter(|name| has(name)) {
        filled = filled.with(oid, roles.iter().map(|role| role.0))?;
    }
    for name in ["rolname", "usename"].into_iter().filter(|name| has(name)) {
        filled = filled.with(name, roles.iter().map(|role| role.1))?;
    }
    for login in ["rolcanlogin"].into_iter().filter(|name| has(name)) {
        filled = filled.with(login, roles.iter().map(|role| role.2))?;
    }
    // Whoever is let in may do everything.
    for everything in ["rolsuper", "rolinherit", "usesuper"].into_iter().filter(|name| has(name)) {
        filled = filled.with(everything, roles.iter().map(|_| true))?;
    }
    for unlimited in ["rolconnlimit"].into_iter().filter(|name| has(name)) {
        filled = filled.with(unlimited, roles.iter().map(|_| -1))?;
    }
    filled.finish()
}

/// The number of a user, also of one who is let in without being listed.
pub(super) fn oid_of(contents: &Contents<'_>, user: &str) -> i32 {
    match user == DATABASE {
        true => OWNER,
        false => contents.oids.of(Kind::Role, user),
    }
}
