//! What a query has read, so that what it gave can be computed again.
//!
//! In the state store's meta family:
//! - `b | query (4 bytes)`: its [`Beginning`] as JSON;
//! - `j | query (4 bytes) | sum of its positions (8 bytes)`: the portion that a commit has read.
//!
//! Where a query reads several partitions and remembers what it has read, the order in which their
//! records came shows in the result, and nothing but the query knows it. So each commit notes its
//! portion: which partitions were read up to where, in which order. A query over one partition, or
//! one that remembers nothing, needs no such notes.
//!
//! The notes go when the log has lost the first record of the query: nothing can be computed again
//! from there. So they take a small part of what the log takes for the same records.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sql::ast::SourceKind;

use super::commit::position_of;
use super::{Build, Reader};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::state::{Family, View, WriteBatch, prefix_end};

/// Portions that are read back at once.
const PAGE: usize = 1024;

/// Where a query began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The first offset of each partition of each source, sources as the plan names them.
    pub inputs: Vec<Vec<i64>>,
    /// The first offset of its own in each partition of the topic that it writes.
    pub outputs: Vec<i64>,
    /// Why what it gave since cannot be computed again, where that is so.
    pub lost: Option<String>,
}

/// A partition that was read up to an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The number of the source in the plan.
    pub input: usize,
    /// The partition.
    pub partition: usize,
    /// The offset after the last record.
    pub end: i64,
}

/// Notes what a running query reads.
pub struct Journal {
    beginning: Vec<Vec<i64>>,
    ends: Vec<Vec<i64>>,
    portion: Vec<Read>,
}

impl Beginning {
    /// Where a query began; none of a query that an earlier version created.
    pub fn load(view: &dyn View, query: u32) -> Result<Option<Self>> {
        let bytes = view.get(Family::Meta, &beginning_key(query))?;
        let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes);
        bytes.map(read).transpose().map_err(|error| Error::Storage {
            operation: "cannot read where a query began".to_owned(),
            cause: error.to_string(),
        })
    }

    /// Adds it to a commit.
    pub fn put(&self, query: u32, batch: &mut WriteBatch) {
        batch.put(Family::Meta, beginning_key(query), serde_json::json!(self).to_string());
    }
}

impl Journal {
    /// The journal of a query, where it needs one and can have one.
    pub fn open(build: &Build<'_>, readers: &[Reader]) -> Result<Option<Self>> {
        if !build.durable || !is_needed(build.plan, readers) {
            return Ok(None);
        }
        let positions = |reader: &Reader| reader.positions().map(|(_, at, _)| at).collect();
        let ends: Vec<Vec<i64>> = readers.iter().map(positions).collect();
        let backend = build.backend.as_ref();
        let beginning = match Beginning::load(backend, build.number)? {
            Some(beginning) => beginning.inputs,
            None if is_new(build, readers)? => ends.clone(),
            None => return Ok(None),
        };
        let journal = Self { beginning, ends, portion: Vec::new() };
        if journal.is_lost(readers) {
            let mut batch = WriteBatch::default();
            forget_portions(build.number, &mut batch);
            backend.write(batch)?;
            return Ok(None);
        }
        Ok(Some(journal))
    }

    /// Whether the log has no longer all that the query has read.
    pub fn is_lost(&self, readers: &[Reader]) -> bool {
        let is_lost = |(reader, beginning): (&Reader, &Vec<i64>)| {
            let starts = reader.log_starts();
            starts.len() != beginning.len() || starts.iter().zip(beginning).any(|(a, b)| a.0 > *b)
        };
        self.beginning.len() != readers.len() || readers.iter().zip(&self.beginning).any(is_lost)
    }

    /// Notes that a partition was read on.
    pub fn note(&mut self, read: Read) {
        self.ends[read.input][read.partition] = read.end;
        let same = self
            .portion
            .last_mut()
            .filter(|last| (last.input, last.partition) == (read.input, read.partition));
        match same {
            Some(same) => same.end = read.end,
            None => self.portion.push(read),
        }
    }

    /// Adds the portion to the commit.
    pub fn save(&mut self, query: u32, batch: &mut WriteBatch) {
        if self.portion.is_empty() {
            return;
        }
        let mut key = portion_prefix(query);
        let total: i64 = self.ends.iter().flatten().sum();
        key.extend(total.to_be_bytes());
        batch.put(Family::Meta, key, encode(&std::mem::take(&mut self.portion)));
    }
}

/// Adds what was read to the commit; the journal ends with what it is about.
pub fn save(journal: &mut Option<Journal>, readers: &[Reader], query: u32, batch: &mut WriteBatch) {
    if journal.take_if(|journal| journal.is_lost(readers)).is_some() {
        forget_portions(query, batch);
    }
    if let Some(journal) = journal {
        journal.save(query, batch);
    }
}

