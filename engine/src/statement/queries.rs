//! Persistent queries: starting, stopping, pausing, and resuming them when an engine is opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use log_store::LogStore;
use sql::ast::{QueryTarget, Statement};

use super::{counted, create::topic_of, create_as, done, doomed, target_name};
use crate::aggregate::Settings;
use crate::catalog::{Catalog, QueryEntry, Source};
use crate::engine::{Emission, Shared};
use crate::error::{Error, Result};
use crate::outcome::Done;
use crate::pipeline::{
    Build, Expiry, Materialized, Output, Pipeline, TopicSink, build, commit, journal, widen,
};
use crate::plan::{Plan, SourcePlan};
use crate::properties::SessionProperties;
use crate::scheduler::{Status, Task};
use crate::session::Session;
use crate::state::{Backend, WriteBatch};

/// Starts a query and makes the catalog that holds it the current one.
pub fn start_and_commit(
    shared: &Shared,
    changed: Catalog,
    number: u32,
    plan: &Plan,
    replaces: bool,
) -> Result<()> {
    let entry = changed.queries.get(&number).cloned();
    let mut entry = entry.ok_or_else(|| Error::Internal(format!("no query {number}")))?;
    let mut batch = WriteBatch::default();
    if !replaces {
        return commit_with(shared, changed, &entry, plan, batch);
    }
    // The new query takes the state over.
    entry.shards = shared.catalog().queries.get(&number).map_or(0, |old| old.shards);
    let started = take_out(shared, number, &mut batch)
        .and_then(|()| commit_with(shared, changed, &entry, plan, batch));
    started.inspect_err(|_| go_on(shared, &[number]))
}

fn commit_with(
    shared: &Shared,
    mut changed: Catalog,
    entry: &QueryEntry,
    plan: &Plan,
    mut batch: WriteBatch,
) -> Result<()> {
    let number = entry.number;
    let mut pipeline = pipeline(shared, &changed, entry, plan)?;
    if let Some(entry) = changed.queries.get_mut(&number) {
        entry.shards = pipeline.shards() as u16;
    }
    let writes = entry.sink.as_ref().or(entry.sources.first());
    if let Some(topic) = writes.and_then(|name| changed.sources.get(name)).map(|s| &s.topic) {
        doomed::forget(&mut batch, topic);
    }
    widen_rows(shared, &changed, entry, &mut batch)?;
    // Where a query begins is decided once, when it is created.
    match shared.catalog().queries.get(&number) {
        None => pipeline.begin(&mut batch),
        Some(before) => {
            pipeline.put_positions(&mut batch);
            if before.plan != entry.plan {
                let why = "CREATE OR REPLACE has changed it since it began";
                pipeline.lose_beginning(why, &mut batch);
            }
        }
    }
    shared.commit(changed, batch)?;
    add(shared, plan, pipeline, Status::Running);
    Ok(())
}

/// Where a query's table gets columns, the rows that are kept of it get them too.
fn widen_rows(
    shared: &Shared,
    changed: &Catalog,
    entry: &QueryEntry,
    batch: &mut WriteBatch,
) -> Result<()> {
    let catalog = shared.catalog();
    let Some(sink) = &entry.sink else { return Ok(()) };
    let Some(old) = catalog.sources.get(sink) else { return Ok(()) };
    let new = changed.source(sink)?;
    if old.materialized_by != Some(entry.number) || old.columns == new.columns {
        return Ok(());
    }
    widen(old, new, entry.number, shared.backend.as_ref(), batch)
}

fn add(shared: &Shared, plan: &Plan, pipeline: Pipeline, status: Status) {
    let clock = Arc::clone(&shared.options.clock);
    shared.scheduler.add(Task::persistent(plan.topics(), pipeline, status, clock));
}

fn pipeline(
    shared: &Shared,
    catalog: &Catalog,
    entry: &QueryEntry,
    plan: &Plan,
) -> Result<Pipeline> {
    let site = Site { backend: Arc::clone(&shared.backend), copy: None };
    pipeline_at(shared, catalog, entry, plan, &site)
}

/// Where a pipeline keeps what it makes.
pub struct Site {
    /// Its state.
    pub backend: Arc<dyn Backend>,
    /// Another log for its output; what it makes is lost with it then.
    pub copy: Option<LogStore>,
}

