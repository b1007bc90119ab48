//! `conformance CASES [--json FILE] [--failures] [--filter TEXT]`: runs a folder or file of
//! conformance cases and prints how many pass, by file, tag and tier.
//!
//! `--filter` keeps the cases whose id contains the text or that have it as a tag.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tests::conformance::load::{self, Loaded};
use tests::conformance::{report, runner};

const USAGE: &str = "usage: conformance CASES [--json FILE] [--failures] [--filter TEXT]";

#[derive(Default)]
struct Arguments {
    cases: PathBuf,
    json: Option<PathBuf>,
    failures: bool,
    filter: Option<String>,
}

fn main() -> Result<()> {
    let arguments = arguments(std::env::args().skip(1))?;
    let mut cases = load::load(&arguments.cases)?;
    if let Some(filter) = &arguments.filter {
        cases.retain(|loaded| matches(loaded, filter));
    }
    let verdicts = runner::run_all(&cases);
    let judged: Vec<_> = cases.iter().zip(&verdicts).collect();
    let mut out = std::io::stdout().lock();
    out.write_all(report::tables(&judged).as_bytes())?;
    if arguments.failures {
        out.write_all(b"\n")?;
        out.write_all(report::failures(&judged).as_bytes())?;
    }
    if let Some(path) = &arguments.json {
        let json = report::json(&judged)?;
        fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn matches(loaded: &Loaded, filter: &str) -> bool {
    loaded.case.id.contains(filter) || loaded.case.tags.iter().any(|tag| tag == filter)
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(argument) = given.next() {
        let mut value =
            || given.next().with_context(|| format!("{argument} needs a value; {USAGE}"));
        match argument.as_str() {
            "--json" => arguments.json = Some(value()?.into()),
            "--filter" => arguments.filter = Some(value()?),
            "--failures" => arguments.failures = true,
            flag if flag.starts_with('-') => bail!("unknown flag {flag}; {USAGE}"),
            cases => arguments.cases = cases.into(),
        }
    }
    if arguments.cases.as_os_str().is_empty() {
        bail!("{USAGE}");
    }
    Ok(arguments)
}
