//! One file of a partition's log, and its two indexes.
//!
//! A segment is a name and a few numbers until somebody needs it; then its file is opened and
//! mapped. The store keeps a bounded number of segments open (see [`SegmentCache`]); closing one
//! takes nothing from readers, whose batches hold the map themselves.
//!
//! Invariant: bytes below [`Segment::len`] are whole batches and never change.

mod cache;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

pub(crate) use cache::SegmentCache;

use crate::batch::{Batch, BatchHeader};
use crate::env::Env;
use crate::error::{Error, IoContext, Result};
use crate::index::{OffsetEntry, SparseIndex, TimeEntry};
use crate::io::{Access, File};
use crate::scan::{Found, batch_at, checksum_fault};
use crate::value::{Offset, Timestamp};

/// A file of batches.
pub(crate) struct Segment {
    base: Offset,
    path: PathBuf,
    env: Arc<Env>,
    index_interval_bytes: u64,
    len: AtomicU64,
    max_timestamp: AtomicI64,
    writable: AtomicBool,
    retired: AtomicBool,
    opened: RwLock<Option<Arc<OpenSegment>>>,
    touched: AtomicU64,
    verified: Mutex<Verified>,
}

/// What is there while a segment is open.
pub(crate) struct OpenSegment {
    pub(crate) file: Arc<dyn File>,
    indexes: RwLock<Indexes>,
}

struct Indexes {
    offsets: SparseIndex<OffsetEntry>,
    times: SparseIndex<TimeEntry>,
    bytes_since_entry: u64,
}

/// The bytes whose checksums were compared since the store was opened, as one range.
#[derive(Clone, Copy, Default)]
struct Verified {
    start: u64,
    end: u64,
}

/// What a segment is known to hold before its file is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentExtent {
    pub(crate) len: u64,
    pub(crate) max_timestamp: Timestamp,
}

impl SegmentExtent {
    pub(crate) const EMPTY: SegmentExtent =
        SegmentExtent { len: 0, max_timestamp: Timestamp(i64::MIN) };
}

/// The name of the log file whose first offset is `base`.
pub(crate) fn log_name(base: Offset) -> String {
    format!("{:020}.log", base.0)
}

impl Segment {
    pub(crate) fn new(
        env: Arc<Env>,
        dir: &Path,
        base: Offset,
        extent: SegmentExtent,
        index_interval_bytes: u64,
    ) -> Segment {
        Segment {
            base,
            path: dir.join(log_name(base)),
            env,
            index_interval_bytes,
            len: AtomicU64::new(extent.len),
            max_timestamp: AtomicI64::new(extent.max_timestamp.0),
            writable: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            opened: RwLock::new(None),
            touched: AtomicU64::new(0),
            verified: Mutex::default(),
        }
    }

