//! The order in which a pipeline takes what its readers hold.
//!
//! Where the order shows in the output, records are taken in the order of their times over all
//! partitions: the partition whose next record is oldest goes on until another's next record is
//! older. Of records with the same time those of tables come before those of streams, so that a
//! stream's row meets what its table has at that time, and otherwise those of the source that the
//! query names first. A partition that has run dry while its log holds more stops the taking, until
//! it has been filled again. Everywhere else whole batches are taken, oldest first.
//!
//! What is taken until then is a **round**. Its rows travel in the batches in which they were read, and
//! each has its **turn**: its number in the order in which they were taken.

use super::commit::ReaderPartition;
use super::journal::Read;
use super::reader::Reader;
use crate::change::Changes;
use crate::processing_log::LogEntry;

/// Records of one partition, to be processed as one batch.
pub struct Run {
    /// The reader, which is the graph's entry.
    pub entry: usize,
    /// The shard of the partition.
    pub shard: usize,
    /// The rows.
    pub changes: Changes,
    /// What did not decode.
    pub errors: Vec<LogEntry>,
    /// Number of records taken, also those that gave no row.
    pub records: u64,
    /// The position after them.
    pub positions: Option<(ReaderPartition, i64)>,
}

/// What is taken at once in the order of time.
#[derive(Default)]
pub struct Round {
    /// The rows of each partition, as they were read, with their turns.
    pub runs: Vec<Run>,
    /// Which partition went on up to where, one after the other.
    pub reads: Vec<Read>,
}

/// Who goes first among records of the same time.
type Precedence = (bool, usize);

/// A partition that holds rows: the time of the next one, and what tells it from the others.
type Head = (i64, Precedence, usize);

/// The oldest batch, or none when nothing may be taken now.
pub fn next_batch(readers: &mut [Reader]) -> Option<Run> {
    let (_, (_, entry), partition) = heads(readers).into_iter().min()?;
    readers[entry].take(entry, partition, i64::MAX)
}

/// The next run in the order of time, or none when nothing may be taken now.
pub fn next_run(readers: &mut [Reader]) -> Option<Run> {
    if readers.iter().any(Reader::is_starved) {
        return None;
    }
    let (first, bound) = next_head(&heads(readers))?;
    let (_, (_, entry), partition) = first;
    readers[entry].take(entry, partition, bound)
}

/// All that may be taken now in the order of time.
pub fn next_round(readers: &mut [Reader]) -> Round {
    let mut round = Round::default();
    if readers.iter().any(Reader::is_starved) {
        return round;
    }
    let (mut heads, mut turn) = (heads(readers), 0);
    while let Some((first, bound)) = next_head(&heads) {
        let (_, (_, entry), partition) = first;
        let reader = &mut readers[entry];
        let Some((end, run)) = reader.take_turns(entry, partition, bound, &mut turn) else { break };
        round.reads.push(Read { input: entry, partition, end });
        round.runs.extend(run);
        heads.retain(|head| *head != first);
        match reader.head(partition) {
            Some(time) => heads.push((time, first.1, partition)),
            None if reader.is_starved() => break,
            None => {}
        }
    }
    for (entry, reader) in readers.iter_mut().enumerate() {
        round.runs.extend(reader.end_round(entry));
    }
    round
}

fn heads(readers: &[Reader]) -> Vec<Head> {
    let heads = readers.iter().enumerate().flat_map(|(entry, reader)| {
        let precedence = (!reader.is_of_table(), entry);
        reader.heads().map(move |(partition, time)| (time, precedence, partition))
    });
    heads.collect()
}

/// Which partition goes on, and up to which time.
fn next_head(heads: &[Head]) -> Option<(Head, i64)> {
    let first = *heads.iter().min()?;
    // The other inputs' oldest record bounds how far; partitions of one input need no order.
    let own = first.1;
    let other = heads.iter().filter(|(_, other, _)| *other != own).min();
    let bound = other.map_or(i64::MAX, |(time, other, _)| last_before(*time, own < *other));
    Some((first, bound))
}

/// The last time that is taken before another input's record of this time.
fn last_before(time: i64, is_first: bool) -> i64 {
    if is_first { time } else { time.saturating_sub(1) }
}
