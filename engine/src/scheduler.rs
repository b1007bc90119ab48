//! Who runs next: a small pool of threads for all queries, persistent ones and push queries.
//!
//! A task is woken when one of its topics is appended to. A thread takes a woken task, runs one
//! epoch and, if there was something to do, puts it back at the end of the line. A task without
//! input costs nothing, and neither does a push query whose client takes nothing: it is parked
//! until there is room for rows again.
//!
//! ```text
//!   idle ──append──▶ woken ──thread──▶ running ──nothing to do──▶ idle
//!                     ▲ ▲                 │
//!                     │ └──did something──┤
//!                     │                   ├──the client is full──▶ parked
//!                     └──client took rows─┼────────────────────────────┘
//!                                         ├──error──▶ failed
//!                                         └──client left, LIMIT──▶ gone
//! ```
//!
//! Persistent queries and push queries stand in lines of their own, and threads take from them in
//! turn: however many there are of one kind, the other gets half of the threads' time.

mod line;
mod progress;
mod task;

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use log_store::{Interest, LogStore, Registration};
use parking_lot::{Condvar, Mutex};

use crate::engine::Workers;
use crate::error::Result;
use line::Line;

pub use progress::{Lag, Progress, Reading};
pub use task::{Asked, Status, Task, TaskId, Turn};

/// Runs queries.
pub struct Scheduler {
    line: Mutex<Line>,
    changed: Condvar,
    workers: Workers,
    threads: Mutex<Vec<JoinHandle<()>>>,
    registration: Mutex<Option<Registration>>,
}

impl Scheduler {
    /// Starts the threads. Where the caller moves the persistent queries, one thread is there for
    /// push queries, which nobody else would move.
    pub fn start(log: &LogStore, workers: Workers) -> Arc<Self> {
        let scheduler = Arc::new(Self {
            line: Mutex::new(Line::new(workers)),
            changed: Condvar::new(),
            workers,
            threads: Mutex::default(),
            registration: Mutex::default(),
        });
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
        if let Workers::Threads(count) = workers {
            scheduler.start_threads(count.max(1));
        }
        scheduler
    }

    /// Starts threads until there are that many.
    fn start_threads(self: &Arc<Self>, count: usize) {
        let mut threads = self.threads.lock();
        for index in threads.len()..count {
            let worker = Arc::clone(self);
            let builder = std::thread::Builder::new().name(format!("query-{index}"));
            let thread = builder.spawn(move || worker.work());
            threads.push(thread.expect("the system can start a thread"));
        }
    }

    /// Adds a task and wakes it.
    pub fn add(self: &Arc<Self>, task: Task) {
        if self.workers == Workers::Manual && !task.id().is_persistent() {
            self.start_threads(1);
        }
        self.line.lock().add(Arc::new(task));
        self.changed.notify_all();
    }

    /// Takes a persistent query out; returns when it has finished its epoch.
    pub fn remove(&self, number: u32) {
        let id = TaskId::Persistent(number);
        let mut line = self.line.lock();
        line.remove(id);
        while line.is_running(id) {
            self.changed.wait(&mut line);
        }
    }

    /// Takes a task out; an epoch that runs goes on to its end.
    pub fn discard(&self, id: TaskId) {
        let task = self.line.lock().remove(id);
        self.changed.notify_all();
        // What it holds may be much, and goes when nobody waits for the line.
        drop(task);
    }

    /// The task of a persistent query.
    pub fn task(&self, number: u32) -> Option<Arc<Task>> {
        self.line.lock().task(TaskId::Persistent(number))
    }

    /// The push queries in the order in which they were started.
    pub fn push_tasks(&self) -> Vec<Arc<Task>> {
        self.line.lock().tasks().filter(|task| !task.id().is_persistent()).cloned().collect()
    }

    /// A number for a push query, which no other has had.
    pub fn next_push(&self) -> TaskId {
        self.line.lock().next_push()
    }

    /// The tasks of all queries, by number.
    pub fn tasks(&self) -> Vec<Arc<Task>> {
        self.line.lock().tasks().cloned().collect()
    }

    /// Pauses or resumes a query. One that has failed stays so: what it has in memory is not what
    /// was committed.
    pub fn set_status(&self, number: u32, status: Status) {
        let id = TaskId::Persistent(number);
        let mut line = self.line.lock();
        if let Some(task) = line.task(id).filter(|task| !task.has_failed()) {
            task.set_status(status);
            line.wake(id);
            self.changed.notify_all();
        }
    }

    /// Lets a task have its turn, because its client has taken rows.
    pub fn wake(&self, id: TaskId) {
        self.line.lock().wake(id);
        // One might be whoever waits until all is idle.
        self.changed.notify_all();
    }

    fn wake_readers(&self, topic: &str) {
        if self.line.lock().wake_readers(topic) {
            self.changed.notify_all();
        }
    }

    /// A thread's life.
    fn work(&self) {
        let mut line = self.line.lock();
        while !line.is_stopped() {
            let Some(task) = line.next() else {
                self.changed.wait(&mut line);
                continue;
            };
            drop(line);
            let turn = task.advance();
            line = self.line.lock();
            let gone = line.put_back(task.id(), turn);
            self.changed.notify_all();
            if gone.is_some() || Arc::strong_count(&task) == 1 {
                drop(line);
                drop((gone, task));
                line = self.line.lock();
            }
        }
    }

    /// Runs all persistent queries on the caller's thread, in the order of their creation, until
    /// none has anything to do.
    pub fn run_until_idle(&self) -> Result<()> {
        loop {
            let tasks = self.tasks();
            let mut worked = false;
            for task in tasks.iter().filter(|task| task.id().is_persistent()) {
                while task.advance() == Turn::Worked {
                    worked = true;
                }
            }
            if !worked {
                return Ok(());
            }
        }
    }

    /// Waits until no persistent query is woken or running.
    pub fn wait_until_idle(&self) {
        let mut line = self.line.lock();
        while !(line.is_stopped() || line.is_idle()) {
            self.changed.wait(&mut line);
        }
    }

    /// Ends the threads, each of which finishes its epoch first, and the push queries.
    pub fn stop(&self) {
        let ended = self.line.lock().stop();
        self.changed.notify_all();
        ended.iter().for_each(|task| task.end());
        drop(ended);
        drop(self.registration.lock().take());
        let own = std::thread::current().id();
        for thread in self.threads.lock().drain(..).filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a query's thread panicked");
            }
        }
    }
}
