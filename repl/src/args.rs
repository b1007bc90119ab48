//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::command::consume::Consume;
use crate::command::datagen::Generator;
use crate::command::import::Import;
use crate::command::produce::Produce;
use crate::command::serve::Serve;
use crate::command::{group, topic};
use crate::console::View;
use crate::render::Output;

/// Where everything is kept if nobody says otherwise.
const DEFAULT_DATA: &str = "millstream-data";

/// SQL over logs: streams, tables and persistent queries in one program and one directory.
///
/// Without arguments: a shell on ./millstream-data with everything embedded.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The directory that holds everything; MILLSTREAM_DATA or else ./millstream-data if not given
    #[arg(short, long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,

    /// Talk to a server instead of opening a directory, as postgres://localhost:5432
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub connect: Option<String>,

    /// Run these statements, then exit
    #[arg(short = 'c', long = "command", value_name = "SQL", conflicts_with = "file")]
    statements: Option<String>,

    /// Run the statements of a file, then exit; may be given several times
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,

    /// Open the shell after -c or -f, where standard input is a terminal
    #[arg(short, long)]
    interactive: bool,

    /// Print each statement before it runs
    #[arg(short, long)]
    echo: bool,

    /// One line per value instead of one per row
    #[arg(short = 'x', long)]
    expanded: bool,

    /// Show how long each statement took
    #[arg(long)]
    timing: bool,

    /// How rows are written; table if not given
    #[arg(short, long, value_enum, global = true)]
    pub output: Option<Output>,

    /// What to do instead of running statements
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running statements.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve Postgres clients
    Serve(Serve),
    /// Write the lines of a file to a topic
    Import(Import),
    /// Write made-up records to topics
    Datagen {
        /// What to make records of.
        #[command(subcommand)]
        generator: Generator,
    },
    /// Look at topics, make, change and delete them
    Topic {
        /// What to do with them.
        #[command(subcommand)]
        command: topic::Command,
    },
    /// Write lines to a topic, a record each
    Produce(Produce),
    /// Write the records of a topic, a line each
    Consume(Consume),
    /// Look at consumer groups, and move them
    Group {
        /// What to do with them.
        #[command(subcommand)]
        command: group::Command,
    },
    /// Make a data directory of a backup
    Restore {
        /// The directory that BACKUP TO has made
        backup: PathBuf,
    },
}

/// Where statements come from before a shell is opened.
pub enum Statements<'a> {
    /// There are none.
    None,
    /// From the command line.
    Given(&'a str),
    /// From files.
    Files(&'a [PathBuf]),
    /// From standard input.
    Stdin,
}

impl Args {
    /// The command line of this process; an error ends it with status 2.
    pub fn of_process() -> Self {
        let args = Self::parse();
        args.check().unwrap_or_else(|error| error.exit());
        args
    }

    /// An option of the shell that a command would not heed is a mistake.
    fn check(&self) -> Result<(), clap::Error> {
        let of_shell = self.statements.is_some() || !self.file.is_empty() || self.connect.is_some();
        if self.command.is_none() || !(of_shell || self.interactive || self.echo) {
            return Ok(());
        }
        let message = "--command, --file, --connect, --interactive and --echo belong to the shell";
        Err(Self::command().error(ErrorKind::ArgumentConflict, message))
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        let given = self.data.clone();
        let variable = || std::env::var_os("MILLSTREAM_DATA").map(PathBuf::from);
        given.or_else(variable).unwrap_or_else(|| DEFAULT_DATA.into())
    }

    /// Where statements come from.
    pub fn statements(&self, stdin_is_terminal: bool) -> Statements<'_> {
        match &self.statements {
            Some(text) => Statements::Given(text),
            None if !self.file.is_empty() => Statements::Files(&self.file),
            None if stdin_is_terminal => Statements::None,
            None => Statements::Stdin,
        }
    }

    /// Whether the shell is opened in the end.
    pub fn opens_shell(&self, stdin_is_terminal: bool) -> bool {
        let scripted = self.statements.is_some() || !self.file.is_empty();
        stdin_is_terminal && (self.interactive || !scripted)
    }

    /// How rows are written.
    pub fn output(&self) -> Output {
        self.output.unwrap_or(Output::Table)
    }

    /// How results are shown at the start.
    pub fn view(&self) -> View {
        let Self { expanded, timing, echo, .. } = *self;
        View { output: self.output(), expanded, timing, echo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        Args::try_parse_from([&["millstream"], words].concat()).unwrap()
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_shell_is_opened_only_on_a_terminal() {
        assert!(args(&[]).opens_shell(true));
        assert!(!args(&[]).opens_shell(false));
        assert!(!args(&["-f", "a.sql"]).opens_shell(true));
        assert!(args(&["-i", "-f", "a.sql"]).opens_shell(true));
        assert!(!args(&["-i", "-f", "a.sql"]).opens_shell(false));
    }

    #[test]
    fn statements_come_from_one_place() {
        assert!(matches!(args(&["-c", "SHOW TOPICS"]).statements(false), Statements::Given(_)));
        assert!(matches!(args(&[]).statements(false), Statements::Stdin));
        assert!(Args::try_parse_from(["millstream", "-c", "x", "-f", "y"]).is_err());
        assert!(args(&["-c", "x", "serve"]).check().is_err());
        assert!(args(&["-d", "x", "serve"]).check().is_ok());
    }
}
