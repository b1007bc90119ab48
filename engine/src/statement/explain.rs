//! `EXPLAIN`: what a statement would do, or what a query does.

use std::time::Duration;

use sql::ast::{Ident, Statement, StatementKind};

use super::create_as::{plan_create, plan_persistent, replan};
use super::table::lines;
use crate::error::{Code, Result, invalid};
use crate::outcome::Outcome;
use crate::pipeline::{Measure, Stored};
use crate::planner::{Planner, Purpose};
use crate::scheduler::{Progress, Task};
use crate::session::Session;

/// `ANALYZE` is about what a query has done: there is nothing to measure of a statement.
pub fn check_analyze(statement: &Statement, analyze: bool) -> Result<()> {
    match analyze {
        false => Ok(()),
        true => {
            let message = "EXPLAIN ANALYZE takes the id of a running query";
            Err(invalid(Code::NotSupported, message)
                .at(statement.span)
                .hint("SHOW QUERIES lists them; EXPLAIN alone takes statements"))
        }
    }
}

/// The plan of a statement, which is not carried out.
pub fn statement(session: &Session, statement: &Statement) -> Result<Outcome> {
    let shared = &session.shared;
    let catalog = shared.catalog();
    let text = match &statement.kind {
        StatementKind::CreateAs { .. } => {
            let (sink, plan) = plan_create(&session.properties, shared, &catalog, statement)?;
            format!("Sink {} [topic: {}]\n{plan}", sink.name, sink.topic)
        }
        StatementKind::InsertInto { target, query, .. } => {
            let planner = Planner::new(&catalog, &shared.functions, Purpose::Persistent);
            let planned = plan_persistent(&planner, query)?;
            let plan =
                crate::planner::check_insert(&planned, catalog.source(&target.value)?, target)?;
            format!("Sink {} (existing)\n{plan}", target.value)
        }
        StatementKind::Query(query) if query.emit().is_some() => {
            let planner = Planner::new(&catalog, &shared.functions, Purpose::Push);
            let mut plan = planner.plan_query(query)?.push()?;
            plan.require_before(false);
            format!("Client\n{plan}")
        }
        StatementKind::Query(query) => crate::query::explain(session, query)?,
        _ => {
            let message = "EXPLAIN takes a query, or the id of a running query";
            return Err(invalid(Code::NotSupported, message).at(statement.span));
        }
    };
    lines("EXPLAIN", "plan", &text)
}

/// The plan of a running query; with `ANALYZE`, also what went through each of its nodes.
pub fn query(session: &Session, id: &Ident, analyze: bool) -> Result<Outcome> {
    let shared = &session.shared;
    let catalog = shared.catalog();
    let entry = catalog.query(&id.value).map_err(|error| error.at(id.span))?;
    let plan = replan(shared, &catalog, entry)?;
    let mut text = format!("Query {}\n{}\n", entry.id, entry.statement);
    let task = shared.scheduler.task(entry.number);
    if let Some(task) = &task {
        text.push_str(&progress(task));
    }
    if let Some(sink) = &entry.sink {
        text.push_str(&format!("Sink {sink}\n"));
    }
    text.push_str(&match task.filter(|_| analyze) {
        Some(task) => {
            let (measures, time) = task.measures()?;
            let notes: Vec<String> = measures.iter().map(|measure| note(measure, time)).collect();
            plan.annotated(&notes)
        }
        None => plan.to_string(),
    });
    lines("EXPLAIN", "plan", &text)
}

fn progress(task: &Task) -> String {
    let Progress { counters, lag, memory, .. } = task.progress();
    let lag = lag.records;
    format!(
        "status: {}, records in: {}, records out: {}, lag: {lag}, errors: {}, late: {}, state: {memory} bytes\n",
        task.status(),
        counters.records_in,
        counters.records_out,
        counters.errors,
        counters.late,
    )
}

/// What went through a node since the query was started.
fn note(measure: &Measure, time: Duration) -> String {
    let per_second = measure.rows_out as f64 / time.as_secs_f64().max(f64::EPSILON);
    let lag = measure.lag.map(|lag| format!(", lag: {lag}")).unwrap_or_default();
    let state = measure.stored.map(|stored| {
        let Stored { keys, bytes } = stored;
        format!(", state: {keys} keys, {bytes} bytes, in memory: {} bytes", measure.memory)
    });
    let state = state.unwrap_or_default();
    let Measure { rows_in, rows_out, .. } = measure;
    format!("rows in: {rows_in}, rows out: {rows_out}, out per second: {per_second:.1}{state}{lag}")
}
