//! The shell's start: from nothing to its first answer, and to its end.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::ground::open;
use super::section::Size;
use super::spread::Spread;

const STARTS: usize = 20;
/// Rows in each topic that is read.
const ROWS: usize = 100;
const STATE_MEMORY: usize = 256 << 20;

/// On a directory of this many topics. Half of them are written by queries over the others.
pub async fn measure(topics: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let engine = open(size.dir, STATE_MEMORY).await?;
    let mut session = engine.session();
    session.run(&statements(topics / 2)?).await?;
    engine.run_until_idle().await?;
    drop(session);
    engine.shutdown().await?;
    let starts: Vec<(Duration, Duration)> =
        (0..STARTS).map(|_| start(size.dir)).collect::<Result<_>>()?;
    let answers: Spread = starts.iter().map(|(answer, _)| *answer).collect();
    let ends: Spread = starts.iter().map(|(_, end)| *end).collect();
    Ok(vec![answers.quantile(0.5), answers.most(), ends.quantile(0.5)])
}

fn statements(queries: u64) -> Result<String> {
    let mut text = String::new();
    for query in 0..queries {
        write!(
            text,
            "CREATE STREAM EVENTS_{query} (K BIGINT KEY, V BIGINT)
                WITH (KAFKA_TOPIC='events_{query}', PARTITIONS=1, FORMAT='JSON');
             CREATE TABLE COUNTS_{query} AS
                SELECT K, COUNT(*) AS N FROM EVENTS_{query} GROUP BY K;"
        )?;
        let rows: Vec<String> = (0..ROWS).map(|row| format!("({}, {row})", row % 10)).collect();
        write!(text, "INSERT INTO EVENTS_{query} (K, V) VALUES {};", rows.join(", "))?;
    }
    Ok(text)
}

/// Starts the shell with a question; gives the time to the row that answers it, and to the end
/// of the process.
fn start(dir: &Path) -> Result<(Duration, Duration)> {
    let program = std::env::current_exe()?.with_file_name("millstream");
    let start = Instant::now();
    let mut shell = Command::new(program)
        .arg("--data")
        .arg(dir)
        .args(["--output", "csv", "--command", "SELECT N FROM COUNTS_0 WHERE K = 7;"])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = shell.stdout.take().context("what the shell says")?;
    let mut said = BufReader::new(stdout).lines();
    let (header, row) = (said.next().transpose()?, said.next().transpose()?);
    let answer = start.elapsed();
    let status = shell.wait()?;
    let end = start.elapsed();
    let right = header.as_deref() == Some("N") && row.as_deref() == Some("10");
    ensure!(status.success() && right, "the shell answered {header:?}, {row:?} and {status}");
    Ok((answer, end))
}
