//! Numbers that are never given twice: of producers and of topics.
//!
//! The file says which numbers may have been given. Producer ids are reserved by the thousand, so
//! that giving one costs a file only now and then.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::replace_file;
use crate::backup::Backup;
use crate::error::{Error, IoContext, Result};
use crate::io::{Access, Io};
use crate::topic::TopicId;

const FILE: &str = "ids.json";
const PRODUCER_BLOCK: i64 = 1000;

/// Gives numbers.
pub(crate) struct Ids {
    path: PathBuf,
    next_producer: i64,
    reserved: Reserved,
}

/// Numbers below these may have been given.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Reserved {
    producer: i64,
    topic: u64,
}

impl Ids {
    pub(crate) fn open(io: &dyn Io, dir: &Path) -> Result<Ids> {
        let path = dir.join(FILE);
        let reserved = match io
            .open(&path, Access::Read)
            .and_then(|file| file.read(0, file.len()? as usize))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Reserved::default(),
            read => serde_json::from_slice(&read.at("read", &path)?)
                .map_err(|error| Error::corrupt(&path, 0, "reserved numbers", error.to_string()))?,
        };
        Ok(Ids { path, next_producer: reserved.producer, reserved })
    }

    /// Adds the file to a copy. It is replaced as a whole, so what it is now stays.
    pub(crate) fn back_up(&self, backup: &mut Backup, dir: &Path) -> Result<()> {
        backup.keep(&self.path, &dir.join(FILE))
    }

    pub(crate) fn producer(&mut self, io: &dyn Io) -> Result<i64> {
        if self.next_producer == self.reserved.producer {
            self.reserve(
                io,
                Reserved { producer: self.next_producer + PRODUCER_BLOCK, ..self.reserved },
            )?;
        }
        self.next_producer += 1;
        Ok(self.next_producer - 1)
    }

    pub(crate) fn topic(&mut self, io: &dyn Io) -> Result<TopicId> {
        let id = self.reserved.topic;
        self.reserve(io, Reserved { topic: id + 1, ..self.reserved })?;
        Ok(TopicId(id))
    }

    fn reserve(&mut self, io: &dyn Io, reserved: Reserved) -> Result<()> {
        let text =
            serde_json::to_vec(&reserved).map_err(io::Error::from).at("encode", &self.path)?;
        replace_file(io, &self.path, &text)?;
        self.reserved = reserved;
        Ok(())
    }
}
