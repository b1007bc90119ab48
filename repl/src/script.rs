//! Scripts: statements and shell commands from files, from `-c` and from a pipe.
//!
//! A script is read line by line and each statement runs as soon as it is complete, so a
//! program may write statements into a pipe and read the answers. The first failure ends it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;

use sql::Splitter;

use crate::answer::Failure;
use crate::console::{Console, Ending};
use crate::meta::{self, Meta};
use crate::progress::ScriptBar;
use crate::render::Place;

/// Runs the statements of a file.
pub async fn run_file(console: &mut Console, path: &Path) -> io::Result<Ending> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => {
            let input = BufReader::new(&file);
            run_with_bar(console, input, Some(&name), || steps_ahead(&file)).await
        }
        Err(error) => console.fail(&Failure::new(format!("{name}: {error}")), "", Place::TYPED),
    }
}

/// Runs the statements of a text.
pub async fn run_text(console: &mut Console, text: &str) -> io::Result<Ending> {
    let count = || steps_in(text.as_bytes()).map(Some);
    run_with_bar(console, text.as_bytes(), None, count).await
}

/// Runs the statements that come on standard input.
pub async fn run_stdin(console: &mut Console) -> io::Result<Ending> {
    let count = || steps_ahead(&File::from(io::stdin().as_fd().try_clone_to_owned()?));
    run_with_bar(console, io::stdin().lock(), None, count).await
}

/// Runs a script under a bar of its own; `count` tells how many steps it has, if that can be
/// known before they are run.
async fn run_with_bar(
    console: &mut Console,
    input: impl BufRead,
    name: Option<&str>,
    count: impl FnOnce() -> io::Result<Option<u64>>,
) -> io::Result<Ending> {
    let bar = ScriptBar::begin(count)?;
    let outer = std::mem::replace(&mut console.bar, bar);
    let ending = run(console, input, name).await;
    console.bar = outer;
    ending
}

/// Runs the statements that `input` holds until one fails; `name` is shown with failures.
pub async fn run(
    console: &mut Console,
    input: impl BufRead,
    name: Option<&str>,
) -> io::Result<Ending> {
    for step in Steps::of(input) {
        let step = step?;
        console.bar.step();
        let ending = run_step(console, step, name).await?;
        if ending != Ending::Done {
            return Ok(ending);
        }
    }
    Ok(Ending::Done)
}

/// How many steps a file holds from where it stands, and stays. A pipe can be read only once.
fn steps_ahead(mut file: &File) -> io::Result<Option<u64>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let here = file.stream_position()?;
    let steps = steps_in(BufReader::new(file));
    file.seek(SeekFrom::Start(here))?;
    // What cannot be read is told when its turn comes.
    Ok(steps.ok())
}

fn steps_in(input: impl BufRead) -> io::Result<u64> {
    Steps::of(input).try_fold(0, |count, step| step.map(|_| count + 1))
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

/// The steps of a script, each as soon as its text is complete.
struct Steps<B> {
    lines: io::Lines<B>,
    reader: Reader,
}

impl<B: BufRead> Steps<B> {
    fn of(input: B) -> Self {
        Self { lines: input.lines(), reader: Reader::default() }
    }
}

impl<B: BufRead> Iterator for Steps<B> {
    type Item = io::Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.reader.next_step() {
                return Some(Ok(step));
            }
            match self.lines.next() {
                Some(Ok(line)) => self.reader.push(&line),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.reader.last_step().map(Ok),
            }
        }
    }
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
        self.splitter.clear();
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
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    fn steps(script: &str) -> Vec<Step> {
        Steps::of(script.as_bytes()).collect::<io::Result<_>>().unwrap()
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
    fn counting_leaves_a_file_where_it_stands() {
        let mut file = tempfile::tempfile().unwrap();
        let skipped = "\\echo skipped\n";
        write!(file, "{skipped}SHOW TOPICS; SHOW\n  TABLES;\n\\x\nSELECT 1\n-- end").unwrap();
        let here = skipped.len() as u64;
        file.seek(SeekFrom::Start(here)).unwrap();
        assert_eq!(steps_ahead(&file).unwrap(), Some(4));
        assert_eq!(file.stream_position().unwrap(), here);
    }

    #[test]
    fn a_pipe_is_not_counted() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"SHOW TOPICS;\n").unwrap();
        assert_eq!(steps_ahead(&File::from(OwnedFd::from(reader))).unwrap(), None);
    }

    #[test]
    fn scripts_are_included_by_either_name() {
        assert_eq!(included_script("run script 'it''s.sql';"), Some("it's.sql".to_owned()));
        assert_eq!(included_script("SELECT 'RUN SCRIPT';"), None);
    }
}
