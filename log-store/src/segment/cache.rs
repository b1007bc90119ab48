//! Which segments are open, so that their number stays within a bound.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, ReentrantMutex};

use super::Segment;

/// Keeps the number of open segments within a bound.
pub(crate) struct SegmentCache {
    open_max: usize,
    clock: AtomicU64,
    open: Mutex<Vec<Weak<Segment>>>,
    making_room: ReentrantMutex<Cell<bool>>,
}

impl SegmentCache {
    pub(crate) fn new(open_max: usize) -> SegmentCache {
        SegmentCache {
            open_max: open_max.max(1),
            clock: AtomicU64::new(0),
            open: Mutex::default(),
            making_room: ReentrantMutex::default(),
        }
    }

    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes note that a segment was opened, and closes the one that was used longest ago.
    pub(super) fn opened(&self, segment: &Arc<Segment>) {
        let victim = {
            let mut open = self.open.lock();
            open.retain(|known| {
                known
                    .upgrade()
                    .is_some_and(|known| !Arc::ptr_eq(&known, segment) && known.is_open())
            });
            let oldest = open
                .iter()
                .filter_map(Weak::upgrade)
                .min_by_key(|s| s.touched.load(Ordering::Relaxed));
            let full = open.len() >= self.open_max;
            open.push(Arc::downgrade(segment));
            oldest.filter(|_| full)
        };
        if let Some(victim) = victim {
            victim.close_if_idle();
        }
    }

    /// Closes every segment that nobody is at work on, for a process that has no handle left. Says
    /// whether it was done: closing a segment may itself ask for a handle, and nothing more can be
    /// done for that.
    pub(crate) fn make_room(&self) -> bool {
        let under_way = self.making_room.lock();
        if under_way.replace(true) {
            return false;
        }
        let open: Vec<Arc<Segment>> = self.open.lock().iter().filter_map(Weak::upgrade).collect();
        open.iter().for_each(|segment| segment.give_up_if_idle());
        under_way.set(false);
        true
    }
}
