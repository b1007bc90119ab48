//! What a step is measured on: an engine, a topic of numbers, and what running over it takes.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Fields};
use engine::format::{ColumnsBuilder, Format, Layout, RecordColumns, Side};
use engine::{Clock, Engine, Options, Session, Storage, SystemClock};

use crate::nexmark::measure::{OwnMemory, processor_seconds};
use crate::nexmark::run::check;

/// Rows that are written at once.
const ROWS: u64 = 32_768;

const HOUR_MS: i64 = 3_600_000;

/// The time from the first record to the last: a little less than an hour.
const SPAN_MS: u64 = 3_000_000;

/// Records of two numbers, of which partitions take some in turn: K is one of `keys`, V counts the
/// records.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// How many records.
    pub records: u64,
    /// How many keys; as many records apart are two of one key.
    pub keys: u64,
}

/// What it took to catch up.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Seconds.
    pub seconds: f64,
    /// Seconds on processors, of all threads.
    pub processor_seconds: f64,
    /// The most megabytes of its own that the process had.
    pub own_mb: f64,
}

/// An engine with so many bytes of memory for the state of each query.
pub async fn open(dir: &Path, state_memory: usize) -> Result<Engine> {
    let storage = Storage::Directory(dir.to_owned());
    Ok(Engine::open(Options { storage, state_memory, ..Options::default() }).await?)
}

/// The time of the first record, in milliseconds: the beginning of this hour. Older records would
/// be subject to the topic's retention.
pub fn beginning() -> i64 {
    let now = SystemClock.now_ms();
    now - now % HOUR_MS
}

/// Declares the stream NUMBERS, with nothing in it.
pub async fn declare(session: &mut Session, partitions: usize) -> Result<()> {
    let statement = format!(
        "CREATE STREAM NUMBERS (K BIGINT, V BIGINT)
            WITH (KAFKA_TOPIC='numbers', PARTITIONS={partitions}, VALUE_FORMAT='ARROW');"
    );
    session.run(&statement).await?;
    Ok(())
}

/// Writes records of NUMBERS.
pub fn append(engine: &Engine, numbers: Numbers) -> Result<()> {
    let (Numbers { records, keys }, beginning) = (numbers, beginning());
    let topic = engine.log().topic_named("numbers")?;
    let fields = ["K", "V"].map(|name| Field::new(name, DataType::Int64, true));
    let side = |columns| Side { format: Format::Arrow, columns, wrapped: true };
    let layout = Layout::new(&side(Fields::empty()), &side(fields.to_vec().into()), false);
    let firsts = (0..records).step_by(usize::try_from(ROWS)?);
    for (first, partition) in firsts.zip(topic.partitions().iter().cycle()) {
        let rows = first..records.min(first + ROWS);
        let column =
            |value: &dyn Fn(u64) -> i64| Int64Array::from_iter_values(rows.clone().map(value));
        // Neighbours in the topic are far from each other in the order of keys.
        let values = [column(&|row| (row * 7919 % keys) as i64), column(&|row| row as i64)];
        let batch = layout.batch(RecordColumns {
            times: column(&|row| beginning + (row * SPAN_MS / records) as i64),
            keys: &[],
            keyless: None,
            window: &[],
            values: values.map(|column| Arc::new(column) as ArrayRef).to_vec(),
            tombstones: None,
            headers: None,
        })?;
        let mut columns = ColumnsBuilder::default();
        let mut batches = columns.push(batch)?;
        batches.extend(columns.build()?);
        for batch in batches {
            partition.append(batch)?;
        }
    }
    Ok(())
}

/// Creates queries and waits until they have read everything.
pub async fn catch_up(engine: &Engine, session: &mut Session, script: &str) -> Result<Taken> {
    let own = OwnMemory::watch();
    let (start, processor) = (Instant::now(), processor_seconds()?);
    session.run(script).await?;
    engine.run_until_idle().await?;
    let seconds = start.elapsed().as_secs_f64();
    let processor_seconds = processor_seconds()? - processor;
    check(engine)?;
    Ok(Taken { seconds, processor_seconds, own_mb: own.peak_kb() as f64 / 1024.0 })
}

impl Taken {
    /// Millions of so many a second, and the same for each core that was used.
    pub fn rates(&self, count: u64) -> [f64; 2] {
        let millions = count as f64 / 1e6;
        [millions / self.seconds, millions / self.processor_seconds.max(0.01)]
    }
}
