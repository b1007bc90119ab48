//! Removing old records: by retention, and because somebody said so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Partition;
use crate::error::Result;
use crate::retention::{SegmentFacts, retention};
use crate::segment::Segment;
use crate::value::{Offset, Timestamp};

impl Partition {
    /// Makes all records below `before` unreadable, for ever. Gives the new log start offset.
    pub fn delete_records(&self, before: Offset) -> Result<Offset> {
        self.check_writable()?;
        if before > self.high_watermark() {
            return Err(self.out_of_range(before));
        }
        let _upkeep = self.upkeep.lock();
        self.log_start.fetch_max(before.0, Ordering::AcqRel);
        self.checkpoint_in_upkeep()?;
        Ok(self.log_start_offset())
    }

    /// Removes the segments that need not be kept.
    pub(super) fn apply_retention(&self, now: Timestamp) -> Result<()> {
        let config = self.config();
        let decided = retention(
            &self.segment_facts(),
            config.values(),
            self.log_start_offset(),
            self.last_stable_offset(),
            now,
        );
        if decided.roll {
            self.roll()?;
        }
        if decided.remove > 0 { self.remove_oldest(decided.remove) } else { Ok(()) }
    }

    fn segment_facts(&self) -> Vec<SegmentFacts> {
        let end = self.high_watermark();
        let segments = self.segments.read();
        let ends = segments.iter().skip(1).map(|next| next.base()).chain([end]);
        let facts = segments.iter().zip(ends).map(|(segment, end)| SegmentFacts {
            end,
            bytes: segment.len(),
            max_timestamp: segment.max_timestamp(),
        });
        facts.collect()
    }

    /// The checkpoint forgets the segments before their files go: should the files outlive a
    /// crash, they are known to be left over. Where it cannot be written, on a full disk say, the
    /// segments stay on the list for the next round.
    fn remove_oldest(&self, count: usize) -> Result<()> {
        let _upkeep = self.upkeep.lock();
        let Some(first) = self.first_after(count) else { return Ok(()) };
        self.log_start.fetch_max(first.0, Ordering::AcqRel);
        self.aborted.write().forget_before(self.log_start_offset());
        self.checkpoint_from(first)?;
        let removed: Vec<Arc<Segment>> = {
            let mut segments = self.segments.write();
            let count = segments.partition_point(|segment| segment.base() < first);
            segments.drain(..count).collect()
        };
        let mut first_error = Ok(());
        for segment in removed {
            first_error = first_error.and(segment.remove());
        }
        first_error
    }

    /// Where the log begins without its `count` oldest segments. The last one is being written to
    /// and stays.
    fn first_after(&self, count: usize) -> Option<Offset> {
        let segments = self.segments.read();
        segments.get(count.min(segments.len().saturating_sub(1))).map(|segment| segment.base())
    }
}
