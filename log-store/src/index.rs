//! Sparse indexes of a segment: from offset to position, and from time stamp to offset.
//!
//! An index file is a sorted row of fixed-size entries, Kafka's own: 8 bytes by offset (relative
//! offset `u32`, position `u32`), 12 by time (time stamp `i64`, relative offset `u32`), big-endian.
//! What a file holds is searched in its memory map; entries since the last flush are in memory. An
//! index is a hint that can be rebuilt from its segment: one that is not sorted, or has entries
//! that the segment cannot have, is thrown away and rebuilt.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::{IoContext, Result};
use crate::io::{Access, Io};

/// An entry of one of the two indexes.
pub(crate) trait Entry: Copy {
    const BYTES: usize;
    const EXTENSION: &'static str;
    fn encode(self, out: &mut Vec<u8>);
    fn decode(bytes: &[u8]) -> Self;
    /// What entries are sorted by.
    fn key(self) -> i64;
}

/// At `position` begins a batch whose first offset is the segment's base plus `relative_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) relative_offset: u32,
    pub(crate) position: u32,
}

impl Entry for OffsetEntry {
    const BYTES: usize = 8;
    const EXTENSION: &'static str = "index";

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(b: &[u8]) -> OffsetEntry {
        OffsetEntry { relative_offset: u32_at(b, 0), position: u32_at(b, 4) }
    }

    fn key(self) -> i64 {
        i64::from(self.relative_offset)
    }
}

/// The largest time stamp up to and including the batch that begins at `relative_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: i64,
    pub(crate) relative_offset: u32,
}

impl Entry for TimeEntry {
    const BYTES: usize = 12;
    const EXTENSION: &'static str = "timeindex";

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
    }

    fn decode(b: &[u8]) -> TimeEntry {
        let timestamp = u64::from(u32_at(b, 0)) << 32 | u64::from(u32_at(b, 4));
        TimeEntry { timestamp: timestamp as i64, relative_offset: u32_at(b, 8) }
    }

    fn key(self) -> i64 {
        self.timestamp
    }
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

/// One index of one segment.
pub(crate) struct SparseIndex<E> {
    path: PathBuf,
    stored: Bytes,
    tail: Vec<E>,
}

impl<E: Entry> SparseIndex<E> {
    /// An index without entries; what the file holds will be overwritten.
    pub(crate) fn empty(log: &Path) -> SparseIndex<E> {
        SparseIndex {
            path: log.with_extension(E::EXTENSION),
            stored: Bytes::new(),
            tail: Vec::new(),
        }
    }

    /// The index as its file has it, up to the first entry that `keep` refuses; nothing if the file
    /// is not there or not sorted.
    pub(crate) fn load(
        io: &dyn Io,
        log: &Path,
        keep: impl Fn(E) -> bool,
    ) -> Result<Option<SparseIndex<E>>> {
        let mut index = SparseIndex::empty(log);
        let stored = match io
            .open(&index.path, Access::Read)
            .and_then(|file| file.read(0, file.len()? as usize))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.at("read", &index.path)?,
        };
        let entries = || stored.chunks_exact(E::BYTES).map(E::decode);
        if !entries().is_sorted_by(|a, b| a.key() < b.key()) {
            return Ok(None);
        }
        let kept = entries().take_while(|entry| keep(*entry)).count();
        index.stored = stored.slice(..kept * E::BYTES);
        Ok(Some(index))
    }

    /// Adds an entry; one that would not be in order is left out.
    pub(crate) fn push(&mut self, entry: E) {
        if self.last().is_none_or(|last| last.key() < entry.key()) {
            self.tail.push(entry);
        }
    }

    /// The last entry whose key is at most `key`.
    pub(crate) fn last_up_to(&self, key: i64) -> Option<E> {
        let in_tail = self.tail.partition_point(|entry| entry.key() <= key);
        if in_tail > 0 {
            return self.tail.get(in_tail - 1).copied();
        }
        let in_file = self.stored_up_to(key);
        (in_file > 0).then(|| self.stored_at(in_file - 1))
    }

    /// How many stored entries have a key of at most `key`.
    fn stored_up_to(&self, key: i64) -> usize {
        let (mut low, mut high) = (0, self.stored.len() / E::BYTES);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.stored_at(middle).key() <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn stored_at(&self, i: usize) -> E {
        E::decode(&self.stored[i * E::BYTES..(i + 1) * E::BYTES])
    }

    fn last(&self) -> Option<E> {
        let stored = self.stored.len() / E::BYTES;
        self.tail.last().copied().or_else(|| (stored > 0).then(|| self.stored_at(stored - 1)))
    }

    /// Writes what is only in memory, and syncs it if the segment will not be written any more.
    pub(crate) fn flush(&mut self, io: &dyn Io, sync: bool) -> Result<()> {
        if self.tail.is_empty() && !sync {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.tail.len() * E::BYTES);
        self.tail.iter().for_each(|entry| entry.encode(&mut bytes));
        let end = (self.stored.len() + bytes.len()) as u64;
        let file = io.open(&self.path, Access::Create).at("open", &self.path)?;
        file.write_at(&bytes, self.stored.len() as u64).at("write", &self.path)?;
        if file.len().at("measure", &self.path)? > end {
            file.truncate(end).at("cut", &self.path)?;
        }
        if sync {
            file.sync().at("sync", &self.path)?;
        }
        self.stored = file.read(0, end as usize).at("read", &self.path)?;
        self.tail = Vec::new();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::MemoryIo;

    fn entry(relative_offset: u32) -> OffsetEntry {
        OffsetEntry { relative_offset, position: relative_offset * 100 }
    }

    #[test]
    fn entries_are_found_in_memory_and_in_the_file() {
        let io = MemoryIo::new();
        let log = Path::new("0.log");
        let mut index = SparseIndex::empty(log);
        [2, 4, 8].into_iter().for_each(|offset| index.push(entry(offset)));
        index.flush(&io, false).unwrap();
        [16, 32].into_iter().for_each(|offset| index.push(entry(offset)));
        let found = |index: &SparseIndex<OffsetEntry>, key| {
            index.last_up_to(key).map(|e| e.relative_offset)
        };
        let expected =
            [(1, None), (2, Some(2)), (7, Some(4)), (15, Some(8)), (16, Some(16)), (99, Some(32))];
        for (key, entry) in expected {
            assert_eq!(found(&index, key), entry, "{key}");
        }
        index.flush(&io, true).unwrap();
        let loaded = SparseIndex::load(&io, log, |entry: OffsetEntry| entry.position < 1600)
            .unwrap()
            .unwrap();
        assert_eq!(found(&loaded, 99), Some(8));
    }
}
