//! Opening a partition after whatever has happened to it.
//!
//! 1. Leftovers are put away: unfinished files, and segments that retention had already given up.
//! 2. The checkpoint says what is known; without a good one, everything is read.
//! 3. What was written after the checkpoint is read batch by batch, and producers, transactions and
//!    indexes follow.
//! 4. Where that stops before the end of the file, it is a *torn tail* or *damage*. Writes that were
//!    never synced may be lost in any part and any order, so a torn tail is what lacks a valid batch
//!    behind it, or contains a sector of zeros, or the end of one, as space that was never written
//!    does. It is cut off and reported. Anything else was changed after it had been written: that is damage. The
//!    partition stays readable up to there and takes no writes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::checkpoint::{Checkpoint, CheckpointSegment, Stored};
use super::compact::{Cleaned, finish_swap, parse_swap, swap_name};
use super::flush::GroupSync;
use super::upkeep::LastDone;
use super::{Damage, NONE_OPEN, Partition, Writer};
use crate::atomic_file::UNFINISHED;
use crate::batch::{Batch, BatchHeader, HEADER_BYTES, decode_marker};
use crate::config::{FlushPolicy, TopicConfig};
use crate::env::Env;
use crate::error::{Error, IoContext, Result};
use crate::io::Access;
use crate::producer::{AbortedTransaction, ProducerTable};
use crate::scan::{Found, batch_at, checksum_fault, is_zero};
use crate::segment::{OpenSegment, Segment, SegmentExtent, log_name};
use crate::transaction::AbortedIndex;
use crate::value::{Offset, Timestamp, TopicPartition};

/// The smallest piece that a disk writes or loses.
const SECTOR_BYTES: usize = 512;
/// Where in a batch the length ends, which is never zero.
const BATCH_LENGTH_END: usize = 12;

/// What opening a partition found.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartitionRecovery {
    pub(crate) bytes_scanned: u64,
    pub(crate) torn: Option<TornTail>,
    pub(crate) damage: Option<String>,
}

/// A tail that was cut off.
#[derive(Clone, Debug)]
pub(crate) struct TornTail {
    pub(crate) path: PathBuf,
    pub(crate) position: u64,
    pub(crate) bytes: u64,
}

/// The partition as far as it has been read back.
struct Replay {
    env: Arc<Env>,
    gaps: Gaps,
    next_offset: Offset,
    producers: ProducerTable,
    aborted: AbortedIndex,
    segments: Vec<Arc<Segment>>,
    /// Segments that hold something the checkpoint does not vouch for.
    unsynced: Vec<Arc<Segment>>,
    report: PartitionRecovery,
    damage: Option<Damage>,
}

/// What it means when a segment that is read ends before the next one begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// Something is lost: compaction leaves gaps only in what a checkpoint vouches for.
    AreLosses,
    /// Nobody knows any more what a checkpoint had vouched for.
    MayBeCompaction,
}

/// How reading a segment ended.
enum Stop {
    /// At the end of what was written.
    End,
    /// At something that is not a batch.
    Fault { position: u64, found: String },
}

impl Partition {
    /// Opens the partition in `dir`, which need not exist.
    pub(crate) fn open(
        env: Arc<Env>,
        name: TopicPartition,
        dir: PathBuf,
        config: Arc<TopicConfig>,
    ) -> Result<(Partition, PartitionRecovery)> {
        let (mut checkpoint, gaps) = match Checkpoint::load(&*env.io, &dir)? {
            Stored::Good(checkpoint) => (Some(checkpoint), Gaps::AreLosses),
            Stored::Absent => (None, Gaps::AreLosses),
            Stored::Damaged => (None, Gaps::MayBeCompaction),
        };
        finish_swaps(&env, &dir, &mut checkpoint)?;
        let bases = segment_bases(&env, &dir, checkpoint.as_ref())?;
        let mut replay = Replay::new(env.clone(), checkpoint.as_ref(), gaps);
        replay.run(&dir, &bases, checkpoint.as_ref(), config.values().index_interval_bytes)?;
        let report = replay.report.clone();
        let partition = Partition::build(env, name, dir, config, replay, checkpoint);
        if report.bytes_scanned > 0 && partition.config().flush_policy() == FlushPolicy::Always {
            partition.flush()?;
        }
        Ok((partition, report))
    }

