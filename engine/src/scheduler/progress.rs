//! What is known of a task without disturbing it: noted after each of its turns.

use std::collections::VecDeque;
use std::sync::Arc;

use log_store::{Offset, Partition, TopicPartition};

use crate::pipeline::{Counters, Pipeline};

/// Seconds that a rate is taken over.
const RATE_SECONDS: i64 = 10;

/// How far a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Its counters.
    pub counters: Counters,
    /// What it has not read yet.
    pub lag: Lag,
    /// Bytes of memory that its state holds.
    pub memory: usize,
    /// Records that it reads in a second, over the last ten.
    pub per_second: f64,
    /// When it last committed, in milliseconds since the epoch.
    pub last_commit_ms: Option<i64>,
}

/// What a task has not read yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records.
    pub records: u64,
    /// Bytes in the log.
    pub bytes: u64,
    /// Milliseconds since the time of the record that is read next; 0 where there is none.
    pub time_ms: i64,
}

/// How far a task is in one partition.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset that is read next.
    pub position: i64,
    /// The offset after the last one that can be read.
    pub end: i64,
    /// What lies between.
    pub lag: Lag,
}

/// What was noted.
pub(super) struct Measured {
    counters: Counters,
    memory: usize,
    partitions: Vec<(Arc<Partition>, i64)>,
    recent: Recent,
    last_commit_ms: Option<i64>,
}

/// Records by the second in which they were read, the latest last.
#[derive(Default)]
struct Recent {
    seconds: VecDeque<(i64, u64)>,
    since: Option<i64>,
}

impl Measured {
    /// What there is to note of a pipeline that has not run yet.
    pub fn of(pipeline: &Pipeline) -> Self {
        Self {
            counters: pipeline.counters(),
            memory: pipeline.memory(),
            partitions: pipeline.places().collect(),
            recent: Recent::default(),
            last_commit_ms: None,
        }
    }

    /// Notes what a turn has changed.
    pub fn note(&mut self, pipeline: &Pipeline, now_ms: i64) {
        let counters = pipeline.counters();
        self.recent.add(now_ms / 1000, counters.records_in - self.counters.records_in);
        if counters.commits > self.counters.commits {
            self.last_commit_ms = Some(now_ms);
        }
        self.counters = counters;
        self.memory = pipeline.memory();
        for (noted, (_, position)) in self.partitions.iter_mut().zip(pipeline.places()) {
            noted.1 = position;
        }
    }

    pub fn progress(&self, now_ms: i64) -> Progress {
        let lag = self.partitions.iter().fold(Lag::default(), |sum, (partition, position)| {
            sum.and(Lag::of(partition, *position, now_ms))
        });
        Progress {
            counters: self.counters,
            lag,
            memory: self.memory,
            per_second: self.recent.per_second(now_ms / 1000),
            last_commit_ms: self.last_commit_ms,
        }
    }

    pub fn readings(&self, now_ms: i64) -> Vec<Reading> {
        let reading = |(partition, position): &(Arc<Partition>, i64)| Reading {
            partition: partition.topic_partition().clone(),
            position: *position,
            end: partition.last_stable_offset().0,
            lag: Lag::of(partition, *position, now_ms),
        };
        self.partitions.iter().map(reading).collect()
    }
}

impl Lag {
    /// A partition that cannot be read any more, because it is deleted, holds nothing to be read.
    fn of(partition: &Partition, position: i64, now_ms: i64) -> Self {
        let unread = partition.unread(Offset(position)).unwrap_or_default();
        let age = |oldest: log_store::Timestamp| now_ms.saturating_sub(oldest.0).max(0);
        Self { records: unread.records, bytes: unread.bytes, time_ms: unread.oldest.map_or(0, age) }
    }

    fn and(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            bytes: self.bytes + other.bytes,
            time_ms: self.time_ms.max(other.time_ms),
        }
    }
}

impl Recent {
    fn add(&mut self, second: i64, records: u64) {
        self.since.get_or_insert(second);
        match self.seconds.back_mut() {
            Some((last, sum)) if *last == second => *sum += records,
            _ => self.seconds.push_back((second, records)),
        }
        while self.seconds.front().is_some_and(|(first, _)| *first <= second - RATE_SECONDS) {
            self.seconds.pop_front();
        }
    }

    fn per_second(&self, now: i64) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        let recent = self.seconds.iter().filter(|(second, _)| *second > now - RATE_SECONDS);
        let records: u64 = recent.map(|(_, records)| records).sum();
        records as f64 / (now - since + 1).clamp(1, RATE_SECONDS) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut recent = Recent::default();
        assert_eq!(recent.per_second(100), 0.0);
        recent.add(100, 30);
        assert_eq!(recent.per_second(100), 30.0);
        recent.add(101, 10);
        assert_eq!(recent.per_second(101), 20.0);
        assert_eq!(recent.per_second(109), 4.0);
        assert_eq!(recent.per_second(110), 1.0);
        assert_eq!(recent.per_second(111), 0.0);
    }
}
