//! The shell's own commands: those with a backslash, and a few plain words.
//!
//! They are read line by line and never reach the engine; many are short for a statement.

use std::path::PathBuf;

use crate::render::Output;

/// A command to the shell.
#[derive(Debug, Clone, PartialEq)]
pub enum Meta {
    /// Leave.
    Quit,
    /// Explain the shell, or a statement.
    Help(String),
    /// Run a statement that this is short for.
    Statement(String),
    /// Switch one line per value on or off.
    Expanded(Switch),
    /// Switch the time after each statement on or off.
    Timing(Switch),
    /// Choose how rows are written.
    Output(Output),
    /// Run a script.
    Include(PathBuf),
    /// Print a line.
    Echo(String),
    /// Wait until every persistent query has caught up.
    Wait,
    /// Clear the screen.
    Clear,
}

/// What to do with something that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// To the other.
    Toggle,
}

/// A command as the help page shows it.
pub struct Command {
    /// Its name, with the backslash.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static str,
    /// What it does.
    pub help: &'static str,
    parse: fn(&str) -> Result<Meta, String>,
}

/// Every command with a backslash.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "\\d",
        arguments: "[NAME]",
        help: "streams and tables, or the columns of one",
        parse: |name| Ok(Meta::Statement(describe(name, "", "SHOW STREAMS;\nSHOW TABLES;"))),
    },
    Command {
        name: "\\d+",
        arguments: "[NAME]",
        help: "the same with records, readers and statements",
        parse: |name| {
            let all = "SHOW STREAMS EXTENDED;\nSHOW TABLES EXTENDED;";
            Ok(Meta::Statement(describe(name, " EXTENDED", all)))
        },
    },
    Command {
        name: "\\ds",
        arguments: "",
        help: "streams",
        parse: |_| Ok(Meta::Statement("SHOW STREAMS;".to_owned())),
    },
    Command {
        name: "\\dt",
        arguments: "",
        help: "tables",
        parse: |_| Ok(Meta::Statement("SHOW TABLES;".to_owned())),
    },
    Command {
        name: "\\dq",
        arguments: "",
        help: "persistent queries",
        parse: |_| Ok(Meta::Statement("SHOW QUERIES;".to_owned())),
    },
    Command {
        name: "\\ds+",
        arguments: "",
        help: "streams with records, readers and statements",
        parse: |_| Ok(Meta::Statement("SHOW STREAMS EXTENDED;".to_owned())),
    },
    Command {
        name: "\\dt+",
        arguments: "",
        help: "tables with records, readers and statements",
        parse: |_| Ok(Meta::Statement("SHOW TABLES EXTENDED;".to_owned())),
    },
    Command {
        name: "\\dq+",
        arguments: "",
        help: "persistent queries with lag, rate, commits and state",
        parse: |_| Ok(Meta::Statement("SHOW QUERIES EXTENDED;".to_owned())),
    },
    Command {
        name: "\\dT",
        arguments: "",
        help: "types that were created",
        parse: |_| Ok(Meta::Statement("SHOW TYPES;".to_owned())),
    },
    Command {
        name: "\\df",
        arguments: "[NAME]",
        help: "functions, or one of them",
        parse: |name| Ok(Meta::Statement(functions(name))),
    },
    Command {
        name: "\\l",
        arguments: "",
        help: "topics",
        parse: |_| Ok(Meta::Statement("SHOW TOPICS;".to_owned())),
    },
    Command {
        name: "\\l+",
        arguments: "",
        help: "topics with bytes and readers",
        parse: |_| Ok(Meta::Statement("SHOW TOPICS EXTENDED;".to_owned())),
    },
    Command {
        name: "\\x",
        arguments: "[on|off]",
        help: "one line per value instead of one per row",
        parse: |word| switch(word).map(Meta::Expanded),
    },
    Command {
        name: "\\timing",
        arguments: "[on|off]",
        help: "show how long each statement took",
        parse: |word| switch(word).map(Meta::Timing),
    },
    Command {
        name: "\\output",
        arguments: "table|json|csv",
        help: "how rows are written",
        parse: |word| {
            let output = <Output as clap::ValueEnum>::from_str(word, true);
            output
                .map(Meta::Output)
                .map_err(|_| format!("expected table, json or csv, found {}", found(word)))
        },
    },
    Command {
        name: "\\i",
        arguments: "FILE",
        help: "run the statements of a file",
        parse: |path| match path {
            "" => Err("expected the name of a file".to_owned()),
            path => Ok(Meta::Include(PathBuf::from(path))),
        },
    },
    Command {
        name: "\\echo",
        arguments: "[TEXT]",
        help: "print a line",
        parse: |text| Ok(Meta::Echo(text.to_owned())),
    },
    Command {
        name: "\\wait",
        arguments: "",
        help: "wait until every persistent query has caught up",
        parse: |_| Ok(Meta::Wait),
    },
    Command {
        name: "\\clear",
        arguments: "",
        help: "clear the screen",
        parse: |_| Ok(Meta::Clear),
    },
    Command {
        name: "\\?",
        arguments: "",
        help: "this list; the same as help",
        parse: |_| Ok(Meta::Help(String::new())),
    },
    Command {
        name: "\\h",
        arguments: "[STATEMENT]",
        help: "the syntax of a statement; the same as help STATEMENT",
        parse: |topic| Ok(Meta::Help(topic.to_owned())),
    },
    Command {
        name: "\\q",
        arguments: "",
        help: "leave; the same as exit, quit and Ctrl-D",
        parse: |_| Ok(Meta::Quit),
    },
];