/// The pipeline of a query that keeps what it makes at this site.
pub fn pipeline_at(
    shared: &Shared,
    catalog: &Catalog,
    entry: &QueryEntry,
    plan: &Plan,
    site: &Site,
) -> Result<Pipeline> {
    let catalog = catalog.seen_by(entry);
    let catalog = catalog.as_ref();
    let output = match &entry.sink {
        Some(sink) => {
            let sink = catalog.source(sink)?;
            let topic = match &site.copy {
                Some(copy) => copy.topic_named(&sink.topic)?,
                None => topic_of(shared, &sink.topic)?,
            };
            let number = sink.materialized_by.filter(|number| *number == entry.number);
            let expiry = plan
                .window()
                .map(|window| Expiry::new(Arc::clone(&site.backend), entry.number, window));
            let sink = TopicSink::new(sink, topic, number)?;
            let sink = sink.making_keys(plan.makes_keys()).expiring(expiry);
            let coalesces = shared.options.emission == Emission::Coalesced && plan.repeats_keys();
            Output::Topic(Box::new(sink.coalescing(coalesces)))
        }
        None => {
            let source = catalog.source(&entry.sources[0])?;
            Output::Table(Box::new(Materialized::new(source, entry.number)?))
        }
    };
    let mut pipeline = build(
        Build {
            number: entry.number,
            id: &entry.id,
            plan,
            catalog,
            settings: aggregate_settings(&entry.session),
            backend: Arc::clone(&site.backend),
            log: shared.log.clone(),
            emission: shared.options.emission,
            delivery: shared.options.delivery,
            state_memory: shared.options.state_memory,
            shards: usize::from(entry.shards),
            threads: shared.options.threads(),
            durable: site.copy.is_none(),
            strict_time: entry.session.enabled("ksql.timestamp.throw.on.invalid"),
            clock: Arc::clone(&shared.options.clock),
            from_latest: entry.session.starts_at_latest(),
        },
        output,
    )?;
    if let Some(copy) = &site.copy {
        pipeline.redirect(copy);
    }
    Ok(pipeline)
}

/// The limits of aggregates that a session sets.
pub fn aggregate_settings(session: &SessionProperties) -> Settings {
    let limit = |name: &str| session.number(name).map_or(usize::MAX, |limit| limit as usize);
    Settings {
        collect_list_limit: limit("ksql.functions.collect_list.limit"),
        collect_set_limit: limit("ksql.functions.collect_set.limit"),
    }
}

/// Starts all queries of the catalog.
pub fn resume_all(shared: &Shared) -> Result<()> {
    let numbers: Vec<u32> = shared.catalog().queries.keys().copied().collect();
    resume(shared, &numbers)
}

/// Starts queries of the catalog where they stand. One that cannot be planned any more is left
/// alone, and does not keep the others from running.
fn resume(shared: &Shared, numbers: &[u32]) -> Result<()> {
    let catalog = shared.catalog();
    let runs = |number: &&u32| shared.scheduler.task(**number).is_some();
    let numbers = numbers.iter().filter(|number| !runs(number));
    for entry in numbers.filter_map(|number| catalog.queries.get(number)) {
        match resume_one(shared, &catalog, entry) {
            Err(Error::Invalid(error)) => {
                tracing::error!(query = entry.id, %error, "query cannot be started");
            }
            started => started?,
        }
    }
    Ok(())
}

/// Starts queries again that were taken out for a statement that has failed.
fn go_on(shared: &Shared, numbers: &[u32]) {
    if let Err(error) = resume(shared, numbers) {
        tracing::error!(%error, "queries cannot be started again; RESUME tries once more");
    }
}

/// Takes a query out of the scheduler, with nothing of it left undecided.
fn take_out(shared: &Shared, number: u32, batch: &mut WriteBatch) -> Result<()> {
    let Some(task) = shared.scheduler.task(number) else { return Ok(()) };
    task.decide()?;
    shared.scheduler.remove(number);
    task.forget_transactions(batch);
    Ok(())
}

/// Builds a query anew from what it has committed.
fn rebuild(shared: &Shared, number: u32) -> Result<()> {
    let catalog = shared.catalog();
    let Some(entry) = catalog.queries.get(&number) else { return Ok(()) };
    let mut batch = WriteBatch::default();
    take_out(shared, number, &mut batch)?;
    shared.backend.write(batch)?;
    resume_one(shared, &catalog, entry)
}

fn resume_one(shared: &Shared, catalog: &Catalog, entry: &QueryEntry) -> Result<()> {
    let plan = create_as::replan(shared, catalog, entry)?;
    let status = match (entry.paused, plan.to_string() == entry.plan) {
        (true, _) => Status::Paused,
        (false, true) => Status::Running,
        (false, false) => Status::Failed(format!(
            "this version plans the query otherwise than the one that created it; terminate it and create it again\nwas:\n{}\nis:\n{plan}",
            entry.plan
        )),
    };
    let pipeline = pipeline(shared, catalog, entry, &plan)?;
    add(shared, &plan, pipeline, status);
    Ok(())
}

/// Why a query of the catalog was not started, if there is still a reason.
pub fn not_started(shared: &Shared, catalog: &Catalog, entry: &QueryEntry) -> Option<String> {
    let plan = create_as::replan(shared, catalog, entry);
    let built = plan.and_then(|plan| pipeline(shared, catalog, entry, &plan));
    built.err().map(|error| error.message())
}

