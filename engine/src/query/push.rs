//! Push queries: a pipeline without durable state whose output goes to the client.
//!
//! It reads the log at its own pace on a thread of its own; a client that takes nothing holds up
//! only its own query. Dropping the rows ends it.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::Expr;
use futures::StreamExt;
use log_store::{Interest, LogStore};
use sql::ast::{Query, Select, SourceKind};
use tokio::sync::mpsc;

use crate::change::{Changes, Op};
use crate::error::{Code, Error, Result, invalid};
use crate::outcome::{Column, Outcome, Rows};
use crate::pipeline::{Build, Output, Pipeline, build};
use crate::plan::Plan;
use crate::planner::{Planned, Planner, Purpose};
use crate::row_type::pseudo;
use crate::session::Session;
use crate::state::MemoryBackend;
use crate::statement::queries::aggregate_settings;

/// Batches that wait for a client before its query waits for it.
const QUEUE: usize = 16;

/// How often a query without input looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// Runs a push query.
pub fn execute(session: &Session, query: &Query) -> Result<Outcome> {
    let select = own_shape(query)?;
    let shared = &session.shared;
    let (planned, plan) = plan(session, select)?;
    let answer = Answer::of(&plan, &planned, select.limit.map(|limit| limit.count));
    let schema = Arc::clone(&answer.schema);
    let stream = match answer.is_complete() {
        true => futures::stream::empty().boxed(),
        false => {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let pipeline = client_pipeline(session, &plan, answer, sender.clone())?;
            let topics = plan.sources().iter().map(|source| source.topic.clone()).collect();
            run(&shared.log, pipeline, topics, sender)?;
            stream_of(receiver)
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
    let (planned, plan) = plan(session, own_shape(query)?)?;
    Ok((columns_of(&plan), planned.kind == SourceKind::Table))
}

fn plan(session: &Session, select: &Select) -> Result<(Planned, Plan)> {
    let catalog = session.shared.catalog();
    let functions = &session.shared.functions;
    let planned = Planner { catalog: &catalog, functions, purpose: Purpose::Push }.plan(select)?;
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

fn own_shape(query: &Query) -> Result<&Select> {
    let Query::Select(select) = query else {
        let message = "push queries take SELECT … FROM streams and tables, joined by name: subqueries, CTEs, set operations and ORDER BY are not supported yet";
        let emit = query.emit().map(|emit| emit.span);
        let error = invalid(Code::NotSupported, message);
        let error = error.hint("leave EMIT CHANGES out to ask once");
        return Err(match emit {
            Some(span) => error.at(span),
            None => error,
        });
    };
    Ok(select)
}

fn stream_of(receiver: mpsc::Receiver<Result<RecordBatch>>) -> crate::outcome::RowStream {
    let next = |mut receiver: mpsc::Receiver<Result<RecordBatch>>| async move {
        receiver.recv().await.map(|batch| (batch, receiver))
    };
    futures::stream::unfold(receiver, next).boxed()
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
    mut answer: Answer,
    sender: mpsc::Sender<Result<RecordBatch>>,
) -> Result<Pipeline> {
    let shared = &session.shared;
    let deliver = move |changes: Changes| {
        if let Some(rows) = answer.rows(&changes)? {
            // A closed channel is a client that has left.
            sender.blocking_send(Ok(rows)).map_err(|_| Error::Cancelled)?;
        }
        if answer.is_complete() { Err(Error::Cancelled) } else { Ok(()) }
    };
    build(
        Build {
            number: u32::MAX,
            id: "push query",
            plan,
            catalog: &shared.catalog(),
            settings: aggregate_settings(&session.properties),
            backend: Arc::new(MemoryBackend::default()),
            log: shared.log.clone(),
            emission: shared.options.emission,
            state_memory: usize::MAX,
            threads: 1,
            durable: false,
            strict_time: false,
            clock: Arc::clone(&shared.options.clock),
            from_latest: session.properties.starts_at_latest(),
        },
        Output::Client(Box::new(deliver)),
    )
}

/// Moves the query on a thread of its own until its client leaves or its limit is reached.
fn run(
    log: &LogStore,
    mut pipeline: Pipeline,
    topics: Vec<String>,
    sender: mpsc::Sender<Result<RecordBatch>>,
) -> Result<()> {
    let interest = match topics.as_slice() {
        [topic] => Interest::Topic(topic.clone()),
        _ => Interest::AllTopics,
    };
    let subscription = log.subscribe(interest);
    let moved = move || {
        while !sender.is_closed() {
            match pipeline.advance() {
                Ok(true) => {}
                Ok(false) => drop(subscription.wait(LOOK)),
                Err(Error::Cancelled) => break,
                Err(error) => {
                    drop(sender.blocking_send(Err(error)));
                    break;
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("push-query".into()).spawn(moved);
    thread.map(drop).map_err(|cause| Error::Storage {
        operation: "cannot start a thread for the query".into(),
        cause: cause.to_string(),
    })
}
