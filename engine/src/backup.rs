//! Copies of a data directory, made while it is in use, and data directories made of copies.
//!
//! A backup holds one moment: every query stands at a commit then, no statement is half done, and
//! log and state agree. For that moment queries, inserts and changes of the catalog wait; files
//! that never change again get a second name, RocksDB makes a checkpoint, and everybody goes on.
//! What was being written to is copied afterwards.
//!
//! ```text
//! <backup>/backup.json    what it is; written last, so a directory without it is no backup
//!          state/ …       as in a data directory
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use log_store::Backup;
use serde::{Deserialize, Serialize};

use crate::engine::{Shared, Storage};
use crate::error::{Code, Error, Result, invalid};

/// What makes a directory a backup.
const FILE: &str = "backup.json";

/// The layout that this version writes.
const FORMAT: u32 = 1;

/// Where a backup is made, in the data directory; what a crash leaves of it goes on opening.
const UNFINISHED: &str = "backup.unfinished";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupInfo {
    format: u32,
    /// The version that made it.
    pub version: String,
    /// When, milliseconds since the epoch.
    pub taken_ms: i64,
    /// How many topics it holds.
    pub topics: usize,
    /// How many bytes.
    pub bytes: u64,
}

/// Makes a backup in a directory that does not exist yet; says for how long others had to wait.
pub(crate) fn back_up(shared: &Shared, to: &Path) -> Result<(BackupInfo, Duration)> {
    let Storage::Directory(data) = &shared.options.storage else {
        let message = "BACKUP copies files: expected a data directory, found everything in memory";
        return Err(invalid(Code::NotSupported, message));
    };
    let Some(_one) = shared.backing_up.try_lock() else {
        return Err(invalid(Code::InUse, "another BACKUP is being made"));
    };
    check_target(to, data)?;
    let unfinished = data.join(UNFINISHED);
    let made = make(shared, &unfinished).and_then(|made| {
        put(&unfinished, to)?;
        Ok(made)
    });
    if made.is_err() {
        remove_unfinished(data)?;
    }
    made
}

/// Removes what a crash has left of a backup.
pub(crate) fn remove_unfinished(data: &Path) -> Result<()> {
    let path = data.join(UNFINISHED);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", &path, &error))
        }
        _ => Ok(()),
    }
}

fn check_target(to: &Path, data: &Path) -> Result<()> {
    if !is_free(to)? {
        let message = format!("cannot back up to {}: it exists already", to.display());
        return Err(invalid(Code::InvalidValue, message)
            .hint("each backup takes a directory of its own, which BACKUP makes"));
    }
    let parent = absolute(to)?.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(&parent).map_err(|error| failed("create", &parent, &error))?;
    let (parent, data) = (canonical(&parent)?, canonical(data)?);
    if parent.starts_with(&data) {
        let message = format!("cannot back up to {}: it is in the data directory", to.display());
        return Err(invalid(Code::InvalidValue, message));
    }
    Ok(())
}

fn make(shared: &Shared, dir: &Path) -> Result<(BackupInfo, Duration)> {
    fs::create_dir(dir).map_err(|error| failed("create", dir, &error))?;
    // What is written down now need not be while others wait.
    shared.backend.flush()?;
    let begun = Instant::now();
    let (backup, topics) = {
        let _changing = shared.changing.lock();
        let tasks = shared.scheduler.tasks();
        // In the order of their numbers, as everybody who holds several.
        let _held: Vec<_> = tasks.iter().map(|task| task.hold()).collect();
        shared.backend.checkpoint(&dir.join("state"))?;
        (Backup::begin(&shared.log, dir)?, shared.log.topics().len())
    };
    let waited = begun.elapsed();
    let bytes = backup.finish()?;
    let taken_ms = shared.options.clock.now_ms();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let info = BackupInfo { format: FORMAT, version, taken_ms, topics, bytes };
    write_info(dir, &info)?;
    Ok((info, waited))
}

fn write_info(dir: &Path, info: &BackupInfo) -> Result<()> {
    let path = dir.join(FILE);
    let text =
        serde_json::to_vec_pretty(info).map_err(|error| Error::Internal(error.to_string()))?;
    fs::write(&path, text).map_err(|error| failed("write", &path, &error))?;
    sync(&path)?;
    sync(dir)
}

/// Makes a data directory of a backup. There must be none yet.
pub fn restore(backup: &Path, data: &Path) -> Result<BackupInfo> {
    let info = read_info(backup)?;
    if !is_free(data)? {
        let message = format!("cannot restore to {}: it is not empty", data.display());
        return Err(invalid(Code::InvalidValue, message)
            .hint("restore to another directory, or move this one out of the way"));
    }
    put_copy(backup, data)?;
    let path = data.join(FILE);
    fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
    sync(data)?;
    Ok(info)
}

fn read_info(backup: &Path) -> Result<BackupInfo> {
    let path = backup.join(FILE);
    let text = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("{} is no backup: there is no {FILE}", backup.display());
            invalid(Code::InvalidValue, message).hint("BACKUP TO 'directory' makes one")
        }
        _ => failed("read", &path, &error),
    })?;
    let info: BackupInfo = serde_json::from_slice(&text).map_err(|error| Error::Storage {
        operation: format!("cannot read {}", path.display()),
        cause: error.to_string(),
    })?;
    if info.format != FORMAT {
        let message = format!(
            "{} is a backup of another kind: expected format {FORMAT}, found {}, made by version {}",
            backup.display(),
            info.format,
            info.version
        );
        return Err(invalid(Code::NotSupported, message));
    }
    Ok(info)
}

/// Gives a directory its place, which may be on another file system.
fn put(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            put_copy(from, to)?;
            fs::remove_dir_all(from).map_err(|error| failed("remove", from, &error))
        }
        Err(error) => Err(failed("create", to, &error)),
        Ok(()) => sync(absolute(to)?.parent().unwrap_or(to)),
    }
}

/// Copies a directory under another name, and gives it its own when it is complete.
fn put_copy(from: &Path, to: &Path) -> Result<()> {
    let mut name = to.as_os_str().to_owned();
    name.push(".unfinished");
    let unfinished = PathBuf::from(name);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|error| failed("remove", &unfinished, &error))?;
    }
    copy_all(from, &unfinished)?;
    fs::rename(&unfinished, to).map_err(|error| failed("create", to, &error))?;
    sync(absolute(to)?.parent().unwrap_or(to))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| failed("create", to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| failed("list", from, &error))? {
        let entry = entry.map_err(|error| failed("list", from, &error))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_all(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(|error| failed("copy", &path, &error))?;
            sync(&target)?;
        }
    }
    sync(to)
}

/// Whether there is nothing, or a directory with nothing in it.
fn is_free(path: &Path) -> Result<bool> {
    match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(failed("list", path, &error)),
        Ok(mut entries) => Ok(entries.next().is_none()),
    }
}

fn sync(path: &Path) -> Result<()> {
    let synced = fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| failed("sync", path, &error))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| failed("find", path, &error))
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| failed("find", path, &error))
}

fn failed(operation: &str, path: &Path, cause: &io::Error) -> Error {
    let operation = format!("cannot {operation} {}", path.display());
    Error::Storage { operation, cause: cause.to_string() }
}