    fn build(
        env: Arc<Env>,
        name: TopicPartition,
        dir: PathBuf,
        config: Arc<TopicConfig>,
        mut replay: Replay,
        checkpoint: Option<Checkpoint>,
    ) -> Partition {
        let first = replay.segments.first().map_or(replay.next_offset, |segment| segment.base());
        let log_start = checkpoint.as_ref().map_or(first, |c| c.log_start.min(replay.next_offset));
        let durable =
            checkpoint.as_ref().map_or(Offset::ZERO, |c| c.next_offset.min(replay.next_offset));
        let cleaned = checkpoint.as_ref().map_or_else(Cleaned::default, Checkpoint::cleaned);
        let active_since = checkpoint.map_or_else(|| env.now(), |c| Timestamp(c.active_since_ms));
        let writer = replay.take_writer(active_since, durable);
        let first_open = writer.producers.first_open().map_or(NONE_OPEN, |offset| offset.0);
        let partition = Partition {
            log_start: AtomicI64::new(log_start.0),
            high_watermark: AtomicI64::new(writer.next_offset.0),
            first_open: AtomicI64::new(first_open),
            segments: RwLock::new(replay.segments),
            aborted: RwLock::new(replay.aborted),
            group_sync: GroupSync::starting_at(durable),
            writer: Mutex::new(writer),
            config: RwLock::new(config),
            upkeep: Mutex::new(()),
            last_done: Mutex::new(LastDone::at(env.now())),
            cleaned: Mutex::new(cleaned),
            poison: OnceLock::new(),
            damage: OnceLock::new(),
            deleted: AtomicBool::new(false),
            name,
            dir,
            env,
        };
        if let Some(damage) = replay.damage {
            let error = Error::corrupt(&damage.path, damage.position, "a batch", &damage.found);
            partition.poison(&error);
            partition.damage.get_or_init(|| damage);
        }
        partition
    }
}

/// Finishes what an interrupted compaction had begun to put in place. The checkpoint comes first,
/// as it does there: the next crash may be now.
fn finish_swaps(env: &Env, dir: &Path, checkpoint: &mut Option<Checkpoint>) -> Result<()> {
    let names = names_in(env, dir)?;
    for (first, last) in names.iter().filter_map(|name| parse_swap(name)) {
        if let Some(checkpoint) = checkpoint {
            let extent = swapped_extent(env, dir, first, last, checkpoint)?;
            checkpoint.replace_segments(first, last, extent);
            checkpoint.save(&*env.io, dir)?;
        }
        let bases =
            names.iter().filter_map(|name| Some(Offset(name.strip_suffix(".log")?.parse().ok()?)));
        finish_swap(
            &*env.io,
            dir,
            first,
            last,
            bases.filter(|base| (first..=last).contains(base)),
        )?;
    }
    Ok(())
}

/// What the segment holds that replaces others. None of its records is newer than the newest of
/// theirs.
fn swapped_extent(
    env: &Env,
    dir: &Path,
    first: Offset,
    last: Offset,
    checkpoint: &Checkpoint,
) -> Result<SegmentExtent> {
    let path = dir.join(swap_name(first, last));
    let file = env.io.open(&path, Access::Read).at("open", &path)?;
    let replaced = checkpoint.segments.iter().filter(|s| (first..=last).contains(&s.base));
    let max_timestamp = Timestamp(replaced.map(|s| s.max_timestamp_ms).max().unwrap_or(i64::MAX));
    Ok(SegmentExtent { len: file.len().at("measure", &path)?, max_timestamp })
}

