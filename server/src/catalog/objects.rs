//! What the Postgres catalog has to tell of: the engine's relations with the numbers (oids) that
//! clients join them by.
//!
//! A name keeps its number as long as the server runs, so that a client can list relations with one
//! query and ask for their columns with the next. Numbers are given out as names are first seen and
//! never again.

use std::collections::HashMap;

use engine::{Column, Engine, Relation, RelationKind};
use parking_lot::Mutex;

use super::{SCHEMA, SYSTEM_SCHEMA};
use crate::text::names;

/// The first number that Postgres gives to what users create.
const FIRST_OID: i32 = 16_384;

/// Numbers of what clients list, by kind and name.
#[derive(Debug, Default)]
pub(super) struct Oids {
    given: Mutex<HashMap<(Kind, String), i32>>,
}

/// What a number is of: the same name can be that of one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Function,
    Relation,
    System,
    Constraint,
    Role,
}

impl Oids {
    /// The number of `name`.
    pub fn of(&self, kind: Kind, name: &str) -> i32 {
        let mut given = self.given.lock();
        // There is memory for fewer names than an i32 can count.
        let next = FIRST_OID + given.len() as i32;
        *given.entry((kind, name.to_owned())).or_insert(next)
    }
}

/// A stream or table as clients see it.
#[derive(Debug)]
pub(super) struct Object {
    pub oid: i32,
    /// Its name in the client's case.
    pub name: String,
    pub relation: Relation,
    /// Its primary key; streams have none.
    pub key: Option<PrimaryKey>,
}

/// A primary key, with the index that Postgres would have made for it.
#[derive(Debug)]
pub(super) struct PrimaryKey {
    /// The name of both constraint and index.
    pub name: String,
    pub constraint: i32,
    pub index: i32,
    /// The numbers of its columns, from 1.
    pub columns: Vec<i16>,
}

/// Everything at one moment.
pub(super) fn objects(engine: &Engine, oids: &Oids) -> Vec<Object> {
    let system = engine.system_relations().unwrap_or_default();
    let all = engine.relations().into_iter().chain(system);
    all.map(|relation| Object::of(relation, oids)).collect()
}

impl Object {
    fn of(relation: Relation, oids: &Oids) -> Self {
        let name = names::shown(&relation.name).into_owned();
        let oid = match relation.kind {
            RelationKind::System => oids.of(Kind::Relation, &format!("{SYSTEM_SCHEMA}.{name}")),
            _ => oids.of(Kind::Relation, &name),
        };
        let key = PrimaryKey::of(&relation, &name, oids);
        Self { oid, name, relation, key }
    }

    /// Whether it is a system table, which tells of what goes on.
    pub fn is_system(&self) -> bool {
        self.relation.kind == RelationKind::System
    }

    /// The schema that it is in.
    pub fn schema(&self) -> &'static str {
        if self.is_system() { SYSTEM_SCHEMA } else { SCHEMA }
    }

    /// The columns with their numbers, from 1.
    pub fn columns(&self) -> impl Iterator<Item = (i16, &Column)> {
        (1..).zip(&self.relation.columns)
    }

    /// The columns of the key with their numbers.
    pub fn key_columns(&self) -> impl Iterator<Item = (i16, &Column)> {
        let key = self.key.as_ref().map_or(&[][..], |key| &key.columns);
        self.columns().filter(|(number, _)| key.contains(number))
    }

    /// Whether a column is never null: only the key of a table is known not to be.
    pub fn is_not_null(&self, column: &Column) -> bool {
        self.key.is_some() && column.key
    }

    /// What it is, in words: the statement that made it.
    pub fn comment(&self) -> Option<String> {
        self.relation.comment.clone()
    }

    /// What there is to say of a column that its type does not.
    pub fn column_comment(&self, column: &Column) -> Option<String> {
        match &column.header {
            Some(header) => Some(header.clone()),
            None => (column.key && self.key.is_none()).then(|| "KEY".to_owned()),
        }
    }

    /// The key as `CREATE TABLE` would have it: `PRIMARY KEY (id)`.
    pub fn key_definition(&self) -> String {
        format!("PRIMARY KEY ({})", self.key_names())
    }

    /// The index as `CREATE INDEX` would make it.
    pub fn index_definition(&self, key: &PrimaryKey) -> String {
        let (index, table) = (quoted(&key.name), quoted(&self.name));
        format!("CREATE UNIQUE INDEX {index} ON public.{table} USING btree ({})", self.key_names())
    }

    fn key_names(&self) -> String {
        let names = self.key_columns().map(|(_, column)| quoted(&names::shown(&column.name)));
        names.collect::<Vec<_>>().join(", ")
    }
}

impl PrimaryKey {
    fn of(relation: &Relation, table: &str, oids: &Oids) -> Option<Self> {
        let columns = (1..).zip(&relation.columns);
        let columns: Vec<i16> =
            columns.filter(|(_, column)| column.key).map(|(number, _)| number).collect();
        let has_key = relation.kind != RelationKind::Stream && !columns.is_empty();
        let name = format!("{table}_pkey");
        has_key.then(|| Self {
            constraint: oids.of(Kind::Constraint, &name),
            index: oids.of(Kind::Relation, &name),
            name,
            columns,
        })
    }
}

/// A name as it has to be written in SQL.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let starts_well = !name.starts_with(|c: char| c.is_ascii_digit());
    match plain && starts_well && !name.is_empty() {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_shares_it_with_nobody() {
        let oids = Oids::default();
        let orders = oids.of(Kind::Relation, "orders");
        let constraint = oids.of(Kind::Constraint, "orders");
        assert_ne!(orders, constraint);
        assert_eq!(oids.of(Kind::Relation, "orders"), orders);
        assert!(orders >= FIRST_OID);
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(quoted("orders_2"), "orders_2");
        assert_eq!(quoted("Orders"), "\"Orders\"");
        assert_eq!(quoted("2nd"), "\"2nd\"");
    }
}
