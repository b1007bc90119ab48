//! The backend of a simulation: RocksDB in a directory that somebody else brings back to what a
//! crash would have left of it.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Backend, Entry, Family, RocksBackend, View, Write, WriteBatch};
use crate::error::{Error, Result};

/// Stands beside a state's directory and lets its writes and syncs fail.
pub trait StateWatch: Debug + Send + Sync {
    /// Before about so many bytes are written; after an error they are not.
    fn write(&self, bytes: usize) -> io::Result<()>;

    /// Notes that all that the directory holds now is to survive a loss of power. Nothing is synced
    /// really: what survives is the watch's to say.
    fn sync(&self) -> io::Result<()>;
}

/// RocksDB under a watch.
#[derive(Debug)]
pub struct WatchedBackend {
    inner: RocksBackend,
    watch: Arc<dyn StateWatch>,
}

impl WatchedBackend {
    /// Opens or creates the directory.
    pub fn open(path: &Path, watch: Arc<dyn StateWatch>) -> Result<Self> {
        Ok(Self { inner: RocksBackend::open(path)?, watch })
    }
}

fn failed(operation: &str, cause: &io::Error) -> Error {
    Error::Storage { operation: operation.to_owned(), cause: cause.to_string() }
}

fn bytes_of((_, write): &(Family, Write)) -> usize {
    match write {
        Write::Put(key, value) => key.len() + value.len(),
        Write::Delete(key) => key.len(),
        Write::DeleteRange(range) => range.start.len() + range.end.len(),
    }
}

impl View for WatchedBackend {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get(family, key)
    }

    fn scan(&self, family: Family, range: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>> {
        self.inner.scan(family, range, limit)
    }
}

impl Backend for WatchedBackend {
    fn write(&self, batch: WriteBatch) -> Result<()> {
        let bytes = batch.writes.iter().map(bytes_of).sum();
        self.watch.write(bytes).map_err(|cause| failed("cannot write the state", &cause))?;
        self.inner.write(batch)
    }

    fn sync(&self) -> Result<()> {
        self.watch.sync().map_err(|cause| failed("cannot sync the state", &cause))
    }

    fn get_many(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        self.inner.get_many(family, keys)
    }

    fn view(&self) -> Arc<dyn View> {
        self.inner.view()
    }
}