/// Calls `visit` with the portions of a query, in their order.
pub fn for_each_portion(
    view: &dyn View,
    query: u32,
    mut visit: impl FnMut(&[Read]) -> Result<()>,
) -> Result<()> {
    let mut start = portion_prefix(query);
    let end = prefix_end(&start);
    loop {
        let page = view.scan(Family::Meta, &start..&end, PAGE)?;
        page.iter().try_for_each(|(_, portion)| visit(&decode(portion)?))?;
        match page.last() {
            Some((last, _)) if page.len() == PAGE => start = [last, &[0][..]].concat(),
            _ => return Ok(()),
        }
    }
}

/// Adds to a commit that what a query gave so far cannot be computed again.
pub fn lose(query: u32, why: &str, batch: &mut WriteBatch) {
    forget_portions(query, batch);
    Beginning { lost: Some(why.to_owned()), ..Beginning::default() }.put(query, batch);
}

/// Adds the removal of all that is kept of a query here to a commit.
pub fn forget(query: u32, batch: &mut WriteBatch) {
    batch.delete(Family::Meta, beginning_key(query));
    forget_portions(query, batch);
}

/// Adds the removal of a query's portions to a commit.
pub fn forget_portions(query: u32, batch: &mut WriteBatch) {
    let start = portion_prefix(query);
    let end = prefix_end(&start);
    batch.delete_range(Family::Meta, start..end);
}

/// Whether the order in which partitions are read shows in what a plan gives.
pub fn shows_order(plan: &Plan) -> bool {
    plan.kind() == SourceKind::Table || plan.remembers()
}

fn is_needed(plan: &Plan, readers: &[Reader]) -> bool {
    let partitions: usize = readers.iter().map(|reader| reader.log_starts().len()).sum();
    partitions > 1 && shows_order(plan)
}

fn is_new(build: &Build<'_>, readers: &[Reader]) -> Result<bool> {
    let Some((at, ..)) = readers.first().and_then(|reader| reader.positions().next()) else {
        return Ok(false);
    };
    Ok(position_of(build.backend.as_ref(), build.number, &at)?.is_none())
}

fn beginning_key(query: u32) -> Vec<u8> {
    [&b"b"[..], &query.to_be_bytes()].concat()
}

fn portion_prefix(query: u32) -> Vec<u8> {
    [&b"j"[..], &query.to_be_bytes()].concat()
}

/// Each read is three numbers: input, partition, and the end, from the second of a partition on
/// counted from the one before.
fn encode(portion: &[Read]) -> Vec<u8> {
    let (mut bytes, mut ends) = (Vec::new(), HashMap::new());
    for read in portion {
        let before = ends.insert((read.input, read.partition), read.end).unwrap_or(0);
        for number in [read.input as u64, read.partition as u64, (read.end - before) as u64] {
            put_number(number, &mut bytes);
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Result<Vec<Read>> {
    let (mut portion, mut ends) = (Vec::new(), HashMap::new());
    while !bytes.is_empty() {
        let input = take_number(&mut bytes)? as usize;
        let partition = take_number(&mut bytes)? as usize;
        let end: &mut i64 = ends.entry((input, partition)).or_default();
        *end += take_number(&mut bytes)? as i64;
        portion.push(Read { input, partition, end: *end });
    }
    Ok(portion)
}

/// Seven bits a byte, lowest first.
fn put_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let cut = || Error::Internal("a portion of a query is cut short".into());
        let (byte, rest) = bytes.split_first().ok_or_else(cut)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Backend, MemoryBackend};

    fn read(input: usize, partition: usize, end: i64) -> Read {
        Read { input, partition, end }
    }

    fn portions(backend: &MemoryBackend) -> Vec<Vec<Read>> {
        let mut found = Vec::new();
        let visit = |portion: &[Read]| {
            found.push(portion.to_vec());
            Ok(())
        };
        for_each_portion(backend, 7, visit).unwrap();
        found
    }

    #[test]
    fn portions_come_back_in_the_order_of_their_commits() {
        let backend = MemoryBackend::default();
        let zeros = vec![vec![0, 0], vec![0]];
        let (beginning, ends) = (zeros.clone(), zeros);
        let mut journal = Journal { beginning, ends, portion: Vec::new() };
        let mut expected = Vec::new();
        for end in 1..3000 {
            let portion = vec![read(0, 1, 300 * end), read(1, 0, end << 30), read(0, 1, 301 * end)];
            journal.note(read(0, 1, 200 * end));
            portion.iter().for_each(|read| journal.note(*read));
            let mut batch = WriteBatch::default();
            journal.save(7, &mut batch);
            journal.save(7, &mut batch);
            backend.write(batch).unwrap();
            expected.push(portion);
        }
        assert_eq!(portions(&backend), expected);
        let mut batch = WriteBatch::default();
        forget(7, &mut batch);
        backend.write(batch).unwrap();
        assert!(portions(&backend).is_empty());
    }
}