    /// Lets the segment be written from now on.
    pub(crate) fn make_writable(&self) {
        self.writable.store(true, Ordering::Relaxed);
        *self.opened.write() = None;
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Nothing is written here any more, and nothing is left in memory alone.
    pub(crate) fn make_read_only(&self) {
        self.writable.store(false, Ordering::Relaxed);
    }

    /// Every later offset of the segment is larger or the same.
    pub(crate) fn base(&self) -> Offset {
        self.base
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of whole batches.
    pub(crate) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// The largest time stamp of any batch in it.
    pub(crate) fn max_timestamp(&self) -> Timestamp {
        Timestamp(self.max_timestamp.load(Ordering::Relaxed))
    }

    /// The open segment, opening it if need be.
    pub(crate) fn open(self: &Arc<Self>) -> Result<Arc<OpenSegment>> {
        self.touched.store(self.env.cache.tick(), Ordering::Relaxed);
        if let Some(open) = &*self.opened.read() {
            return Ok(open.clone());
        }
        let open = {
            let mut slot = self.opened.write();
            match &*slot {
                Some(open) => return Ok(open.clone()),
                None => slot.insert(Arc::new(self.load()?)).clone(),
            }
        };
        self.env.cache.opened(self);
        Ok(open)
    }

    fn load(&self) -> Result<OpenSegment> {
        if self.is_retired() {
            return Err(io::Error::from(io::ErrorKind::NotFound)).at("open", &self.path);
        }
        let access =
            if self.writable.load(Ordering::Relaxed) { Access::Create } else { Access::Read };
        let file = self.env.io.open(&self.path, access).at("open", &self.path)?;
        let len = self.len();
        let present = file.len().at("measure", &self.path)?;
        if present < len {
            return Err(Error::corrupt(
                &self.path,
                present,
                format!("{len} bytes"),
                format!("{present}"),
            ));
        }
        let indexes = match self.load_indexes(len)? {
            Some(indexes) => indexes,
            None => self.build_indexes(&*file, len)?,
        };
        Ok(OpenSegment { file, indexes: RwLock::new(indexes) })
    }

    fn load_indexes(&self, len: u64) -> Result<Option<Indexes>> {
        let io = &*self.env.io;
        let offsets =
            SparseIndex::load(io, &self.path, |e: OffsetEntry| u64::from(e.position) < len)?;
        let Some(offsets) = offsets else { return Ok(None) };
        // Both get their entries together: one by time beyond the last by offset is of a batch that
        // was cut off.
        let last = offsets.last_up_to(i64::MAX).map_or(0, |e| e.relative_offset);
        let times = SparseIndex::load(io, &self.path, |e: TimeEntry| e.relative_offset <= last)?;
        Ok(times.map(|times| Indexes { offsets, times, bytes_since_entry: 0 }))
    }

    fn build_indexes(&self, file: &dyn File, len: u64) -> Result<Indexes> {
        let mut indexes = Indexes {
            offsets: SparseIndex::empty(&self.path),
            times: SparseIndex::empty(&self.path),
            bytes_since_entry: 0,
        };
        let (mut position, mut max_timestamp) = (0, Timestamp(i64::MIN));
        while let Some(batch) = self.next_batch(file, position, len)? {
            max_timestamp = max_timestamp.max(batch.max_timestamp());
            indexes.add(self, position, batch.header(), max_timestamp);
            position += batch.size_bytes() as u64;
        }
        Ok(indexes)
    }

    /// The batch at `position`, of which there must be one unless `position` is `end`.
    pub(crate) fn next_batch(
        &self,
        file: &dyn File,
        position: u64,
        end: u64,
    ) -> Result<Option<Batch>> {
        match batch_at(file, &self.path, position, end)? {
            Found::Batch(batch) => Ok(Some(batch)),
            Found::End if position >= end => Ok(None),
            Found::End => Err(self.damage(position, "unwritten space")),
            Found::Fault(found) => Err(self.damage(position, found)),
        }
    }

    fn damage(&self, position: u64, found: impl Into<String>) -> Error {
        Error::corrupt(&self.path, position, "a batch", found)
    }

    /// Compares the batch at `position` with its checksum, unless that was done before.
    pub(crate) fn verify(&self, batch: &Batch, position: u64) -> Result<()> {
        let end = position + batch.size_bytes() as u64;
        if self.verified.lock().covers(position, end) {
            return Ok(());
        }
        if let Some(fault) = checksum_fault(batch) {
            return Err(
                self.damage(position, format!("offset {} with {fault}", batch.base_offset()))
            );
        }
        self.verified.lock().add(position, end);
        Ok(())
    }

    /// A position at or before the batch that holds `offset`.
    pub(crate) fn position_before(&self, open: &OpenSegment, offset: Offset) -> u64 {
        let relative = offset - self.base;
        let entry = open.indexes.read().offsets.last_up_to(relative);
        entry.map_or(0, |entry| u64::from(entry.position))
    }

    /// An offset before which every record is older than `at`.
    pub(crate) fn offset_before(&self, open: &OpenSegment, at: Timestamp) -> Offset {
        let entry = open.indexes.read().times.last_up_to(at.0.saturating_sub(1));
        entry.map_or(self.base, |entry| self.base + i64::from(entry.relative_offset))
    }

    /// Takes note of a batch that was written at the end.
    pub(crate) fn extend(&self, open: &OpenSegment, header: &BatchHeader, len: u64) {
        let position = self.len();
        let max_timestamp = self.max_timestamp().max(header.max_timestamp);
        self.max_timestamp.store(max_timestamp.0, Ordering::Relaxed);
        let mut indexes = open.indexes.write();
        indexes.add(self, position, header, max_timestamp);
        self.len.store(position + len, Ordering::Release);
    }

    /// Whether a batch of that offset can be indexed here.
    pub(crate) fn has_room_for(&self, offset: Offset, bytes: u64, segment_bytes: u64) -> bool {
        let len = self.len();
        let fits = len == 0 || len + bytes <= segment_bytes;
        fits && u32::try_from(offset - self.base).is_ok() && len + bytes <= u64::from(u32::MAX)
    }

    /// Writes the indexes' newest entries to their files.
    pub(crate) fn flush_indexes(self: &Arc<Self>, sync: bool) -> Result<()> {
        let open = self.open()?;
        let mut indexes = open.indexes.write();
        indexes.offsets.flush(&*self.env.io, sync)?;
        indexes.times.flush(&*self.env.io, sync)
    }

    /// Makes the segment's batches survive a loss of power.
    pub(crate) fn sync(self: &Arc<Self>) -> Result<()> {
        self.open()?.file.sync().at("sync", &self.path)
    }

    /// Gives back the room beyond the last batch; nothing is written here any more.
    pub(crate) fn seal(self: &Arc<Self>) -> Result<()> {
        let open = self.open()?;
        if open.file.len().at("measure", &self.path)? > self.len() {
            open.file.truncate(self.len()).at("cut", &self.path)?;
        }
        Ok(())
    }

    /// Unlinks the files. Readers keep what they hold.
    pub(crate) fn remove(&self) -> Result<()> {
        self.retire();
        for extension in ["log", "index", "timeindex"] {
            let path = self.path.with_extension(extension);
            match self.env.io.remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.at("remove", &path)?,
            }
        }
        Ok(())
    }

    /// The segment's files are about to go, or to be replaced by others of the same name. Readers
    /// keep what they hold; nobody opens or writes them through this any more.
    pub(crate) fn retire(&self) {
        let mut slot = self.opened.write();
        self.retired.store(true, Ordering::SeqCst);
        *slot = None;
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    fn is_open(&self) -> bool {
        self.opened.read().is_some()
    }

    /// Closes the segment if nobody is at work on it right now, and if what is only in memory could
    /// be written down.
    fn close_if_idle(&self) {
        self.close_if(|open| self.keep_indexes(open));
    }

    /// Closes the segment if nobody is at work on it right now. Index entries that cannot be written
    /// down are lost: readers will begin a little earlier.
    fn give_up_if_idle(&self) {
        self.close_if(|open| {
            self.keep_indexes(open);
            true
        });
    }

    /// Never waits: whoever holds the slot is at work, and may be making room for themselves.
    fn close_if(&self, agreed: impl Fn(&OpenSegment) -> bool) {
        let Some(mut slot) = self.opened.try_write() else { return };
        if slot.as_ref().is_some_and(|open| Arc::strong_count(open) == 1 && agreed(open)) {
            *slot = None;
        }
    }

    /// Writes down what is only in memory; says whether that went well.
    fn keep_indexes(&self, open: &OpenSegment) -> bool {
        let mut indexes = open.indexes.write();
        let io = &*self.env.io;
        indexes.offsets.flush(io, false).is_ok() && indexes.times.flush(io, false).is_ok()
    }
}

impl Indexes {
    fn add(
        &mut self,
        segment: &Segment,
        position: u64,
        header: &BatchHeader,
        max_timestamp: Timestamp,
    ) {
        if position > 0 && self.bytes_since_entry >= segment.index_interval_bytes {
            let relative_offset = (header.base_offset - segment.base) as u32;
            self.offsets.push(OffsetEntry { relative_offset, position: position as u32 });
            self.times.push(TimeEntry { timestamp: max_timestamp.0, relative_offset });
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += header.total_bytes() as u64;
    }
}

impl Verified {
    fn covers(self, start: u64, end: u64) -> bool {
        self.start <= start && end <= self.end
    }

    fn add(&mut self, start: u64, end: u64) {
        let touches = start <= self.end && self.start <= end;
        *self = match touches {
            true => Verified { start: self.start.min(start), end: self.end.max(end) },
            // Two ranges are more than is kept track of: the larger saves more work.
            false if end - start >= self.end - self.start => Verified { start, end },
            false => *self,
        };
    }
}
