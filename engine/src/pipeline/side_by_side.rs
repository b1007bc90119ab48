//! Work on several threads, where that pays: the shards of one node, pieces that are decoded or
//! encoded.
//!
//! Each piece of work knows nothing of the others (a shard sees its own batches in their order), so
//! the results do not depend on the number of threads; they are given back in the order of the
//! work.

use super::graph::Arrived;
use crate::change::Changes;
use crate::error::{Error, Result};
use crate::operator::{Operator, Output, Turns};

/// Rows below which starting a thread costs more than it saves.
pub(super) const ROWS_PER_THREAD: usize = 4096;

/// What one shard has to do.
pub(super) struct Work<'a> {
    /// Which shard.
    pub shard: usize,
    /// Its operator.
    pub operator: &'a mut dyn Operator,
    /// Its batches in order.
    pub inbox: Vec<Arrived>,
}

/// What a batch gave: the shard, the read that it came from, the output.
pub(super) type Processed = (usize, u64, Output);

/// Processes the work of all shards with at most `threads` threads, the caller's included.
pub(super) fn process(work: Vec<Work<'_>>, threads: usize) -> Result<Vec<Processed>> {
    let rows: usize = work.iter().map(Work::rows).sum();
    let threads = threads.min(rows / ROWS_PER_THREAD);
    let outputs = each(work, threads, process_shard)?;
    Ok(outputs.into_iter().flatten().collect())
}

/// Does each piece of work, with at most `threads` threads, the caller's included.
pub(super) fn each<T: Send, R: Send>(
    mut work: Vec<T>,
    threads: usize,
    done: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let threads = threads.min(work.len()).max(1);
    let each = work.len().div_ceil(threads).max(1);
    let mut parts: Vec<Vec<T>> = Vec::new();
    while !work.is_empty() {
        let rest = work.split_off(each.min(work.len()));
        parts.push(std::mem::replace(&mut work, rest));
    }
    let Some(last) = parts.pop() else { return Ok(Vec::new()) };
    let all = |part: Vec<T>| part.into_iter().map(&done).collect::<Result<Vec<R>>>();
    std::thread::scope(|scope| {
        let others = parts.into_iter().map(|part| scope.spawn(|| all(part)));
        let others: Vec<_> = others.collect();
        let last = all(last);
        let mut outputs = Vec::new();
        for other in others {
            let panicked = |_| Error::Internal("a thread of a query panicked".into());
            outputs.extend(other.join().map_err(panicked)??);
        }
        outputs.extend(last?);
        Ok(outputs)
    })
}

fn process_shard(Work { shard, operator, inbox }: Work<'_>) -> Result<Vec<Processed>> {
    let mut inbox = inbox.into_iter().peekable();
    let mut processed = Vec::new();
    while let Some(first) = inbox.next() {
        let sequence = first.sequence;
        let mut round = vec![(first.port, first.changes)];
        while let Some(next) = inbox.next_if(|next| next.sequence == sequence) {
            round.push((next.port, next.changes));
        }
        let mut output = Output::default();
        if operator.turns() != Turns::RowByRow {
            round = one_per_port(round)?;
        }
        operator.process_round(round, &mut output)?;
        processed.push((shard, sequence, output));
    }
    Ok(processed)
}

/// The batches of a round, those of each port merged.
fn one_per_port(round: Vec<(usize, Changes)>) -> Result<Vec<(usize, Changes)>> {
    let mut ports: Vec<(usize, Vec<Changes>)> = Vec::new();
    for (port, changes) in round {
        match ports.iter_mut().find(|(known, _)| *known == port) {
            Some((_, batches)) => batches.push(changes),
            None => ports.push((port, vec![changes])),
        }
    }
    ports.into_iter().map(|(port, batches)| Ok((port, Changes::in_turns(batches)?))).collect()
}

impl Work<'_> {
    fn rows(&self) -> usize {
        self.inbox.iter().map(|arrived| arrived.changes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, RecordBatchOptions};
    use arrow::datatypes::Schema;

    use super::*;

    /// Counts rows and says how many it has seen so far.
    #[derive(Default)]
    struct Counter(u64);

    impl Operator for Counter {
        fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
            self.0 += input.len() as u64;
            output.late.records = self.0;
            Ok(())
        }
    }

    fn batch(rows: usize) -> Changes {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::new(Schema::empty());
        let empty = RecordBatch::try_new_with_options(schema, Vec::new(), &options).unwrap();
        Changes::inserts(empty, Int64Array::from_value(0, rows))
    }

    fn counted(threads: usize) -> Vec<(usize, u64, u64)> {
        let mut counters: [Counter; 5] = Default::default();
        let work = counters.iter_mut().enumerate().map(|(shard, counter)| {
            let arrived = |sequence| Arrived { sequence, port: 0, changes: batch(4000 + shard) };
            Work { shard, operator: counter, inbox: vec![arrived(1), arrived(2)] }
        });
        let processed = process(work.collect(), threads).unwrap();
        processed
            .into_iter()
            .map(|(shard, read, output)| (shard, read, output.late.records))
            .collect()
    }

    #[test]
    fn threads_do_not_show_in_the_output() {
        let alone = counted(1);
        assert_eq!(alone[..3], [(0, 1, 4000), (0, 2, 8000), (1, 1, 4001)]);
        for threads in 2..7 {
            assert_eq!(counted(threads), alone);
        }
    }
}
