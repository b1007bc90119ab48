//! The order in which a pipeline takes what its readers hold.
//!
//! Where a join sees a table as of a stream's time, records are taken in the order of their
//! times over all partitions: the partition whose next record is oldest goes on until another's
//! next record is older. A partition that has run dry while its log holds more stops the taking,
//! until it has been filled again. Everywhere else whole batches are taken, oldest first.

use log_store::TopicPartition;

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
    pub positions: Option<(TopicPartition, i64)>,
}

/// The next run, or none when nothing may be taken now.
pub fn next_run(readers: &mut [Reader], by_time: bool) -> Option<Run> {
    let heads = readers.iter().enumerate().flat_map(|(entry, reader)| {
        reader.heads().map(move |(partition, time)| (time, entry, partition))
    });
    let mut heads: Vec<(i64, usize, usize)> = heads.collect();
    heads.sort();
    let (_, entry, partition) = *heads.first()?;
    if !by_time {
        return readers[entry].take(entry, partition, None);
    }
    if readers.iter().any(Reader::is_starved) {
        return None;
    }
    // The other inputs' oldest record bounds the run; partitions of one input need no order.
    let bound = heads.iter().find(|(_, other, _)| *other != entry).map(|(time, ..)| *time);
    readers[entry].take(entry, partition, bound)
}
