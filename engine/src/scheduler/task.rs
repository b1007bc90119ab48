//! One query that has been started.

use std::cmp::Ordering;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::progress::{Measured, Progress, Reading};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::pipeline::{Measure, Pipeline, RawRecord, StoreInfo, Stores};
use crate::query::Outbox;
use crate::state::WriteBatch;

/// Which task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskId {
    /// A persistent query, by its number in the catalog.
    Persistent(u32),
    /// A push query, counted since the engine was opened.
    Push(u64),
}

/// A query that has been started.
pub struct Task {
    id: TaskId,
    /// The id of the query.
    name: String,
    topics: Vec<String>,
    /// Of a push query: the streams and tables that it reads, and its text.
    asked: Asked,
    pipeline: Mutex<Pipeline>,
    stores: Stores,
    /// Where a push query's rows go.
    outbox: Option<Outbox>,
    status: Mutex<Status>,
    measured: Mutex<Measured>,
    clock: Arc<dyn Clock>,
    started: Instant,
}

/// What a client asks for in a push query.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The streams and tables that it reads.
    pub sources: Vec<String>,
    /// The query as it was written.
    pub statement: String,
}

/// Whether a query runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It takes its turns.
    Running,
    /// It was paused.
    Paused,
    /// It was stopped by an error.
    Failed(String),
}

/// What came of a task's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It had something to do, and may have more.
    Worked,
    /// It had nothing to do, or may do nothing now; somebody will wake it.
    Idle,
    /// It has come to its end.
    Over,
}

impl TaskId {
    /// Whether it is that of a persistent query.
    pub fn is_persistent(self) -> bool {
        matches!(self, Self::Persistent(_))
    }
}

impl Ord for TaskId {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Persistent(one), Self::Persistent(other)) => one.cmp(other),
            (Self::Push(one), Self::Push(other)) => one.cmp(other),
            (Self::Persistent(_), Self::Push(_)) => Ordering::Less,
            (Self::Push(_), Self::Persistent(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for TaskId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Persistent(number) => write!(f, "QUERY_{number}"),
            Self::Push(number) => write!(f, "PUSH_{number}"),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => write!(f, "{}: {reason}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

impl Status {
    /// The status in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Failed(_) => "ERROR",
        }
    }
}

impl Task {
    /// A task of the catalog.
    pub fn persistent(
        topics: Vec<String>,
        pipeline: Pipeline,
        status: Status,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let id = TaskId::Persistent(pipeline.number());
        Self::new(id, topics, pipeline, status, clock)
    }

    /// A task whose rows go to a client, until it has left or has enough.
    pub fn push(
        id: TaskId,
        asked: Asked,
        topics: Vec<String>,
        pipeline: Pipeline,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let task = Self::new(id, topics, pipeline, Status::Running, clock);
        Self { outbox: Some(outbox), asked, ..task }
    }

    fn new(
        id: TaskId,
        topics: Vec<String>,
        pipeline: Pipeline,
        status: Status,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            id,
            name: pipeline.id().to_owned(),
            topics,
            asked: Asked::default(),
            stores: pipeline.stores(),
            measured: Mutex::new(Measured::of(&pipeline)),
            pipeline: Mutex::new(pipeline),
            outbox: None,
            status: Mutex::new(status),
            clock,
            started: Instant::now(),
        }
    }

    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The id of the query.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The topics that it reads.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// The streams and tables that a push query reads.
    pub fn sources(&self) -> &[String] {
        &self.asked.sources
    }

    /// The text of a push query.
    pub fn statement(&self) -> &str {
        &self.asked.statement
    }

    /// Processes one record past the log.
    pub fn feed(&self, topic: &str, record: &RawRecord<'_>) -> Result<()> {
        let mut pipeline = self.pipeline.lock();
        let fed = pipeline.feed(topic, record);
        self.measured.lock().note(&pipeline, self.clock.now_ms());
        if let Err(error) = &fed {
            self.set_status(Status::Failed(error.message()));
        }
        fed
    }

    /// Keeps it from going on for as long as this is held: it stands at a commit.
    pub fn hold(&self) -> MutexGuard<'_, Pipeline> {
        self.pipeline.lock()
    }

    /// Whether it runs.
    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// Whether an error has stopped it.
    pub fn has_failed(&self) -> bool {
        matches!(*self.status.lock(), Status::Failed(_))
    }

    /// Brings the transaction of a commit that has failed to its end.
    pub fn decide(&self) -> Result<()> {
        self.pipeline.lock().decide()
    }

    /// Lets the state store forget its transactions, once it is taken out.
    pub fn forget_transactions(&self, batch: &mut WriteBatch) {
        self.pipeline.lock().forget_transactions(batch);
    }

    /// Pauses, resumes or restarts it.
    pub fn set_status(&self, status: Status) {
        *self.status.lock() = status;
    }

    /// How far it is, as of its last turn.
    pub fn progress(&self) -> Progress {
        self.measured.lock().progress(self.clock.now_ms())
    }

    /// How far it is in each partition that it reads, as of its last turn.
    pub fn readings(&self) -> Vec<Reading> {
        self.measured.lock().readings(self.clock.now_ms())
    }

    /// Its stores and the rows of its table, with what they hold as of the last commit.
    pub fn stores(&self) -> Result<Vec<StoreInfo>> {
        self.stores.measure()
    }

    /// What went through the nodes of its plan, and for how long it has been there.
    pub fn measures(&self) -> Result<(Vec<Measure>, Duration)> {
        Ok((self.pipeline.lock().measures()?, self.started.elapsed()))
    }

    /// One epoch, unless it does not run or its client has not taken what is there.
    pub fn advance(&self) -> Turn {
        if *self.status.lock() != Status::Running {
            return Turn::Idle;
        }
        match &self.outbox {
            Some(outbox) if outbox.is_abandoned() => return Turn::Over,
            Some(outbox) if outbox.is_full() => return Turn::Idle,
            _ => {}
        }
        let mut pipeline = self.pipeline.lock();
        let advanced = guarded(|| pipeline.advance());
        if !matches!(advanced, Ok(false)) {
            self.measured.lock().note(&pipeline, self.clock.now_ms());
        }
        drop(pipeline);
        match advanced {
            Ok(true) => Turn::Worked,
            Ok(false) => Turn::Idle,
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: Error) -> Turn {
        match &self.outbox {
            None => {
                tracing::error!(query = self.name, %error, "query stopped");
                self.set_status(Status::Failed(error.message()));
                Turn::Idle
            }
            // The client has left, or has as many rows as it wanted.
            Some(_) if matches!(error, Error::Cancelled) => Turn::Over,
            Some(outbox) => {
                outbox.fail(error);
                Turn::Over
            }
        }
    }

    /// Tells the client of a push query that it will get no more.
    pub fn end(&self) {
        self.outbox.iter().for_each(|outbox| outbox.fail(Error::Cancelled));
    }
}

/// Does work that must not take its thread with it, which belongs to all queries.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Error::Internal(format!(
            "the query panicked: {}",
            text.unwrap_or("for no reason told")
        )))
    })
}
