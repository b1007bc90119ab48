//! Pipelines: running queries.
//!
//! A pipeline is built from a plan. It advances in epochs: read a bounded amount from each
//! partition of its sources, push it through the [`graph`] of operators, write the output and
//! commit. All of it is synchronous and deterministic: no clock, no thread, no randomness inside.
//!
//! A commit is one transaction over log and state:
//! 1. the outputs are appended as a transaction of the log, which is then prepared;
//! 2. one write batch of the state store takes the state's changes, the input positions and the
//!    transaction's id: **this is the commit point**; it is synced if a topic of the outputs is
//!    to lose nothing;
//! 3. the transaction's commit markers are written.
//!
//! After a crash the state store decides: a prepared transaction that it knows is committed,
//! any other is aborted, and the input is read again from the positions it holds. It knows a
//! transaction until its end is durable in the log ([`settled`]).

mod bind;
mod build;
mod build_join;
mod coalesce;
pub(crate) mod commit;
mod decode;
mod expiry;
mod graph;
pub(crate) mod journal;
mod measure;
mod merge;
mod reader;
mod replay;
mod settled;
mod side_by_side;
mod sink;
mod stores;
#[cfg(test)]
mod tests;
mod wanted;
mod widen;

use std::collections::BTreeMap;
use std::sync::Arc;

use log_store::{LogStore, Partition, TransactionId};

use crate::change::Changes;
use crate::engine::Delivery;
use crate::error::Result;
use crate::processing_log::{LogEntry, LogWriter};
use crate::state::{Backend, WriteBatch};

pub use build::{Build, build};
pub use commit::{recover, take_back_positions};
pub(crate) use decode::split_window;
pub use decode::{RawRecord, RecordDecoder, TIME_ERROR};
pub use expiry::Expiry;
pub use graph::Emitted;
pub use measure::{Measure, Stored};
pub use reader::Reader;
pub use sink::{Materialized, TopicSink};
pub use stores::{StoreInfo, Stores};
pub use widen::widen;

use commit::ReaderPartition;
use graph::Graph;
pub use journal::Beginning;
use journal::{Journal, Read};
use measure::Placed;
use merge::{Round, Run};
use settled::Settled;

/// The most bytes that an epoch reads from one partition.
const EPOCH_BYTES: usize = 4 * decode::PIECE_BYTES;

/// The same for a client's own query, of which there may be thousands: what an epoch gives waits
/// in memory until the client has taken it.
const CLIENT_EPOCH_BYTES: usize = 256 << 10;

/// The most rows that are encoded as one piece.
const ENCODED_ROWS: usize = 4 * side_by_side::ROWS_PER_THREAD;

/// Where a pipeline's output goes.
pub enum Output {
    /// A topic, and the materialised table if it is one.
    Topic(Box<TopicSink>),
    /// Whoever asked: batches in order.
    Client(Box<dyn FnMut(Changes) -> Result<()> + Send>),
    /// Nowhere: the pipeline is there for its state.
    Table(Box<Materialized>),
}

impl Output {
    /// Brings what came out to where it goes. Gives the number of records written.
    fn take(
        &mut self,
        outputs: Vec<Emitted>,
        threads: usize,
        writer: &mut commit::Writer<'_>,
        batch: &mut WriteBatch,
    ) -> Result<u64> {
        match self {
            Self::Topic(sink) => {
                // Of a table's batch one change per key leaves, so that it is not to be cut.
                let outputs = match sink.keeps_rows() {
                    true => outputs,
                    false => outputs.into_iter().flat_map(|out| out.cut(ENCODED_ROWS)).collect(),
                };
                let rows: usize = outputs.iter().map(|emitted| emitted.changes.len()).sum();
                let threads = threads.min(rows / side_by_side::ROWS_PER_THREAD);
                let encoded = side_by_side::each(outputs, threads, |out| sink.encode(out))?;
                let written = encoded.iter().map(|encoded| sink.write(encoded, writer, batch));
                let written = written.sum::<Result<u64>>()?;
                sink.expire(batch)?;
                return Ok(written);
            }
            Self::Table(table) => {
                for emitted in &outputs {
                    table.encode(&emitted.changes)?.write(&emitted.changes, batch);
                }
            }
            Self::Client(deliver) => {
                outputs.into_iter().try_for_each(|emitted| deliver(emitted.changes))?;
            }
        }
        Ok(0)
    }
}

