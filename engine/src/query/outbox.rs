//! Rows of a push query on their way to its client.
//!
//! The query puts batches in and never waits: all that an epoch gives has room. A query whose
//! outbox is full gets no turns until the client has taken half of it, and one whose client has
//! left is over. So a client costs at most what is in its outbox and one epoch's output.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use arrow::record_batch::RecordBatch;
use futures::Stream;
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::scheduler::{Scheduler, TaskId};

/// As many batches are enough for the query to pause.
const BATCHES_MAX: usize = 64;

/// As many bytes are, too.
const BYTES_MAX: usize = 256 << 10;

#[derive(Default)]
struct Queue {
    batches: VecDeque<Result<RecordBatch>>,
    bytes: usize,
    /// Whether the query pauses until half of it has been taken.
    is_full: bool,
    /// Whether nothing follows.
    is_complete: bool,
    /// Whether the client has left.
    is_abandoned: bool,
    reader: Option<Waker>,
}

/// The query's end. When all of its clones are gone, the client has had everything.
#[derive(Clone)]
pub struct Outbox(Arc<Sender>);

struct Sender(Arc<Mutex<Queue>>);

/// The client's end. Dropping it ends the query.
pub struct Inbox {
    queue: Arc<Mutex<Queue>>,
    scheduler: Arc<Scheduler>,
    task: TaskId,
}

/// An outbox for a task, and what its client reads.
pub fn outbox(scheduler: &Arc<Scheduler>, task: TaskId) -> (Outbox, Inbox) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    let inbox = Inbox { queue: Arc::clone(&queue), scheduler: Arc::clone(scheduler), task };
    (Outbox(Arc::new(Sender(queue))), inbox)
}

impl Outbox {
    /// Adds rows. Fails where there is nobody left to take them.
    pub fn put(&self, rows: RecordBatch) -> Result<()> {
        let bytes = rows.get_array_memory_size();
        self.add(Ok(rows), bytes)
    }

    /// Tells the client why the query has ended.
    pub fn fail(&self, error: Error) {
        // Where the client has left, nobody asks.
        let _ = self.add(Err(error), 0);
    }

    fn add(&self, item: Result<RecordBatch>, bytes: usize) -> Result<()> {
        let reader = {
            let mut queue = self.0.0.lock();
            if queue.is_abandoned {
                return Err(Error::Cancelled);
            }
            queue.batches.push_back(item);
            queue.bytes += bytes;
            queue.is_full |= queue.bytes >= BYTES_MAX || queue.batches.len() >= BATCHES_MAX;
            queue.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Whether the query has to wait for its client.
    pub fn is_full(&self) -> bool {
        self.0.0.lock().is_full
    }

    /// Whether the client has left.
    pub fn is_abandoned(&self) -> bool {
        self.0.0.lock().is_abandoned
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let reader = {
            let mut queue = self.0.lock();
            queue.is_complete = true;
            queue.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Queue {
    fn take(&mut self) -> Option<Result<RecordBatch>> {
        let item = self.batches.pop_front()?;
        if let Ok(rows) = &item {
            self.bytes -= rows.get_array_memory_size();
        }
        Some(item)
    }

    /// Whether the query may go on after a pause.
    fn resumes(&mut self) -> bool {
        let is_low = self.bytes <= BYTES_MAX / 2 && self.batches.len() <= BATCHES_MAX / 2;
        let resumes = self.is_full && is_low;
        self.is_full &= !resumes;
        resumes
    }
}

impl Stream for Inbox {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = self.queue.lock();
        let Some(item) = queue.take() else {
            if queue.is_complete {
                return Poll::Ready(None);
            }
            queue.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        let resumes = queue.resumes();
        drop(queue);
        if resumes {
            self.scheduler.wake(self.task);
        }
        Poll::Ready(Some(item))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let left = {
            let mut queue = self.queue.lock();
            queue.is_abandoned = true;
            std::mem::take(&mut queue.batches)
        };
        drop(left);
        self.scheduler.discard(self.task);
    }
}
