//! The text of a query: statements that start it, and the one that asks for its answer.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The line between the two.
const WAIT: &str = "\n\\wait\n";

/// A query of `tests/nexmark`.
pub struct Script {
    /// The statements that start it.
    pub start: String,
    /// The one that asks for its answer.
    pub answer: String,
}

/// The queries that there are, in order.
pub const QUERIES: [&str; 18] = [
    "q0", "q1", "q2", "q3", "q4", "q5", "q7", "q8", "q9", "q11", "q14", "q15", "q16", "q17", "q18",
    "q20", "q21", "q22",
];

/// The topics that a query reads.
pub fn topics(query: &str) -> &'static [&'static str] {
    match query {
        "q3" | "q8" => &["person", "auction"],
        "q4" | "q9" | "q20" => &["auction", "bid"],
        _ => &["bid"],
    }
}

/// The folder of the queries.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("nexmark")
}

/// The statements that declare the streams.
pub fn sources() -> Result<String> {
    read("sources")
}

/// The script of a query.
pub fn of(query: &str) -> Result<Script> {
    let text = read(query)?;
    let (start, answer) =
        text.split_once(WAIT).with_context(|| format!("{query}.sql has no line \\wait"))?;
    Ok(Script { start: start.to_owned(), answer: answer.to_owned() })
}

fn read(name: &str) -> Result<String> {
    let path = folder().join(name).with_extension("sql");
    fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_has_a_start_and_an_answer() {
        for query in QUERIES {
            let script = of(query).expect("a script");
            assert!(!sql::parse(&script.start).expect("statements").is_empty(), "{query}");
            assert_eq!(sql::parse(&script.answer).expect("a query").len(), 1, "{query}");
        }
    }
}
