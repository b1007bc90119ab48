//! The checkpoint of a partition: what recovery need not find out from the log again.
//!
//! It says that the log up to some offset is durable, in which segments, and what the producers and
//! transactions were there. It is one line of JSON and one with its CRC-32C in hexadecimal, replaced
//! as a whole. A checkpoint is a short cut: without one, or with a damaged one, everything is read
//! from the log.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Partition;
use super::compact::Cleaned;
use crate::atomic_file::replace_file;
use crate::error::{IoContext, Result};
use crate::io::{Access, Io};
use crate::producer::{AbortedTransaction, Producer};
use crate::segment::{Segment, SegmentExtent};
use crate::value::{Offset, Timestamp};

pub(super) const FILE: &str = "checkpoint";
const VERSION: u32 = 1;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    version: u32,
    pub(super) log_start: Offset,
    pub(super) next_offset: Offset,
    pub(super) active_since_ms: i64,
    pub(super) segments: Vec<CheckpointSegment>,
    pub(super) producers: Vec<Producer>,
    pub(super) aborted: Vec<AbortedTransaction>,
    pub(super) clean_to: Offset,
    pub(super) next_horizon_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct CheckpointSegment {
    pub(super) base: Offset,
    pub(super) bytes: u64,
    pub(super) max_timestamp_ms: i64,
}

/// What a partition's directory has for a checkpoint.
#[derive(Debug)]
pub(super) enum Stored {
    /// There has never been one, so that nothing was compacted or removed either.
    Absent,
    /// It says nothing that could be believed.
    Damaged,
    Good(Checkpoint),
}

impl CheckpointSegment {
    fn of(segment: &Segment) -> CheckpointSegment {
        CheckpointSegment {
            base: segment.base(),
            bytes: segment.len(),
            max_timestamp_ms: segment.max_timestamp().0,
        }
    }

    pub(super) fn extent(self) -> SegmentExtent {
        SegmentExtent { len: self.bytes, max_timestamp: Timestamp(self.max_timestamp_ms) }
    }
}

impl Checkpoint {
    /// The checkpoint of a partition's directory.
    pub(super) fn load(io: &dyn Io, dir: &Path) -> Result<Stored> {
        let path = dir.join(FILE);
        let bytes = match io
            .open(&path, Access::Read)
            .and_then(|file| file.read(0, file.len()? as usize))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Absent),
            read => read.at("read", &path)?,
        };
        Ok(Self::decode(&bytes).map_or(Stored::Damaged, Stored::Good))
    }

    /// How far compaction had come.
    pub(super) fn cleaned(&self) -> Cleaned {
        Cleaned { to: self.clean_to, next_horizon: self.next_horizon_ms.map(Timestamp) }
    }

    /// Takes note of a segment that has replaced those from `first` to `last`.
    pub(super) fn replace_segments(&mut self, first: Offset, last: Offset, by: SegmentExtent) {
        self.segments.retain(|segment| segment.base < first || segment.base > last);
        let at = self.segments.partition_point(|segment| segment.base < first);
        let segment =
            CheckpointSegment { base: first, bytes: by.len, max_timestamp_ms: by.max_timestamp.0 };
        self.segments.insert(at, segment);
    }

    fn decode(bytes: &[u8]) -> Option<Checkpoint> {
        let (line, crc) = std::str::from_utf8(bytes).ok()?.trim_end().split_once('\n')?;
        let matches = u32::from_str_radix(crc, 16).ok()? == crc32c::crc32c(line.as_bytes());
        let checkpoint: Checkpoint = serde_json::from_str(line).ok().filter(|_| matches)?;
        (checkpoint.version == VERSION).then_some(checkpoint)
    }

    /// Puts the checkpoint in the place of the one before.
    pub(super) fn save(&self, io: &dyn Io, dir: &Path) -> Result<()> {
        let path = dir.join(FILE);
        let bytes = self.encode().at("encode", &path)?;
        replace_file(io, &path, &bytes)
    }

    fn encode(&self) -> io::Result<Vec<u8>> {
        let line = serde_json::to_string(self)?;
        let crc = crc32c::crc32c(line.as_bytes());
        Ok(format!("{line}\n{crc:08x}\n").into_bytes())
    }
}

impl Partition {
    /// Syncs the log and writes a checkpoint of it. Appends go on meanwhile.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let _upkeep = self.upkeep.lock();
        self.checkpoint_in_upkeep()
    }

    /// Leaves the files so that the next to open them has nothing to read: a checkpoint up to the
    /// end, and no room beyond it.
    pub(crate) fn shut(&self) -> Result<()> {
        self.trim()?;
        if self.bytes_since_checkpoint() > 0 { self.checkpoint() } else { Ok(()) }
    }

    fn trim(&self) -> Result<()> {
        let mut writer = self.writer.lock();
        let active = self.segments.read().last().cloned();
        let Some(active) = active.filter(|active| writer.allocated > active.len()) else {
            return Ok(());
        };
        if self.poison.get().is_none() {
            active.seal()?;
            writer.allocated = active.len();
        }
        Ok(())
    }

    /// As [`Partition::checkpoint`], for who holds the upkeep lock.
    pub(super) fn checkpoint_in_upkeep(&self) -> Result<()> {
        self.write_checkpoint(|_| ())
    }

    /// A checkpoint that names one segment in place of those from `first` to `last`.
    pub(super) fn checkpoint_replacing(
        &self,
        first: Offset,
        last: Offset,
        by: SegmentExtent,
    ) -> Result<()> {
        self.write_checkpoint(|checkpoint| checkpoint.replace_segments(first, last, by))
    }

    /// A checkpoint that forgets the segments before `first`.
    pub(super) fn checkpoint_from(&self, first: Offset) -> Result<()> {
        self.write_checkpoint(|checkpoint| checkpoint.segments.retain(|s| s.base >= first))
    }

    fn write_checkpoint(&self, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        let bytes = self.bytes_since_checkpoint();
        let written = self.try_checkpoint(change);
        if let Err(error) = &written {
            self.poison_if_sync_failed(error);
            self.writer.lock().bytes_since_checkpoint += bytes;
        }
        written
    }

    fn try_checkpoint(&self, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        let (mut checkpoint, segments) = self.snapshot();
        if segments.is_empty() && checkpoint.log_start == Offset::ZERO {
            return Ok(());
        }
        self.sync_through(checkpoint.next_offset)?;
        for segment in segments.iter().rev().take_while(|segment| segment.is_writable()) {
            segment.flush_indexes(false)?;
        }
        change(&mut checkpoint);
        checkpoint.save(&*self.env.io, &self.dir)
    }

    /// The partition's state at one moment between two appends.
    fn snapshot(&self) -> (Checkpoint, Vec<Arc<Segment>>) {
        let mut writer = self.writer.lock();
        writer.bytes_since_checkpoint = 0;
        let segments = self.segments.read().clone();
        let cleaned = *self.cleaned.lock();
        let checkpoint = Checkpoint {
            version: VERSION,
            log_start: self.log_start_offset(),
            next_offset: writer.next_offset,
            active_since_ms: writer.active_since.0,
            segments: segments.iter().map(|segment| CheckpointSegment::of(segment)).collect(),
            producers: writer.producers.snapshot(),
            aborted: self.aborted.read().snapshot(),
            clean_to: cleaned.to,
            next_horizon_ms: cleaned.next_horizon.map(|horizon| horizon.0),
        };
        (checkpoint, segments)
    }

    /// Bytes that recovery would have to read.
    pub(crate) fn bytes_since_checkpoint(&self) -> u64 {
        self.writer.lock().bytes_since_checkpoint
    }
}
