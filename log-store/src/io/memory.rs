//! A file system in memory: for tests, for simulations, and for a store that need not last.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::{Access, DirLock, File, Io};

/// Addresses are aligned as a memory map's are, as far as anybody here relies on it.
const ALIGNMENT: usize = 64;

/// Files in memory; clones share them, so that a store can be closed and opened again.
#[derive(Clone, Default)]
pub struct MemoryIo {
    files: Arc<Mutex<BTreeMap<PathBuf, Arc<MemoryFile>>>>,
    locked: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl MemoryIo {
    /// An empty file system.
    pub fn new() -> MemoryIo {
        MemoryIo::default()
    }

    /// All files below `dir`.
    fn below(&self, dir: &Path) -> Vec<PathBuf> {
        self.files
            .lock()
            .keys()
            .filter(|path| path.starts_with(dir) && *path != dir)
            .cloned()
            .collect()
    }
}

impl Io for MemoryIo {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let names: BTreeSet<String> = self
            .below(path)
            .iter()
            .filter_map(|file| file.strip_prefix(path).ok()?.iter().next())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let mut files = self.files.lock();
        if let Some(file) = files.get(path) {
            return Ok(file.clone());
        }
        if access != Access::Create {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = Arc::new(MemoryFile::default());
        files.insert(path.to_owned(), file.clone());
        Ok(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let below = self.below(from);
        let mut files = self.files.lock();
        if let Some(file) = files.remove(from) {
            files.insert(to.to_owned(), file);
        }
        for path in below {
            let moved = to.join(path.strip_prefix(from).map_err(io::Error::other)?);
            if let Some(file) = files.remove(&path) {
                files.insert(moved, file);
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.files.lock().remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let below = self.below(path);
        let mut files = self.files.lock();
        for file in below {
            files.remove(&file);
        }
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock_dir(&self, path: &Path) -> io::Result<Result<Box<dyn DirLock>, String>> {
        if !self.locked.lock().insert(path.to_owned()) {
            return Ok(Err(std::process::id().to_string()));
        }
        Ok(Ok(Box::new(MemoryLock { locked: self.locked.clone(), path: path.to_owned() })))
    }
}

struct MemoryLock {
    locked: Arc<Mutex<BTreeSet<PathBuf>>>,
    path: PathBuf,
}

impl DirLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.locked.lock().remove(&self.path);
    }
}

#[derive(Default)]
struct MemoryFile {
    bytes: RwLock<Vec<u8>>,
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.read().len() as u64)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let position = usize::try_from(position).map_err(io::Error::other)?;
        overwrite(&mut self.bytes.write(), bytes, position);
        Ok(())
    }

    fn read(&self, position: u64, len: usize) -> io::Result<Bytes> {
        let position = usize::try_from(position).map_err(io::Error::other)?;
        let file = self.bytes.read();
        match file.get(position..position + len) {
            Some(bytes) => Ok(aligned(bytes, position)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.bytes.write().truncate(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts `bytes` at `position` of `file`, with zeros before it where the file was shorter.
pub(super) fn overwrite(file: &mut Vec<u8>, bytes: &[u8], position: usize) {
    let end = position + bytes.len();
    if file.len() < position {
        file.resize(position, 0);
    }
    if file.len() >= end {
        file[position..end].copy_from_slice(bytes);
    } else {
        file.truncate(position);
        file.extend_from_slice(bytes);
    }
}

/// A copy whose address is congruent to the position in the file.
pub(super) fn aligned(bytes: &[u8], position: usize) -> Bytes {
    let mut buffer = Vec::with_capacity(bytes.len() + 2 * ALIGNMENT);
    let address = buffer.as_ptr() as usize;
    let lead = address.next_multiple_of(ALIGNMENT) - address + position % ALIGNMENT;
    buffer.resize(lead, 0);
    buffer.extend_from_slice(bytes);
    Bytes::from_owner(buffer).slice(lead..)
}
