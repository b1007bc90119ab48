//! Rows by their key, asked for by pgbench with prepared statements.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::accounts::SCRIPT;
use super::quantiles::Quantiles;
use super::theirs::Programs;
use crate::nexmark::events::output;

/// What one run of pgbench shows.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Queries per second.
    pub rate: f64,
    /// From the question to the answer.
    pub times: Quantiles,
}

/// Lets `clients` ask the server at `port` for rows out of `rows`.
pub fn measure(
    programs: &Programs,
    port: u16,
    rows: i64,
    clients: usize,
    seconds: u64,
) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("script");
    fs::write(&script, format!("\\set id random(1, {rows})\n{SCRIPT}"))?;
    let threads = std::thread::available_parallelism()?.get().min(clients);
    let mut pgbench = programs.program("pgbench")?;
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix=times"]);
    pgbench.args(["--host=127.0.0.1", "--port", &port.to_string(), "--username=bench"]);
    pgbench.args(["--client", &clients.to_string(), "--jobs", &threads.to_string()]);
    pgbench.args(["--time", &seconds.to_string(), "--file"]).arg(&script).arg("postgres");
    let said = output(pgbench.current_dir(folder.path()))?;
    let rate = rate(&said).with_context(|| format!("pgbench tells no rate: {said}"))?;
    Ok(Measured { rate, times: times(folder.path())? })
}

/// The rate in what pgbench says at its end.
fn rate(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

/// The times in the files that pgbench has written, one per thread.
fn times(folder: &Path) -> Result<Quantiles> {
    let mut times = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("times.") {
            let text = fs::read_to_string(entry.path())?;
            times.extend(text.lines().filter_map(time));
        }
    }
    Ok(times.into_iter().collect())
}

/// The time in a line of them: client, number, microseconds, …
fn time(line: &str) -> Option<Duration> {
    line.split(' ').nth(2)?.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_says_is_read() {
        let said = "latency average = 0.057 ms\ntps = 17468.3 (without initial connection time)\n";
        assert_eq!(rate(said), Some(17468.3));
        assert_eq!(rate("nothing"), None);
        assert_eq!(time("0 199 2241 0 1175850568 995598"), Some(Duration::from_micros(2241)));
    }
}