/// Counters of a pipeline since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records read.
    pub records_in: u64,
    /// Records written.
    pub records_out: u64,
    /// Records that did not decode, or rows that an expression failed on.
    pub errors: u64,
    /// Records that came after their window had closed.
    pub late: u64,
    /// Commits.
    pub commits: u64,
}

/// A running query.
pub struct Pipeline {
    number: u32,
    id: String,
    graph: Graph,
    /// What each store holds, by number from 1.
    stores: Vec<String>,
    readers: Vec<Reader>,
    /// Where the nodes of the plan went, each after its inputs.
    placed: Vec<Placed>,
    output: Output,
    backend: Arc<dyn Backend>,
    log: LogStore,
    durable: bool,
    delivery: Delivery,
    processing_log: LogWriter,
    /// Input positions to be written at the next commit.
    moved: BTreeMap<ReaderPartition, i64>,
    /// What has been read, where that is needed to compute it again.
    journal: Option<Journal>,
    /// Transactions of earlier epochs that the state store knows.
    settled: Settled,
    /// The transaction of a commit that has failed on its way.
    undecided: Option<TransactionId>,
    counters: Counters,
    sequence: u64,
}

impl Pipeline {
    /// Reads, processes and commits one epoch. Says whether there was anything to do.
    pub fn advance(&mut self) -> Result<bool> {
        let bytes = if self.durable { EPOCH_BYTES } else { CLIENT_EPOCH_BYTES };
        for reader in &mut self.readers {
            reader.fill(bytes, self.graph.threads())?;
        }
        let worked = match (self.graph.needs_time_order(), self.graph.keeps_turns()) {
            (false, _) => self.take_each(merge::next_batch),
            (true, false) => self.take_each(merge::next_run),
            (true, true) => {
                let Round { runs, reads } = merge::next_round(&mut self.readers);
                self.take_round(runs, &reads);
                !reads.is_empty()
            }
        };
        if worked {
            let outputs = self.run()?;
            self.commit(outputs)?;
        }
        Ok(worked)
    }

    /// Takes in one run after the other. Says whether there was any.
    fn take_each(&mut self, next: impl Fn(&mut [Reader]) -> Option<Run>) -> bool {
        let mut worked = false;
        while let Some(run) = next(&mut self.readers) {
            worked = true;
            if let Some((_, end)) = &run.positions {
                self.note_read(Read { input: run.entry, partition: run.shard, end: *end });
            }
            self.take_in(run);
            self.sequence += 1;
        }
        worked
    }

    /// Takes in what took turns.
    fn take_round(&mut self, runs: Vec<Run>, reads: &[Read]) {
        reads.iter().for_each(|read| self.note_read(*read));
        runs.into_iter().for_each(|run| self.take_in(run));
        self.sequence += 1;
    }

    fn note_read(&mut self, read: Read) {
        if let Some(journal) = &mut self.journal {
            journal.note(read);
        }
    }

    /// Processes one record of partition 0 of `topic`, past the log.
    pub fn feed(&mut self, topic: &str, record: &RawRecord<'_>) -> Result<()> {
        let mut outputs = Vec::new();
        for entry in 0..self.readers.len() {
            if self.readers[entry].topic() != topic {
                continue;
            }
            let decoded = self.readers[entry].decode_fed(record)?;
            self.counters.records_in += 1;
            self.note(decoded.errors);
            self.push(entry, 0, decoded.changes);
            self.sequence += 1;
            outputs.extend(self.run()?);
        }
        self.commit(outputs)
    }

    fn take_in(&mut self, run: Run) {
        self.moved.extend(run.positions);
        self.counters.records_in += run.records;
        self.note(run.errors);
        self.push(run.entry, run.shard, run.changes);
    }

    fn push(&mut self, entry: usize, shard: usize, changes: Changes) {
        if !changes.is_empty() {
            self.graph.push(entry, shard, self.sequence, changes);
        }
    }

    fn run(&mut self) -> Result<Vec<Emitted>> {
        let ran = self.graph.run()?;
        self.counters.late += ran.late.records;
        let late = ran.late.message().map(|message| LogEntry::of_row("late".to_owned(), message));
        self.tell(late.into_iter().collect());
        let entries = ran.errors.errors.into_iter();
        self.note(entries.map(|error| LogEntry::of_row(error.place, error.message)).collect());
        Ok(ran.emitted)
    }

