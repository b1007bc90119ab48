//! One query in a process of its own, from the first record read to the last result committed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::{Engine, Options, Outcome, Session, Storage};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::measure::{OwnMemory, forget_peak, peak_kb, processor_seconds};
use super::script;

/// What is to be run.
pub struct Run {
    /// The data directory, whose topics are filled.
    pub data: PathBuf,
    /// The query.
    pub query: String,
    /// Where its answer goes, and the header that stands above it.
    pub answer: Option<(PathBuf, String)>,
    /// The format of every value, if it is not JSON.
    pub format: Option<String>,
}

/// What a run took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Records in the topics that it reads.
    pub records: u64,
    /// Seconds until it had caught up.
    pub seconds: f64,
    /// Seconds on processors.
    pub processor_seconds: f64,
    /// Megabytes resident at most, files that are mapped and all.
    pub peak_mb: u64,
    /// Megabytes at most that are its own.
    pub own_mb: u64,
    /// Rows of the answer.
    pub rows: u64,
}

/// Runs it.
pub async fn run(run: &Run) -> Result<Measured> {
    let storage = Storage::Directory(run.data.clone());
    let engine = Engine::open(Options { storage, ..Options::default() }).await?;
    let mut session = engine.session();
    let in_format = |text: String| match &run.format {
        Some(format) => {
            text.replace("VALUE_FORMAT = 'JSON'", &format!("VALUE_FORMAT = '{format}'"))
        }
        None => text,
    };
    if engine.source("BID").is_none() {
        session.run(&in_format(script::sources()?)).await?;
    }
    let records = script::topics(&run.query).iter().map(|topic| {
        let topic = engine.log().topic_named(topic)?;
        let ends =
            topic.partitions().iter().map(|one| one.high_watermark() - one.log_start_offset());
        Ok::<_, anyhow::Error>(ends.sum::<i64>().unsigned_abs())
    });
    let records = records.sum::<Result<u64>>()?;
    let script = script::of(&run.query)?;

    forget_peak()?;
    let own = OwnMemory::watch();
    let (start, processor) = (Instant::now(), processor_seconds()?);
    session.run(&in_format(script.start)).await?;
    engine.run_until_idle().await?;
    let seconds = start.elapsed().as_secs_f64();
    let processor_seconds = processor_seconds()? - processor;
    let (peak_mb, own_mb) = (peak_kb()? >> 10, own.peak_kb() >> 10);

    check(&engine)?;
    let rows = match &run.answer {
        Some((path, header)) => write_answer(&mut session, &script.answer, path, header).await?,
        None => 0,
    };
    drop(session);
    engine.shutdown().await?;
    Ok(Measured { records, seconds, processor_seconds, peak_mb, own_mb, rows })
}

/// A query that failed, or that left something, has not been measured.
pub fn check(engine: &Engine) -> Result<()> {
    for query in engine.queries() {
        match query.failure {
            Some(failure) => bail!("{} failed: {failure}", query.id),
            None if query.lag > 0 => bail!("{} has {} records left", query.id, query.lag),
            None => {}
        }
    }
    Ok(())
}

/// Writes the rows of an answer, sorted, as the peers write theirs.
async fn write_answer(
    session: &mut Session,
    query: &str,
    path: &Path,
    header: &str,
) -> Result<u64> {
    let outcome = session.run(query).await?.pop().context("an answer")?;
    let Outcome::Rows(mut rows) = outcome else { bail!("expected rows, found {outcome:?}") };
    let options = FormatOptions::default().with_null("\\N");
    let mut lines = Vec::new();
    while let Some(batch) = rows.stream.next().await {
        let batch = batch?;
        let columns = batch.columns().iter().take(rows.columns.len());
        let columns = columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let mut line = String::new();
            for (at, column) in columns.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                write!(line, "{comma}{}", column.value(row))?;
            }
            lines.push(line);
        }
    }
    lines.sort_unstable();
    let count = lines.len() as u64;
    lines.insert(0, header.to_owned());
    fs::write(path, lines.join("\n") + "\n")
        .with_context(|| format!("write {}", path.display()))?;
    Ok(count)
}
