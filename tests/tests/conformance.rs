//! Runs the conformance cases, where they are at hand, against the list of those that pass.
//!
//! The cases are not part of the project: they are looked for in `../shared/qtt` beside the
//! workspace, or where `MILLSTREAM_QTT` says. `conformance-passes.txt` lists the ids of the cases
//! that pass; one that is listed and fails breaks the build. `UPDATE_EXPECTED=1` writes the list
//! anew.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tests::conformance::{load, report, runner};

#[test]
fn no_case_that_passed_fails() -> Result<()> {
    let suite = suite();
    if !suite.is_dir() {
        return say(&format!("conformance skipped: no cases in {}", suite.display()));
    }
    let cases = load::load(&suite)?;
    let verdicts = runner::run_all(&cases);
    let judged: Vec<_> = cases.iter().zip(&verdicts).collect();
    let passed = judged.iter().filter(|(_, verdict)| verdict.passed);
    let passed: BTreeSet<&str> = passed.map(|(loaded, _)| loaded.case.id.as_str()).collect();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        return write_list(&passed);
    }
    let list = fs::read_to_string(list_path()).context("read the list of passes")?;
    let listed: BTreeSet<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    let lost = judged
        .iter()
        .filter(|(loaded, verdict)| !verdict.passed && listed.contains(loaded.case.id.as_str()));
    let lost = report::failures(&lost.copied().collect::<Vec<_>>());
    ensure!(lost.is_empty(), "cases that passed and fail now:\n{lost}");
    let gained = passed.difference(&listed).count();
    say(&format!("conformance: {} of {} cases pass", passed.len(), cases.len()))?;
    if gained > 0 {
        say(&format!("{gained} of them are not listed yet: UPDATE_EXPECTED=1 lists them"))?;
    }
    Ok(())
}

#[test]
fn the_list_is_sorted_and_has_no_duplicates() -> Result<()> {
    let list = fs::read_to_string(list_path()).context("read the list of passes")?;
    let lines: Vec<&str> = list.lines().collect();
    let sorted: Vec<&str> = lines.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(lines, sorted);
    Ok(())
}

fn suite() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/qtt");
    std::env::var_os("MILLSTREAM_QTT").map_or_else(beside, PathBuf::from)
}

fn list_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance-passes.txt")
}

fn write_list(passed: &BTreeSet<&str>) -> Result<()> {
    let lines: String = passed.iter().map(|id| format!("{id}\n")).collect();
    fs::write(list_path(), lines).context("write the list of passes")?;
    say(&format!("conformance: {} passes listed", passed.len()))
}

/// Says something even where the test runner captures what tests print.
fn say(line: &str) -> Result<()> {
    writeln!(std::io::stderr(), "{line}").context("print")
}