fn names_in(env: &Env, dir: &Path) -> Result<Vec<String>> {
    match env.io.list_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.at("list", dir),
    }
}

/// The segments there are, after what is left over was put away.
fn segment_bases(env: &Env, dir: &Path, checkpoint: Option<&Checkpoint>) -> Result<Vec<Offset>> {
    let names = match env.io.list_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.at("list", dir)?,
    };
    let first =
        checkpoint.and_then(|c| c.segments.first()).map_or(Offset::ZERO, |segment| segment.base);
    let mut bases = Vec::new();
    for name in names {
        let path = dir.join(&name);
        let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
        let base = stem.parse().ok().map(Offset);
        if extension.ends_with(UNFINISHED) || base.is_some_and(|base| base < first) {
            env.io.remove_file(&path).at("remove", &path)?;
        } else if let ("log", Some(base)) = (extension, base) {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    Ok(bases)
}

impl Replay {
    fn new(env: Arc<Env>, checkpoint: Option<&Checkpoint>, gaps: Gaps) -> Replay {
        Replay {
            env,
            gaps,
            next_offset: checkpoint.map_or(Offset::ZERO, |c| c.next_offset),
            producers: checkpoint
                .map_or_else(Default::default, |c| ProducerTable::restore(c.producers.clone())),
            aborted: checkpoint
                .map_or_else(Default::default, |c| AbortedIndex::restore(c.aborted.clone())),
            segments: Vec::new(),
            unsynced: Vec::new(),
            report: PartitionRecovery::default(),
            damage: None,
        }
    }

    fn run(
        &mut self,
        dir: &Path,
        bases: &[Offset],
        checkpoint: Option<&Checkpoint>,
        interval: u64,
    ) -> Result<()> {
        let known = checkpoint.map_or(&[][..], |c| &c.segments);
        self.look_for_missing(dir, bases, known);
        for (i, base) in bases.iter().enumerate() {
            if self.damage.is_some() && *base >= self.next_offset {
                break;
            }
            let extent = known.iter().find(|s| s.base == *base).map(|s| s.extent());
            let found = extent.unwrap_or(SegmentExtent::EMPTY);
            let segment = Arc::new(Segment::new(self.env.clone(), dir, *base, found, interval));
            let ended = extent.is_some() && known.last().is_some_and(|last| *base < last.base);
            let vouched_for = match (extent, ended) {
                (Some(_), true) => true,
                (Some(_), false) if self.is_shorter(&segment)? => break,
                (Some(_), false) => self.bytes_present(&segment)? == segment.len(),
                (None, _) => false,
            };
            if !vouched_for && !self.replay(&segment, &bases[i + 1..])? {
                break;
            }
            self.segments.push(segment);
        }
        Ok(())
    }

    fn look_for_missing(&mut self, dir: &Path, bases: &[Offset], known: &[CheckpointSegment]) {
        let missing = known.iter().find(|s| s.bytes > 0 && !bases.contains(&s.base));
        if let Some(missing) = missing {
            let path = dir.join(log_name(missing.base));
            let found = format!("no file where {} bytes were", missing.bytes);
            self.declare_damage(&path, 0, found, missing.base);
        }
    }

    /// The length of the file. It is what the checkpoint says after a clean close, and then the
    /// segment need not even be opened.
    fn bytes_present(&self, segment: &Segment) -> Result<u64> {
        let file = self.env.io.open(segment.path(), Access::Read).at("open", segment.path())?;
        file.len().at("measure", segment.path())
    }

    /// Whether bytes are missing that the checkpoint vouches for, which is damage.
    fn is_shorter(&mut self, segment: &Segment) -> Result<bool> {
        let present = self.bytes_present(segment)?;
        let shorter = present < segment.len();
        if shorter {
            let found = format!("the end of the file where {} bytes were", segment.len());
            self.declare_damage(segment.path(), present, found, segment.base());
        }
        Ok(shorter)
    }

    /// Reads what the checkpoint does not vouch for; says whether the segments after it count.
    fn replay(&mut self, segment: &Arc<Segment>, later: &[Offset]) -> Result<bool> {
        if segment.len() == 0 {
            self.next_offset = self.next_offset.max(segment.base());
        }
        segment.make_writable();
        let open = segment.open()?;
        let end = open.file.len().at("measure", segment.path())?;
        let from = segment.len();
        let stop = self.read_on(segment, &open, end)?;
        self.report.bytes_scanned += segment.len() - from;
        self.unsynced.push(segment.clone());
        let gap = self.gaps == Gaps::AreLosses
            && later.first().is_some_and(|next| self.next_offset < *next);
        match stop {
            Stop::End if !gap => self.cut(segment, &open, end).map(|()| true),
            Stop::End => self.cut_with_later(segment, &open, end, later),
            Stop::Fault { position, found } if self.is_damage(segment, &open, position, end)? => {
                self.declare_damage(segment.path(), position, found, self.next_offset);
                self.segments.push(segment.clone());
                Ok(false)
            }
            Stop::Fault { .. } => self.cut_with_later(segment, &open, end, later),
        }
    }

    fn read_on(&mut self, segment: &Segment, open: &OpenSegment, end: u64) -> Result<Stop> {
        loop {
            let position = segment.len();
            let batch = match batch_at(&*open.file, segment.path(), position, end)? {
                Found::Batch(batch) => batch,
                Found::End => return Ok(Stop::End),
                Found::Fault(found) => return Ok(Stop::Fault { position, found }),
            };
            if let Some(found) = self.fault(&batch) {
                return Ok(Stop::Fault { position, found });
            }
            self.apply(&batch);
            segment.extend(open, batch.header(), batch.size_bytes() as u64);
        }
    }

    fn fault(&self, batch: &Batch) -> Option<String> {
        if batch.base_offset() < self.next_offset {
            return Some(format!(
                "offset {} where {} comes next",
                batch.base_offset(),
                self.next_offset
            ));
        }
        checksum_fault(batch)
    }

    fn apply(&mut self, batch: &Batch) {
        let header = batch.header();
        self.next_offset = header.next_offset();
        if !batch.is_control() {
            self.producers.appended(header, header.max_timestamp);
            return;
        }
        let Some(outcome) = decode_marker(batch) else { return };
        let first = self.producers.ended(header, header.max_timestamp);
        if let Some(aborted) = AbortedTransaction::of(first, header, outcome) {
            self.aborted.add(aborted);
        }
    }

    /// Whether what lies behind `position` was valid once and has changed.
    fn is_damage(
        &self,
        segment: &Segment,
        open: &OpenSegment,
        position: u64,
        end: u64,
    ) -> Result<bool> {
        let rest =
            open.file.read(position, (end - position) as usize).at("read", segment.path())?;
        Ok(match next_valid_batch(&rest, self.next_offset) {
            None => false,
            Some(next) => {
                let lost = begins_unwritten(&rest[..next], position, self.next_offset)
                    || has_zero_sector(&rest[..next], position);
                !lost
            }
        })
    }

    fn declare_damage(&mut self, path: &Path, position: u64, found: String, log_end: Offset) {
        self.next_offset = self.next_offset.min(log_end);
        self.report.damage = Some(Error::corrupt(path, position, "a batch", &found).to_string());
        self.damage = Some(Damage { path: path.to_owned(), position, found });
    }

    /// Cuts a segment behind its last batch, and reports what was not just unwritten space. That is
    /// gone for good before anything is written in its place: it must not come back behind it.
    fn cut(&mut self, segment: &Segment, open: &OpenSegment, end: u64) -> Result<()> {
        let position = segment.len();
        if position == end {
            return Ok(());
        }
        let rest =
            open.file.read(position, (end - position) as usize).at("read", segment.path())?;
        let torn = !is_zero(&rest);
        drop(rest);
        open.file.truncate(position).at("cut", segment.path())?;
        if torn {
            open.file.sync().at("sync", segment.path())?;
            self.report_torn(segment, end - position);
        }
        Ok(())
    }

    /// Cuts a segment in the middle of the log: what comes after a lost batch is lost as well.
    fn cut_with_later(
        &mut self,
        segment: &Arc<Segment>,
        open: &OpenSegment,
        end: u64,
        later: &[Offset],
    ) -> Result<bool> {
        let lost_bytes = end - segment.len();
        self.cut(segment, open, end)?;
        let dir = segment.path().parent().unwrap_or(Path::new(""));
        for base in later {
            let lost = Segment::new(self.env.clone(), dir, *base, SegmentExtent::EMPTY, 0);
            lost.remove()?;
        }
        if !later.is_empty() {
            self.env.io.sync_dir(dir).at("sync", dir)?;
            self.report_torn(segment, lost_bytes);
        }
        self.segments.push(segment.clone());
        Ok(false)
    }

    fn report_torn(&mut self, segment: &Segment, bytes: u64) {
        let (path, position) = (segment.path().to_owned(), segment.len());
        self.report.torn.get_or_insert(TornTail { path, position, bytes });
    }

    /// What the appender goes on with.
    fn take_writer(&mut self, active_since: Timestamp, durable: Offset) -> Writer {
        let active = self.segments.last();
        if let Some(active) = active.filter(|_| self.damage.is_none()) {
            active.make_writable();
        }
        let mut rolled = std::mem::take(&mut self.unsynced);
        rolled.retain(|segment| active.is_none_or(|active| !Arc::ptr_eq(active, segment)));
        Writer {
            next_offset: self.next_offset,
            active_since,
            allocated: active.map_or(0, |active| active.len()),
            tail_unclean: false,
            rolled,
            // The names of files that hold nothing yet may not be durable either: whoever created
            // them may have been killed before they were.
            dir_synced: false,
            records_unsynced: self.next_offset - durable,
            bytes_since_checkpoint: self.report.bytes_scanned,
            producers: std::mem::take(&mut self.producers),
        }
    }
}

/// Where in `bytes` the next whole batch begins that could belong to the log.
fn next_valid_batch(bytes: &[u8], expected: Offset) -> Option<usize> {
    (1..bytes.len().saturating_sub(HEADER_BYTES)).find(|at| is_valid_batch(&bytes[*at..], expected))
}

fn is_valid_batch(bytes: &[u8], expected: Offset) -> bool {
    let Ok(header) = BatchHeader::decode(bytes) else { return false };
    let total = header.total_bytes();
    header.base_offset >= expected
        && total <= bytes.len()
        && crate::batch::checksum(&bytes[..total]) == header.crc
}

/// Whether the sector in which a batch should begin, at `position`, is as it was before that batch
/// was written: zeros up to its end, where the batch has at least an offset that is not zero, and
/// a length.
fn begins_unwritten(bytes: &[u8], position: u64, expected: Offset) -> bool {
    let first = position.next_multiple_of(SECTOR_BYTES as u64) - position;
    let Some(first) = bytes.get(..first as usize) else { return false };
    let offset = expected.0.to_be_bytes();
    let tells = first.len() >= BATCH_LENGTH_END || !is_zero(&offset[..first.len().min(8)]);
    tells && is_zero(first)
}

/// Whether a whole sector of the file, of which `bytes` begin at `position`, is zeros.
fn has_zero_sector(bytes: &[u8], position: u64) -> bool {
    let first = position.next_multiple_of(SECTOR_BYTES as u64) - position;
    bytes
        .get(first as usize..)
        .is_some_and(|aligned| aligned.chunks_exact(SECTOR_BYTES).any(is_zero))
}
