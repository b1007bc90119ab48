//! The bench: query after query.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::arguments::Arguments;
use super::events::{Events, output, prepare};
use super::peers::{Flink, Peers};
use super::run::Measured;
use super::table;

/// What came of a query.
pub struct Outcome {
    /// The query.
    pub query: String,
    /// Our best run.
    pub ours: Measured,
    /// Flink's best setting.
    pub flink: Option<Flink>,
    /// What the comparison of answers says.
    pub verdict: Option<String>,
}

/// Measures the queries. Says whether every answer that was compared is right.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<bool> {
    fs::create_dir_all(&arguments.work)?;
    let events = prepare(arguments)?;
    let peers = match &events {
        Events::Files(folder) => Some(Peers::find(arguments, folder)),
        Events::Own => None,
    };
    match &peers {
        Some(peers) => peers.missing().iter().try_for_each(|line| writeln!(out, "{line}"))?,
        None => writeln!(out, "events are our own: nothing is compared with others")?,
    }
    writeln!(out, "{}", table::head())?;
    let mut outcomes = Vec::new();
    for query in &arguments.queries {
        let outcome = measure(arguments, &events, peers.as_ref(), query)
            .with_context(|| format!("measure {query}"))?;
        writeln!(out, "{}", table::row(&outcome))?;
        out.flush()?;
        note(arguments, &outcome)?;
        outcomes.push(outcome);
    }
    write!(out, "{}", table::summary(&outcomes))?;
    Ok(outcomes.iter().all(|outcome| outcome.verdict.as_deref().is_none_or(is_right)))
}

fn is_right(verdict: &str) -> bool {
    verdict.starts_with("equal")
}

fn measure(
    arguments: &Arguments,
    events: &Events,
    peers: Option<&Peers<'_>>,
    query: &str,
) -> Result<Outcome> {
    let data = arguments.work.join("data");
    let answers = arguments.work.join("answers");
    fs::create_dir_all(&answers)?;
    let right = peers.map(|peers| peers.right_answer(query)).transpose()?.flatten();
    let mut best: Option<Measured> = None;
    for _ in 0..arguments.runs {
        events.fill(arguments, query, &data)?;
        let measured = in_own_process(arguments, query, &data, &answers, right.as_deref())?;
        if best.as_ref().is_none_or(|best| measured.seconds < best.seconds) {
            best = Some(measured);
        }
    }
    fs::remove_dir_all(&data)?;
    let verdict = match (peers, &right) {
        (Some(peers), Some(_)) => Some(peers.verdict(query, &answers)?),
        _ => None,
    };
    let flink = peers.map(|peers| peers.flink(query)).transpose()?.flatten();
    let ours = best.context("no run")?;
    Ok(Outcome { query: query.to_owned(), ours, flink, verdict })
}

/// This program again, with the arguments of one run.
fn in_own_process(
    arguments: &Arguments,
    query: &str,
    data: &Path,
    answers: &Path,
    right: Option<&Path>,
) -> Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").arg(data).args([query, &arguments.format]);
    if let Some(right) = right {
        let text = fs::read_to_string(right)?;
        let header = text.lines().next().unwrap_or_default();
        command.arg(answers.join(query).with_extension("csv")).arg(header);
    }
    let line = output(&mut command)?;
    serde_json::from_str(&line).with_context(|| format!("the result of a run, found {line}"))
}

fn note(arguments: &Arguments, outcome: &Outcome) -> Result<()> {
    let Some(path) = &arguments.json else { return Ok(()) };
    let Outcome { query, ours, flink, verdict } = outcome;
    let flink = flink.as_ref().map(
        |flink| json!({"rate": flink.rate, "peak_mb": flink.peak_mb, "setting": flink.setting}),
    );
    let line = json!({
        "query": query, "events": arguments.events, "format": arguments.format, "ours": ours,
        "flink": flink, "verdict": verdict,
    });
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{line}")?)
}
