//! Push queries: a pipeline without durable state whose output goes to the client.
//!
//! It is a task of the scheduler as persistent queries are, and reads the log at its client's pace:
//! a client that takes nothing holds up only its own query, which has no turns meanwhile. Dropping
//! the rows ends it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::Expr;
use futures::StreamExt;
use sql::ast::{Query, SourceKind};

use super::outbox::{Outbox, outbox};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::outcome::{Column, Outcome, Rows};
use crate::pipeline::{Build, Output, Pipeline, build};
use crate::plan::Plan;
use crate::planner::{Planned, Planner, Purpose};
use crate::row_type::pseudo;
use crate::scheduler::{Asked, Task, TaskId};
use crate::session::Session;
use crate::state::MemoryBackend;
use crate::statement::queries::aggregate_settings;

/// Runs a push query, whose text is for whoever asks what runs.
pub fn execute(session: &Session, query: &Query, text: &str) -> Result<Outcome> {
    let shared = &session.shared;
    let (planned, plan) = plan(session, query)?;
    let answer = Answer::of(&plan, &planned, limit_of(query));
    let schema = Arc::clone(&answer.schema);
    let stream = match answer.is_complete() {
        true => futures::stream::empty().boxed(),
        false => {
            let id = shared.scheduler.next_push();
            let (outbox, inbox) = outbox(&shared.scheduler, id);
            let pipeline = client_pipeline(session, &plan, id, answer, outbox.clone())?;
            let clock = Arc::clone(&shared.options.clock);
            let topics = plan.topics();
            let sources = plan.sources().iter().map(|source| source.name.clone()).collect();
            let asked = Asked { sources, statement: text.to_owned() };
            shared.scheduler.add(Task::push(id, asked, topics, pipeline, outbox, clock));
            inbox.boxed()
        }
    };
    Ok(Outcome::Rows(Rows {
        tag: "SELECT",
        columns: columns_of(&plan),
        tombstones: (planned.kind == SourceKind::Table).then(|| plan.output().columns.len()),
        schema,
        stream,
        endless: true,
    }))
}

/// The columns of the answer, and whether deletions will be marked.
pub fn describe(session: &Session, query: &Query) -> Result<(Vec<Column>, bool)> {
    let (planned, plan) = plan(session, query)?;
    Ok((columns_of(&plan), planned.kind == SourceKind::Table))
}

fn plan(session: &Session, query: &Query) -> Result<(Planned, Plan)> {
    let catalog = session.shared.catalog();
    let functions = &session.shared.functions;
    let planned = Planner::new(&catalog, functions, Purpose::Push).plan_query(query)?;
    let mut plan = planned.push()?;
    plan.require_before(false);
    Ok((planned, plan))
}

fn columns_of(plan: &Plan) -> Vec<Column> {
    let columns = plan.output().columns.iter().map(|column| Column {
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        key: false,
        header: None,
    });
    columns.collect()
}

/// How many rows are asked for.
fn limit_of(query: &Query) -> Option<u64> {
    let last = match query {
        Query::Select(select) => Some(select.as_ref()),
        Query::Nested(nested) => nested.last(),
        Query::General { .. } => None,
    };
    last?.limit.map(|limit| limit.count)
}

/// What the client gets of the pipeline's output.
struct Answer {
    /// The columns asked for and, for a table, whether the row is a deletion.
    schema: SchemaRef,
    is_table: bool,
    /// For each column asked for whether a deletion has it: the key, and the window's bounds.
    in_deletions: Vec<bool>,
    /// How many rows may follow, where there is a LIMIT.
    left: Option<u64>,
}

impl Answer {
    fn of(plan: &Plan, planned: &Planned, limit: Option<u64>) -> Self {
        let is_table = planned.kind == SourceKind::Table;
        let mut fields: Vec<Arc<Field>> = plan.output().schema().fields().iter().cloned().collect();
        if is_table {
            fields.push(Arc::new(Field::new("tombstone", DataType::Boolean, false)));
        }
        let is_key = |at: usize| planned.keys.iter().any(|key| key.items.contains(&at));
        let items = planned.items.iter().enumerate();
        let in_deletions = items.map(|(at, item)| is_key(at) || is_window_bound(&item.expr));
        let in_deletions = in_deletions.collect();
        Self { schema: Arc::new(Schema::new(fields)), is_table, in_deletions, left: limit }
    }

    /// Whether no row can follow.
    fn is_complete(&self) -> bool {
        self.left == Some(0)
    }

    /// The rows that a client sees: none that an update took back, deletions marked.
    fn rows(&mut self, changes: &Changes) -> Result<Option<RecordBatch>> {
        let is_shown = |op: Op| op != Op::UpdateBefore && (self.is_table || op.adds());
        let shown: BooleanArray = changes.each_op().map(|op| Some(is_shown(op))).collect();
        let mut changes = changes.filter(&shown)?;
        if let Some(left) = &mut self.left {
            let taken = changes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            changes = changes.slice(0, taken);
            *left -= taken as u64;
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let columns = match self.is_table {
            true => self.table_columns(&changes)?,
            false => changes.rows.columns().to_vec(),
        };
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn table_columns(&self, changes: &Changes) -> Result<Vec<ArrayRef>> {
        let gone: BooleanArray = changes.each_op().map(|op| Some(!op.adds())).collect();
        let columns = changes.rows.columns().iter().zip(&self.in_deletions);
        let columns = columns.map(|(column, in_deletions)| match in_deletions {
            true => Ok(Arc::clone(column)),
            false => Ok(nullif(column, &gone)?),
        });
        let mut columns = columns.collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(gone));
        Ok(columns)
    }
}

fn is_window_bound(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if pseudo::is_window_bound(&column.name))
}

fn client_pipeline(
    session: &Session,
    plan: &Plan,
    id: TaskId,
    mut answer: Answer,
    outbox: Outbox,
) -> Result<Pipeline> {
    let shared = &session.shared;
    let deliver = move |changes: Changes| {
        if let Some(rows) = answer.rows(&changes)? {
            outbox.put(rows)?;
        }
        if answer.is_complete() { Err(Error::Cancelled) } else { Ok(()) }
    };
    build(
        Build {
            number: u32::MAX,
            id: &id.to_string(),
            plan,
            catalog: &shared.catalog(),
            settings: aggregate_settings(&session.properties),
            backend: Arc::new(MemoryBackend::default()),
            log: shared.log.clone(),
            emission: shared.options.emission,
            delivery: shared.options.delivery,
            state_memory: usize::MAX,
            shards: 0,
            threads: 1,
            durable: false,
            strict_time: false,
            clock: Arc::clone(&shared.options.clock),
            from_latest: session.properties.starts_at_latest(),
        },
        Output::Client(Box::new(deliver)),
    )
}
