//! A disk that does what disks do: it forgets what was not synced, tears what was being written,
//! fills up, and fails a sync.
//!
//! Files are in memory, each as it is seen and as it would be found after a loss of power.
//! [`FaultyIo::after_crash`] gives the disk as it might be found: of the writes that were not synced
//! in every sector any prefix of them, of the names that were not synced any prefix of the changes. All
//! chance comes out of a seed. [`FaultyIo::after_kill`] gives it as a process that dies leaves it: all
//! that was written is there.
//!
//! Every write, sync and change of a name is a step. Another store that shares the machine takes its
//! own with [`FaultyIo::write_beside`] and [`FaultyIo::sync_beside`], so that both end at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::memory::{aligned, overwrite};
use super::{Access, DirLock, File, Io};

const SECTOR_BYTES: usize = 512;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes when the next so many syncs are done, and nothing works any more.
    CrashAfterSyncs(u64),
    /// The same in the middle of the step after the next so many.
    CrashAfterSteps(u64),
    /// The next so many syncs succeed, the one after fails.
    FailSyncAfter(u64),
    /// Files can grow by so many bytes, then the disk is full.
    FullAfterBytes(u64),
    /// Nothing can be created, written, renamed or removed.
    ReadOnly,
    /// Nothing can be opened: the process has too many files.
    OutOfHandles,
}

/// A disk with faults. Clones are the same disk.
#[derive(Clone, Default)]
pub struct FaultyIo {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Default)]
struct Disk {
    names: Names,
    durable_names: Names,
    /// Changes to names that a loss of power may undo, oldest first.
    renamings: Vec<Renaming>,
    locked: BTreeSet<PathBuf>,
    fault: Option<Fault>,
    crashed: bool,
    steps: u64,
    syncs: u64,
    failures: u64,
}

type Names = BTreeMap<PathBuf, Arc<Mutex<Content>>>;

enum Renaming {
    Create(PathBuf, Arc<Mutex<Content>>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveDir(PathBuf),
}

#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Truncate(usize),
}

struct FaultyFile {
    disk: Arc<Mutex<Disk>>,
    content: Arc<Mutex<Content>>,
}

impl FaultyIo {
    /// An empty disk without faults.
    pub fn new() -> FaultyIo {
        FaultyIo::default()
    }

    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: Fault) {
        self.disk.lock().fault = Some(fault);
    }

    /// Takes the cause of the fault away.
    pub fn heal(&self) {
        self.disk.lock().fault = None;
    }

    /// Whether the power has gone.
    pub fn has_crashed(&self) -> bool {
        self.disk.lock().crashed
    }

    /// How many syncs there were.
    pub fn syncs(&self) -> u64 {
        self.disk.lock().syncs
    }

    /// How many steps there were: writes, syncs, changes of names.
    pub fn steps(&self) -> u64 {
        self.disk.lock().steps
    }

    /// How many steps have failed for want of room, or at a sync that was to fail.
    pub fn failures(&self) -> u64 {
        self.disk.lock().failures
    }

    /// The files that there are.
    pub fn files(&self) -> Vec<PathBuf> {
        self.disk.lock().names.keys().cloned().collect()
    }

    /// The next write of another store on the same machine, which takes so many bytes.
    pub fn write_beside(&self, bytes: usize) -> io::Result<()> {
        self.disk.lock().grow(bytes)
    }

    /// The next sync of another store on the same machine.
    pub fn sync_beside(&self) -> io::Result<()> {
        self.disk.lock().sync_point()
    }

    /// The disk as a process leaves it that dies at this moment: with all that it has written,
    /// synced or not. This one does not work any more.
    pub fn after_kill(&self) -> FaultyIo {
        let dead = Disk { crashed: true, ..Disk::default() };
        let left = std::mem::replace(&mut *self.disk.lock(), dead);
        let left = Disk { fault: None, crashed: false, locked: BTreeSet::new(), ..left };
        FaultyIo { disk: Arc::new(Mutex::new(left)) }
    }

    /// The disk as it might be found after a loss of power at this moment.
    pub fn after_crash(&self, seed: u64) -> FaultyIo {
        let disk = self.disk.lock();
        let mut chance = Chance(seed);
        let mut names = disk.durable_names.clone();
        let survive = chance.below(disk.renamings.len() + 1);
        disk.renamings[..survive].iter().for_each(|renaming| renaming.apply(&mut names));
        let names: Names = names
            .into_iter()
            .map(|(path, content)| {
                (path, Arc::new(Mutex::new(content.lock().after_crash(&mut chance))))
            })
            .collect();
        let found = Disk { durable_names: names.clone(), names, ..Disk::default() };
        FaultyIo { disk: Arc::new(Mutex::new(found)) }
    }

    /// Changes one byte of a file, as a failing disk might.
    pub fn damage(&self, path: &Path, position: usize) {
        let disk = self.disk.lock();
        if let Some(byte) = disk
            .names
            .get(path)
            .map(|content| content.lock())
            .as_mut()
            .and_then(|c| c.seen.get_mut(position))
        {
            *byte ^= 0x20;
        }
    }
}

