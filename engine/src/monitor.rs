//! What goes on in an engine, for whoever watches it: lists, system tables, metrics.
//!
//! Nothing here disturbs what runs: a query is shown as of its last turn.

use log_store::{LogStore, TopicPartition};

use crate::catalog::{Catalog, QueryEntry};
use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::pipeline::{Counters, StoreInfo};
use crate::scheduler::{Lag, Progress, Reading, Status, Task};
use crate::statement::queries;

/// A query as `SHOW QUERIES` lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryInfo {
    /// Its id, as `CSAS_CLICKS_0` or `PUSH_3`.
    pub id: String,
    /// Whether it goes on without its client.
    pub kind: QueryKind,
    /// `RUNNING`, `PAUSED`, `ERROR`, or `STOPPED` where it could not be started.
    pub status: &'static str,
    /// Why it stopped, if it did.
    pub failure: Option<String>,
    /// Streams and tables that it reads.
    pub sources: Vec<String>,
    /// Topics it reads.
    pub source_topics: Vec<String>,
    /// The stream or table that it writes.
    pub sink: Option<String>,
    /// The topic it writes.
    pub sink_topic: Option<String>,
    /// What was written to create it.
    pub statement: String,
    /// Records that it has read since it was started.
    pub records_in: u64,
    /// Records that it has written since.
    pub records_out: u64,
    /// Records that did not decode and rows that an expression failed on, since.
    pub errors: u64,
    /// Records that came after their window had closed, since.
    pub late: u64,
    /// Commits since.
    pub commits: u64,
    /// The last commit, in milliseconds since the epoch.
    pub last_commit_ms: Option<i64>,
    /// Records that it reads in a second, over the last ten.
    pub records_per_second: f64,
    /// Records in its sources that it has not read yet.
    pub lag: u64,
    /// Bytes of the log that it has not read yet.
    pub lag_bytes: u64,
    /// Milliseconds since the time of the record that it reads next; 0 where there is none.
    pub lag_ms: i64,
    /// Bytes of memory that its state holds.
    pub memory: usize,
}

/// Whether a query goes on without its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryKind {
    /// It is in the catalog, and runs until it is terminated.
    Persistent,
    /// It runs until its client leaves.
    Push,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Topic and number.
    pub partition: TopicPartition,
    /// The first offset that can be read.
    pub start: i64,
    /// The offset after the last record.
    pub end: i64,
    /// The offset after the last record of which it is decided whether it counts.
    pub stable: i64,
    /// The offset after the last record that survives a loss of power.
    pub durable: i64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Number of its segments.
    pub segments: usize,
    /// Transactions that have written to it and are not decided.
    pub open_transactions: usize,
    /// Why it takes no more writes, where that is so.
    pub failure: Option<String>,
}

/// A client of a server in front of the engine. Times are microseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Its number, by which `pg_terminate_backend` ends it.
    pub pid: i32,
    /// The name of its user.
    pub user: String,
    /// The name of its program.
    pub application: String,
    /// Its address and port.
    pub address: String,
    /// When it connected.
    pub since: i64,
    /// What it does, as Postgres names it.
    pub state: &'static str,
    /// Since when.
    pub state_since: i64,
    /// The statement that runs, or the last one that did.
    pub statement: String,
}

/// Tells who is connected at the moment.
pub(crate) type Connections = Box<dyn Fn() -> Vec<ConnectionInfo> + Send + Sync>;

impl QueryKind {
    /// The kind in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Persistent => "PERSISTENT",
            Self::Push => "PUSH",
        }
    }
}

impl QueryInfo {
    /// Its status and, where it stopped, why.
    pub(crate) fn status_text(&self) -> String {
        match &self.failure {
            Some(failure) => format!("{}: {failure}", self.status),
            None => self.status.to_owned(),
        }
    }

    fn with(self, progress: Progress) -> Self {
        let Progress { counters, lag, memory, per_second, last_commit_ms } = progress;
        let Counters { records_in, records_out, errors, late, commits } = counters;
        let Lag { records: lag, bytes: lag_bytes, time_ms: lag_ms } = lag;
        Self {
            records_in,
            records_out,
            errors,
            late,
            commits,
            last_commit_ms,
            records_per_second: per_second,
            lag,
            lag_bytes,
            lag_ms,
            memory,
            ..self
        }
    }
}

impl Engine {
    /// Persistent queries in the order of their creation.
    pub fn queries(&self) -> Vec<QueryInfo> {
        persistent(&self.shared)
    }

    /// The queries of clients that are connected, in the order in which they were started.
    pub fn push_queries(&self) -> Vec<QueryInfo> {
        push(&self.shared)
    }

    /// The partitions of all topics but those that the store keeps for itself.
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        partitions(&self.shared.log)
    }

    /// How far consumer groups are, partition by partition.
    pub fn groups(&self) -> Result<Vec<(String, log_store::Lag)>> {
        groups(&self.shared.log)
    }

    /// The clients of the server in front of the engine, where there is one.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        connections(&self.shared)
    }

    /// Says how to find out who is connected.
    pub fn list_connections_by(
        &self,
        list: impl Fn() -> Vec<ConnectionInfo> + Send + Sync + 'static,
    ) {
        *self.shared.connections.write() = Some(Box::new(list));
    }
}

