//! Events for a query: files of JSON lines, and a data directory with its topics filled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::arguments::Arguments;
use super::script;

/// Where events come from.
pub enum Events {
    /// A folder of the peers' files.
    Files(PathBuf),
    /// The program's own generator.
    Own,
}

/// Has the peers' generator make its files, unless they are there; without it, or for another
/// format than JSON, the program's own generator is used.
pub fn prepare(arguments: &Arguments) -> Result<Events> {
    let generator = arguments.peers.join("nexmark_gen.py");
    if arguments.format != "JSON" || !generator.exists() {
        return Ok(Events::Own);
    }
    let folder = arguments.work.join(format!("events-{}", arguments.events));
    if !folder.join("meta.json").exists() {
        let mut command = Command::new(&arguments.python);
        command.arg(&generator).arg("--out").arg(&folder);
        command.args(["--shards", "2", "--events", &arguments.events.to_string()]);
        run(&mut command)?;
    }
    Ok(Events::Files(folder))
}

impl Events {
    /// Makes a new data directory with the topics that a query reads.
    pub fn fill(&self, arguments: &Arguments, query: &str, data: &Path) -> Result<()> {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        let millstream = || -> Result<Command> {
            let program = std::env::current_exe()?.with_file_name("millstream");
            let mut command = Command::new(program);
            command.arg("--data").arg(data);
            Ok(command)
        };
        let Self::Files(folder) = self else {
            let events = arguments.events.to_string();
            let format = arguments.format.to_lowercase();
            let mut command = millstream()?;
            return run(
                command.args(["datagen", "nexmark", "--events", &events, "--format", &format])
            );
        };
        for topic in script::topics(query) {
            let mut command = millstream()?;
            command.arg("import").arg(folder.join(topic).with_extension("jsonl"));
            command.args(["--topic", topic, "--timestamp", "dateTime"]);
            if *topic != "bid" {
                command.args(["--key", "id"]);
            }
            run(&mut command)?;
        }
        Ok(())
    }
}

/// Runs a program to its end, and shows what it said if that was not a good one.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// What a program writes.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
