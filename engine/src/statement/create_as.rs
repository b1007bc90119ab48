//! `CREATE STREAM|TABLE … AS SELECT` and `INSERT INTO … SELECT`.

use sql::ast::{Query, SourceKind, Statement, StatementKind};

use super::create::{ensure_topic, taken, topic_of, undo_topic};
use super::{done, queries};
use crate::catalog::{Catalog, QueryEntry, Source, kind_name};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::outcome::Done;
use crate::plan::Plan;
use crate::planner::{Planned, Planner, Purpose, SinkRequest, check_insert, plan_sink};
use crate::properties::{SessionProperties, SourceProperties};
use crate::session::Session;

/// Creates a stream or table and the query that fills it.
pub fn create(session: &Session, shared: &Shared, statement: &Statement) -> Result<Done> {
    let StatementKind::CreateAs { kind, or_replace, if_not_exists, name, properties, .. } =
        &statement.kind
    else {
        return Err(crate::Error::Internal("not a CREATE … AS".into()));
    };
    let tag = format!("CREATE {} AS", kind_name(*kind));
    let catalog = shared.catalog();
    if let Some(done) = taken(&catalog, name, *if_not_exists, *or_replace, &tag)? {
        return Ok(done);
    }
    let (mut source, plan) = plan_create(&session.properties, shared, &catalog, statement)?;
    let clause = SourceProperties::read(properties)?;
    let replaced = catalog.sources.get(&name.value);
    let owner = match replaced {
        Some(old) => {
            let checked = super::replace::check(shared, &catalog, old, &source, &plan);
            Some(checked.map_err(|error| error.at(name.span))?)
        }
        None => None,
    };
    let leftmost = topic_of(shared, &plan.sources()[0].topic)?;
    let created = ensure_topic(shared, &source, &clause, Some(leftmost.as_ref()))?;
    let mut changed = Catalog::clone(&catalog);
    let number = owner.unwrap_or(changed.next_query);
    changed.next_query = changed.next_query.max(number + 1);
    if source.kind == SourceKind::Table {
        source.materialized_by = Some(number);
    }
    let prefix = if *kind == SourceKind::Stream { "CSAS" } else { "CTAS" };
    let sources: Vec<String> = plan.sources().iter().map(|source| source.name.clone()).collect();
    let entry = QueryEntry {
        number,
        id: format!("{prefix}_{}_{number}", name.value),
        statement: statement.text.clone(),
        sink: Some(name.value.clone()),
        columns: catalog.columns_of(&sources),
        sources,
        session: session.properties.clone(),
        paused: false,
        shards: 0,
        plan: plan.to_string(),
    };
    let message = format!(
        "{} {} created, filled by query {}",
        kind_name(*kind).to_lowercase(),
        name.value,
        entry.id
    );
    changed.put_source(source);
    changed.queries.insert(number, entry);
    let result = queries::start_and_commit(shared, changed, number, &plan, owner.is_some());
    undo_topic(shared, created, result)?;
    Ok(done(&tag, message))
}

/// Plans a `CREATE … AS` without doing anything.
pub fn plan_create(
    session_properties: &SessionProperties,
    shared: &Shared,
    catalog: &Catalog,
    statement: &Statement,
) -> Result<(Source, Plan)> {
    let StatementKind::CreateAs { kind, name, properties, query, .. } = &statement.kind else {
        return Err(crate::Error::Internal("not a CREATE … AS".into()));
    };
    let planner = Planner::new(catalog, &shared.functions, Purpose::Persistent);
    let planned = plan_persistent(&planner, query)?;
    let request = SinkRequest {
        name,
        kind: *kind,
        properties,
        session: session_properties,
        statement: &statement.text,
    };
    let (source, mut plan) = plan_sink(&planner, &planned, &request)?;
    plan.require_before(false);
    Ok((source, plan))
}

