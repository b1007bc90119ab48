//! Doing what compaction decided, so that it may be interrupted at any point.
//!
//! A checkpoint comes first: recovery understands a swap file only by one that names, with all their
//! bytes, the segments that it replaces. Segments are rewritten in groups that fit into one. For each
//! group:
//! 1. the new segment is written as `<base>.cleaned` and synced;
//! 2. it is renamed to `<base>-<last base>.swap`: from here on it replaces the group;
//! 3. a checkpoint names it in place of the group;
//! 4. the group's files are removed, and the swap file gets its name, `<base>.log`.
//!
//! Recovery removes what step 1 left, and finishes what step 2 began. A reader that still has the
//! old segments, and finds the files gone, looks at the list again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Partition;
use crate::atomic_file::UNFINISHED;
use crate::batch::{AppendBatch, Batch};
use crate::compaction::{
    CleanableFacts, Compaction, CompactionState, LastOffsets, Rewriter, Rewritten, compaction,
};
use crate::error::{IoContext, Result};
use crate::io::{Access, File, Io};
use crate::segment::{Segment, SegmentExtent, log_name};
use crate::value::{Offset, Timestamp};

/// How far compaction has come; part of the checkpoint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cleaned {
    pub(super) to: Offset,
    pub(super) next_horizon: Option<Timestamp>,
}

/// A segment being written in place of others.
struct Output {
    path: PathBuf,
    file: Arc<dyn File>,
    extent: SegmentExtent,
    /// Whether anything is not as it was.
    changed: bool,
}

/// Segments that become one.
type Group = Vec<Arc<Segment>>;

impl Partition {
    /// Below this offset compaction may have removed records that newer ones supersede.
    pub fn compacted_to(&self) -> Offset {
        self.cleaned.lock().to
    }

    /// Compacts if it is worth it.
    pub(super) fn compact_if_due(&self, now: Timestamp) -> Result<()> {
        if !self.config().is_compacted() {
            return Ok(());
        }
        self.roll_if_overdue(now)?;
        let _upkeep = self.upkeep.lock();
        let cleaned = *self.cleaned.lock();
        let segments = self.ended_segments();
        let state = CompactionState {
            clean_to: cleaned.to,
            next_horizon: cleaned.next_horizon,
            stable: self.last_stable_offset(),
        };
        let facts: Vec<CleanableFacts> =
            segments.iter().map(|(segment, end)| facts_of(segment, *end)).collect();
        match compaction(&facts, &state, self.config().values(), now) {
            Compaction::Wait => Ok(()),
            Compaction::Run { segments: count } => {
                self.compact(&segments[..count], cleaned.to, now)
            }
        }
    }

    /// All segments but the active one, with the offset after each.
    fn ended_segments(&self) -> Vec<(Arc<Segment>, Offset)> {
        let segments = self.segments.read();
        segments.windows(2).map(|pair| (pair[0].clone(), pair[1].base())).collect()
    }

    /// The active segment is never compacted: it must end when its records have waited too long.
    fn roll_if_overdue(&self, now: Timestamp) -> Result<()> {
        let config = self.config();
        let age_max = config.values().segment_ms.min(config.values().max_compaction_lag_ms);
        let since = self.writer.lock().active_since;
        if now.0.saturating_sub(since.0) >= age_max { self.roll() } else { Ok(()) }
    }

