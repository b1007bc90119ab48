//! The order in which a pipeline takes what its readers hold.
//!
//! Where the order shows in the output, records are taken in the order of their times over all
//! partitions: the partition whose next record is oldest goes on until another's next record is
//! older. Of records with the same time those of tables come before those of streams, so that a
//! stream's row meets what its table has at that time, and otherwise those of the source that the
//! query names first. A partition that has run dry while its log holds more stops the taking, until
//! it has been filled again. Everywhere else whole batches are taken, oldest first.

use super::commit::ReaderPartition;
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

/// Who goes first among records of the same time.
type Precedence = (bool, usize);

/// The next run, or none when nothing may be taken now.
pub fn next_run(readers: &mut [Reader], by_time: bool) -> Option<Run> {
    let heads = readers.iter().enumerate().flat_map(|(entry, reader)| {
        let precedence = (!reader.is_of_table(), entry);
        reader.heads().map(move |(partition, time)| (time, precedence, partition))
    });
    let mut heads: Vec<(i64, Precedence, usize)> = heads.collect();
    heads.sort_unstable();
    let (_, own, partition) = *heads.first()?;
    let (_, entry) = own;
    if !by_time {
        return readers[entry].take(entry, partition, i64::MAX);
    }
    if readers.iter().any(Reader::is_starved) {
        return None;
    }
    // The other inputs' oldest record bounds the run; partitions of one input need no order.
    let other = heads.iter().find(|(_, other, _)| *other != own);
    let bound = other.map_or(i64::MAX, |(time, other, _)| last_before(*time, own < *other));
    readers[entry].take(entry, partition, bound)
}

/// The last time that is taken before another input's record of this time.
fn last_before(time: i64, is_first: bool) -> i64 {
    if is_first { time } else { time.saturating_sub(1) }
}
