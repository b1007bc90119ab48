//! What a copy of the store holds of a partition.

use std::path::Path;

use super::Partition;
use super::checkpoint;
use crate::backup::Backup;
use crate::error::Result;

impl Partition {
    /// Adds all batches that are there now to a copy. The checkpoint that is there is older than they
    /// are, which recovery is used to.
    pub(crate) fn back_up(&self, backup: &mut Backup, dir: &Path) -> Result<()> {
        let _upkeep = self.upkeep.lock();
        let _writer = self.writer.lock();
        let segments = self.segments.read().clone();
        let Some((active, ended)) = segments.split_last() else { return Ok(()) };
        let dir = backup.make_dir(dir)?;
        for segment in ended {
            for extension in ["log", "index", "timeindex"] {
                let file = segment.path().with_extension(extension);
                let Some(name) = file.file_name() else { continue };
                backup.keep(&file, &dir.join(name))?;
            }
        }
        if let Some(name) = active.path().file_name() {
            backup.copy(active.path(), &dir.join(name), active.len())?;
        }
        backup.keep(&self.dir.join(checkpoint::FILE), &dir.join(checkpoint::FILE))
    }
}
