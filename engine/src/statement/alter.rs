//! `ALTER STREAM|TABLE … ADD COLUMN`, and what `CREATE OR REPLACE` may change.

use sql::ast::{ColumnDef, ColumnRole, Ident, SourceKind};

use super::done;
use crate::catalog::{Catalog, Role, Source, SourceColumn, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::outcome::Done;
use crate::planner::expression::CustomTypes;
use crate::state::WriteBatch;
use crate::types::sql_name;

/// Adds columns to the value of a stream or table.
pub fn execute(
    shared: &Shared,
    kind: SourceKind,
    name: &Ident,
    definitions: &[ColumnDef],
) -> Result<Done> {
    let catalog = shared.catalog();
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    if source.kind != kind {
        let message = format!("{} is not a {}", name.value, kind_name(kind).to_lowercase());
        return Err(invalid(Code::InvalidQuery, message).at(name.span));
    }
    if source.read_only {
        let message = format!(
            "cannot alter {0} '{1}': it is read-only",
            kind_name(kind).to_lowercase(),
            name.value
        );
        return Err(invalid(Code::InvalidQuery, message).at(name.span));
    }
    if !catalog.writers(&name.value).is_empty() {
        let message = format!(
            "ALTER command is not supported for CREATE ... AS statements: {} is written by {}",
            name.value,
            ids(&catalog.writers(&name.value))
        );
        return Err(invalid(Code::NotSupported, message).at(name.span));
    }
    let mut altered = source.clone();
    for definition in definitions {
        let data_type = catalog.resolve(&definition.data_type)?;
        if definition.role != ColumnRole::Value || altered.column(&definition.name.value).is_some()
        {
            let message = format!(
                "cannot add column '{}' to schema: only new value columns can be added",
                definition.name.value
            );
            return Err(invalid(Code::DuplicateName, message).at(definition.span));
        }
        let name = definition.name.value.clone();
        altered.columns.push(SourceColumn { name, data_type, role: Role::Value });
    }
    crate::format::check(&altered.value_side())?;
    let mut changed = Catalog::clone(&catalog);
    changed.put_source(altered);
    shared.commit(changed, WriteBatch::default())?;
    let tag = format!("ALTER {}", kind_name(kind));
    Ok(done(&tag, format!("{} has {} more columns", name.value, definitions.len())))
}

/// The ids of queries, for messages.
pub fn ids(queries: &[&crate::catalog::QueryEntry]) -> String {
    queries.iter().map(|query| query.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whether a new definition may take the place of an old one: the same thing, with value columns
/// appended.
pub fn check_replacement(old: &Source, new: &Source) -> Result<()> {
    let refuse = |what: &str, before: String, after: String| {
        let name = &old.name;
        let message = format!(
            "cannot upgrade data source '{name}': {what} must stay the same, expected {before}, found {after}"
        );
        Err(invalid(Code::InvalidQuery, message))
    };
    let column =
        |source: &Source| source.timestamp.as_ref().map_or("none".to_owned(), |t| t.column.clone());
    if old.read_only {
        return refuse("a read-only source", old.name.clone(), new.name.clone());
    }
    if old.kind != new.kind {
        return refuse("the kind", kind_name(old.kind).into(), kind_name(new.kind).into());
    }
    if old.topic != new.topic {
        return refuse("the topic", old.topic.clone(), new.topic.clone());
    }
    if old.timestamp != new.timestamp {
        return refuse("the TIMESTAMP column", column(old), column(new));
    }
    if (&old.key_format, &old.value_format) != (&new.key_format, &new.value_format) {
        return refuse(
            "the formats",
            old.value_format.name().into(),
            new.value_format.name().into(),
        );
    }
    let keys = |source: &Source| source.key_columns().map(shown).collect::<Vec<_>>().join(", ");
    if keys(old) != keys(new) {
        return refuse("the key columns", keys(old), keys(new));
    }
    let kept = |column: &SourceColumn| new.column(&column.name).is_some_and(|c| c == column);
    let in_order = old.value_columns().zip(new.value_columns()).all(|(a, b)| a == b);
    match old.value_columns().find(|column| !kept(column)) {
        Some(gone) => refuse("the value columns", shown(gone), "none".into()),
        None if !in_order => {
            refuse("the order of the value columns", old.name.clone(), new.name.clone())
        }
        None => Ok(()),
    }
}

fn shown(column: &SourceColumn) -> String {
    format!("`{}` {}", column.name, sql_name(&column.data_type))
}