    fn note(&mut self, entries: Vec<LogEntry>) {
        self.counters.errors += entries.len() as u64;
        self.tell(entries);
    }

    fn tell(&mut self, mut entries: Vec<LogEntry>) {
        for entry in &mut entries {
            entry.query.clone_from(&self.id);
        }
        self.processing_log.add(entries);
    }

    fn commit(&mut self, outputs: Vec<Emitted>) -> Result<()> {
        let mut batch = WriteBatch::default();
        let mut writer = commit::Writer::new(&self.log).delivering(self.delivery).derived();
        let threads = self.graph.threads();
        let written = self.output.take(outputs, threads, &mut writer, &mut batch)?;
        self.counters.records_out += written;
        self.graph.save(&mut batch)?;
        if !self.durable {
            // The backend is in memory: saving is what lets windows and rows of joins expire.
            self.backend.write(batch)?;
            self.moved.clear();
            self.processing_log.write(&mut writer)?;
            return writer.commit_plain();
        }
        self.processing_log.write(&mut writer)?;
        for (at, position) in std::mem::take(&mut self.moved) {
            commit::put_position(&mut batch, self.number, &at, position);
        }
        journal::save(&mut self.journal, &self.readers, self.number, &mut batch);
        self.settled.forget_durable(&self.log, &mut batch)?;
        if let Some(id) = writer.commit(batch, self.backend.as_ref(), &mut self.undecided)? {
            self.settled.add(id);
        }
        self.counters.commits += 1;
        Ok(())
    }

    /// Adds to the commit that creates it where it begins, which is decided once.
    pub fn begin(&self, batch: &mut WriteBatch) {
        let positions = |reader: &Reader| reader.positions().map(|(_, at, _)| at).collect();
        let outputs = match &self.output {
            Output::Topic(sink) => sink.ends(),
            Output::Table(_) | Output::Client(_) => Vec::new(),
        };
        let inputs = self.readers.iter().map(positions).collect();
        Beginning { inputs, outputs, lost: None }.put(self.number, batch);
        self.put_positions(batch);
    }

    /// Adds where it stands to a commit.
    pub fn put_positions(&self, batch: &mut WriteBatch) {
        for (reader, at, _) in self.positions() {
            commit::put_position(batch, self.number, &reader, at);
        }
    }

    /// Adds to a commit that what it gave so far cannot be computed again.
    pub fn lose_beginning(&mut self, why: &str, batch: &mut WriteBatch) {
        self.journal = None;
        journal::lose(self.number, why, batch);
    }

    /// Brings the transaction of a commit that has failed to its end, which nobody else does as
    /// long as the log is open.
    pub fn decide(&mut self) -> Result<()> {
        let Some(id) = self.undecided else { return Ok(()) };
        if commit::decide(&self.log, self.backend.as_ref(), id)? {
            self.settled.add(id);
        }
        self.undecided = None;
        Ok(())
    }

    /// Lets the state store forget its transactions when it does not go on.
    pub fn forget_transactions(&mut self, batch: &mut WriteBatch) {
        self.settled.forget_all(&self.log, batch);
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its counters.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of memory that its state holds.
    pub fn memory(&self) -> usize {
        self.graph.memory()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its stores.
    pub fn stores(&self) -> Stores {
        let keeps_rows = match &self.output {
            Output::Topic(sink) => sink.keeps_rows(),
            Output::Table(_) => true,
            Output::Client(_) => false,
        };
        Stores::new(Arc::clone(&self.backend), self.number, self.stores.clone(), keeps_rows)
    }

    /// Its sources' partitions, with the position in each.
    pub fn places(&self) -> impl Iterator<Item = (Arc<Partition>, i64)> + '_ {
        self.readers.iter().flat_map(Reader::places)
    }

    /// Number of shards of each of its operators.
    pub fn shards(&self) -> usize {
        self.graph.shards()
    }

    /// Its readers' partitions, with the position and the end of each.
    pub fn positions(&self) -> impl Iterator<Item = (ReaderPartition, i64, i64)> + '_ {
        self.readers.iter().flat_map(Reader::positions)
    }
}
