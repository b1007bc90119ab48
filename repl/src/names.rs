//! The names that completion offers.
//!
//! They are asked for in SQL, so that a server can be asked too: every `SHOW` begins with the
//! name, every `DESCRIBE` with the source and its column. What cannot be had is left out;
//! nothing is worth an error while somebody types.

use std::collections::BTreeMap;

use futures::StreamExt;
use sql::lexer::{self, TokenKind};

use crate::answer::{Answer, Row};
use crate::connection::Connection;
use crate::value;

/// Names that exist, by kind.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// Streams and tables with their columns.
    pub sources: BTreeMap<String, Vec<String>>,
    /// Topics.
    pub topics: Vec<String>,
    /// Functions.
    pub functions: Vec<String>,
    /// Persistent queries.
    pub queries: Vec<String>,
}

impl Names {
    /// The names that `connection` knows.
    pub async fn ask(connection: &mut Connection) -> Self {
        let mut sources = BTreeMap::<_, Vec<_>>::new();
        for statement in ["DESCRIBE STREAMS;", "DESCRIBE TABLES;"] {
            for row in rows(connection, statement).await {
                let (Some(source), Some(column)) = (text(&row, 0), text(&row, 1)) else { continue };
                sources.entry(source).or_default().push(column);
            }
        }
        Self {
            sources,
            topics: first_column(connection, "SHOW TOPICS;").await,
            functions: first_column(connection, "SHOW FUNCTIONS;").await,
            queries: first_column(connection, "SHOW QUERIES;").await,
        }
    }
}

/// Words of statements that add or remove names.
const CHANGING: &[&str] = &["ALTER", "CREATE", "DROP", "INSERT", "RUN", "TERMINATE"];

/// Whether what was entered may have added or removed names.
pub fn may_change(text: &str) -> bool {
    if text.trim_start().starts_with("\\i") {
        return true;
    }
    let tokens = lexer::tokenize(text);
    let words = tokens.iter().filter(|token| token.kind == TokenKind::Word);
    let mut words = words.map(|token| token.text(text));
    words.any(|word| CHANGING.iter().any(|changing| word.eq_ignore_ascii_case(changing)))
}

/// A name as it is written in a statement.
pub fn quoted(name: &str) -> String {
    if sql::keywords::needs_quotes(name) {
        format!("`{}`", name.replace('`', "``"))
    } else {
        name.to_owned()
    }
}

async fn first_column(connection: &mut Connection, statement: &str) -> Vec<String> {
    rows(connection, statement).await.iter().filter_map(|row| text(row, 0)).collect()
}

async fn rows(connection: &mut Connection, statement: &str) -> Vec<Row> {
    let mut found = Vec::new();
    for answer in connection.run(statement).await.unwrap_or_default() {
        let Answer::Rows(mut rows) = answer else { continue };
        while let Some(Ok(page)) = rows.pages.next().await {
            found.extend(page);
        }
    }
    found
}

fn text(row: &Row, index: usize) -> Option<String> {
    row.values.get(index).filter(|value| !value.is_null()).map(value::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_statements_change_names() {
        assert!(!may_change("SELECT * FROM a WHERE b = 'drop';"));
        assert!(may_change("SHOW STREAMS; -- and\ndrop stream a;"));
        assert!(may_change("RUN SCRIPT 'a.sql';"));
    }

    #[test]
    fn names_are_quoted_where_they_would_fold() {
        assert_eq!(quoted("CLICKS"), "CLICKS");
        assert_eq!(quoted("cl`icks"), "`cl``icks`");
    }
}
