//! The records of a partition, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use log_store::{Isolation, Offset, Partition, Topic};

use super::cut::Stretch;
use crate::error::{Error, Result};
use crate::format::records_of;

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;

/// A record without its offset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rec {
    /// The partition.
    pub partition: usize,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The time stamp.
    pub time: i64,
    /// The headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Which records of a partition are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All.
    Everybody,
    /// Those that queries have written.
    Queries,
}

/// Reads a part of a partition.
pub struct Tape {
    number: usize,
    partition: Arc<Partition>,
    next: Offset,
    end: Offset,
    of: Of,
    read: VecDeque<Rec>,
    /// How many records were left out.
    pub left_out: u64,
}

/// How far a growing topic was read.
#[derive(Default)]
pub struct Written(Vec<Offset>);

impl Tape {
    /// A reader of the partition of this number.
    pub fn new(number: usize, stretch: &Stretch, of: Of) -> Self {
        Self {
            number,
            partition: Arc::clone(&stretch.partition),
            next: stretch.start,
            end: stretch.end,
            of,
            read: VecDeque::new(),
            left_out: 0,
        }
    }

    /// The next record.
    pub fn next_record(&mut self) -> Result<Option<Rec>> {
        while self.read.is_empty() && self.next < self.end {
            self.fill()?;
        }
        Ok(self.read.pop_front())
    }

    fn fill(&mut self) -> Result<()> {
        let from = self.next;
        let fetched = self.partition.read(from, READ_BYTES, Isolation::ReadCommitted)?;
        if fetched.next_offset <= from {
            let name = self.partition.topic_partition();
            return Err(Error::Internal(format!("reading {name} at {from} does not move")));
        }
        self.next = fetched.next_offset;
        for batch in &fetched.batches {
            for record in records_of(batch)?.iter() {
                let record = record?;
                if record.offset < from || record.offset >= self.end {
                    continue;
                }
                if self.of == Of::Queries && !batch.is_derived() {
                    self.left_out += 1;
                    continue;
                }
                let headers = record.headers().map(|header| {
                    let header = header?;
                    Ok((header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                });
                self.read.push_back(Rec {
                    partition: self.number,
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    time: record.timestamp.0,
                    headers: headers.collect::<Result<_>>()?,
                });
            }
        }
        Ok(())
    }
}

impl Written {
    /// Readers of what has been written since the last time.
    pub fn since(&mut self, topic: &Topic) -> Vec<Tape> {
        let partitions = topic.partitions();
        self.0.resize(partitions.len(), Offset::ZERO);
        let tapes = partitions.iter().zip(&mut self.0).enumerate();
        let tapes = tapes.map(|(number, (partition, next))| {
            let (start, end) = (*next, partition.last_stable_offset());
            *next = end;
            Tape::new(
                number,
                &Stretch { partition: Arc::clone(partition), start, end },
                Of::Queries,
            )
        });
        tapes.collect()
    }
}
