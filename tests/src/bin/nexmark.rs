//! The bench of Nexmark; `make bench-nexmark` runs it.
//!
//! `nexmark run DATA QUERY FORMAT [ANSWER HEADER]` is one run of it, in a process of its own.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tests::nexmark::arguments::Arguments;
use tests::nexmark::bench;
use tests::nexmark::run::{Run, run};

fn main() -> Result<ExitCode> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    if given.first().is_some_and(|first| first == "run") {
        let run_of = one(given.split_off(1))?;
        let measured = tokio::runtime::Runtime::new()?.block_on(run(&run_of))?;
        writeln!(out, "{}", serde_json::to_string(&measured)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let right = bench::run(&Arguments::read(given.into_iter())?, &mut out)?;
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(given: Vec<String>) -> Result<Run> {
    let mut given = given.into_iter();
    let mut next = |what: &str| given.next().with_context(|| format!("run needs {what}"));
    let (data, query, format) = (next("DATA")?.into(), next("QUERY")?, next("FORMAT")?);
    let answer = given.next().map(Into::into).zip(given.next());
    if let Some(more) = given.next() {
        bail!("expected no {more}");
    }
    Ok(Run { data, query, answer, format: Some(format).filter(|format| format != "JSON") })
}
