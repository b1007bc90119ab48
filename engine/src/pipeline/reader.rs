//! Reads the partitions of a source: fetches batches, decodes them, holds the rows until they
//! are taken.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use log_store::{Batch, Isolation, Offset, Partition};
use sql::ast::SourceKind;

use super::build::Build;
use super::commit::{ReaderPartition, position_of};
use super::decode::{DecodedRecords, RawRecord, RecordDecoder, pieces};
use super::merge::Run;
use super::side_by_side;
use crate::catalog::Source;
use crate::change::Changes;
use crate::error::{Code, Error, Result, invalid};
use crate::plan::SourcePlan;
use crate::processing_log::LogEntry;

/// Bytes below which starting a thread to decode them costs more than it saves.
const BYTES_PER_THREAD: usize = 256 << 10;

/// Rows that were read and not taken yet.
struct Held {
    changes: Changes,
    /// How many of the rows have been taken.
    taken: usize,
    /// The turns of the last of them, in a round that goes on.
    turns: Vec<u32>,
    offsets: Vec<i64>,
    errors: Vec<LogEntry>,
    records: u64,
    next: i64,
}

impl Held {
    /// The time of the next row.
    fn time(&self) -> Option<i64> {
        self.changes.times.values().get(self.taken).copied()
    }

    /// The offset of the next row.
    fn offset(&self) -> Option<i64> {
        self.offsets.get(self.taken).copied()
    }

    /// How many of the next rows are not later than `bound`, and at least one.
    fn within(&self, bound: i64) -> usize {
        let times = &self.changes.times.values()[self.taken..];
        let within = times.iter().take_while(|time| **time <= bound).count();
        within.max(1).min(times.len())
    }

    /// Takes the next rows.
    fn take(&mut self, count: usize) -> Changes {
        let first = self.taken;
        self.taken += count;
        match count == self.changes.len() {
            true => self.changes.clone(),
            false => self.changes.slice(first, count),
        }
    }
}

struct PartitionReader {
    partition: Arc<Partition>,
    /// Where the next read begins.
    next: Offset,
    /// Where reading ends, however much there is.
    until: Offset,
    held: VecDeque<Held>,
}

/// What was fetched from a partition.
struct Fetched {
    batches: Vec<Batch>,
    /// Which of their records are to be read.
    range: Range<Offset>,
}

/// Reads one source of a pipeline.
pub struct Reader {
    /// Its number in the pipeline.
    number: usize,
    topic: String,
    is_of_table: bool,
    decoder: RecordDecoder,
    partitions: Vec<PartitionReader>,
    fed: i64,
}

impl Reader {
    /// A reader that begins where the query stood at its last commit; `input` is its number in the
    /// query.
    pub fn open(
        build: &Build<'_>,
        number: usize,
        source: &Source,
        plan: &SourcePlan,
        wanted: &[bool],
    ) -> Result<Self> {
        let decoder = RecordDecoder::new(source, &plan.output, wanted, build.strict_time)?;
        let missing =
            || invalid(Code::UnknownName, format!("topic '{}' does not exist", source.topic));
        let topic = build.log.topic(&source.topic).ok_or_else(missing)?;
        let partitions = topic.partitions().iter().map(|partition| {
            let at = (number, partition.topic_partition().clone());
            let saved = position_of(build.backend.as_ref(), build.number, &at)?;
            let next = match saved {
                Some(saved) => Offset(saved).max(partition.log_start_offset()),
                None if build.from_latest => partition.high_watermark(),
                None => partition.log_start_offset(),
            };
            let (partition, until) = (Arc::clone(partition), Offset(i64::MAX));
            Ok(PartitionReader { partition, next, until, held: VecDeque::new() })
        });
        let partitions = partitions.collect::<Result<_>>()?;
        let is_of_table = source.kind == SourceKind::Table;
        Ok(Self { number, topic: source.topic.clone(), is_of_table, decoder, partitions, fed: 0 })
    }

    /// The topic that it reads.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether it reads a table.
    pub fn is_of_table(&self) -> bool {
        self.is_of_table
    }

