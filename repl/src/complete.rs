//! What Tab offers: names and keywords that fit where the cursor stands.
//!
//! The words before the cursor decide: after FROM come streams and tables, after PRINT topics, in
//! WITH properties, in quotes what a property takes, at the beginning words that begin statements, in
//! an expression the columns of the sources that the statement names. Candidates follow the case
//! that the user types in, as the dialect does not care.

mod property;

use std::collections::BTreeSet;

use sql::keywords;
use sql::lexer::{self, Token, TokenKind};

use crate::help;
use crate::meta::COMMANDS;
use crate::names::{Names, quoted};

/// Words after which the name of a stream or table stands.
const BEFORE_SOURCE: &[&str] = &["FROM", "JOIN", "INTO", "DESCRIBE", "STREAM", "TABLE"];

/// Words after which the id of a query stands.
const BEFORE_QUERY: &[&str] = &["TERMINATE", "PAUSE", "RESUME", "ANALYZE"];

/// Words that statements begin with.
const BEGINNINGS: &[&str] = &[
    "ALTER",
    "ASSERT",
    "CREATE",
    "DEFINE",
    "DESCRIBE",
    "DROP",
    "EXPLAIN",
    "EXPORT",
    "HELP",
    "INSERT",
    "LIST",
    "PAUSE",
    "PRINT",
    "RESUME",
    "RUN",
    "SELECT",
    "SET",
    "SHOW",
    "TERMINATE",
    "UNDEFINE",
    "UNSET",
    "WITH",
];

/// The system tables.
const SYSTEM: [&str; 6] = ["CONNECTIONS", "GROUPS", "PARTITIONS", "POSITIONS", "QUERIES", "STORES"];

/// What may stand right after a word.
const AFTER: &[(&str, &[&str])] = &[
    (
        "SHOW",
        &[
            "ALL",
            "COLUMNS",
            "CONSUMER",
            "FUNCTIONS",
            "GROUPS",
            "PROPERTIES",
            "QUERIES",
            "STREAMS",
            "TABLES",
            "TOPICS",
            "TYPES",
            "VARIABLES",
        ],
    ),
    ("CREATE", &["OR", "SOURCE", "STREAM", "TABLE", "TYPE", "USER"]),
    ("DROP", &["STREAM", "TABLE", "TYPE", "USER"]),
    ("ALTER", &["STREAM", "TABLE", "USER"]),
    ("EMIT", &["CHANGES", "FINAL"]),
    ("INSERT", &["INTO"]),
    ("GROUP", &["BY"]),
    ("PARTITION", &["BY"]),
    ("ORDER", &["BY"]),
    ("EXPORT", &["CATALOG"]),
    ("RUN", &["SCRIPT"]),
    ("WINDOW", &["HOPPING", "SESSION", "TUMBLING"]),
];

/// What could stand at the cursor: where the word to replace begins, and the candidates.
pub fn complete(line: &str, cursor: usize, names: &Names) -> (usize, Vec<String>) {
    let before = &line[..cursor];
    if let Some((start, candidates)) = commands(before) {
        return (start, candidates);
    }
    if let Some((start, candidates)) = help_topics(before) {
        return (start, candidates);
    }
    let tokens = lexer::tokenize(before);
    if let Some((start, values)) = property::in_quotes(&tokens, before) {
        return (start, values);
    }
    let Some(start) = word_start(&tokens, cursor) else { return (cursor, Vec::new()) };
    let earlier = &tokens[..tokens.partition_point(|token| token.range.end <= start)];
    let candidates = match property::names(earlier, before) {
        Some(properties) => properties.into_iter().map(str::to_owned).collect(),
        None if names_system(earlier, before) => SYSTEM.map(str::to_owned).into(),
        None => candidates(&word_before(earlier, before), line, names),
    };
    (start, in_case_of(&before[start..], candidates))
}

