//! The operating system's file system. Files are read through memory maps.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions, UncheckedAdvice};
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
        Ok(Arc::new(RealFile::new(file)))
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

/// How far the pages of a map reach that stay in memory behind a reader who goes through it, in
/// stretches: the one that is read, and some before it, whose batches are still at work.
const STRETCHES_KEPT: usize = 3;
const STRETCH_BYTES: usize = 16 << 20;

/// A file and the newest map of it. A map is replaced by a longer one when the file has grown;
/// the shorter one lives on in the slices that were handed out.
struct RealFile {
    file: fs::File,
    map: RwLock<Map>,
    /// The stretch that was read last.
    stretch: AtomicUsize,
}

/// A mapped file.
#[derive(Clone, Default)]
struct Map {
    bytes: Bytes,
    pages: Option<Arc<Mmap>>,
}

/// What slices of a map hold on to.
struct Pages(Arc<Mmap>);

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl RealFile {
    fn new(file: fs::File) -> Self {
        Self { file, map: RwLock::default(), stretch: AtomicUsize::new(0) }
    }

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
        let pages = Arc::new(map);
        let bytes = Bytes::from_owner(Pages(Arc::clone(&pages)));
        *self.map.write() = Map { bytes: bytes.clone(), pages: Some(pages) };
        Ok(bytes)
    }

    /// Lets go of the pages behind a reader who goes from one stretch of the file to the next, so
    /// that going through a large file takes no more memory than going through a small one. They
    /// stay in the system's cache: who reads them again only finds them there again.
    fn release_behind(&self, end: usize) {
        let stretch = end / STRETCH_BYTES;
        let before = self.stretch.load(Ordering::Relaxed);
        if stretch == before {
            return;
        }
        self.stretch.store(stretch, Ordering::Relaxed);
        let behind = stretch.checked_sub(STRETCHES_KEPT).filter(|_| stretch == before + 1);
        let (Some(behind), Some(pages)) = (behind, self.map.read().pages.clone()) else { return };
        let start = behind * STRETCH_BYTES;
        if start + STRETCH_BYTES > pages.len() {
            return;
        }
        // SAFETY: the range lies within the map. That is shared with its file and is not written
        // through, so that pages which are let go come back with the same bytes; slices of them
        // stay valid.
        let released = unsafe {
            pages.unchecked_advise_range(UncheckedAdvice::DontNeed, start, STRETCH_BYTES)
        };
        if let Err(error) = released {
            tracing::debug!(%error, "cannot let go of pages that were read");
        }
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
        let present = slice_of(&self.map.read().bytes, start, end);
        let slice = match present {
            Some(slice) => slice,
            None => self.remap(end as u64)?.slice(start..end),
        };
        self.release_behind(end);
        Ok(slice)
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
        *map = Map::default();
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn slice_of(map: &Bytes, start: usize, end: usize) -> Option<Bytes> {
    (end <= map.len()).then(|| map.slice(start..end))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const PIECE: usize = 64 << 10;

    /// How much of a file's maps is in memory.
    fn resident_kib(path: &Path) -> usize {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let name = path.to_str().unwrap();
        let mut resident = 0;
        let mut of_file = false;
        for line in maps.lines() {
            let first = line.split(' ').next().unwrap_or_default();
            if !first.ends_with(':') {
                of_file = line.ends_with(name);
            } else if of_file && first == "Rss:" {
                resident += line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap();
            }
        }
        resident
    }

    #[test]
    fn pages_behind_a_reader_are_let_go_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = RealIo.open(&path, Access::Create).unwrap();
        let len = 8 * STRETCH_BYTES;
        file.write_at(b"first", 0).unwrap();
        file.write_at(b"last", len as u64 - 4).unwrap();
        let first = file.read(0, 5).unwrap();
        let mut sum = 0_u64;
        for position in (0..len).step_by(PIECE) {
            let piece = file.read(position as u64, PIECE).unwrap();
            sum += piece.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        assert_eq!(sum, b"firstlast".iter().map(|byte| u64::from(*byte)).sum::<u64>());
        let resident = resident_kib(&path);
        assert!(resident > 0, "the file is not mapped");
        let most = ((STRETCHES_KEPT + 1) * STRETCH_BYTES) >> 10;
        assert!(resident <= most, "{resident} KiB of the file are in memory, more than {most}");
        assert_eq!(&first[..], b"first");
    }
}