    /// Reads from each partition that nothing is held of, and decodes on so many threads at most.
    pub fn fill(&mut self, max_bytes: usize, threads: usize) -> Result<()> {
        let mut fetched = Vec::new();
        for (at, partition) in self.partitions.iter_mut().enumerate() {
            if partition.held.is_empty() && partition.behind() {
                fetched.push((at, partition.fetch(max_bytes)?));
            }
        }
        self.decode(&fetched, threads)
    }

    /// Holds what was fetched, which at least is a piece without rows.
    fn decode(&mut self, fetched: &[(usize, Fetched)], threads: usize) -> Result<()> {
        let (decoder, partitions) = (&self.decoder, &self.partitions);
        let pieces = fetched.iter().flat_map(|(at, fetched)| {
            let nothing = fetched.batches.is_empty().then_some([].as_slice());
            let pieces = nothing.into_iter().chain(pieces(&fetched.batches));
            pieces.map(|piece| (*at, &fetched.range, piece))
        });
        let pieces: Vec<(usize, &Range<Offset>, &[Batch])> = pieces.collect();
        let bytes: usize =
            pieces.iter().flat_map(|(_, _, piece)| *piece).map(Batch::size_bytes).sum();
        let threads = threads.min(bytes / BYTES_PER_THREAD);
        let decoded = side_by_side::each(pieces, threads, |(at, range, piece)| {
            let partition = partitions[at].partition.topic_partition().partition;
            Ok((at, decoder.decode_fetched(piece, range, partition)?))
        })?;
        decoded.into_iter().for_each(|(at, decoded)| self.partitions[at].hold(decoded));
        // What follows the last record, as the end of a transaction, is read with it.
        fetched.iter().for_each(|(at, _)| self.partitions[*at].hold_all());
        Ok(())
    }

    /// Reads a partition up to here at most.
    pub fn bound(&mut self, partition: usize, until: i64) {
        self.partitions[partition].until = Offset(until);
    }

    /// Reads all of a partition up to its bound.
    pub fn fill_to_bound(&mut self, partition: usize, max_bytes: usize) -> Result<()> {
        while self.partitions[partition].behind() {
            let fetched = self.partitions[partition].fetch(max_bytes)?;
            self.decode(&[(partition, fetched)], 1)?;
        }
        Ok(())
    }

    /// The first offset that each partition's log still has.
    pub fn log_starts(&self) -> Vec<Offset> {
        self.partitions.iter().map(|partition| partition.partition.log_start_offset()).collect()
    }

    /// Decodes a record that did not come from the log; offsets count from 0.
    pub fn decode_fed(&mut self, record: &RawRecord<'_>) -> Result<DecodedRecords> {
        let record = RawRecord { offset: self.fed, ..record.clone() };
        self.fed += 1;
        self.decoder.decode(&[record], log_store::PartitionId(0))
    }

    /// The partitions that hold rows, with the time of the next row of each.
    pub fn heads(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        let head = |held: &Held| held.time().unwrap_or(i64::MIN);
        let partitions = self.partitions.iter().enumerate();
        partitions.filter_map(move |(at, partition)| Some((at, head(partition.held.front()?))))
    }

    /// Whether a partition has run dry while its log holds more.
    pub fn is_starved(&self) -> bool {
        self.partitions.iter().any(|partition| partition.held.is_empty() && partition.behind())
    }

    /// The time of the next row of a partition that holds rows.
    pub fn head(&self, partition: usize) -> Option<i64> {
        let held = self.partitions[partition].held.front()?;
        Some(held.time().unwrap_or(i64::MIN))
    }

    /// Takes the next rows of a partition as [`Self::take`] does, and gives them their turns in a
    /// round, from `turn` on. Gives the position after them and, if they were the last of a batch, its
    /// rows of this round.
    pub fn take_turns(
        &mut self,
        entry: usize,
        at: usize,
        bound: i64,
        turn: &mut u32,
    ) -> Option<(i64, Option<Run>)> {
        let partition = &mut self.partitions[at];
        let held = partition.held.front_mut()?;
        let count = held.within(bound);
        held.turns.extend((*turn..).take(count));
        held.taken += count;
        *turn += count as u32;
        match held.offset() {
            Some(next) => Some((next, None)),
            None => Some((held.next, Some(partition.end_round(self.number, entry, at)?))),
        }
    }

