//! The commands in the input of a step.

use anyhow::{Context, Result, bail};

use super::time;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A statement, as written.
    Sql(String),
    /// Append a record.
    Produce(Produce),
    /// Print the records of a topic.
    Records(String),
    /// Move the wall clock to this many milliseconds.
    Clock(i64),
    /// Drop the engine and open it again.
    Crash,
    /// Shut the engine down and open it again.
    Restart,
    /// Run with one partition only.
    OnlyOnePartition,
}

/// A record as a script writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Produce {
    /// The topic.
    pub topic: String,
    /// Text of the key.
    pub key: Option<String>,
    /// Text of the value.
    pub value: Option<String>,
    /// Time in milliseconds.
    pub timestamp: i64,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// Reads the commands of a step.
pub fn parse(input: &[String]) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    let mut statement: Vec<&str> = Vec::new();
    for line in input {
        if statement.is_empty() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(command) = command(line)? {
                commands.push(command);
                continue;
            }
        }
        statement.push(line);
        if line.trim_end().ends_with(';') {
            commands.push(Command::Sql(statement.join("\n")));
            statement.clear();
        }
    }
    match statement.first() {
        Some(line) => bail!("a statement without `;` at its end: {line}"),
        None => Ok(commands),
    }
}

/// The command of a line, or none if the line begins a statement.
fn command(line: &str) -> Result<Option<Command>> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Ok(Some(match word {
        "produce" => Command::Produce(produce(rest).with_context(|| line.to_owned())?),
        "records" => Command::Records(rest.trim().to_owned()),
        "clock" => Command::Clock(time::parse(rest.trim())?),
        "crash" => Command::Crash,
        "restart" => Command::Restart,
        "only" if rest == "1 partition" => Command::OnlyOnePartition,
        _ => return Ok(None),
    }))
}

/// `TOPIC [key=K] [header:NAME=TEXT]… [value=V] [@TIME]`.
fn produce(text: &str) -> Result<Produce> {
    let (mut rest, timestamp) = split_time(text)?;
    let mut record = Produce { timestamp, ..Produce::default() };
    if let Some((before, value)) = split_value(rest) {
        record.value = Some(value.to_owned());
        rest = before;
    }
    for (index, word) in rest.split_whitespace().enumerate() {
        if index == 0 {
            record.topic = word.to_owned();
        } else if let Some(key) = word.strip_prefix("key=") {
            record.key = Some(key.to_owned());
        } else if let Some((name, text)) = word.strip_prefix("header:").and_then(split_header) {
            record.headers.push((name, text));
        } else {
            bail!("expected key=, value=, header:name= or @time, found {word}");
        }
    }
    Ok(record)
}

/// Takes the time off the end; without one it is 0.
fn split_time(text: &str) -> Result<(&str, i64)> {
    match text.trim_end().rsplit_once(" @") {
        Some((rest, at)) => Ok((rest, time::parse(at)?)),
        None => Ok((text.trim_end(), 0)),
    }
}

fn split_value(text: &str) -> Option<(&str, &str)> {
    text.split_once(" value=")
}

fn split_header(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &[&str]) -> Vec<Command> {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        parse(&lines).expect("commands")
    }

    #[test]
    fn statements_may_take_lines() {
        let commands = parsed(&["# A comment.", "SELECT *", "# inside", "FROM a;", "", "crash"]);
        let statement = "SELECT *\n# inside\nFROM a;".to_owned();
        assert_eq!(commands, [Command::Sql(statement), Command::Crash]);
    }

    #[test]
    fn values_keep_their_blanks() {
        let commands =
            parsed(&["produce t key=1 header:h=x value={\"a\": 1, \"b\": \" @ \"} @1500ms"]);
        let record = Produce {
            topic: "t".into(),
            key: Some("1".into()),
            value: Some("{\"a\": 1, \"b\": \" @ \"}".into()),
            timestamp: 1_500,
            headers: vec![("h".into(), "x".into())],
        };
        assert_eq!(commands, [Command::Produce(record)]);
    }

    #[test]
    fn without_value_it_is_a_tombstone() {
        let tombstone = Produce { topic: "t".into(), key: Some("1".into()), ..Produce::default() };
        assert_eq!(parsed(&["produce t key=1"]), [Command::Produce(tombstone)]);
    }

    #[test]
    fn mistakes_are_named() {
        let error = parse(&["produce t kye=1".to_owned()]).expect_err("a mistake");
        assert!(format!("{error:#}").ends_with("found kye=1"));
        assert!(parse(&["SELECT 1".to_owned()]).is_err());
    }
}
