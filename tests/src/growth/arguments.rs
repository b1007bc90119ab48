//! The command line of the bench.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::section::{SECTIONS, Section};
use crate::options;

/// How it is called.
pub const USAGE: &str =
    "usage: growth --work DIR [--only partitions,keys,...] [--percent N] [--plot FILE]";

/// What is to be measured.
#[derive(Debug)]
pub struct Arguments {
    /// A folder for data directories and results.
    pub work: PathBuf,
    /// What is to grow.
    pub sections: Vec<&'static Section>,
    /// How many of the records, in percent.
    pub percent: u64,
    /// Where the plot goes.
    pub plot: PathBuf,
}

impl Arguments {
    /// Reads a command line.
    pub fn read(given: impl Iterator<Item = String>) -> Result<Self> {
        let (mut work, mut plot) = (None, None);
        let mut sections: Vec<_> = SECTIONS.iter().collect();
        let mut percent = 100;
        options::each(given, USAGE, |option, value| {
            match option {
                "--work" => work = Some(PathBuf::from(value)),
                "--only" => {
                    sections = value.split(',').map(Section::named).collect::<Result<_>>()?;
                }
                "--percent" => percent = percent_of(value)?,
                "--plot" => plot = Some(PathBuf::from(value)),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let work = work.context(USAGE)?;
        let plot = plot.unwrap_or_else(|| work.join("growth.svg"));
        Ok(Self { work, sections, percent, plot })
    }
}

fn percent_of(text: &str) -> Result<u64> {
    let percent = text.parse().ok().filter(|percent| (1..=100).contains(percent));
    percent.with_context(|| format!("--percent: expected a number from 1 to 100, found {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments> {
        Arguments::read(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_command_line_is_read() {
        let arguments = read("--work w --only keys,start --percent 5").expect("sound");
        let names: Vec<_> = arguments.sections.iter().map(|section| section.name).collect();
        assert_eq!((names, arguments.percent), (vec!["keys", "start"], 5));
        assert_eq!(arguments.plot, PathBuf::from("w/growth.svg"));
        assert_eq!(read("--work w").expect("sound").sections.len(), SECTIONS.len());
    }

    #[test]
    fn mistakes_are_named() {
        let message = |words| read(words).expect_err("a mistake").to_string();
        assert!(message("").contains("usage"));
        assert!(message("--work w --only cats").contains("found cats"));
        assert!(message("--work w --percent 0").contains("found 0"));
        assert!(message("--work w --percent").contains("needs a value"));
    }
}