/// What there is help on.
fn help_topics(before: &str) -> Option<(usize, Vec<String>)> {
    let start = before.len() - before.trim_start().len();
    let (command, rest) = before[start..].split_once(' ')?;
    if !(command.eq_ignore_ascii_case("help") || command == "\\h") {
        return None;
    }
    Some((before.len() - rest.len(), in_case_of(rest, help::topics().collect())))
}

/// Where the word at the cursor begins; nowhere inside of quotes and comments.
fn word_start(tokens: &[Token], cursor: usize) -> Option<usize> {
    match tokens.last() {
        Some(last) if last.open || last.kind == TokenKind::Comment => None,
        Some(last) if last.kind == TokenKind::Word && last.range.end == cursor => {
            Some(last.range.start)
        }
        _ => Some(cursor),
    }
}

/// The last of these tokens, in upper case. `\d` describes; a semicolon ends a statement.
fn word_before(tokens: &[Token], text: &str) -> String {
    if text.trim_start().starts_with("\\d") {
        return "DESCRIBE".to_owned();
    }
    let token = tokens.iter().rev().find(|token| token.kind != TokenKind::Comment);
    token.map_or(String::new(), |token| token.text(text).to_ascii_uppercase())
}

/// Whether these tokens end with the schema of the system tables and its dot.
fn names_system(tokens: &[Token], text: &str) -> bool {
    let [.., schema, dot] = tokens else { return false };
    dot.text(text) == "." && schema.text(text).eq_ignore_ascii_case("MILLSTREAM")
}

/// A command with a backslash.
fn commands(before: &str) -> Option<(usize, Vec<String>)> {
    let start = before.len() - before.trim_start().len();
    let word = &before[start..];
    if !word.starts_with('\\') || word.contains(char::is_whitespace) {
        return None;
    }
    let names = COMMANDS.iter().map(|command| command.name.to_owned());
    Some((start, names.filter(|name| name.starts_with(word)).collect()))
}

fn candidates(previous: &str, statement: &str, names: &Names) -> BTreeSet<String> {
    let sources = || names.sources.keys().map(|name| quoted(name));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if previous.is_empty() || previous == ";" {
        return words(BEGINNINGS);
    }
    if let Some((_, following)) = AFTER.iter().find(|(word, _)| *word == previous) {
        return words(following);
    }
    if previous == "FROM" || previous == "JOIN" {
        let system = SYSTEM.iter().map(|table| format!("MILLSTREAM.{table}"));
        return sources().chain(system).collect();
    }
    if BEFORE_SOURCE.contains(&previous) {
        return sources().collect();
    }
    if BEFORE_QUERY.contains(&previous) {
        return names.queries.iter().cloned().chain(["ALL".to_owned()]).collect();
    }
    if previous == "PRINT" {
        return names.topics.iter().cloned().collect();
    }
    if previous == "FUNCTION" {
        return names.functions.iter().cloned().collect();
    }
    let functions = names.functions.iter().map(|name| format!("{name}("));
    let words = keywords::all().map(|keyword| keyword.word.to_owned());
    columns(statement, names).chain(functions).chain(words).chain(sources()).collect()
}

/// The columns of every stream and table that the statement names.
fn columns<'a>(statement: &str, names: &'a Names) -> impl Iterator<Item = String> + use<'a> {
    let tokens = lexer::tokenize(statement);
    let named: Vec<String> = tokens.iter().filter_map(|token| name(token, statement)).collect();
    let sources = names.sources.iter().filter(move |(name, _)| named.contains(name));
    sources.flat_map(|(_, columns)| columns.iter().map(|column| quoted(column)))
}

/// The canonical form of a token that can be a name.
fn name(token: &Token, statement: &str) -> Option<String> {
    let text = token.text(statement);
    match token.kind {
        TokenKind::Word => Some(text.to_uppercase()),
        TokenKind::QuotedName => Some(text.trim_matches(['`', '"']).to_owned()),
        _ => None,
    }
}

