//! A file system that knows how to get by with the handles that the process may have.
//!
//! How many that are, and how many others need, is not known beforehand. So where one cannot be
//! had, the store gives up those of segments that lie idle, and the operation is tried once more.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Access, DirLock, File, Io};
use crate::segment::SegmentCache;

/// Another file system, with handles made free where they are lacking.
pub(crate) struct ThriftyIo {
    inner: Arc<dyn Io>,
    cache: Arc<SegmentCache>,
}

impl ThriftyIo {
    pub(crate) fn new(inner: Arc<dyn Io>, cache: Arc<SegmentCache>) -> ThriftyIo {
        ThriftyIo { inner, cache }
    }

    fn with_room<T>(&self, operation: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match operation() {
            Err(error) if is_out_of_handles(&error) && self.cache.make_room() => operation(),
            done => done,
        }
    }
}

/// Whether the process, or the whole machine, has too many files open.
pub(crate) fn is_out_of_handles(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no `ErrorKind` of their own.
    matches!(error.raw_os_error(), Some(23 | 24))
}

impl Io for ThriftyIo {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.with_room(|| self.inner.list_dir(path))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        self.with_room(|| self.inner.open(path, access))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.with_room(|| self.inner.remove_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.with_room(|| self.inner.sync_dir(path))
    }

    fn lock_dir(&self, path: &Path) -> io::Result<Result<Box<dyn DirLock>, String>> {
        self.with_room(|| self.inner.lock_dir(path))
    }
}
