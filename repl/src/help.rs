//! What `help` says: one page for the shell, and the syntax of every statement.

use crate::meta::COMMANDS;
use crate::render::{Colour, Style};

/// A statement as the help page shows it.
struct Topic {
    /// The words it begins with.
    name: &'static str,
    /// Its syntax.
    syntax: &'static str,
    /// What it does, and an example.
    text: &'static str,
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "CREATE STREAM",
        syntax: "CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name (column type [KEY], …) WITH (property = value, …);\n\
                 CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name [WITH (…)] AS SELECT … [EMIT CHANGES];",
        text: "The first form reads the records of a topic as rows of a stream. The second starts a\n\
               persistent query and writes what it gives to a topic of its own.\n\n\
               CREATE STREAM clicks (user STRING KEY, page STRING)\n  \
                 WITH (KAFKA_TOPIC = 'clicks', PARTITIONS = 1, VALUE_FORMAT = 'JSON');",
    },
    Topic {
        name: "CREATE TABLE",
        syntax: "CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name (column type [PRIMARY KEY], …) WITH (property = value, …);\n\
                 CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name [WITH (…)] AS SELECT … [EMIT CHANGES|FINAL];",
        text: "A table holds the latest row per key. The second form starts a persistent query and keeps\n\
               its result up to date.\n\n\
               CREATE TABLE clicks_per_user AS\n  SELECT user, COUNT(*) AS n FROM clicks\n  \
                 WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY user;",
    },
    Topic {
        name: "INSERT INTO",
        syntax: "INSERT INTO name [(column, …)] VALUES (value, …), …;\n\
                 INSERT INTO stream [WITH (QUERY_ID = 'id')] SELECT …;",
        text: "Writes rows now, or starts a persistent query that writes to an existing stream.\n\n\
               INSERT INTO clicks (user, page) VALUES ('ann', '/home');",
    },
    Topic {
        name: "SELECT",
        syntax: "SELECT … FROM … [WINDOW …] [WHERE …] [GROUP BY …] [HAVING …] [EMIT CHANGES] [LIMIT n];",
        text: "Without EMIT CHANGES: a pull query, answered at once. It may join, sort and nest as it likes.\n\
               With EMIT CHANGES: a push query, rows as they happen until Ctrl-C or the limit.",
    },
    Topic {
        name: "SHOW",
        syntax: "SHOW STREAMS|TABLES|[ALL] TOPICS|QUERIES [EXTENDED];\n\
                 SHOW FUNCTIONS|TYPES|PROPERTIES|VARIABLES|GROUPS;",
        text: "Lists what there is. LIST is another word for SHOW.",
    },
    Topic {
        name: "DESCRIBE",
        syntax: "DESCRIBE name|STREAMS|TABLES [EXTENDED];\nDESCRIBE FUNCTION name;",
        text: "The columns of a stream or table, and what reads and writes it; or what a function does.",
    },
    Topic {
        name: "EXPLAIN",
        syntax: "EXPLAIN statement;\nEXPLAIN query_id;",
        text: "The plan of a statement without running it, or of a running query.",
    },
    Topic {
        name: "PRINT",
        syntax: "PRINT topic [FROM BEGINNING] [INTERVAL n] [LIMIT n];",
        text: "The records of a topic as they are, until Ctrl-C or the limit.",
    },
    Topic {
        name: "DROP",
        syntax: "DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC];\nDROP TYPE [IF EXISTS] name;",
        text: "Forgets a stream or table; with DELETE TOPIC its records too.",
    },
    Topic {
        name: "TERMINATE",
        syntax: "TERMINATE query_id|ALL;",
        text: "Stops a persistent query for good; its stream or table stays. SHOW QUERIES has the ids.",
    },
    Topic {
        name: "PAUSE",
        syntax: "PAUSE query_id|ALL;\nRESUME query_id|ALL;",
        text: "Stops a persistent query for a while, and lets it go on where it stopped.",
    },
    Topic {
        name: "ALTER",
        syntax: "ALTER STREAM|TABLE name ADD [COLUMN] column type, …;",
        text: "Adds columns to a stream or table that reads a topic.",
    },
    Topic {
        name: "CREATE TYPE",
        syntax: "CREATE TYPE [IF NOT EXISTS] name AS type;",
        text: "Another name for a type.\n\nCREATE TYPE address AS STRUCT<street STRING, city STRING>;",
    },
    Topic {
        name: "SET",
        syntax: "SET 'property' = 'value';\nUNSET 'property';",
        text: "Changes a property of this session. SHOW PROPERTIES lists them.\n\n\
               SET 'auto.offset.reset' = 'earliest';",
    },
    Topic {
        name: "DEFINE",
        syntax: "DEFINE name = 'value';\nUNDEFINE name;",
        text: "Defines a variable; ${name} stands for its value in later statements.",
    },
    Topic {
        name: "RUN SCRIPT",
        syntax: "RUN SCRIPT 'file';",
        text: "Runs the statements of a file until one fails.",
    },
];

