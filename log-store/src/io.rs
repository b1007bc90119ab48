//! All that the log store asks of a file system.
//!
//! Every file access of this crate goes through [`Io`] and [`File`], which know bytes and names and
//! nothing of batches or segments. [`RealIo`] is the operating system, [`MemoryIo`] a map, and
//! [`FaultyIo`] a disk that tears, forgets, fills up and fails.

mod faulty;
mod memory;
mod real;
mod thrifty;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

pub use faulty::{Fault as DiskFault, FaultyIo};
pub use memory::MemoryIo;
pub use real::RealIo;
pub(crate) use thrifty::{ThriftyIo, is_out_of_handles};

/// Keeps a directory locked while it lives.
pub trait DirLock: Send + Sync {}

/// A file system, as far as the log store needs one.
pub trait Io: Send + Sync {
    /// Creates a directory and whatever is missing above it.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no particular order.
    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Opens a file; an absent one is created if `access` says so.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;
    /// Renames a file or directory; a file of the new name is replaced at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Unlinks a file. Whoever reads it keeps what they have.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory and all in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a directory survive a loss of power.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes a directory for this process; the error is the holder's process id.
    fn lock_dir(&self, path: &Path) -> io::Result<Result<Box<dyn DirLock>, String>>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be read; it must exist.
    Read,
    /// To be read and written; it must exist.
    Write,
    /// To be read and written; created empty if it is absent.
    Create,
}

/// An open file.
pub trait File: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Writes all of `bytes` at `position`, growing the file as needed.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;
    /// Bytes of the file that stay as they are for as long as they are held. They must lie below
    /// the file's length. A byte at a position that divides by 64 has an address that does, too.
    fn read(&self, position: u64, len: usize) -> io::Result<Bytes>;
    /// Asks for room up to `len` bytes, so that a full disk is noticed here and syncs are cheap. May
    /// or may not grow the file; what it grows by reads as zeros.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Cuts the file to `len` bytes. Nobody may hold bytes beyond that.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes what was written survive a loss of power.
    fn sync(&self) -> io::Result<()>;
}
