//! The command line of the bench.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::script::QUERIES;
use crate::options;

/// How it is called.
pub const USAGE: &str = "usage: nexmark --work DIR [--events N] [--queries q0,q1,…] [--runs N] \
    [--format JSON|ARROW] [--peers DIR] [--python FILE] [--flink SETTINGS|no] [--json FILE]";

/// What is to be measured, and with what.
#[derive(Debug)]
pub struct Arguments {
    /// A folder for files and data directories; what is made for good is kept there.
    pub work: PathBuf,
    /// How many events.
    pub events: u64,
    /// The queries.
    pub queries: Vec<String>,
    /// How often each is run; the best run counts.
    pub runs: u32,
    /// The format of values.
    pub format: String,
    /// The folder with the peers' programs.
    pub peers: PathBuf,
    /// The Python that runs them.
    pub python: PathBuf,
    /// Flink's settings, each a parallelism and whether it batches, as `1:off`.
    pub flink: Vec<(u32, String)>,
    /// Where results go, a line each.
    pub json: Option<PathBuf>,
}

impl Arguments {
    /// Reads a command line.
    pub fn read(given: impl Iterator<Item = String>) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut arguments = Self {
            work: PathBuf::new(),
            events: 2_000_000,
            queries: QUERIES.map(str::to_owned).to_vec(),
            runs: 1,
            format: "JSON".to_owned(),
            peers: root.join("../shared/peers"),
            python: "python3".into(),
            flink: settings("1:off,1:on,2:off,2:on")?,
            json: None,
        };
        options::each(given, USAGE, |option, value| {
            match option {
                "--work" => arguments.work = value.into(),
                "--events" => arguments.events = number(option, value)?,
                "--queries" => arguments.queries = queries(value)?,
                "--runs" => arguments.runs = number(option, value)?,
                "--format" if value == "JSON" || value == "ARROW" => {
                    arguments.format = value.to_owned()
                }
                "--peers" => arguments.peers = value.into(),
                "--python" => arguments.python = value.into(),
                "--flink" => arguments.flink = settings(value)?,
                "--json" => arguments.json = Some(value.into()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if arguments.work.as_os_str().is_empty() || arguments.runs == 0 {
            bail!("{USAGE}");
        }
        Ok(arguments)
    }
}

fn number<T: std::str::FromStr>(argument: &str, value: &str) -> Result<T> {
    value.parse().ok().with_context(|| format!("{argument}: expected a number, found {value}"))
}

fn queries(text: &str) -> Result<Vec<String>> {
    let known = |name: &str| match QUERIES.contains(&name) {
        true => Ok(name.to_owned()),
        false => bail!("expected queries among {}, found {name}", QUERIES.join(", ")),
    };
    text.split(',').map(known).collect()
}

fn settings(text: &str) -> Result<Vec<(u32, String)>> {
    if text == "no" {
        return Ok(Vec::new());
    }
    let setting = |text: &str| {
        let (parallelism, batches) = text.split_once(':')?;
        let known = matches!(batches, "on" | "off");
        Some((parallelism.parse().ok()?, known.then(|| batches.to_owned())?))
    };
    let settings: Option<Vec<_>> = text.split(',').map(setting).collect();
    settings.with_context(|| format!("--flink: expected no, or settings as 1:off, found {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments> {
        Arguments::read(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_command_line_is_read() {
        let arguments = read("--work w --queries q5,q0 --events 100 --flink 2:on").expect("sound");
        assert_eq!(arguments.queries, ["q5", "q0"]);
        assert_eq!((arguments.events, arguments.runs), (100, 1));
        assert_eq!(arguments.flink, [(2, "on".to_owned())]);
        assert!(read("--work w --flink no").expect("sound").flink.is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let message = |words| read(words).expect_err("a mistake").to_string();
        assert!(message("").contains("usage"));
        assert!(message("--work w --queries q6").contains("found q6"));
        assert!(message("--work w --events").contains("needs a value"));
        assert!(message("--work w --flink 1").contains("found 1"));
        assert!(message("--work w --format XML").contains("--format XML"));
    }
}
