//! What a reader that stands at an offset has before it: for whoever wants to know how far behind
//! it is.

use std::sync::Arc;

use super::Partition;
use super::read::any_retired;
use crate::error::Result;
use crate::segment::Segment;
use crate::value::{Offset, Timestamp};

/// How often to look again for segments that are being replaced.
const LOOKS_MAX: usize = 100;

/// What lies between an offset and the end of what may be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Offsets; records that were compacted away and markers of transactions count too.
    pub records: u64,
    /// Bytes, from the beginning of the batch that holds the offset.
    pub bytes: u64,
    /// The time stamp of the first record in the batch that is read next.
    pub oldest: Option<Timestamp>,
}

impl Partition {
    /// What a reader of committed records finds from `from` on; no record is looked at.
    pub fn unread(&self, from: Offset) -> Result<Unread> {
        self.check_readable()?;
        let from = from.max(self.log_start_offset());
        let end = self.last_stable_offset();
        if from >= end {
            return Ok(Unread::default());
        }
        let mut looks = 0;
        loop {
            looks += 1;
            let segments = self.segments_from(from);
            match measure(&segments, from, end) {
                Err(_) if looks < LOOKS_MAX && any_retired(&segments) => std::thread::yield_now(),
                measured => return measured,
            }
        }
    }
}

fn measure(segments: &[Arc<Segment>], from: Offset, end: Offset) -> Result<Unread> {
    let mut unread = Unread { records: (end - from).max(0) as u64, ..Unread::default() };
    for segment in segments {
        let len = segment.len();
        if unread.oldest.is_some() {
            unread.bytes += len;
            continue;
        }
        let open = segment.open()?;
        let mut position = segment.position_before(&open, from);
        let mut before = None;
        while let Some(batch) = segment.next_batch(&*open.file, position, len)? {
            if batch.last_offset() >= from {
                before.get_or_insert(position);
                if !batch.is_control() {
                    unread.oldest = Some(batch.base_timestamp());
                    break;
                }
            }
            position += batch.size_bytes() as u64;
        }
        unread.bytes += before.map_or(0, |before| len - before);
    }
    Ok(unread)
}
