//! The operating system's file system. Files are read through memory maps.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};
use parking_lot::RwLock;
use rustix::fs::{FallocateFlags, FlockOperation};

use super::{Access, DirLock, File, Io};

const LOCK_FILE: &str = "lock";

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealIo;

impl Io for RealIo {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let file = OpenOptions::new()
            .read(true)
            .write(access != Access::Read)
            .create(access == Access::Create)
            .truncate(false)
            .open(path)?;
        Ok(Arc::new(RealFile { file, map: RwLock::new(Bytes::new()) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock_dir(&self, path: &Path) -> io::Result<Result<Box<dyn DirLock>, String>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Box::new(HeldLock(file))))
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Err(holder_of(&mut file))),
            Err(error) => Err(error.into()),
        }
    }
}

fn holder_of(lock: &mut fs::File) -> String {
    let mut holder = String::new();
    match lock.read_to_string(&mut holder) {
        Ok(_) if !holder.is_empty() => holder,
        _ => "unknown".to_owned(),
    }
}

/// The lock goes when the file is closed, also when the process dies.
struct HeldLock(fs::File);

impl DirLock for HeldLock {}

impl Drop for HeldLock {
    /// Closing is not enough while a child process that is just being started still has the file.
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.0, FlockOperation::Unlock) {
            tracing::warn!(%error, "cannot unlock the log store's directory");
        }
    }
}

/// A file and the newest map of it. A map is replaced by a longer one when the file has grown;
/// the shorter one lives on in the slices that were handed out.
struct RealFile {
    file: fs::File,
    map: RwLock<Bytes>,
}

impl RealFile {
    fn remap(&self, end: u64) -> io::Result<Bytes> {
        let len = self.file.metadata()?.len();
        if len < end {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("expected {end} bytes, found {len}"),
            ));
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        // SAFETY: the mapped bytes change only where this crate writes, which is beyond what it has
        // handed out (a segment is appended to, never rewritten), and the file is never cut below
        // that. The store's lock file keeps other processes of ours away; one that ignores it and
        // shortens the file would raise SIGBUS here, which no reader of a map can prevent.
        let map: Mmap = unsafe { MmapOptions::new().len(len).map(&self.file)? };
        let map = Bytes::from_owner(map);
        *self.map.write() = map.clone();
        Ok(map)
    }
}

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn read(&self, position: u64, len: usize) -> io::Result<Bytes> {
        if len == 0 {
            return Ok(Bytes::new());
        }
        let start = usize::try_from(position).map_err(io::Error::other)?;
        let end = start + len;
        if let Some(slice) = slice_of(&self.map.read(), start, end) {
            return Ok(slice);
        }
        Ok(self.remap(end as u64)?.slice(start..end))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let present = self.len()?;
        if present >= len {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), present, len - present) {
            // Some file systems cannot; they grow by being written to.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.file.set_len(len),
            done => Ok(done?),
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut map = self.map.write();
        self.file.set_len(len)?;
        *map = Bytes::new();
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn slice_of(map: &Bytes, start: usize, end: usize) -> Option<Bytes> {
    (end <= map.len()).then(|| map.slice(start..end))
}