/// The command on this line; `None` where the line belongs to a statement.
pub fn parse(line: &str) -> Option<Result<Meta, String>> {
    let line = line.trim();
    if line.starts_with('\\') { Some(parse_backslash(line)) } else { parse_word(line).map(Ok) }
}

fn parse_backslash(line: &str) -> Result<Meta, String> {
    let line = line.trim_end_matches(';').trim_end();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let command = COMMANDS.iter().find(|command| command.name == name);
    let command =
        command.ok_or_else(|| format!("there is no command {name}; \\? lists them all"))?;
    (command.parse)(rest.trim()).map_err(|message| format!("{name}: {message}"))
}

/// The plain words that no statement begins with.
fn parse_word(line: &str) -> Option<Meta> {
    let line = line.trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match word.to_ascii_lowercase().as_str() {
        "exit" | "quit" if rest.is_empty() => Some(Meta::Quit),
        "clear" if rest.is_empty() => Some(Meta::Clear),
        "help" => Some(Meta::Help(rest.trim().to_owned())),
        _ => None,
    }
}

fn describe(name: &str, extended: &str, all: &str) -> String {
    if name.is_empty() { all.to_owned() } else { format!("DESCRIBE {name}{extended};") }
}

fn functions(name: &str) -> String {
    if name.is_empty() {
        "SHOW FUNCTIONS;".to_owned()
    } else {
        format!("DESCRIBE FUNCTION {name};")
    }
}

fn switch(word: &str) -> Result<Switch, String> {
    match word.to_ascii_lowercase().as_str() {
        "" => Ok(Switch::Toggle),
        "on" => Ok(Switch::On),
        "off" => Ok(Switch::Off),
        _ => Err(format!("expected on or off, found {}", found(word))),
    }
}

fn found(word: &str) -> &str {
    if word.is_empty() { "nothing" } else { word }
}

impl Switch {
    /// The state after the switch.
    pub fn apply(self, before: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Toggle => !before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(line: &str) -> String {
        match parse(line) {
            Some(Ok(Meta::Statement(statement))) => statement,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn backslash_commands_are_short_for_statements() {
        assert_eq!(statement("\\d flights;"), "DESCRIBE flights;");
        assert_eq!(statement("\\d+ flights"), "DESCRIBE flights EXTENDED;");
        assert_eq!(statement("  \\dt"), "SHOW TABLES;");
        assert_eq!(statement("\\dq+;"), "SHOW QUERIES EXTENDED;");
        assert_eq!(statement("\\df substring"), "DESCRIBE FUNCTION substring;");
    }

    #[test]
    fn words_are_commands_only_where_no_statement_begins_with_them() {
        assert_eq!(parse("EXIT;"), Some(Ok(Meta::Quit)));
        assert_eq!(parse("help create stream"), Some(Ok(Meta::Help("create stream".into()))));
        assert_eq!(parse("SELECT 1;"), None);
        assert_eq!(parse("exit_code"), None);
    }

    #[test]
    fn mistakes_name_what_was_expected() {
        assert_eq!(
            parse("\\output xml"),
            Some(Err("\\output: expected table, json or csv, found xml".into()))
        );
        assert_eq!(parse("\\x maybe"), Some(Err("\\x: expected on or off, found maybe".into())));
        assert_eq!(
            parse("\\zzz"),
            Some(Err("there is no command \\zzz; \\? lists them all".into()))
        );
    }
}
