//! The machine that a simulated engine runs on: the disk of the log, and the directory of the state,
//! which is brought back to what a crash would have left of it.
//!
//! Of RocksDB, only the write-ahead log is cut: RocksDB syncs everything else itself before it
//! relies on it. The log loses what was written since the last sync, all or some of it, also in the
//! middle of a record.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use engine::{Simulated, StateWatch, Storage};
use log_store::{DiskFault, FaultyIo};
use tempfile::TempDir;

use super::chance::Chance;
use super::program::Durability;

/// A machine.
pub struct Machine {
    dir: TempDir,
    io: FaultyIo,
    watch: Arc<Watch>,
}

/// Lengths of files by name.
type Lengths = BTreeMap<OsString, u64>;

/// Stands beside the directory of the state.
struct Watch {
    dir: PathBuf,
    io: FaultyIo,
    /// How much of each write-ahead log a loss of power leaves for sure.
    synced: Mutex<Lengths>,
    /// RocksDB takes no more writes after one has failed, until it is opened again.
    failed: AtomicBool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Watch {
    fn note(&self, done: io::Result<()>) -> io::Result<()> {
        done.inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }

    fn check(&self) -> io::Result<()> {
        match self.failed.load(Ordering::SeqCst) {
            true => Err(io::Error::other("an earlier write has failed")),
            false => Ok(()),
        }
    }
}

impl StateWatch for Watch {
    fn write(&self, bytes: usize) -> io::Result<()> {
        self.check()?;
        self.note(self.io.write_beside(bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.check()?;
        self.note(self.io.sync_beside())?;
        *self.synced.lock().unwrap_or_else(PoisonError::into_inner) = lengths(&self.dir)?;
        Ok(())
    }
}

/// The write-ahead logs of a RocksDB directory.
fn lengths(dir: &Path) -> io::Result<Lengths> {
    let mut found = Lengths::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            found.insert(entry.file_name(), entry.metadata()?.len());
        }
    }
    Ok(found)
}

impl Machine {
    /// A machine with empty disks.
    pub fn new() -> Result<Machine> {
        let dir = tempfile::tempdir().context("make a directory")?;
        let io = FaultyIo::new();
        let watch = Watch::new(dir.path().join("state"), io.clone(), Lengths::new());
        Ok(Machine { io, watch: Arc::new(watch), dir })
    }

    /// Where an engine on this machine keeps its data.
    pub fn storage(&self) -> Storage {
        Storage::Simulated(Simulated {
            log: Arc::new(self.io.clone()),
            state: self.watch.dir.clone(),
            watch: self.watch.clone(),
        })
    }

    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: DiskFault) {
        self.io.inject(fault);
    }

    /// Takes the cause away.
    pub fn heal(&self) {
        self.io.heal();
    }

    /// Whether it has crashed.
    pub fn has_crashed(&self) -> bool {
        self.io.has_crashed()
    }

    /// How many writes and syncs have failed, but for those after a crash.
    pub fn failures(&self) -> u64 {
        self.io.failures()
    }

    /// How many writes, syncs and changes of names there were.
    pub fn steps(&self) -> u64 {
        self.io.steps()
    }

    /// Whether an engine must be opened again before it can write its state.
    pub fn has_failed(&self) -> bool {
        self.watch.failed.load(Ordering::SeqCst)
    }

    /// The log's files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.io.files()
    }

    /// Ends the process, or takes the power away, and starts again. Nothing may be open.
    pub fn crash(&mut self, durability: Durability, chance: &mut Chance) -> Result<()> {
        let synced = match durability {
            Durability::Process => {
                self.io = self.io.after_kill();
                self.watch.synced.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            Durability::Strict | Durability::Power => {
                self.io = self.io.after_crash(chance.number());
                self.watch.lose_unsynced(chance).context("cut the state's log")?
            }
        };
        let dir = self.dir.path().join("state");
        self.watch = Arc::new(Watch::new(dir, self.io.clone(), synced));
        Ok(())
    }
}

impl Watch {
    fn new(dir: PathBuf, io: FaultyIo, synced: Lengths) -> Watch {
        Watch { dir, io, synced: Mutex::new(synced), failed: AtomicBool::new(false) }
    }

    /// Cuts the write-ahead logs somewhere behind what was synced; gives their lengths.
    fn lose_unsynced(&self, chance: &mut Chance) -> io::Result<Lengths> {
        let synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !self.dir.exists() {
            return Ok(Lengths::new());
        }
        let mut left = lengths(&self.dir)?;
        // RocksDB removes logs that it needs no more when it comes to it. Whether they are still
        // there must not change what happens afterwards: however many there are, one number is
        // taken, and the one log that counts, the newest, comes first.
        let mut chance = Chance::new(chance.number(), 0);
        let how = chance.below(3);
        for (name, length) in left.iter_mut().rev() {
            let kept = synced.get(name).copied().unwrap_or_default().min(*length);
            let cut = match how {
                0 => kept,
                1 => *length,
                _ => kept + chance.below(*length - kept + 1),
            };
            File::options().write(true).open(self.dir.join(name))?.set_len(cut)?;
            *length = cut;
        }
        Ok(left)
    }
}
