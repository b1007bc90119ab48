//! A state store for one comparison, so that what is computed again need not fit in memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::{Shared, Storage};
use crate::error::{Error, Result};
use crate::state::{Backend, MemoryBackend, RocksBackend};

/// What the names of the directories begin with, in the data directory.
const PREFIX: &str = "verify.";

/// The store. Its files go with it.
pub struct Scratch {
    // Declared before its directory, so that it is closed before.
    backend: Arc<dyn Backend>,
    _dir: Option<Dir>,
}

struct Dir(PathBuf);

impl Scratch {
    /// A store on the disk that the data is on, if it is on one.
    pub fn open(shared: &Shared) -> Result<Self> {
        let Storage::Directory(data) = &shared.options.storage else {
            return Ok(Self { backend: Arc::new(MemoryBackend::default()), _dir: None });
        };
        let dir = Dir(data.join(format!("{PREFIX}{}", Uuid::new_v4().simple())));
        let backend = RocksBackend::without_log(&dir.0)?;
        Ok(Self { backend: Arc::new(backend), _dir: Some(dir) })
    }

    /// The store.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            let path = self.0.display();
            tracing::warn!(%path, %error, "files of a comparison stay until the data is opened again");
        }
    }
}

/// Removes what comparisons have left that a crash has interrupted.
pub fn remove_left(data: &Path) -> Result<()> {
    let failed = |path: &Path, cause: &io::Error| Error::Storage {
        operation: format!("cannot remove what is left in {}", path.display()),
        cause: cause.to_string(),
    };
    let entries = fs::read_dir(data).map_err(|error| failed(data, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(data, &error))?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path()).map_err(|error| failed(&entry.path(), &error))?;
        }
    }
    Ok(())
}
