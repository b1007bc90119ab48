//! What `help` says: one page for the shell, the syntax of every statement, and what functions,
//! properties and classes of errors mean.

mod errors;
mod topics;

use engine::SESSION_PROPERTIES;
use engine::function::Functions;

use self::topics::{TOPICS, Topic};
use crate::meta::COMMANDS;
use crate::render::{Colour, Style};

/// The help page of a topic, or of the shell where the topic is empty.
pub fn page(topic: &str, style: Style) -> Result<String, String> {
    let topic = topic.trim_end_matches(';').trim().to_ascii_uppercase();
    if topic.is_empty() {
        return Ok(overview(style));
    }
    let mut pages: Vec<String> = matching(&topic).map(|topic| topic.page(style)).collect();
    pages.extend(function(&topic, style));
    pages.extend(properties(&topic, style));
    pages.extend(errors::page(&topic, style));
    if pages.is_empty() {
        return Err(format!(
            "there is no help on {topic}; it knows statements (help lists them), functions, properties and classes of errors"
        ));
    }
    Ok(pages.join("\n\n"))
}

/// Everything that there is help on.
pub fn topics() -> impl Iterator<Item = String> {
    let statements = TOPICS.iter().map(|topic| topic.name.to_owned());
    statements.chain(errors::classes()).chain(["properties".to_owned()])
}

fn function(name: &str, style: Style) -> Option<String> {
    let functions = Functions::builtin();
    let (definition, _) = functions.get(name.trim_end_matches("()"))?;
    let mut page = style.paint(Colour::Strong, &definition.signatures.join("\n"));
    page.push_str(&format!("\n\n{}", definition.description));
    for (call, result) in definition.examples {
        page.push_str(&format!("\n  {call} = {result}"));
    }
    Some(page)
}

/// One property, or all of them.
fn properties(name: &str, style: Style) -> Option<String> {
    let name = name.trim_matches('\'');
    let all = ["PROPERTY", "PROPERTIES", "WITH"].contains(&name);
    let in_with = sql::properties::ALL.iter().map(|each| (each.name, each.default, each.doc));
    let settings = SESSION_PROPERTIES.iter().map(|each| (each.name, each.default, each.doc));
    let wanted =
        in_with.chain(settings).filter(|(each, ..)| all || each.eq_ignore_ascii_case(name));
    let lines: Vec<String> = wanted
        .map(|(name, default, doc)| {
            let default = if default.is_empty() { "nothing" } else { default };
            format!("{}\n  {doc} Without it: {default}.", style.paint(Colour::Strong, name))
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
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
    lines.push(
        "help FUNCTION, help PROPERTY and help CLASS (what an error shows in brackets, or an"
            .into(),
    );
    lines.push("SQLSTATE) explain these; help properties lists the properties.".into());
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
            "there is no help on FLY; it knows statements (help lists them), functions, properties and classes of errors"
        );
    }

    #[test]
    fn functions_and_properties_have_pages() {
        let text = page("ucase", PLAIN).unwrap();
        assert_eq!(
            text,
            "UCASE(value STRING) → STRING\n\nThe text in upper case.\n  UCASE('MiXeD') = 'MIXED'"
        );
        for definition in Functions::builtin().definitions() {
            assert!(page(definition.name, PLAIN).unwrap().contains(definition.description));
        }
        assert!(page("kafka_topic", PLAIN).unwrap().contains("The topic that holds the records."));
        assert!(page("'auto.offset.reset'", PLAIN).unwrap().contains("Without it: earliest."));
        assert!(page("properties", PLAIN).unwrap().contains("VALUE_FORMAT"));
    }

    #[test]
    fn every_class_of_errors_has_a_page() {
        let of_engine = engine::Code::ALL.iter().map(ToString::to_string);
        let of_syntax = sql::ErrorCode::ALL.iter().map(ToString::to_string);
        for class in of_engine.chain(of_syntax) {
            assert!(page(&class, PLAIN).unwrap().contains(&format!("error[{class}]")), "{class}");
        }
        assert!(page("42703", PLAIN).unwrap().starts_with("error[unknown column], SQLSTATE 42703"));
    }

    /// The reference of statements begins each form with its words.
    #[test]
    fn every_statement_of_the_reference_has_a_page() {
        let reference = include_str!("../../docs/statements.md");
        let blocks =
            reference.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
        for line in blocks.flat_map(str::lines).filter(|line| !line.starts_with(' ')) {
            let words: Vec<&str> = line
                .split_whitespace()
                .take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()))
                .take(2)
                .collect();
            assert!(
                page(&words.join(" "), PLAIN).is_ok() || page(words[0], PLAIN).is_ok(),
                "{line}"
            );
        }
    }
}
