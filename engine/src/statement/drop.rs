//! `DROP STREAM|TABLE` and `DROP TYPE`.

use sql::ast::{Ident, StatementKind};

use super::{alter::ids, create_as, done, doomed, queries};
use crate::catalog::{Catalog, QueryEntry, Source, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::near_miss::hint;
use crate::outcome::Done;
use crate::processing_log;
use crate::state::WriteBatch;

/// Drops a stream or table, with the query that was created together with it.
pub fn source(shared: &Shared, statement: &StatementKind) -> Result<Done> {
    let StatementKind::DropSource { kind, if_exists, name, delete_topic } = statement else {
        return Err(crate::Error::Internal("not a DROP".into()));
    };
    let tag = format!("DROP {}", kind_name(*kind));
    let catalog = shared.catalog();
    if *if_exists && !catalog.sources.contains_key(&name.value) {
        let message = format!("{} does not exist; nothing was done", name.value);
        return Ok(Done { warnings: vec![message.clone()], ..done(&tag, message) });
    }
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    if source.kind != *kind {
        let found = kind_name(source.kind);
        let message = format!("incompatible data source type is {found}, but statement was {tag}");
        return Err(invalid(Code::InvalidQuery, message)
            .at(name.span)
            .hint(format!("use DROP {found}")));
    }
    if name.value == processing_log::STREAM {
        let message = format!("{} belongs to the engine and cannot be dropped", name.value);
        return Err(invalid(Code::InUse, message).at(name.span));
    }
    let owner = owner(&catalog, &name.value);
    check_unused(&catalog, name, owner)?;
    if *delete_topic && source.read_only {
        let message = format!("cannot delete the topic of read-only source {}", name.value);
        return Err(invalid(Code::InvalidQuery, message).at(name.span));
    }
    let topic = shared.log.topic(&source.topic).filter(|_| *delete_topic);
    if topic.is_some() {
        check_unshared(&catalog, source, name)?;
    }
    let mut changed = Catalog::clone(&catalog);
    changed.sources.remove(&name.value);
    let mut batch = WriteBatch::default();
    let query = owner.or(source.materialized_by);
    if let Some(topic) = &topic {
        doomed::note(&mut batch, topic.name());
    }
    queries::commit_without(shared, changed, batch, query.as_slice())?;
    let mut done = done(&tag, format!("source {} was dropped", name.value));
    if let Some(Err(error)) = topic.map(|topic| doomed::delete(shared, topic.name())) {
        let later = "it is deleted when the data is opened again";
        done.warnings.push(format!("topic {}: {error}; {later}", source.topic));
    }
    Ok(done)
}

/// Whether no other stream or table lies on the topic.
fn check_unshared(catalog: &Catalog, source: &Source, name: &Ident) -> Result<()> {
    let others = catalog.sources.values();
    let others = others.filter(|other| other.topic == source.topic && other.name != source.name);
    let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let message = format!(
        "refusing to delete topic {}: found other data sources using it: [{}]",
        source.topic,
        others.join(", ")
    );
    Err(invalid(Code::InUse, message)
        .at(name.span)
        .hint("drop them first, or leave out DELETE TOPIC"))
}

/// The query that was created by the same statement as the stream or table.
fn owner(catalog: &Catalog, name: &str) -> Option<u32> {
    let created = |id: &str| id.starts_with("CSAS_") || id.starts_with("CTAS_");
    catalog.writers(name).into_iter().find(|query| created(&query.id)).map(|query| query.number)
}

fn check_unused(catalog: &Catalog, name: &Ident, owner: Option<u32>) -> Result<()> {
    let own = catalog.source(&name.value)?.materialized_by;
    let mut readers = catalog.readers(&name.value);
    readers.retain(|query| Some(query.number) != own);
    let mut writers = catalog.writers(&name.value);
    writers.retain(|query| Some(query.number) != owner && Some(query.number) != own);
    if readers.is_empty() && writers.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cannot drop {}: the following queries read from this source: [{}]; the following queries write into this source: [{}]",
        name.value,
        ids(&readers),
        ids(&writers)
    );
    Err(invalid(Code::InUse, message)
        .at(name.span)
        .hint("you need to terminate them before dropping it"))
}

/// `DROP TYPE`.
pub fn custom_type(shared: &Shared, if_exists: bool, name: &Ident) -> Result<Done> {
    let mut changed = Catalog::clone(&shared.catalog());
    if changed.types.remove(&name.value).is_none() {
        let message = format!("type {} does not exist", name.value);
        if if_exists {
            return Ok(Done { warnings: vec![message.clone()], ..done("DROP TYPE", message) });
        }
        let error = invalid(Code::UnknownName, message).at(name.span);
        return Err(match hint(&name.value, changed.types.keys().map(String::as_str)) {
            Some(hint) => error.hint(hint),
            None => error.hint("SHOW TYPES lists what there is"),
        });
    }
    check_type_unused(shared, &changed, name)?;
    shared.commit(changed, WriteBatch::default())?;
    Ok(done("DROP TYPE", format!("type {} was dropped", name.value)))
}

/// Whether all queries can be planned without the type. Columns have types, not their names.
fn check_type_unused(shared: &Shared, without: &Catalog, name: &Ident) -> Result<()> {
    let needs = |query: &&QueryEntry| create_as::replan(shared, without, query).is_err();
    let with = shared.catalog();
    let users = without.queries.values().filter(needs);
    let users: Vec<&QueryEntry> =
        users.filter(|query| create_as::replan(shared, &with, query).is_ok()).collect();
    if users.is_empty() {
        return Ok(());
    }
    let message =
        format!("cannot drop type {}: the following queries use it: [{}]", name.value, ids(&users));
    Err(invalid(Code::InUse, message)
        .at(name.span)
        .hint("you need to terminate them before dropping it"))
}
