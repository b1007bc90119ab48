//! Who runs next: a small pool of threads for all queries.
//!
//! A query is woken when one of its topics is appended to. A thread takes a woken query, runs
//! one epoch and, if there was something to do, puts it back at the end of the line. A query
//! without input costs nothing.
//!
//! ```text
//!   idle ──append──▶ woken ──thread──▶ running ──nothing to do──▶ idle
//!                      ▲                  │
//!                      └──did something───┤
//!                                         └──error──▶ failed
//! ```

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use log_store::{Interest, LogStore, Registration};
use parking_lot::{Condvar, Mutex};

use crate::engine::Workers;
use crate::error::Result;
use crate::pipeline::{Counters, Measure, Pipeline, RawRecord, StoreInfo};

/// A query that has been started.
pub struct Task {
    number: u32,
    topics: Vec<String>,
    pipeline: Mutex<Pipeline>,
    status: Mutex<Status>,
    started: Instant,
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

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("RUNNING"),
            Self::Paused => f.write_str("PAUSED"),
            Self::Failed(reason) => write!(f, "ERROR: {reason}"),
        }
    }
}

/// What is known of a task without disturbing it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Its counters.
    pub counters: Counters,
    /// Records that it has not read yet.
    pub lag: u64,
    /// Bytes of memory that its state holds.
    pub memory: usize,
}

impl Task {
    /// Processes one record past the log.
    pub fn feed(&self, topic: &str, record: &RawRecord<'_>) -> Result<()> {
        let fed = self.pipeline.lock().feed(topic, record);
        if let Err(error) = &fed {
            *self.status.lock() = Status::Failed(error.message());
        }
        fed
    }

    /// Whether it runs.
    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let pipeline = self.pipeline.lock();
        let lag = pipeline.positions().map(|(_, at, end)| end.saturating_sub(at).max(0) as u64);
        Progress { counters: pipeline.counters(), lag: lag.sum(), memory: pipeline.memory() }
    }

    /// Its stores, with what they hold as of the last commit.
    pub fn stores(&self) -> Result<Vec<StoreInfo>> {
        self.pipeline.lock().stores()
    }

    /// What went through the nodes of its plan, and for how long it has been there.
    pub fn measures(&self) -> Result<(Vec<Measure>, Duration)> {
        Ok((self.pipeline.lock().measures()?, self.started.elapsed()))
    }

    /// One epoch. Says whether there was something to do.
    fn advance(&self) -> bool {
        if *self.status.lock() != Status::Running {
            return false;
        }
        match self.pipeline.lock().advance() {
            Ok(worked) => worked,
            Err(error) => {
                tracing::error!(query = self.number, %error, "query stopped");
                *self.status.lock() = Status::Failed(error.message());
                false
            }
        }
    }
}

#[derive(Default)]
struct Line {
    tasks: BTreeMap<u32, Arc<Task>>,
    by_topic: HashMap<String, Vec<u32>>,
    woken: VecDeque<u32>,
    waiting: HashSet<u32>,
    running: HashSet<u32>,
    stopped: bool,
}

/// Runs queries.
pub struct Scheduler {
    line: Mutex<Line>,
    changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
    registration: Mutex<Option<Registration>>,
}

impl Scheduler {
    /// Starts the threads.
    pub fn start(log: &LogStore, workers: Workers) -> Arc<Self> {
        let scheduler = Arc::new(Self {
            line: Mutex::default(),
            changed: Condvar::new(),
            threads: Mutex::default(),
            registration: Mutex::default(),
        });
        let Workers::Threads(count) = workers else { return scheduler };
        let weak: Weak<Self> = Arc::downgrade(&scheduler);
        let registration = log.on_append(
            Interest::AllTopics,
            Box::new(move |partition| {
                if let Some(scheduler) = weak.upgrade() {
                    scheduler.wake_readers(&partition.topic);
                }
            }),
        );
        *scheduler.registration.lock() = Some(registration);
        let threads = (0..count.max(1)).map(|index| {
            let worker = Arc::clone(&scheduler);
            let builder = std::thread::Builder::new().name(format!("query-{index}"));
            builder.spawn(move || worker.work()).expect("the system can start a thread")
        });
        *scheduler.threads.lock() = threads.collect();
        scheduler
    }

