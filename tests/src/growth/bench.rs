//! The bench: section after section, step after step.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result};

use super::arguments::Arguments;
use super::plot::plot;
use super::section::{SECTIONS, Section};
use super::table::{Row, table};
use crate::nexmark::events::output;

/// The last results of each section.
type Results = BTreeMap<String, Vec<Row>>;

/// Measures what is asked for, shows it, and draws all that has been measured so far.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    fs::create_dir_all(&arguments.work)?;
    let path = arguments.work.join("results.json");
    let mut results = match path.exists() {
        true => serde_json::from_str(&fs::read_to_string(&path)?).context("earlier results")?,
        false => Results::new(),
    };
    for section in &arguments.sections {
        let step = |step| Ok((step, in_own_process(arguments, section, step)?));
        let rows: Result<Vec<Row>> =
            section.steps(arguments.percent).into_iter().map(step).collect();
        let rows = rows.with_context(|| format!("measure {}", section.name))?;
        writeln!(out, "{}", table(section, &rows))?;
        out.flush()?;
        results.insert(section.name.to_owned(), rows);
        fs::write(&path, serde_json::to_string(&results)?)?;
    }
    let measured =
        |section: &'static Section| Some((section, results.get(section.name)?.as_slice()));
    let measured: Vec<(&Section, &[Row])> = SECTIONS.iter().filter_map(measured).collect();
    fs::write(&arguments.plot, plot(&measured))?;
    writeln!(out, "drawn in {}", arguments.plot.display())?;
    Ok(())
}

/// This program again, for one step.
fn in_own_process(arguments: &Arguments, section: &Section, step: u64) -> Result<Vec<f64>> {
    let dir = tempfile::tempdir_in(&arguments.work)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["step", section.name, &step.to_string(), &arguments.percent.to_string()]);
    let line = output(command.arg(dir.path()))?;
    serde_json::from_str(&line).with_context(|| format!("the figures of a step, found {line}"))
}