    /// The rows of the round of those partitions whose batches have not been taken to their ends.
    pub fn end_round(&mut self, entry: usize) -> Vec<Run> {
        let number = self.number;
        let partitions = self.partitions.iter_mut().enumerate();
        let runs = partitions.filter_map(|(at, partition)| {
            let took_turns = partition.held.front().is_some_and(|held| !held.turns.is_empty());
            took_turns.then(|| partition.end_round(number, entry, at))?
        });
        runs.collect()
    }

    /// Takes the oldest batch of a partition, up to the first row later than `bound`, and at least
    /// one row.
    pub fn take(&mut self, entry: usize, at: usize, bound: i64) -> Option<Run> {
        let partition = &mut self.partitions[at];
        let held = partition.held.front_mut()?;
        let count = held.within(bound);
        let name = partition.partition.topic_partition().clone();
        let changes = held.take(count);
        if held.taken == held.changes.len() {
            let Held { errors, records, next, .. } = partition.held.pop_front()?;
            let positions = Some(((self.number, name), next));
            return Some(Run { entry, shard: at, changes, errors, records, positions });
        }
        let positions = held.offset().map(|next| ((self.number, name), next));
        held.records = held.records.saturating_sub(count as u64);
        let errors = std::mem::take(&mut held.errors);
        Some(Run { entry, shard: at, changes, errors, records: count as u64, positions })
    }

    /// Partitions with the position in each.
    pub fn places(&self) -> impl Iterator<Item = (Arc<Partition>, i64)> + '_ {
        self.partitions.iter().map(|partition| {
            let held = partition.held.front().and_then(Held::offset);
            (Arc::clone(&partition.partition), held.unwrap_or(partition.next.0))
        })
    }

    /// Partitions with the position and the end of each.
    pub fn positions(&self) -> impl Iterator<Item = (ReaderPartition, i64, i64)> + '_ {
        self.places().map(|(partition, at)| {
            let name = (self.number, partition.topic_partition().clone());
            (name, at, partition.last_stable_offset().0)
        })
    }
}

impl PartitionReader {
    /// What the first batch that is held has given in a round.
    fn end_round(&mut self, reader: usize, entry: usize, at: usize) -> Option<Run> {
        let held = self.held.front_mut()?;
        let name = self.partition.topic_partition().clone();
        let turns = std::mem::take(&mut held.turns);
        let (count, errors) = (turns.len(), std::mem::take(&mut held.errors));
        let rows = held.changes.slice(held.taken - count, count);
        let changes = Changes { turns: Some(turns.into()), ..rows };
        let (next, records) = match held.offset() {
            Some(next) => (next, count as u64),
            None => (held.next, held.records),
        };
        held.records = held.records.saturating_sub(records);
        if held.taken == held.changes.len() {
            self.held.pop_front();
        }
        let positions = Some(((reader, name), next));
        Some(Run { entry, shard: at, changes, errors, records, positions })
    }

    fn behind(&self) -> bool {
        self.next < self.partition.last_stable_offset().min(self.until)
    }

    fn fetch(&mut self, max_bytes: usize) -> Result<Fetched> {
        let from = self.next;
        let fetched = self.partition.read(from, max_bytes, Isolation::ReadCommitted)?;
        if fetched.next_offset <= from {
            return Err(Error::Internal(format!(
                "reading {} at {from} does not move",
                self.partition.topic_partition()
            )));
        }
        self.next = fetched.next_offset.min(self.until);
        Ok(Fetched { batches: fetched.batches, range: from..self.until })
    }

    fn hold(&mut self, decoded: Vec<DecodedRecords>) {
        self.held.extend(decoded.into_iter().map(|decoded| Held {
            changes: decoded.changes,
            taken: 0,
            turns: Vec::new(),
            offsets: decoded.offsets,
            errors: decoded.errors,
            records: decoded.records,
            next: decoded.end,
        }));
    }

    /// Lets the last rows that are held stand for all that was read.
    fn hold_all(&mut self) {
        if let Some(last) = self.held.back_mut() {
            last.next = self.next.0;
        }
    }
}
