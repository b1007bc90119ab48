//! The same queries elsewhere: DuckDB for the right answers, Flink for the time they take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use super::arguments::Arguments;
use super::events::{output, run};

/// Programs beside ours, as far as they are there.
pub struct Peers<'a> {
    arguments: &'a Arguments,
    /// The folder of the events.
    folder: PathBuf,
    duckdb: bool,
    flink: bool,
}

/// What Flink took, in its best setting.
#[derive(Debug, Clone)]
pub struct Flink {
    /// Records per second.
    pub rate: f64,
    /// Megabytes resident at most.
    pub peak_mb: u64,
    /// The setting.
    pub setting: String,
}

impl<'a> Peers<'a> {
    /// Looks for what is installed.
    pub fn find(arguments: &'a Arguments, folder: &Path) -> Self {
        let has = |module: &str| {
            let mut command = Command::new(&arguments.python);
            command.args(["-c", &format!("import {module}")]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let flink = !arguments.flink.is_empty() && has("pyflink");
        Self { arguments, folder: folder.to_owned(), duckdb: has("duckdb"), flink }
    }

    /// What is not done, a line each.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.duckdb {
            missing.push("answers are not compared: duckdb is not installed");
        }
        if !self.flink && !self.arguments.flink.is_empty() {
            missing.push("Flink is not measured: apache-flink is not installed");
        }
        missing
    }

    /// The file of the right answer, made where it is missing; nothing without DuckDB.
    pub fn right_answer(&self, query: &str) -> Result<Option<PathBuf>> {
        let folder = self.oracle();
        let file = folder.join(query).with_extension("csv");
        if self.duckdb && !file.exists() {
            let mut command = self.program("duckdb_nexmark.py");
            command.arg("--data").arg(&self.folder).arg("--out").arg(&folder);
            run(command.args(["--queries", query]))?;
        }
        Ok(self.duckdb.then_some(file))
    }

    /// Whether the answer in a folder is the right one, in the comparison's words.
    pub fn verdict(&self, query: &str, answers: &Path) -> Result<String> {
        let mut command = self.program("duckdb_nexmark.py");
        command.arg("--compare").arg(answers).arg("--out").arg(self.oracle());
        // It ends with 1 where the answers differ, and says so.
        let output = command.args(["--queries", query]).output().context("start the comparison")?;
        let line: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())?;
        Ok(line["verdict"].as_str().unwrap_or("no verdict").to_owned())
    }

    /// Flink's best setting; nothing where it is not there.
    pub fn flink(&self, query: &str) -> Result<Option<Flink>> {
        if !self.flink {
            return Ok(None);
        }
        let file = self.folder.join(format!("flink-{query}.jsonl"));
        let mut known = results(&file)?;
        for (parallelism, batches) in &self.arguments.flink {
            let setting = format!("{parallelism}:{batches}");
            if known.iter().any(|flink| flink.setting == setting) {
                continue;
            }
            let mut command = self.program("flink_nexmark.py");
            command.arg("--data").arg(&self.folder).arg("--results").arg(&file);
            command.args(["--queries", query, "--parallelism", &parallelism.to_string()]);
            output(command.args(["--minibatch", batches, "--runs", "2"]))?;
            known = results(&file)?;
        }
        Ok(known.into_iter().max_by(|a, b| a.rate.total_cmp(&b.rate)))
    }

    fn oracle(&self) -> PathBuf {
        self.folder.join("answers")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(&self.arguments.python);
        command.arg(self.arguments.peers.join(name));
        command
    }
}

/// The results that a file holds; settings that failed are left out.
fn results(file: &Path) -> Result<Vec<Flink>> {
    let text = if file.exists() { fs::read_to_string(file)? } else { String::new() };
    let result = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        let setting = format!("{}:{}", line["parallelism"].as_u64()?, line["minibatch"].as_str()?);
        let peak_mb = line["peak_rss_mb"].as_u64()?;
        Some(Flink { rate: line["events_per_s"].as_f64()?, peak_mb, setting })
    };
    Ok(text.lines().filter_map(result).collect())
}