/// Plans the query of a statement that runs for ever.
pub fn plan_persistent(planner: &Planner<'_>, query: &Query) -> Result<Planned> {
    let last = match query {
        Query::Select(select) => Some(select.as_ref()),
        Query::Nested(nested) => nested.last(),
        Query::General { .. } => None,
    };
    match last.and_then(|select| select.limit) {
        Some(limit) => {
            let message = "CREATE … AS SELECT and INSERT INTO statements do not support LIMIT: they run for ever";
            Err(invalid(Code::InvalidQuery, message).at(limit.span))
        }
        None => planner.plan_query(query),
    }
}

/// Adds a query that writes an existing stream.
pub fn insert_into(session: &Session, shared: &Shared, statement: &Statement) -> Result<Done> {
    let StatementKind::InsertInto { target, properties, query } = &statement.kind else {
        return Err(crate::Error::Internal("not an INSERT INTO".into()));
    };
    let catalog = shared.catalog();
    let sink = catalog.source(&target.value).map_err(|error| error.at(target.span))?;
    let refuse = |message: String| Err(invalid(Code::InvalidQuery, message).at(target.span));
    if sink.kind == SourceKind::Table {
        return refuse(format!(
            "INSERT INTO can only be used to insert into a stream: {} is a table",
            target.value
        ));
    }
    if sink.read_only {
        return refuse(format!("cannot insert into read-only stream: {}", target.value));
    }
    if sink.has_header_columns() {
        return refuse(format!(
            "cannot insert into {} because it has header columns",
            target.value
        ));
    }
    let planner = Planner::new(&catalog, &shared.functions, Purpose::Persistent);
    let planned = plan_persistent(&planner, query)?;
    let mut plan = check_insert(&planned, sink, target)?;
    plan.require_before(false);
    let mut changed = Catalog::clone(&catalog);
    let number = changed.next_query;
    changed.next_query += 1;
    let id = match properties.string("QUERY_ID") {
        Some(id) => id.to_uppercase(),
        None => format!("INSERTQUERY_{number}"),
    };
    if changed.queries.values().any(|query| query.id == id) {
        let message = format!("query id '{id}' already exists");
        return Err(invalid(Code::DuplicateName, message).at(target.span));
    }
    let sources: Vec<String> = plan.sources().iter().map(|source| source.name.clone()).collect();
    let entry = QueryEntry {
        number,
        id: id.clone(),
        statement: statement.text.clone(),
        sink: Some(target.value.clone()),
        columns: catalog.columns_of(sources.iter().chain([&target.value])),
        sources,
        session: session.properties.clone(),
        paused: false,
        shards: 0,
        plan: plan.to_string(),
    };
    changed.queries.insert(number, entry);
    queries::start_and_commit(shared, changed, number, &plan, false)?;
    Ok(done("INSERT INTO", format!("query {id} writes into {}", target.value)))
}

/// Plans again what a catalog's query was planned from.
pub fn replan(shared: &Shared, catalog: &Catalog, entry: &QueryEntry) -> Result<Plan> {
    let catalog = catalog.seen_by(entry);
    let catalog = catalog.as_ref();
    let statements = sql::parse(&entry.statement)?;
    let statement = statements.first();
    let statement =
        statement.ok_or_else(|| crate::Error::Internal("a query without statement".into()))?;
    match &statement.kind {
        StatementKind::CreateAs { .. } => {
            Ok(plan_create(&entry.session, shared, catalog, statement)?.1)
        }
        StatementKind::InsertInto { target, query, .. } => {
            let planner = Planner::new(catalog, &shared.functions, Purpose::Persistent);
            let planned = plan_persistent(&planner, query)?;
            let mut plan = check_insert(&planned, catalog.source(&target.value)?, target)?;
            plan.require_before(false);
            Ok(plan)
        }
        StatementKind::CreateSource { name, .. } => {
            Ok(queries::source_plan(catalog.source(&name.value)?))
        }
        _ => Err(crate::Error::Internal(format!("no query: {}", entry.statement))),
    }
}