/// Persistent queries in the order of their creation.
pub(crate) fn persistent(shared: &Shared) -> Vec<QueryInfo> {
    let catalog = shared.catalog();
    catalog.queries.values().map(|query| of_entry(shared, &catalog, query)).collect()
}

fn of_entry(shared: &Shared, catalog: &Catalog, query: &QueryEntry) -> QueryInfo {
    let topic = |name: &String| catalog.sources.get(name).map(|source| source.topic.clone());
    let info = QueryInfo {
        id: query.id.clone(),
        sources: query.sources.clone(),
        source_topics: query.sources.iter().filter_map(topic).collect(),
        sink: query.sink.clone(),
        sink_topic: query.sink.as_ref().and_then(topic),
        statement: query.statement.clone(),
        ..unknown(QueryKind::Persistent)
    };
    match shared.scheduler.task(query.number) {
        Some(task) => of_task(info, &task),
        None => match queries::not_started(shared, catalog, query) {
            Some(failure) => QueryInfo { status: "ERROR", failure: Some(failure), ..info },
            None => info,
        },
    }
}

/// The queries of clients.
pub(crate) fn push(shared: &Shared) -> Vec<QueryInfo> {
    let tasks = shared.scheduler.push_tasks();
    let info = |task: &std::sync::Arc<Task>| QueryInfo {
        id: task.name().to_owned(),
        sources: task.sources().to_vec(),
        source_topics: task.topics().to_vec(),
        statement: task.statement().to_owned(),
        ..unknown(QueryKind::Push)
    };
    tasks.iter().map(|task| of_task(info(task), task)).collect()
}

fn of_task(info: QueryInfo, task: &Task) -> QueryInfo {
    let status = task.status();
    let name = status.name();
    let failure = match status {
        Status::Failed(reason) => Some(reason),
        _ => None,
    };
    QueryInfo { status: name, failure, ..info }.with(task.progress())
}

/// A query of which nothing is known yet.
fn unknown(kind: QueryKind) -> QueryInfo {
    QueryInfo {
        id: String::new(),
        kind,
        status: "STOPPED",
        failure: None,
        sources: Vec::new(),
        source_topics: Vec::new(),
        sink: None,
        sink_topic: None,
        statement: String::new(),
        records_in: 0,
        records_out: 0,
        errors: 0,
        late: 0,
        commits: 0,
        last_commit_ms: None,
        records_per_second: 0.0,
        lag: 0,
        lag_bytes: 0,
        lag_ms: 0,
        memory: 0,
    }
}

/// How far every query is in each partition that it reads.
pub(crate) fn positions(shared: &Shared) -> Vec<(String, Reading)> {
    tasks(shared).into_iter().flat_map(|task| of_query(&task, task.readings())).collect()
}

/// What persistent queries keep; everything is looked at.
pub(crate) fn stores(shared: &Shared) -> Result<Vec<(String, StoreInfo)>> {
    let persistent = tasks(shared).into_iter().filter(|task| task.id().is_persistent());
    let stores = persistent.map(|task| Ok(of_query(&task, task.stores()?)));
    Ok(stores.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn of_query<T>(task: &Task, things: Vec<T>) -> Vec<(String, T)> {
    things.into_iter().map(|thing| (task.name().to_owned(), thing)).collect()
}

fn tasks(shared: &Shared) -> Vec<std::sync::Arc<Task>> {
    let catalog = shared.catalog();
    let persistent = catalog.queries.keys().filter_map(|number| shared.scheduler.task(*number));
    persistent.chain(shared.scheduler.push_tasks()).collect()
}

/// The partitions of all topics but those that the store keeps for itself.
pub(crate) fn partitions(log: &LogStore) -> Vec<PartitionInfo> {
    let topics = log.topics();
    let partitions = topics.iter().flat_map(|topic| topic.partitions());
    let info = |partition: &std::sync::Arc<log_store::Partition>| PartitionInfo {
        partition: partition.topic_partition().clone(),
        start: partition.log_start_offset().0,
        end: partition.high_watermark().0,
        stable: partition.last_stable_offset().0,
        durable: partition.durable_offset().0,
        bytes: partition.size_bytes(),
        segments: partition.segment_count(),
        open_transactions: partition.open_transactions().len(),
        failure: partition.failure(),
    };
    partitions.map(info).collect()
}

/// How far consumer groups are, partition by partition.
pub(crate) fn groups(log: &LogStore) -> Result<Vec<(String, log_store::Lag)>> {
    let mut lags = Vec::new();
    for name in log.groups() {
        let of_group = log.group(&name)?.lag();
        lags.extend(of_group.into_iter().map(|lag| (name.clone(), lag)));
    }
    Ok(lags)
}

/// The clients of the server in front of the engine.
pub(crate) fn connections(shared: &Shared) -> Vec<ConnectionInfo> {
    shared.connections.read().as_ref().map(|list| list()).unwrap_or_default()
}
