//! What every part of one open store shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::io::{Io, ThriftyIo};
use crate::segment::SegmentCache;
use crate::subscription::Notifier;
use crate::value::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since_1970.as_millis() as i64)
    })
}

/// Files, clock, open segments and listeners of a store.
pub(crate) struct Env {
    pub(crate) io: Arc<dyn Io>,
    pub(crate) clock: Clock,
    pub(crate) cache: Arc<SegmentCache>,
    pub(crate) notifier: Arc<Notifier>,
    closing: AtomicBool,
    closed: AtomicBool,
}

impl Env {
    pub(crate) fn new(io: Arc<dyn Io>, clock: Clock, open_segments_max: usize) -> Env {
        let cache = Arc::new(SegmentCache::new(open_segments_max));
        Env {
            io: Arc::new(ThriftyIo::new(io, cache.clone())),
            clock,
            cache,
            notifier: Arc::default(),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Asks long work to come to an end.
    pub(crate) fn begin_close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }
}
