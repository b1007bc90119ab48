//! The bench of growth; `make bench-growth` runs it.
//!
//! `growth step SECTION STEP PERCENT DIR` is one step of it, in a process of its own.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Result, bail};
use tests::growth::arguments::Arguments;
use tests::growth::bench;
use tests::growth::section::{Section, Size};

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    let [command, section, step, percent, dir] = given.as_slice() else {
        return bench::run(&Arguments::read(given.into_iter())?, &mut out);
    };
    if command != "step" {
        bail!("expected step SECTION STEP PERCENT DIR, found {command}");
    }
    let size = Size { dir: Path::new(dir), percent: percent.parse()? };
    let measure = Section::named(section)?.measure(step.parse()?, size);
    let figures = tokio::runtime::Runtime::new()?.block_on(measure)?;
    writeln!(out, "{}", serde_json::to_string(&figures)?)?;
    Ok(())
}
