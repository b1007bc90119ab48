//! The upkeep of a store: flushing by interval, checkpoints, retention, compaction.
//!
//! A round looks at every partition and does what is due. It never holds up appends, and may be
//! interrupted at any point. What fails is logged and tried again with the next round.
//!
//! Flushing has a thread of its own: the compaction of one large partition must not stretch the time
//! within which the records of all others are durable.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::error::Result;
use crate::log_store::Inner;

/// How often a round begins.
const ROUND: Duration = Duration::from_millis(200);

/// Who does the upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// Two threads of the store.
    Background,
    /// Whoever calls [`LogStore::maintain`](crate::LogStore::maintain).
    Manual,
}

/// The threads; dropping them waits until their rounds are over.
pub(crate) struct Worker {
    stop: Arc<StopSign>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct StopSign {
    raised: Mutex<bool>,
    changed: Condvar,
}

/// What a thread does, round by round.
type Duty = fn(&Inner) -> Result<()>;

impl Worker {
    pub(crate) fn spawn(store: Weak<Inner>) -> io::Result<Worker> {
        let mut worker = Worker { stop: Arc::default(), threads: Vec::new() };
        worker.start("log-flush", store.clone(), Inner::flush_due)?;
        worker.start("log-upkeep", store, Inner::maintain)?;
        Ok(worker)
    }

    fn start(&mut self, name: &str, store: Weak<Inner>, duty: Duty) -> io::Result<()> {
        let stop = self.stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&store, &stop, duty))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        *self.stop.raised.lock() = true;
        self.stop.changed.notify_all();
        let this = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != this) {
            if thread.join().is_err() {
                tracing::error!("the log store's upkeep ended in a panic");
            }
        }
    }
}

fn run(store: &Weak<Inner>, stop: &StopSign, duty: Duty) {
    let mut known = String::new();
    while !stop.raised_within(ROUND) {
        let Some(store) = store.upgrade() else { return };
        let fault = duty(&store).err().map(|error| error.to_string()).unwrap_or_default();
        // What stays wrong is said once, not with every round.
        if !fault.is_empty() && fault != known {
            tracing::warn!(error = fault, "upkeep of the log store");
        }
        known = fault;
    }
}

impl StopSign {
    fn raised_within(&self, time: Duration) -> bool {
        let mut raised = self.raised.lock();
        if !*raised {
            self.changed.wait_for(&mut raised, time);
        }
        *raised
    }
}

impl Inner {
    /// One round over all partitions. The first error is given, after the round.
    pub(crate) fn maintain(&self) -> Result<()> {
        let mut first_error = Ok(());
        for partition in self.partitions() {
            first_error = first_error.and(partition.maintain());
        }
        first_error.and(self.coordinator().maintain())
    }

    /// Makes durable what has waited for its time. The first error is given, after the round.
    fn flush_due(&self) -> Result<()> {
        let mut first_error = Ok(());
        for partition in self.partitions() {
            first_error = first_error.and(partition.flush_due());
        }
        first_error
    }
}