/// The help page of a topic, or of the shell where the topic is empty.
pub fn page(topic: &str, style: Style) -> Result<String, String> {
    let topic = topic.trim_end_matches(';').trim().to_ascii_uppercase();
    if topic.is_empty() {
        return Ok(overview(style));
    }
    let pages: Vec<String> = matching(&topic).map(|topic| topic.page(style)).collect();
    if pages.is_empty() {
        return Err(format!("there is no help on {topic}; help lists the statements"));
    }
    Ok(pages.join("\n\n"))
}

/// Topics that begin with these words, or whose first words these words begin with.
fn matching(words: &str) -> impl Iterator<Item = &'static Topic> {
    TOPICS.iter().filter(move |topic| {
        begins_with(topic.name, words)
            || begins_with(words, topic.name)
            || topic.syntax.lines().any(|line| begins_with(line, words))
    })
}

/// Whether `text` begins with the whole words of `start`.
fn begins_with(text: &str, start: &str) -> bool {
    let rest = text.strip_prefix(start);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
}

impl Topic {
    fn page(&self, style: Style) -> String {
        format!("{}\n\n{}", style.paint(Colour::Strong, self.syntax), self.text)
    }
}

fn overview(style: Style) -> String {
    let mut lines = vec![
        "A statement ends with a semicolon and may span lines. Ctrl-C ends the statement that"
            .into(),
        "runs, Tab completes, the arrow keys go through history.".into(),
        String::new(),
        style.paint(Colour::Strong, "Statements (help STATEMENT shows the syntax)"),
    ];
    lines.extend(statement_lines());
    lines.push(String::new());
    lines.push(style.paint(Colour::Strong, "Commands"));
    let command = |(name, help): (String, &str)| format!("  {name:24} {help}");
    let commands = COMMANDS.iter();
    lines.extend(commands.map(|c| command((format!("{} {}", c.name, c.arguments), c.help))));
    lines.join("\n")
}

fn statement_lines() -> Vec<String> {
    let names: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    let line = |names: &[&str]| names.iter().map(|name| format!("  {name:16}")).collect::<String>();
    names.chunks(4).map(|names| line(names).trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colour: false, width: None };

    #[test]
    fn every_statement_and_command_is_in_the_overview() {
        let overview = page("", PLAIN).unwrap();
        assert!(TOPICS.iter().all(|topic| overview.contains(topic.name)));
        assert!(COMMANDS.iter().all(|command| overview.contains(command.name)));
    }

    #[test]
    fn a_topic_is_found_by_its_first_words() {
        let text = page("create stream clicks;", PLAIN).unwrap();
        assert!(text.starts_with("CREATE [OR REPLACE] STREAM"));
        assert!(page("create", PLAIN).unwrap().contains("CREATE TYPE"));
        assert!(page("unset", PLAIN).unwrap().contains("UNSET 'property'"));
        assert_eq!(
            page("fly", PLAIN).unwrap_err(),
            "there is no help on FLY; help lists the statements"
        );
    }
}
