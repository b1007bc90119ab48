//! Runs benches and compares their figures with earlier ones; `make bench` runs it.
//!
//! `figures FOLDER [--accept] -- COMMAND …`: the folder has a file for each machine. It fails if
//! the command does, or if a figure is a loss; with `--accept` losses are what is kept from now on.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use tests::figures::{Figure, compare, file, keep, load, save};

const USAGE: &str = "usage: figures FOLDER [--accept] -- COMMAND ...";

fn main() -> Result<ExitCode> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let at = given.iter().position(|word| word == "--").context(USAGE)?;
    let (own, command) = (&given[..at], &given[at + 1..]);
    let accept = match own.get(1..) {
        Some([]) => false,
        Some([flag]) if flag == "--accept" => true,
        _ => bail!(USAGE),
    };
    let figures = run(command)?;
    let file = file(Path::new(&own[0]));
    let mut kept = load(&file)?;
    let (table, losses) = compare(&figures, &kept);
    keep(&figures, &mut kept, accept);
    save(&file, &kept)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{table}kept in {}", file.display())?;
    if losses == 0 || accept {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{losses} lost; run it again when nothing else runs, or accept with ACCEPT=1")?;
    Ok(ExitCode::FAILURE)
}

/// Runs a command to its end, shows what it says, and picks the figures out of that.
fn run(command: &[String]) -> Result<Vec<Figure>> {
    let (program, arguments) = command.split_first().context(USAGE)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let said = child.stdout.take().context("what the command says")?;
    let mut figures = Vec::new();
    for line in BufReader::new(said).lines() {
        let line = line?;
        match Figure::read(&line) {
            Some(figure) => figures.push(figure),
            None => writeln!(std::io::stdout(), "{line}")?,
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(figures)
}