    fn compact(
        &self,
        segments: &[(Arc<Segment>, Offset)],
        clean_to: Offset,
        now: Timestamp,
    ) -> Result<()> {
        self.checkpoint_in_upkeep()?;
        let mut last = LastOffsets::new();
        for (segment, _) in segments.iter().filter(|(_, end)| *end > clean_to) {
            self.for_each_batch(segment, |batch, aborted| {
                if aborted || batch.is_control() { Ok(()) } else { last.add(batch) }
            })?;
        }
        let delete_retention_ms = self.config().values().delete_retention_ms;
        let mut rewriter = Rewriter { last: &last, now, delete_retention_ms, next_horizon: None };
        let sources: Vec<Arc<Segment>> =
            segments.iter().map(|(segment, _)| segment.clone()).collect();
        for group in grouped(&sources, self.config().values().segment_bytes) {
            if self.env.is_closing() {
                return Ok(());
            }
            let output = self.rewritten(&group, &mut rewriter)?;
            if output.changed || group.len() > 1 {
                self.replace(&group, output)?;
            } else {
                self.env.io.remove_file(&output.path).at("remove", &output.path)?;
            }
        }
        let to = segments.last().map_or(clean_to, |(_, end)| *end);
        // What an aborted transaction left below is gone, and needs no mention any more.
        self.aborted.write().forget_before(to);
        *self.cleaned.lock() = Cleaned { to, next_horizon: rewriter.next_horizon };
        self.checkpoint_in_upkeep()
    }

    /// Visits the batches, and says whether their transaction was aborted.
    fn for_each_batch(
        &self,
        segment: &Arc<Segment>,
        mut visit: impl FnMut(&Batch, bool) -> Result<()>,
    ) -> Result<()> {
        let open = segment.open()?;
        let (mut position, end) = (0, segment.len());
        while let Some(batch) = segment.next_batch(&*open.file, position, end)? {
            segment.verify(&batch, position)?;
            let aborted = self.aborted.read().covers(&batch);
            visit(&batch, aborted)?;
            position += batch.size_bytes() as u64;
        }
        Ok(())
    }

    /// The group's new segment; nothing of it is left where it could not be written as a whole.
    fn rewritten(&self, group: &Group, rewriter: &mut Rewriter<'_>) -> Result<Output> {
        let mut output = Output::create(&*self.env.io, &self.dir, group[0].base())?;
        let written = self.rewrite(group, rewriter, &mut output);
        if written.is_err() {
            // A full disk needs the room; what cannot be removed now goes when the store is opened.
            let _ = self.env.io.remove_file(&output.path);
        }
        written.map(|()| output)
    }

    fn rewrite(
        &self,
        group: &Group,
        rewriter: &mut Rewriter<'_>,
        output: &mut Output,
    ) -> Result<()> {
        for segment in group {
            self.for_each_batch(segment, |batch, aborted| {
                match rewriter.rewrite(batch, aborted)? {
                    Rewritten::Gone => output.changed = true,
                    Rewritten::Same => output.copy(batch)?,
                    Rewritten::New(batch) => output.write(batch)?,
                }
                Ok(())
            })?;
        }
        output.file.sync().at("sync", &output.path)
    }

    fn replace(&self, group: &Group, output: Output) -> Result<()> {
        let (first, last) = (group[0].base(), group[group.len() - 1].base());
        self.name_swap(first, last, &output)?;
        let io = &*self.env.io;
        let interval = self.config().values().index_interval_bytes;
        let merged =
            Arc::new(Segment::new(self.env.clone(), &self.dir, first, output.extent, interval));
        group.iter().for_each(|segment| segment.retire());
        let bases = group.iter().map(|segment| segment.base());
        finish_swap(io, &self.dir, first, last, bases).inspect_err(|error| self.poison(error))?;
        let mut segments = self.segments.write();
        segments.retain(|segment| segment.base() < first || segment.base() > last);
        let at = segments.partition_point(|segment| segment.base() < first);
        segments.insert(at, merged);
        Ok(())
    }

    /// Steps 2 and 3: from here on the output is what counts, or it is gone again.
    fn name_swap(&self, first: Offset, last: Offset, output: &Output) -> Result<()> {
        let io = &*self.env.io;
        let swap = self.dir.join(swap_name(first, last));
        io.rename(&output.path, &swap).at("rename", &output.path)?;
        let named = io
            .sync_dir(&self.dir)
            .at("sync", &self.dir)
            .and_then(|()| self.checkpoint_replacing(first, last, output.extent));
        let Err(error) = &named else { return Ok(()) };
        // A swap file that stays would replace, when the store is opened, whatever a later
        // compaction has made of the group.
        if error.is_failed_sync() || io.remove_file(&swap).is_err() {
            self.poison(error);
        }
        named
    }
}