    /// Adds a query and wakes it.
    pub fn add(&self, topics: Vec<String>, pipeline: Pipeline, status: Status) {
        let number = pipeline.number();
        let (pipeline, status) = (Mutex::new(pipeline), Mutex::new(status));
        let task = Task { number, topics, pipeline, status, started: Instant::now() };
        let mut line = self.line.lock();
        for topic in &task.topics {
            line.by_topic.entry(topic.clone()).or_default().push(number);
        }
        line.tasks.insert(number, Arc::new(task));
        line.wake(number);
        self.changed.notify_all();
    }

    /// Takes a query out; returns when it has finished its epoch.
    pub fn remove(&self, number: u32) {
        let mut line = self.line.lock();
        line.by_topic.values_mut().for_each(|queries| queries.retain(|query| *query != number));
        line.tasks.remove(&number);
        while line.running.contains(&number) {
            self.changed.wait(&mut line);
        }
    }

    /// The task of a query.
    pub fn task(&self, number: u32) -> Option<Arc<Task>> {
        self.line.lock().tasks.get(&number).cloned()
    }

    /// Pauses or resumes a query, or starts one again that has failed.
    pub fn set_status(&self, number: u32, status: Status) {
        let mut line = self.line.lock();
        if let Some(task) = line.tasks.get(&number) {
            *task.status.lock() = status;
            line.wake(number);
            self.changed.notify_all();
        }
    }

    fn wake_readers(&self, topic: &str) {
        let mut line = self.line.lock();
        let readers = line.by_topic.get(topic).cloned().unwrap_or_default();
        if !readers.is_empty() {
            readers.into_iter().for_each(|number| line.wake(number));
            self.changed.notify_all();
        }
    }

    /// A thread's life.
    fn work(&self) {
        let mut line = self.line.lock();
        while !line.stopped {
            let Some(task) = line.next() else {
                self.changed.wait(&mut line);
                continue;
            };
            drop(line);
            let worked = task.advance();
            line = self.line.lock();
            line.running.remove(&task.number);
            if worked {
                line.wake(task.number);
            }
            self.changed.notify_all();
        }
    }

    /// Runs all queries on the caller's thread, in the order of their creation, until none has
    /// anything to do.
    pub fn run_until_idle(&self) -> Result<()> {
        loop {
            let tasks: Vec<Arc<Task>> = self.line.lock().tasks.values().cloned().collect();
            let mut worked = false;
            for task in tasks {
                while task.advance() {
                    worked = true;
                }
            }
            if !worked {
                return Ok(());
            }
        }
    }

    /// Waits until no query is woken or running.
    pub fn wait_until_idle(&self) {
        let mut line = self.line.lock();
        while !(line.stopped || line.woken.is_empty() && line.running.is_empty()) {
            self.changed.wait(&mut line);
        }
    }

    /// Ends the threads; each finishes its epoch first.
    pub fn stop(&self) {
        self.line.lock().stopped = true;
        self.changed.notify_all();
        drop(self.registration.lock().take());
        let own = std::thread::current().id();
        for thread in self.threads.lock().drain(..).filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a query's thread panicked");
            }
        }
    }
}

impl Line {
    fn wake(&mut self, number: u32) {
        if self.tasks.contains_key(&number) && self.waiting.insert(number) {
            self.woken.push_back(number);
        }
    }

    /// The next query that no thread is running.
    fn next(&mut self) -> Option<Arc<Task>> {
        for _ in 0..self.woken.len() {
            let number = self.woken.pop_front()?;
            if self.running.contains(&number) {
                self.woken.push_back(number);
                continue;
            }
            self.waiting.remove(&number);
            if let Some(task) = self.tasks.get(&number).cloned() {
                self.running.insert(number);
                return Some(task);
            }
        }
        None
    }
}
