//! Making a partition's log durable: once for everybody who waits.
//!
//! Whoever finds no sync under way does one for all that is written by then; the others wait for
//! it, and one of them does the next. So the rate of syncs is the disk's, whatever the number of
//! writers. A sync that fails may have lost what it was to keep, and asking again would be answered
//! with a lie; so the partition is poisoned. Whatever else stands in the way, a full disk or a lack
//! of file handles, has lost nothing: what was to be synced stays on the list for the next try.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Partition, Writer};
use crate::error::{IoContext, Result};
use crate::segment::Segment;
use crate::value::Offset;

/// Who syncs, and how far that has come.
#[derive(Default)]
pub(super) struct GroupSync {
    progress: Mutex<Progress>,
    done: Condvar,
}

#[derive(Default)]
struct Progress {
    durable: Offset,
    under_way: bool,
}

impl GroupSync {
    pub(super) fn starting_at(durable: Offset) -> GroupSync {
        GroupSync {
            progress: Mutex::new(Progress { durable, under_way: false }),
            done: Condvar::new(),
        }
    }

    /// Returns when everything below `target` is durable; `sync` says how far it got.
    fn reach(&self, target: Offset, sync: impl Fn() -> Result<Offset>) -> Result<()> {
        let mut progress = self.progress.lock();
        while progress.durable < target {
            if progress.under_way {
                self.done.wait(&mut progress);
                continue;
            }
            progress.under_way = true;
            let reached = MutexGuard::unlocked(&mut progress, &sync);
            progress.under_way = false;
            self.done.notify_all();
            progress.durable = progress.durable.max(reached?);
        }
        Ok(())
    }

    fn durable(&self) -> Offset {
        self.progress.lock().durable
    }
}

/// What a sync has to do.
struct Unsynced {
    segments: Vec<Arc<Segment>>,
    active: Option<Arc<Segment>>,
    dir: bool,
    records: i64,
    end: Offset,
}

impl Partition {
    /// Makes all that was appended durable, whatever the topic's policy.
    pub fn flush(&self) -> Result<()> {
        let end = self.writer.lock().next_offset;
        self.sync_through(end)
    }

    /// Returns when everything below `end` is durable.
    pub(crate) fn sync_through(&self, end: Offset) -> Result<()> {
        self.group_sync.reach(end, || self.sync_now())
    }

    /// The offset below which everything is durable.
    pub fn durable_offset(&self) -> Offset {
        self.group_sync.durable()
    }

    fn sync_now(&self) -> Result<Offset> {
        let unsynced = self.take_unsynced(&mut self.writer.lock())?;
        if let Err(error) = self.sync_files(&unsynced) {
            self.poison_if_sync_failed(&error);
            self.writer.lock().give_back(unsynced);
            return Err(error);
        }
        self.publish_high_watermark(unsynced.end);
        self.env.notifier.notify(&self.name);
        Ok(unsynced.end)
    }

    fn take_unsynced(&self, writer: &mut Writer) -> Result<Unsynced> {
        self.check_writable()?;
        Ok(Unsynced {
            segments: std::mem::take(&mut writer.rolled),
            active: self.segments.read().last().cloned(),
            dir: !std::mem::replace(&mut writer.dir_synced, true),
            records: std::mem::take(&mut writer.records_unsynced),
            end: writer.next_offset,
        })
    }

    fn sync_files(&self, unsynced: &Unsynced) -> Result<()> {
        for segment in &unsynced.segments {
            match sync_ended(segment) {
                // Removed or replaced meanwhile: there is nothing to keep.
                Err(_) if segment.is_retired() => {}
                synced => synced?,
            }
        }
        if let Some(active) = &unsynced.active {
            active.sync()?;
        }
        if unsynced.dir {
            self.sync_dirs()?;
        }
        Ok(())
    }

    /// The partition's directory may itself be new.
    fn sync_dirs(&self) -> Result<()> {
        self.env.io.sync_dir(&self.dir).at("sync", &self.dir)?;
        match self.dir.parent() {
            Some(topic) => self.env.io.sync_dir(topic).at("sync", topic),
            None => Ok(()),
        }
    }
}

impl Writer {
    /// Puts back on the list what was not synced.
    fn give_back(&mut self, unsynced: Unsynced) {
        self.rolled.splice(..0, unsynced.segments);
        self.dir_synced &= !unsynced.dir;
        self.records_unsynced += unsynced.records;
    }
}

fn sync_ended(segment: &Arc<Segment>) -> Result<()> {
    segment.sync()?;
    segment.flush_indexes(true)?;
    segment.make_read_only();
    Ok(())
}
