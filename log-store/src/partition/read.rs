//! Reading from a partition.

use std::sync::Arc;

use super::Partition;
use crate::batch::{Attributes, Batch};
use crate::error::{Error, Result};
use crate::segment::Segment;
use crate::value::{Isolation, Offset, Timestamp};

/// How often a reader looks again for segments that are being replaced.
const LOOKS_MAX: usize = 10_000;

/// What a read gave.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Whole batches in the order of their offsets. The first may begin before the offset that was
    /// asked for.
    pub batches: Vec<Batch>,
    /// Where to go on: after the last batch, and after all that was left out behind it.
    pub next_offset: Offset,
}

/// Collects batches until there are enough.
struct Collector {
    from: Offset,
    end: Offset,
    bytes_left: usize,
    isolation: Isolation,
    fetched: Fetched,
}

impl Partition {
    /// Reads whole batches from the one that holds `from`, up to about `max_bytes` of them but at
    /// least one if there is any. At the end of what may be seen, nothing is read; wait for more
    /// with [`LogStore::subscribe`](crate::LogStore::subscribe).
    pub fn read(&self, from: Offset, max_bytes: usize, isolation: Isolation) -> Result<Fetched> {
        self.check_readable()?;
        let mut looks = 0;
        loop {
            looks += 1;
            let end = self.visible_end(from, isolation)?;
            let segments = self.segments_from(from);
            match self.collect_from(&segments, Collector::new(from, end, max_bytes, isolation)) {
                // Retention or compaction took a segment away before it was opened: look again.
                Err(_) if looks < LOOKS_MAX && any_retired(&segments) => std::thread::yield_now(),
                fetched => return fetched,
            }
        }
    }

    fn collect_from(&self, segments: &[Arc<Segment>], mut collector: Collector) -> Result<Fetched> {
        for segment in segments {
            if !self.collect(segment, &mut collector)? {
                break;
            }
        }
        Ok(collector.fetched)
    }

    /// The first offset whose record has a time stamp of `at` or later; nothing if there is none.
    pub fn offset_for_timestamp(&self, at: Timestamp) -> Result<Option<Offset>> {
        self.check_readable()?;
        let mut looks = 0;
        loop {
            looks += 1;
            let segments = self.segments_from(self.log_start_offset());
            match self.find_in(&segments, at) {
                Err(_) if looks < LOOKS_MAX && any_retired(&segments) => std::thread::yield_now(),
                found => return found,
            }
        }
    }

    fn find_in(&self, segments: &[Arc<Segment>], at: Timestamp) -> Result<Option<Offset>> {
        for segment in segments.iter().filter(|segment| segment.max_timestamp() >= at) {
            if let Some(found) = self.find_timestamp(segment, at)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// How far a reader may see; an error if `from` is not between there and the log start.
    fn visible_end(&self, from: Offset, isolation: Isolation) -> Result<Offset> {
        let high_watermark = self.high_watermark();
        if from < self.log_start_offset() || from > high_watermark {
            return Err(self.out_of_range(from));
        }
        if let Some(damage) = self.damage.get().filter(|_| from == high_watermark) {
            return Err(Error::corrupt(&damage.path, damage.position, "a batch", &damage.found));
        }
        Ok(match isolation {
            Isolation::ReadCommitted => self.last_stable_offset(),
            Isolation::ReadUncommitted | Isolation::Everything => high_watermark,
        })
    }

    pub(super) fn out_of_range(&self, found: Offset) -> Error {
        Error::OffsetOutOfRange {
            partition: self.name.clone(),
            found,
            start: self.log_start_offset(),
            end: self.high_watermark(),
        }
    }

    /// The segment that holds `from`, and those after it.
    pub(super) fn segments_from(&self, from: Offset) -> Vec<Arc<Segment>> {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.base() <= from);
        segments[after.saturating_sub(1)..].to_vec()
    }

    /// Takes batches of one segment; says whether to go on with the next.
    fn collect(&self, segment: &Arc<Segment>, collector: &mut Collector) -> Result<bool> {
        let end = segment.len();
        if end == 0 || segment.base() >= collector.end {
            return Ok(segment.base() < collector.end);
        }
        let open = segment.open()?;
        let mut position = segment.position_before(&open, collector.from);
        while let Some(batch) = segment.next_batch(&*open.file, position, end)? {
            if !collector.wants_more(&batch) {
                return Ok(false);
            }
            if batch.last_offset() >= collector.from {
                segment.verify(&batch, position)?;
                position += batch.size_bytes() as u64;
                let aborted = collector.isolation == Isolation::ReadCommitted
                    && self.aborted.read().covers(&batch);
                collector.take(batch, aborted);
            } else {
                position += batch.size_bytes() as u64;
            }
        }
        Ok(true)
    }

    fn find_timestamp(&self, segment: &Arc<Segment>, at: Timestamp) -> Result<Option<Offset>> {
        let open = segment.open()?;
        let (end, start) = (segment.len(), self.log_start_offset());
        let mut position = segment.position_before(&open, segment.offset_before(&open, at));
        while let Some(batch) = segment.next_batch(&*open.file, position, end)? {
            if batch.base_offset() >= self.high_watermark() {
                return Ok(None);
            }
            if batch.max_timestamp() >= at && batch.last_offset() >= start && !batch.is_control() {
                segment.verify(&batch, position)?;
                if let Some(found) = first_at(&batch, at, start)? {
                    return Ok(Some(found));
                }
            }
            position += batch.size_bytes() as u64;
        }
        Ok(None)
    }
}

pub(super) fn any_retired(segments: &[Arc<Segment>]) -> bool {
    segments.iter().any(|segment| segment.is_retired())
}

/// The first record of a batch that is not older than `at`. The rows of a columnar batch have their
/// time stamps where the log store does not look: the batch's first offset is the answer.
fn first_at(batch: &Batch, at: Timestamp, start: Offset) -> Result<Option<Offset>> {
    if batch.attributes().has(Attributes::COLUMNAR) {
        return Ok(Some(batch.base_offset().max(start)));
    }
    for record in batch.records()?.iter() {
        let record = record?;
        if record.timestamp >= at && record.offset >= start {
            return Ok(Some(record.offset));
        }
    }
    Ok(None)
}

impl Collector {
    fn new(from: Offset, end: Offset, max_bytes: usize, isolation: Isolation) -> Collector {
        let fetched = Fetched { batches: Vec::new(), next_offset: from };
        Collector { from, end, bytes_left: max_bytes, isolation, fetched }
    }

    fn wants_more(&self, batch: &Batch) -> bool {
        let enough = !self.fetched.batches.is_empty() && batch.size_bytes() > self.bytes_left;
        batch.base_offset() < self.end && !enough
    }

    fn take(&mut self, batch: Batch, aborted: bool) {
        self.fetched.next_offset = batch.next_offset().max(self.from);
        let hidden = aborted || (batch.is_control() && self.isolation != Isolation::Everything);
        if hidden || batch.record_count() == 0 {
            return;
        }
        self.bytes_left = self.bytes_left.saturating_sub(batch.size_bytes());
        self.fetched.batches.push(batch);
    }
}
