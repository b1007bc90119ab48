//! Copies of a store that is in use.
//!
//! 1. [`Backup::begin`] fixes what the copy holds: of each partition all batches that are there now. Files
//!    that never change again get a second name in the copy, which takes no time; of the files that are being written
//!    to, it notes how far they are to be copied.
//! 2. [`Backup::finish`] copies those, while the store goes on, and makes the copy durable.
//!
//! The copy is a store's directory. Opening it is like opening one after a crash at that moment.
//! This works on files of the operating system alone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::log_store::LogStore;

/// A copy that is being made.
#[must_use = "a backup is complete when it is finished"]
pub struct Backup {
    dir: PathBuf,
    unfinished: Vec<Unfinished>,
}

/// The first bytes of a file, which are to be copied.
struct Unfinished {
    from: File,
    to: PathBuf,
    len: u64,
}

impl Backup {
    /// Begins a copy of `store` in `dir`, a new directory on the same file system.
    pub fn begin(store: &LogStore, dir: &Path) -> Result<Backup> {
        let mut backup = Backup { dir: dir.to_owned(), unfinished: Vec::new() };
        store.back_up(&mut backup)?;
        Ok(backup)
    }

    /// A directory of the copy.
    pub(crate) fn make_dir(&self, path: &Path) -> Result<PathBuf> {
        let path = self.dir.join(path);
        fs::create_dir_all(&path).at("create", &path)?;
        Ok(path)
    }

    /// Takes a file as it is, which never changes again; nothing if there is none.
    pub(crate) fn keep(&mut self, file: &Path, to: &Path) -> Result<()> {
        match fs::hard_link(file, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // Not every file system has second names.
            Err(_) => {
                let len = fs::metadata(file).at("measure", file)?.len();
                self.copy(file, to, len)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes the first bytes of a file, which never change again. They are copied later.
    pub(crate) fn copy(&mut self, file: &Path, to: &Path, len: u64) -> Result<()> {
        let from = File::open(file).at("open", file)?;
        self.unfinished.push(Unfinished { from, to: to.to_owned(), len });
        Ok(())
    }

    /// Copies what is left, and makes all of it survive a loss of power. Gives the number of bytes.
    pub fn finish(self) -> Result<u64> {
        for Unfinished { from, to, len } in self.unfinished {
            let mut file = File::create(&to).at("create", &to)?;
            let copied = io::copy(&mut from.take(len), &mut file).at("write", &to)?;
            if copied < len {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof)).at("copy", &to);
            }
        }
        sync_all(&self.dir)
    }
}

/// Syncs all files of a directory and those below; gives their bytes.
fn sync_all(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).at("list", dir)? {
        let path = entry.at("list", dir)?.path();
        if path.is_dir() {
            bytes += sync_all(&path)?;
            continue;
        }
        let file = File::open(&path).at("open", &path)?;
        file.sync_all().at("sync", &path)?;
        bytes += file.metadata().at("measure", &path)?.len();
    }
    File::open(dir).and_then(|dir| dir.sync_all()).at("sync", dir)?;
    Ok(bytes)
}
