//! The time from the insert of a record until the result that counts it can be read.
//!
//! A thread appends a batch every millisecond, whose records have the number of the batch for
//! their time stamp. The time stamp of a group's count is that of the latest record in it, and
//! records are counted in order: so when a committed result with a time stamp can be read, every
//! batch up to it has been counted. Another thread waits for such results, as a consumer does.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use log_store::{Interest, Isolation, LogStore, Offset, Partition, RecordsBuilder, Timestamp};

use super::ground::{beginning, open};
use super::section::Size;
use super::spread::Spread;
use crate::nexmark::measure::processor_seconds;

const SECONDS: u64 = 10;
const KEYS: u64 = 1_000;
const BATCHES_PER_SECOND: u64 = 1_000;
/// Batches until the query is warm; they are not counted.
const WARMING: usize = 1_000;
/// As long as nothing comes for so long, nothing will.
const PATIENCE: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 1 << 20;

const STATEMENTS: &str = "
    CREATE STREAM EVENTS (K BIGINT KEY, V BIGINT)
        WITH (KAFKA_TOPIC='events', PARTITIONS=1, FORMAT='JSON');
    CREATE TABLE COUNTS WITH (KAFKA_TOPIC='counts') AS
        SELECT K, COUNT(*) AS N, SUM(V) AS V FROM EVENTS GROUP BY K;";

/// At this many records a second.
pub async fn measure(per_second: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let engine = open(size.dir, 256 << 20).await?;
    engine.session().run(STATEMENTS).await?;
    let batches = WARMING + usize::try_from(size.of(SECONDS * BATCHES_PER_SECOND))?;
    let (inserted, insertions) = mpsc::channel();
    let (start, processor) = (Instant::now(), processor_seconds()?);
    let times = thread::scope(|scope| {
        let (log, beginning, records) =
            (engine.log(), beginning(), per_second / BATCHES_PER_SECOND);
        let insert = scope.spawn(move || insert(log, batches, records, beginning, &inserted));
        let times = observe(log, batches, beginning, &insertions);
        insert.join().map_err(|_| anyhow::anyhow!("the inserting thread panicked"))??;
        times
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let cores = (processor_seconds()? - processor) / seconds;
    let commits: u64 = engine.queries().iter().map(|query| query.commits).sum();
    engine.shutdown().await?;
    let spread: Spread = times.into_iter().skip(WARMING).collect();
    let (median, p99) = (spread.quantile(0.5), spread.quantile(0.99));
    Ok(vec![median, p99, spread.most(), cores, commits as f64 / seconds])
}

/// Appends a batch every millisecond, and tells when.
fn insert(
    log: &LogStore,
    batches: usize,
    records: u64,
    beginning: i64,
    inserted: &Sender<Instant>,
) -> Result<()> {
    let topic = log.topic_named("events")?;
    let partition = &topic.partitions()[0];
    let start = Instant::now();
    for batch in 0..batches {
        let due = start + Duration::from_secs(batch as u64) / BATCHES_PER_SECOND as u32;
        while Instant::now() < due {
            thread::park_timeout(due.saturating_duration_since(Instant::now()));
        }
        inserted.send(Instant::now())?;
        append(partition, batch, records, beginning)?;
    }
    Ok(())
}

fn append(partition: &Partition, batch: usize, records: u64, beginning: i64) -> Result<()> {
    let time = Timestamp(beginning + batch as i64);
    let mut builder = RecordsBuilder::new();
    for record in 0..records {
        let number = batch as u64 * records + record;
        let (key, value) = ((number * 7919 % KEYS).to_string(), format!("{{\"V\":{number}}}"));
        builder.push(Some(key.as_bytes()), Some(value.as_bytes()), time, &[]);
    }
    partition.append(builder.build())?;
    Ok(())
}

/// Reads results as they come; gives for each batch the time since its insertion.
fn observe(
    log: &LogStore,
    batches: usize,
    beginning: i64,
    insertions: &Receiver<Instant>,
) -> Result<Vec<Duration>> {
    let topic = log.topic_named("counts")?;
    let partition = &topic.partitions()[0];
    let news = log.subscribe(Interest::Topic("counts".into()));
    let (mut next, mut times) = (Offset::ZERO, Vec::with_capacity(batches));
    while times.len() < batches {
        let fetched = partition.read(next, READ_BYTES, Isolation::ReadCommitted)?;
        if fetched.next_offset == next {
            if news.wait(PATIENCE).is_empty() {
                bail!("{} of {batches} batches were counted, then nothing came", times.len());
            }
            continue;
        }
        next = fetched.next_offset;
        let now = Instant::now();
        let latest = fetched.batches.iter().map(|batch| batch.max_timestamp().0 - beginning).max();
        let counted = latest.map_or(0, |latest| usize::try_from(latest + 1).unwrap_or(0));
        for _ in times.len()..counted {
            let inserted = insertions.recv().context("the inserting thread gave up")?;
            times.push(now.duration_since(inserted));
        }
    }
    Ok(times)
}