impl Io for FaultyIo {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        self.disk.lock().check_write()
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk.lock();
        disk.check_power()?;
        let below =
            disk.names.keys().filter_map(|file| file.strip_prefix(path).ok()?.iter().next());
        let names: BTreeSet<String> =
            below.map(|name| name.to_string_lossy().into_owned()).collect();
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        if disk.fault == Some(Fault::OutOfHandles) {
            return Err(io::Error::from_raw_os_error(24));
        }
        let content = match disk.names.get(path) {
            Some(content) => content.clone(),
            None if access == Access::Create => {
                disk.check_write()?;
                let content = Arc::<Mutex<Content>>::default();
                disk.rename(Renaming::Create(path.to_owned(), content.clone()));
                content
            }
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(FaultyFile { disk: self.disk.clone(), content }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_write()?;
        if !disk.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.rename(Renaming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_write()?;
        if !disk.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.rename(Renaming::Remove(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_write()?;
        disk.rename(Renaming::RemoveDir(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.sync_point()?;
        let (mut durable, mut pending) = (Vec::new(), Vec::<Renaming>::new());
        for renaming in std::mem::take(&mut disk.renamings) {
            if let (true, Renaming::RemoveDir(dir)) = (renaming.is_in(path), &renaming) {
                pending.retain(|earlier| !earlier.path().starts_with(dir));
            }
            if renaming.is_in(path) { &mut durable } else { &mut pending }.push(renaming);
        }
        disk.renamings = pending;
        durable.iter().for_each(|renaming| renaming.apply(&mut disk.durable_names));
        Ok(())
    }

    fn lock_dir(&self, path: &Path) -> io::Result<Result<Box<dyn DirLock>, String>> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        if !disk.locked.insert(path.to_owned()) {
            return Ok(Err(std::process::id().to_string()));
        }
        Ok(Ok(Box::new(FaultyLock { disk: self.disk.clone(), path: path.to_owned() })))
    }
}

struct FaultyLock {
    disk: Arc<Mutex<Disk>>,
    path: PathBuf,
}

impl DirLock for FaultyLock {}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        self.disk.lock().locked.remove(&self.path);
    }
}

impl Disk {
    fn check_power(&self) -> io::Result<()> {
        if self.crashed { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn step(&mut self) -> io::Result<()> {
        self.check_power()?;
        self.steps += 1;
        match &mut self.fault {
            Some(Fault::CrashAfterSteps(0)) => {
                self.crashed = true;
                self.check_power()
            }
            Some(Fault::CrashAfterSteps(left)) => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_write(&mut self) -> io::Result<()> {
        self.step()?;
        match self.fault {
            Some(Fault::ReadOnly) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => Ok(()),
        }
    }

    /// Takes room for so many bytes.
    fn grow(&mut self, bytes: usize) -> io::Result<()> {
        self.check_write()?;
        let Some(Fault::FullAfterBytes(room)) = &mut self.fault else { return Ok(()) };
        match room.checked_sub(bytes as u64) {
            Some(left) => *room = left,
            None => {
                self.failures += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        Ok(())
    }

    fn sync_point(&mut self) -> io::Result<()> {
        self.step()?;
        match &mut self.fault {
            Some(Fault::CrashAfterSyncs(0)) => {
                self.crashed = true;
                self.check_power()?;
            }
            Some(Fault::FailSyncAfter(0)) => {
                self.fault = None;
                self.failures += 1;
                return Err(io::Error::from_raw_os_error(5));
            }
            Some(Fault::CrashAfterSyncs(left) | Fault::FailSyncAfter(left)) => *left -= 1,
            _ => {}
        }
        self.syncs += 1;
        Ok(())
    }

    fn rename(&mut self, renaming: Renaming) {
        renaming.apply(&mut self.names);
        self.renamings.push(renaming);
    }
}

impl Renaming {
    fn apply(&self, names: &mut Names) {
        match self {
            Renaming::Create(path, content) => drop(names.insert(path.clone(), content.clone())),
            Renaming::Remove(path) => drop(names.remove(path)),
            Renaming::RemoveDir(dir) => names.retain(|path, _| !path.starts_with(dir)),
            Renaming::Rename(from, to) => {
                if let Some(content) = names.remove(from) {
                    names.insert(to.clone(), content);
                }
            }
        }
    }

    /// Whether it is made durable by syncing `dir`. Making a file's name durable makes those of
    /// the directories above it so, too.
    fn is_in(&self, dir: &Path) -> bool {
        // A directory that is made again under the name of one that was removed is another one:
        // what is synced there is never found among the files of the old one.
        let is_made_again =
            matches!(self, Renaming::RemoveDir(removed) if dir.starts_with(removed));
        is_made_again || self.path().parent() == Some(dir)
    }

    /// The name that it makes or takes away.
    fn path(&self) -> &Path {
        match self {
            Renaming::Create(path, _)
            | Renaming::Remove(path)
            | Renaming::RemoveDir(path)
            | Renaming::Rename(_, path) => path,
        }
    }
}

impl Content {
    fn after_crash(&self, chance: &mut Chance) -> Content {
        let mut found = self.durable.clone();
        let mut survival = Survival::new(self.unsynced.len(), chance);
        let length_at = survival.of_one();
        for (number, change) in self.unsynced.iter().enumerate() {
            match change {
                Change::Truncate(len) if number < length_at => found.resize(*len, 0),
                Change::Truncate(_) => {}
                Change::Write { position, bytes } => {
                    for (at, sector) in sectors(*position, bytes) {
                        if number < survival.of_sector(at / SECTOR_BYTES) {
                            overwrite(&mut found, sector, at);
                        }
                    }
                }
            }
        }
        Content { seen: found.clone(), durable: found, unsynced: Vec::new() }
    }
}

/// How many of a file's changes have reached the disk: for each sector some of the first, since a
/// sector is written as it is at one moment, but for every sector another number.
struct Survival<'a> {
    changes: usize,
    /// All of it, none of it, and every mixture are equally worth a try.
    keep_of_four: usize,
    of_sectors: BTreeMap<usize, usize>,
    chance: &'a mut Chance,
}

impl<'a> Survival<'a> {
    fn new(changes: usize, chance: &'a mut Chance) -> Survival<'a> {
        let keep_of_four = chance.below(5);
        Survival { changes, keep_of_four, of_sectors: BTreeMap::new(), chance }
    }

    fn of_sector(&mut self, sector: usize) -> usize {
        if let Some(known) = self.of_sectors.get(&sector) {
            return *known;
        }
        let survive = self.of_one();
        self.of_sectors.insert(sector, survive);
        survive
    }

    fn of_one(&mut self) -> usize {
        if self.chance.below(4) >= self.keep_of_four {
            return 0;
        }
        let some = self.keep_of_four < 4 && self.chance.below(2) == 0;
        if some { self.chance.below(self.changes + 1) } else { self.changes }
    }
}

/// The pieces of a write that a disk keeps or loses as a whole, with their positions.
fn sectors(position: usize, mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let mut at = position;
    while !bytes.is_empty() {
        let len = (SECTOR_BYTES - at % SECTOR_BYTES).min(bytes.len());
        let (sector, rest) = bytes.split_at(len);
        pieces.push((at, sector));
        (at, bytes) = (at + len, rest);
    }
    pieces
}

impl File for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.lock().check_power()?;
        Ok(self.content.lock().seen.len() as u64)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let position = position as usize;
        let mut content = self.content.lock();
        let growth = (position + bytes.len()).saturating_sub(content.seen.len());
        let mut disk = self.disk.lock();
        disk.check_power()?;
        let done = disk.grow(growth);
        // A disk that fills up takes a part of the write first, and so does one whose power goes.
        let taken = match done {
            Ok(()) => bytes.len(),
            Err(_) if disk.crashed => bytes.len() / 2,
            Err(_) => bytes.len().saturating_sub(growth.div_ceil(2)),
        };
        if taken > 0 {
            overwrite(&mut content.seen, &bytes[..taken], position);
            content.unsynced.push(Change::Write { position, bytes: bytes[..taken].to_vec() });
        }
        done
    }

    fn read(&self, position: u64, len: usize) -> io::Result<Bytes> {
        self.disk.lock().check_power()?;
        let position = position as usize;
        let content = self.content.lock();
        let bytes =
            content.seen.get(position..position + len).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(aligned(bytes, position))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut content = self.content.lock();
        let growth = (len as usize).saturating_sub(content.seen.len());
        self.disk.lock().grow(growth)?;
        if growth > 0 {
            // Room that was taken is there as zeros, whatever becomes of the writes into it.
            content.seen.resize(len as usize, 0);
            content.unsynced.push(Change::Truncate(len as usize));
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.lock().check_write()?;
        let mut content = self.content.lock();
        content.seen.resize(len as usize, 0);
        content.unsynced.push(Change::Truncate(len as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.content.lock();
        self.disk.lock().sync_point()?;
        content.durable = content.seen.clone();
        content.unsynced.clear();
        Ok(())
    }
}

/// Numbers that look like chance and are the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(io: &FaultyIo, path: &str) {
        let path = Path::new(path);
        let file = io.open(path, Access::Create).unwrap();
        file.write_at(b"text", 0).unwrap();
        file.sync().unwrap();
        io.sync_dir(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_directory_that_is_made_again_has_no_file_of_the_old_one() {
        let io = FaultyIo::new();
        write(&io, "topics/q/0/log");
        write(&io, "topics/r/log");
        io.remove_dir(Path::new("topics/q")).unwrap();
        let left = |io: &FaultyIo| io.after_crash(1).files();
        let there = |seed| io.after_crash(seed).files().len();
        assert!((0..20).any(|seed| there(seed) == 2), "the removal may be undone");
        write(&io, "topics/q/description");
        assert_eq!(left(&io), ["topics/q/description", "topics/r/log"].map(PathBuf::from));
    }
}
