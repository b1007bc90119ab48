//! `pg_class`: relations, the indexes of their keys, and the tables of the catalog itself.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::super::objects::{Kind, Object, Oids};
use super::Contents;
use super::namespace::{PG_CATALOG, PUBLIC, SYSTEM};
use super::role::OWNER;

/// Tables of the catalog whose numbers clients write out.
const WELL_KNOWN: &[(&str, i32)] = &[
    ("pg_type", 1247),
    ("pg_attribute", 1249),
    ("pg_proc", 1255),
    ("pg_class", 1259),
    ("pg_authid", 1260),
    ("pg_database", 1262),
    ("pg_am", 2601),
    ("pg_attrdef", 2604),
    ("pg_constraint", 2606),
    ("pg_description", 2609),
    ("pg_index", 2610),
    ("pg_namespace", 2615),
];

/// The number of `pg_class` itself, by which comments say that they are about a relation.
pub(super) const PG_CLASS: i32 = 1259;

/// Ways to store what a relation holds, by their numbers in `pg_am`.
const HEAP: i32 = 2;
const BTREE: i32 = 403;

/// One row.
struct Class {
    oid: i32,
    name: String,
    namespace: i32,
    kind: &'static str,
    access_method: i32,
    columns: i16,
    has_index: bool,
}

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let ours = contents.objects.iter().flat_map(of_object);
    let system = contents.system.iter().map(|name| of_system(name, contents.oids));
    let rows: Vec<Class> = ours.chain(system).collect();
    Filled::new(schema, rows.len())
        .with("oid", rows.iter().map(|row| row.oid))?
        .with("relname", rows.iter().map(|row| row.name.as_str()))?
        .with("relnamespace", rows.iter().map(|row| row.namespace))?
        .with("relowner", rows.iter().map(|_| OWNER))?
        .with("relam", rows.iter().map(|row| row.access_method))?
        .with("reloftype", rows.iter().map(|_| 0))?
        .with("reltuples", rows.iter().map(|_| -1.0f64))?
        .with("relhasindex", rows.iter().map(|row| row.has_index))?
        .with("relpersistence", rows.iter().map(|_| "p"))?
        .with("relkind", rows.iter().map(|row| row.kind))?
        .with("relnatts", rows.iter().map(|row| row.columns))?
        .with("relispopulated", rows.iter().map(|_| true))?
        .with("relreplident", rows.iter().map(|_| "d"))?
        .finish()
}

/// A stream or table, and the index of its key.
fn of_object(object: &Object) -> Vec<Class> {
    let index = object.key.as_ref().map(|key| Class {
        oid: key.index,
        name: key.name.clone(),
        namespace: PUBLIC,
        kind: "i",
        access_method: BTREE,
        columns: count(key.columns.len()),
        has_index: false,
    });
    let relation = Class {
        oid: object.oid,
        name: object.name.clone(),
        namespace: if object.is_system() { SYSTEM } else { PUBLIC },
        kind: if object.is_system() { "v" } else { "r" },
        access_method: HEAP,
        columns: count(object.relation.columns.len()),
        has_index: index.is_some(),
    };
    std::iter::once(relation).chain(index).collect()
}

fn of_system(name: &str, oids: &Oids) -> Class {
    let known = WELL_KNOWN.iter().find(|(known, _)| *known == name);
    Class {
        oid: known.map_or_else(|| oids.of(Kind::System, name), |(_, oid)| *oid),
        name: name.to_owned(),
        namespace: PG_CATALOG,
        kind: "r",
        access_method: HEAP,
        columns: 0,
        has_index: false,
    }
}

/// Columns as the catalog counts them; the planner refuses more.
fn count(columns: usize) -> i16 {
    i16::try_from(columns).unwrap_or(i16::MAX)
}