/// Takes a query out of the catalog, and all that is kept of it.
fn leave_out(shared: &Shared, changed: &mut Catalog, number: u32, batch: &mut WriteBatch) {
    let ended = changed.queries.remove(&number);
    commit::forget_query(batch, number);
    let before = shared.catalog();
    let sink = ended.iter().find_map(|query| before.sources.get(query.sink.as_ref()?));
    let (Some(ended), Some(sink)) = (&ended, sink) else { return };
    for other in changed.writers_to(&sink.topic) {
        // What it wrote stays, and cannot be told from what others write to the same topic.
        let why = format!("{}, which wrote to the same topic, has ended", ended.id);
        journal::lose(other.number, &why, batch);
    }
}

/// Ends queries and makes a catalog without them the current one. Where that fails they go on.
pub fn commit_without(
    shared: &Shared,
    mut changed: Catalog,
    mut batch: WriteBatch,
    ended: &[u32],
) -> Result<()> {
    let taken_out = ended.iter().try_for_each(|number| {
        leave_out(shared, &mut changed, *number, &mut batch);
        take_out(shared, *number, &mut batch)
    });
    let committed = taken_out.and_then(|()| shared.commit(changed, batch));
    committed.inspect_err(|_| go_on(shared, ended))
}

/// `TERMINATE`: ends queries; what they wrote stays.
pub fn terminate(shared: &Shared, target: &QueryTarget) -> Result<Done> {
    let mut changed = Catalog::clone(&shared.catalog());
    let numbers = numbers(&changed, target)?;
    for source in changed.sources.values_mut() {
        source.materialized_by = source.materialized_by.filter(|by| !numbers.contains(by));
    }
    commit_without(shared, changed, WriteBatch::default(), &numbers)?;
    let count = counted(numbers.len(), "query", "queries");
    Ok(done("TERMINATE", format!("{}: {count} terminated", target_name(target))))
}

/// `PAUSE` and `RESUME`.
pub fn set_paused(shared: &Shared, target: &QueryTarget, paused: bool) -> Result<Done> {
    let mut changed = Catalog::clone(&shared.catalog());
    let numbers = numbers(&changed, target)?;
    for query in changed.queries.values_mut().filter(|query| numbers.contains(&query.number)) {
        query.paused = paused;
    }
    shared.commit(changed, WriteBatch::default())?;
    let status = if paused { Status::Paused } else { Status::Running };
    numbers.iter().for_each(|number| shared.scheduler.set_status(*number, status.clone()));
    let stands = |number: &&u32| shared.scheduler.task(**number).is_none_or(|t| t.has_failed());
    for number in numbers.iter().filter(|number| !paused && stands(number)) {
        rebuild(shared, *number)?;
    }
    let (tag, word) = if paused { ("PAUSE", "paused") } else { ("RESUME", "resumed") };
    let count = counted(numbers.len(), "query", "queries");
    Ok(done(tag, format!("{}: {count} {word}", target_name(target))))
}

fn numbers(catalog: &Catalog, target: &QueryTarget) -> Result<Vec<u32>> {
    match target {
        QueryTarget::All => Ok(catalog.queries.keys().copied().collect()),
        QueryTarget::Query(id) => {
            let query = catalog.query(&id.value).map_err(|error| error.at(id.span))?;
            Ok(vec![query.number])
        }
    }
}

/// Creates the query that keeps the rows of a `SOURCE TABLE`, so that they can be asked for.
pub fn materialize_source(
    session: &Session,
    shared: &Shared,
    changed: &mut Catalog,
    source: &mut Source,
    statement: &Statement,
) -> Result<()> {
    let number = changed.next_query;
    changed.next_query += 1;
    source.materialized_by = Some(number);
    let plan = source_plan(source);
    changed.queries.insert(
        number,
        QueryEntry {
            number,
            id: format!("CST_{}_{number}", source.name),
            statement: statement.text.clone(),
            sink: None,
            sources: vec![source.name.clone()],
            columns: BTreeMap::new(),
            session: session.properties.clone(),
            paused: false,
            shards: 0,
            plan: plan.to_string(),
        },
    );
    changed.put_source(source.clone());
    start_and_commit(shared, std::mem::take(changed), number, &plan, false)
}

/// A plan that gives the rows of a table as they are.
pub fn source_plan(source: &Source) -> Plan {
    let input = Plan::Source(SourcePlan {
        name: source.name.clone(),
        kind: source.kind,
        topic: source.topic.clone(),
        output: source.row_type(None),
        with_before: false,
    });
    let mut output = input.output().clone();
    output
        .columns
        .retain(|column| !column.hidden || crate::row_type::pseudo::is_window_bound(&column.name));
    let expressions = output.columns.iter().map(|column| column.expr()).collect();
    Plan::Project { input: Box::new(input), expressions, output }
}