/// The candidates that continue `prefix`, in lower case if it has a lower-case letter.
fn in_case_of(prefix: &str, candidates: BTreeSet<String>) -> Vec<String> {
    let upper = prefix.to_uppercase();
    let lower = prefix.chars().any(char::is_lowercase);
    let matching = candidates.into_iter().filter(|name| name.to_uppercase().starts_with(&upper));
    matching.map(|name| if lower && folds(&name) { name.to_lowercase() } else { name }).collect()
}

/// Whether a name means the same in lower case.
fn folds(name: &str) -> bool {
    !name.starts_with('`') && !name.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names { topics: vec!["flights-raw".into()], ..Names::default() };
        names.sources.insert("FLIGHTS".into(), vec!["ORIGIN".into(), "dest".into()]);
        names.sources.insert("AIRLINES".into(), vec!["NAME".into()]);
        names.queries.push("CSAS_DELAYED_1".into());
        names.functions.push("SUBSTRING".into());
        names
    }

    /// Completes where the bar stands.
    fn at(line: &str) -> Vec<String> {
        let cursor = line.find('|').unwrap();
        complete(&line.replace('|', ""), cursor, &names()).1
    }

    #[test]
    fn the_word_before_decides() {
        assert_eq!(at("SELECT * FROM |")[..2], ["AIRLINES", "FLIGHTS"]);
        assert_eq!(at("SELECT * FROM mill|").len(), SYSTEM.len());
        assert_eq!(at("SELECT * FROM millstream.q|"), ["queries"]);
        assert_eq!(at("select * from fl|"), ["flights"]);
        assert_eq!(at("PRINT |"), ["flights-raw"]);
        assert_eq!(at("TERMINATE C|"), ["CSAS_DELAYED_1"]);
        assert_eq!(at("\\ti|"), ["\\timing"]);
        assert_eq!(at("\\d fl|"), ["flights"]);
    }

    #[test]
    fn words_are_offered_where_they_fit() {
        assert_eq!(at("SE|"), ["SELECT", "SET"]);
        assert_eq!(at("SHOW TOPICS; sel|"), ["select"]);
        assert_eq!(at("show q|"), ["queries"]);
        assert_eq!(at("SELECT * FROM flights EMIT |"), ["CHANGES", "FINAL"]);
        assert_eq!(at("help create t|"), ["create table", "create type"]);
        assert_eq!(at("help unk|"), ["unknown column", "unknown name"]);
    }

    #[test]
    fn properties_are_offered_with_what_they_take() {
        let with = "CREATE STREAM a (b INT) WITH (";
        assert_eq!(at(&format!("{with}kafka|")), ["kafka_topic"]);
        assert_eq!(at(&format!("{with}KAFKA_TOPIC = 'a', VALUE_F|")), ["VALUE_FORMAT"]);
        assert_eq!(at(&format!("{with}VALUE_FORMAT = 'JS|")), ["JSON'"]);
        assert_eq!(at(&format!("{with}CLEANUP_POLICY='D|")), ["DELETE'", "DELETE,COMPACT'"]);
        assert!(at("CREATE STREAM a (kafka|").is_empty());
        assert_eq!(at("SET 'auto|"), ["auto.offset.reset'"]);
        assert_eq!(at("UNSET 'auto|"), ["auto.offset.reset'"]);
        assert_eq!(at("SET 'auto.offset.reset' = '|"), ["earliest'", "latest'"]);
        assert_eq!(at("SET 'ksql.variable.substitution.enable' = 'f|"), ["false'"]);
    }

    #[test]
    fn columns_come_from_the_sources_of_the_statement() {
        assert_eq!(at("SELECT or| FROM flights;"), ["or", "order", "origin"]);
        assert_eq!(at("SELECT `FLIGHTS`.ori| FROM `FLIGHTS`;"), ["origin"]);
        assert!(!at("SELECT nam| FROM flights;").contains(&"name".to_owned()));
        assert_eq!(at("SELECT subs|"), ["substring("]);
    }

    #[test]
    fn nothing_is_offered_inside_text() {
        assert!(at("SELECT 'or|").is_empty());
        assert!(at("-- or|").is_empty());
    }
}