impl Output {
    fn create(io: &dyn Io, dir: &Path, base: Offset) -> Result<Output> {
        let path = dir.join(format!("{:020}.cleaned.{UNFINISHED}", base.0));
        let file = io.open(&path, Access::Create).at("create", &path)?;
        file.truncate(0).at("cut", &path)?;
        Ok(Output { path, file, extent: SegmentExtent::EMPTY, changed: false })
    }

    /// The padding of columns depends on where they lie, so they are placed anew.
    fn copy(&mut self, batch: &Batch) -> Result<()> {
        if batch.is_columnar() {
            return self.place(AppendBatch::from_encoded(batch.bytes())?);
        }
        self.write_bytes(batch.bytes(), batch.max_timestamp())
    }

    fn write(&mut self, batch: AppendBatch) -> Result<()> {
        self.changed = true;
        self.place(batch)
    }

    fn place(&mut self, mut batch: AppendBatch) -> Result<()> {
        let base_offset = batch.header.base_offset;
        let max_timestamp = batch.max_timestamp();
        let position = self.extent.len;
        self.write_bytes(batch.place(base_offset, position), max_timestamp)
    }

    fn write_bytes(&mut self, bytes: &[u8], max_timestamp: Timestamp) -> Result<()> {
        self.file.write_at(bytes, self.extent.len).at("write", &self.path)?;
        self.extent.len += bytes.len() as u64;
        self.extent.max_timestamp = self.extent.max_timestamp.max(max_timestamp);
        Ok(())
    }
}

fn facts_of(segment: &Segment, end: Offset) -> CleanableFacts {
    CleanableFacts { end, bytes: segment.len(), max_timestamp: segment.max_timestamp() }
}

/// Neighbours that fit into one segment together.
fn grouped(segments: &[Arc<Segment>], segment_bytes: u64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut bytes = 0;
    for segment in segments {
        // Within 2³¹ offsets of the group's base, so that the index can name each.
        let joins = groups
            .last()
            .is_some_and(|group| segment.base() - group[0].base() < i64::from(i32::MAX));
        match groups.last_mut().filter(|_| joins && bytes + segment.len() <= segment_bytes) {
            Some(group) => group.push(segment.clone()),
            None => {
                bytes = 0;
                groups.push(vec![segment.clone()]);
            }
        }
        bytes += segment.len();
    }
    groups
}

pub(super) fn swap_name(first: Offset, last: Offset) -> String {
    format!("{:020}-{:020}.swap", first.0, last.0)
}

/// The first and the last base that a swap file replaces.
pub(super) fn parse_swap(name: &str) -> Option<(Offset, Offset)> {
    let (first, last) = name.strip_suffix(".swap")?.split_once('-')?;
    Some((Offset(first.parse().ok()?), Offset(last.parse().ok()?)))
}

/// Puts a swap file in the place of the segments that it replaces; may be repeated.
pub(super) fn finish_swap(
    io: &dyn Io,
    dir: &Path,
    first: Offset,
    last: Offset,
    replaced: impl Iterator<Item = Offset>,
) -> Result<()> {
    for base in replaced {
        let log = dir.join(log_name(base));
        for path in [log.with_extension("index"), log.with_extension("timeindex"), log] {
            match io.remove_file(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.at("remove", &path)?,
            }
        }
    }
    let swap = dir.join(swap_name(first, last));
    io.rename(&swap, &dir.join(log_name(first))).at("rename", &swap)?;
    io.sync_dir(dir).at("sync", dir)
}
