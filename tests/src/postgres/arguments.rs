//! The command line of the bench.

use anyhow::{Context, Result, bail};

use crate::options;

/// How it is called.
pub const USAGE: &str = "usage: postgres [--rows N] [--clients 1,8] [--seconds N] [--rounds N] \
    [--inserts N] [--rate PER_SECOND] [--queries N] [--parts lookups,delay,crowd]";

/// What can be measured.
pub const PARTS: [&str; 3] = ["lookups", "delay", "crowd"];

/// What is to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// Rows of the table.
    pub rows: i64,
    /// How many clients ask for rows at once, for each measurement.
    pub clients: Vec<usize>,
    /// Seconds that they ask for.
    pub seconds: u64,
    /// How often each measurement is made; the best one counts.
    pub rounds: u32,
    /// How many inserted rows are waited for.
    pub inserts: u32,
    /// How many are inserted in a second.
    pub rate: u32,
    /// How many clients wait for rows at once.
    pub queries: usize,
    /// Which of [`PARTS`] are measured.
    pub parts: Vec<String>,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            rows: 1_000_000,
            clients: vec![1, 8],
            seconds: 10,
            rounds: 3,
            inserts: 4_000,
            rate: 200,
            queries: 1_000,
            parts: PARTS.map(str::to_owned).to_vec(),
        }
    }
}

impl Arguments {
    /// Reads a command line.
    pub fn read(given: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self::default();
        options::each(given, USAGE, |option, value| {
            match option {
                "--rows" => arguments.rows = number(option, value)?,
                "--clients" => {
                    let counts = value.split(',').map(|count| number(option, count));
                    arguments.clients = counts.collect::<Result<_>>()?;
                }
                "--seconds" => arguments.seconds = number(option, value)?,
                "--rounds" => arguments.rounds = number(option, value)?,
                "--inserts" => arguments.inserts = number(option, value)?,
                "--rate" => arguments.rate = number(option, value)?,
                "--queries" => arguments.queries = number(option, value)?,
                "--parts" => arguments.parts = parts(value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(arguments)
    }

    /// Whether a part is to be measured.
    pub fn measures(&self, part: &str) -> bool {
        self.parts.iter().any(|wanted| wanted == part)
    }
}

fn number<T: std::str::FromStr + Default + PartialEq>(name: &str, value: &str) -> Result<T> {
    let number = value.parse().ok().filter(|number| *number != T::default());
    number.with_context(|| format!("{name}: expected a number above 0, found {value}"))
}

fn parts(text: &str) -> Result<Vec<String>> {
    let known = |name: &str| match PARTS.contains(&name) {
        true => Ok(name.to_owned()),
        false => bail!("--parts: expected some of {}, found {name}", PARTS.join(", ")),
    };
    text.split(',').map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments> {
        Arguments::read(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_command_line_is_read() {
        let arguments = read("--clients 2,4 --rows 1000 --parts delay").expect("sound");
        assert_eq!((arguments.clients.as_slice(), arguments.rows), (&[2, 4][..], 1000));
        assert!(arguments.measures("delay") && !arguments.measures("lookups"));
        assert_eq!(read("").expect("sound"), Arguments::default());
    }

    #[test]
    fn mistakes_are_named() {
        let message = |words| read(words).expect_err("a mistake").to_string();
        assert!(message("--rows").contains("needs a value"));
        assert!(message("--rows 0").contains("found 0"));
        assert!(message("--parts joins").contains("found joins"));
        assert!(message("--speed high").contains("usage"));
    }
}
