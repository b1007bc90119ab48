//! Scripts: statements and shell commands from files, from `-c` and from a pipe.
//!
//! A script is read line by line and each statement runs as soon as it is complete, so a
//! program may write statements into a pipe and read the answers. The first failure ends it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use sql::Splitter;

use crate::answer::Failure;
use crate::console::{Console, Ending};
use crate::meta::{self, Meta};
use crate::render::Place;

/// Runs the statements of a file.
pub async fn run_file(console: &mut Console, path: &Path) -> io::Result<Ending> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => run(console, BufReader::new(file), Some(&name)).await,
        Err(error) => console.fail(&Failure::new(format!("{name}: {error}")), "", Place::TYPED),
    }
}

/// Runs the statements that `input` holds until one fails; `name` is shown with failures.
pub async fn run(
    console: &mut Console,
    input: impl BufRead,
    name: Option<&str>,
) -> io::Result<Ending> {
    let mut reader = Reader::default();
    for line in input.lines() {
        reader.push(&line?);
        while let Some(step) = reader.next_step() {
            let ending = run_step(console, step, name).await?;
            if ending != Ending::Done {
                return Ok(ending);
            }
        }
    }
    match reader.last_step() {
        Some(step) => run_step(console, step, name).await,
        None => Ok(Ending::Done),
    }
}

async fn run_step(console: &mut Console, step: Step, name: Option<&str>) -> io::Result<Ending> {
    let place = Place { script: name, line: step.line };
    match step.what {
        What::Command(Ok(command)) => console.command(command).await,
        What::Command(Err(message)) => console.fail(&Failure::new(message), "", place),
        What::Statement(text) => match included_script(&text) {
            Some(path) => console.command(Meta::Include(path.into())).await,
            None => console.run(&text, place).await,
        },
    }
}

/// The path in `RUN SCRIPT 'path';`: files are read here, not by a server elsewhere.
pub fn included_script(statement: &str) -> Option<String> {
    let tokens = sql::lexer::tokenize(statement);
    let mut words = tokens.iter().map(|token| token.text(statement));
    let mut expect =
        |word: &str| words.next().is_some_and(|found| found.eq_ignore_ascii_case(word));
    if !(expect("RUN") && expect("SCRIPT")) {
        return None;
    }
    let path = words.next()?.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(path.replace("''", "'"))
}

/// One thing to do.
#[derive(Debug, PartialEq)]
struct Step {
    /// The line it begins in, counted from 1.
    line: usize,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    Statement(String),
    Command(Result<Meta, String>),
}

/// Lines in, steps out.
#[derive(Default)]
struct Reader {
    splitter: Splitter,
    /// Number of lines before what the splitter holds.
    lines_before: usize,
    command: Option<Step>,
}

impl Reader {
    /// Adds a line without its end. Between statements it may be a command.
    fn push(&mut self, line: &str) {
        let number = self.lines_before + self.splitter.pending().matches('\n').count() + 1;
        if self.splitter.is_idle()
            && let Some(command) = meta::parse(line)
        {
            self.splitter.clear();
            self.lines_before = number;
            self.command = Some(Step { line: number, what: What::Command(command) });
            return;
        }
        self.splitter.push(line);
        self.splitter.push("\n");
    }

    fn next_step(&mut self) -> Option<Step> {
        if let Some(command) = self.command.take() {
            return Some(command);
        }
        let before = self.splitter.pending().to_owned();
        let statement = self.splitter.next_statement()?;
        let taken = &before[..before.len() - self.splitter.pending().len()];
        Some(self.step(taken, statement))
    }

    /// What is left at the end: a statement whose semicolon was left out.
    fn last_step(&mut self) -> Option<Step> {
        if self.splitter.is_idle() {
            return None;
        }
        let rest = self.splitter.pending().to_owned();
        Some(self.step(&rest, rest.trim().to_owned()))
    }

    /// The step for a statement that came out of the text `taken`.
    fn step(&mut self, taken: &str, statement: String) -> Step {
        let leading = taken.len() - taken.trim_start().len();
        let line = self.lines_before + taken[..leading].matches('\n').count() + 1;
        self.lines_before += taken.matches('\n').count();
        Step { line, what: What::Statement(statement) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(script: &str) -> Vec<Step> {
        let mut reader = Reader::default();
        let mut steps = Vec::new();
        for line in script.lines() {
            reader.push(line);
            steps.extend(std::iter::from_fn(|| reader.next_step()));
        }
        steps.extend(reader.last_step());
        steps
    }

    fn statement(line: usize, text: &str) -> Step {
        Step { line, what: What::Statement(text.to_owned()) }
    }

    #[test]
    fn statements_know_their_line() {
        let script = "\nSHOW STREAMS;\n\n-- why\nSELECT ';'\n  FROM a; SHOW TABLES;\nSHOW TOPICS";
        let expected = [
            statement(2, "SHOW STREAMS;"),
            statement(4, "-- why\nSELECT ';'\n  FROM a;"),
            statement(6, "SHOW TABLES;"),
            statement(7, "SHOW TOPICS"),
        ];
        assert_eq!(steps(script), expected);
    }

    #[test]
    fn commands_stand_between_statements_only() {
        let script = "-- first\n\\wait\nSELECT\n\\x\n;\n\\x on";
        let steps = steps(script);
        assert_eq!(steps[0], Step { line: 2, what: What::Command(Ok(Meta::Wait)) });
        assert_eq!(steps[1], statement(3, "SELECT\n\\x\n;"));
        assert_eq!(steps[2].line, 6);
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn scripts_are_included_by_either_name() {
        assert_eq!(included_script("run script 'it''s.sql';"), Some("it's.sql".to_owned()));
        assert_eq!(included_script("SELECT 'RUN SCRIPT';"), None);
    }
}
