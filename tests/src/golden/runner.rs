//! Runs a script in all its variants and compares or records its output.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::command::{self, Command};
use super::driver::{Driver, Variant};
use super::script::{Script, Step};

/// What a step prints that prints nothing.
const NOTHING: &str = "ok";

/// A step whose output is not the recorded one.
#[derive(Debug)]
pub struct Failure {
    path: PathBuf,
    line: usize,
    variant: Variant,
    expected: Vec<String>,
    found: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{} ({})", self.path.display(), self.line, self.variant)?;
        if self.expected.is_empty() {
            writeln!(f, "nothing is recorded; UPDATE_GOLDENFILES=1 records what was found")?;
        }
        let mut shown = String::new();
        for line in &self.expected {
            let mark = if self.found.contains(line) { ' ' } else { '-' };
            let _ = writeln!(shown, "{mark} {line}");
        }
        for line in self.found.iter().filter(|line| !self.expected.contains(line)) {
            let _ = writeln!(shown, "+ {line}");
        }
        f.write_str(&shown)
    }
}

/// A step with its commands.
struct Prepared<'a> {
    step: &'a Step,
    commands: Vec<Command>,
}

/// Runs a script. With `update` its output is recorded, and only differences between variants
/// are failures.
pub async fn run_file(path: &Path, update: bool) -> Result<Vec<Failure>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let script = Script::parse(&text);
    let prepare = |step| prepare(step).with_context(|| path.display().to_string());
    let steps: Vec<_> = script.steps.iter().map(prepare).collect::<Result<_>>()?;
    let variants = variants(&steps);
    let mut recorded: Option<Vec<Vec<String>>> = None;
    let mut failures = Vec::new();
    for variant in variants {
        let found = run(&steps, variant).await;
        let found = found.with_context(|| format!("{} ({variant})", path.display()))?;
        if update && recorded.is_none() {
            fs::write(path, script.with_outputs(&found))
                .with_context(|| format!("write {}", path.display()))?;
            recorded = Some(found.clone());
        }
        let expected = |index: usize, step: &Step| match &recorded {
            Some(recorded) => recorded.get(index).cloned().unwrap_or_default(),
            None => step.output.clone(),
        };
        for (index, (prepared, found)) in steps.iter().zip(found).enumerate() {
            let expected = expected(index, prepared.step);
            if !same(&expected, &found, variant) {
                let (path, line) = (path.to_owned(), prepared.step.line);
                failures.push(Failure { path, line, variant, expected, found });
            }
        }
    }
    Ok(failures)
}

/// The classes of the errors that a script's statements give, in order.
pub async fn refusals(path: &Path) -> Result<Vec<Option<String>>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mut driver = Driver::open(Variant::ALL[0]).await?;
    for step in &Script::parse(&text).steps {
        for command in &prepare(step)?.commands {
            driver.carry_out(command).await?;
        }
    }
    Ok(driver.refusals().to_vec())
}

fn prepare(step: &Step) -> Result<Prepared<'_>> {
    let commands = command::parse(&step.input).with_context(|| format!("line {}", step.line))?;
    Ok(Prepared { step, commands })
}

/// The variants that make sense for a script.
fn variants(steps: &[Prepared<'_>]) -> Vec<Variant> {
    let has = |wanted: &[Command]| {
        let mut commands = steps.iter().flat_map(|step| &step.commands);
        commands.any(|command| wanted.contains(command))
    };
    let needs_disk = has(&[Command::Crash, Command::Restart]);
    let one_partition = has(&[Command::OnlyOnePartition]);
    let fits = |variant: &Variant| {
        (variant.on_disk || !needs_disk) && (variant.partitions == 1 || !one_partition)
    };
    Variant::ALL.into_iter().filter(fits).collect()
}

async fn run(steps: &[Prepared<'_>], variant: Variant) -> Result<Vec<Vec<String>>> {
    let mut driver = Driver::open(variant).await?;
    let mut outputs = Vec::new();
    for prepared in steps {
        let mut output = Vec::new();
        for command in &prepared.commands {
            let line = prepared.step.line;
            let printed = driver.carry_out(command).await;
            output.extend(printed.with_context(|| format!("step of line {line}"))?);
        }
        if output.is_empty() {
            output.push(NOTHING.to_owned());
        }
        outputs.push(output);
    }
    Ok(outputs)
}

/// Equality; with several partitions only the order per key counts.
fn same(expected: &[String], found: &[String], variant: Variant) -> bool {
    if expected.is_empty() || variant.partitions == 1 {
        return expected == found;
    }
    by_key(expected) == by_key(found)
}

/// Lines grouped by the key of the record they show, in their order for each key. Other lines
/// are their own key.
fn by_key(lines: &[String]) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.sort_by_key(|line| match line.starts_with("key=") {
        true => line.split(" value=").next().unwrap_or(line),
        false => line,
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Variant = Variant { on_disk: false, partitions: 1, crashes: false };
    const THREE: Variant = Variant { on_disk: false, partitions: 3, crashes: false };

    fn lines(text: &str) -> Vec<String> {
        text.split(';').map(str::to_owned).collect()
    }

    #[test]
    fn only_the_order_per_key_counts_between_partitions() {
        let expected = lines("key=1 value=a @0s;key=2 value=b @0s;key=1 value=c @0s");
        let other_keys_first = lines("key=2 value=b @0s;key=1 value=a @0s;key=1 value=c @0s");
        assert!(same(&expected, &other_keys_first, THREE));
        assert!(!same(&expected, &other_keys_first, ONE));
        let key_out_of_order = lines("key=1 value=c @0s;key=2 value=b @0s;key=1 value=a @0s");
        assert!(!same(&expected, &key_out_of_order, THREE));
    }

    #[test]
    fn a_step_without_recorded_output_fails() {
        assert!(!same(&[], &lines("ok"), THREE));
    }

    fn variants_of(text: &str) -> Vec<String> {
        let script = Script::parse(text);
        let steps: Vec<_> = script.steps.iter().map(prepare).collect::<Result<_>>().expect("steps");
        variants(&steps).iter().map(Variant::to_string).collect()
    }

    #[test]
    fn scripts_choose_their_variants() {
        assert_eq!(variants_of("SELECT 1;\n---\n").len(), Variant::ALL.len());
        let on_disk = ["on disk, partitions: 1", "on disk, partitions: 1, crashing"];
        assert_eq!(variants_of("only 1 partition\nrestart\n---\n"), on_disk);
    }
}
