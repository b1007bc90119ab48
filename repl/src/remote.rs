//! Statements run by a Millstream server, or any Postgres endpoint, over the network.
//!
//! Simple queries only: every value comes as text, and the types of the columns stay unknown.

use futures::{StreamExt, stream};
use serde_json::Value;
use sql::lexer;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{
    CancelToken, Client, NoTls, SimpleQueryMessage, SimpleQueryRow, SimpleQueryStream,
};

use crate::answer::{Answer, Done, Failure, Pages, Row, Rows};
use crate::render::counted;

/// A connection to a server.
pub struct Remote {
    client: Client,
}

impl Remote {
    /// Connects to a `postgres://user@host:port/database` address.
    pub async fn connect(address: &str) -> Result<Self, Failure> {
        let connecting = tokio_postgres::connect(address, NoTls).await;
        let (client, connection) = connecting.map_err(|error| failure(&error, ""))?;
        // The task ends with the connection; whoever waits for an answer is told the error.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection closed");
            }
        });
        Ok(Self { client })
    }

    /// Runs one statement.
    pub async fn run(&self, statement: &str) -> Result<Answer, Failure> {
        let messages = self.client.simple_query_raw(statement).await;
        let mut messages = Box::pin(messages.map_err(|error| failure(&error, statement))?);
        match next(&mut messages, statement).await? {
            Some(SimpleQueryMessage::RowDescription(columns)) => Ok(Answer::Rows(Rows {
                columns: columns.iter().map(|column| column.name().to_owned()).collect(),
                pages: pages(messages, statement.to_owned()),
                endless: is_endless(statement),
            })),
            Some(SimpleQueryMessage::CommandComplete(rows)) => Ok(done(rows)),
            _ => Ok(Answer::Done(Done::default())),
        }
    }

    /// What asks the server to end the statement that runs.
    pub fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }
}

/// A command tag is not handed out by the client library, only its number of rows.
fn done(rows: u64) -> Answer {
    let message = match rows {
        0 => "done".to_owned(),
        rows => format!("done, {}", counted(rows, "row", "rows")),
    };
    Answer::Done(Done { message, warnings: Vec::new() })
}

type Messages = std::pin::Pin<Box<SimpleQueryStream>>;

async fn next(
    messages: &mut Messages,
    statement: &str,
) -> Result<Option<SimpleQueryMessage>, Failure> {
    messages.next().await.transpose().map_err(|error| failure(&error, statement))
}

fn pages(messages: Messages, statement: String) -> Pages {
    let rows = stream::unfold((messages, statement), |(mut messages, statement)| async move {
        let page = match next(&mut messages, &statement).await {
            Ok(Some(SimpleQueryMessage::Row(row))) => Ok(vec![shown_row(&row)]),
            Ok(Some(_)) => Ok(Vec::new()),
            Ok(None) => return None,
            Err(failure) => Err(failure),
        };
        Some((page, (messages, statement)))
    });
    Box::pin(rows)
}

fn shown_row(row: &SimpleQueryRow) -> Row {
    let value = |index| row.get(index).map_or(Value::Null, |text| Value::String(text.to_owned()));
    Row { values: (0..row.len()).map(value).collect(), deleted: false }
}

fn failure(error: &tokio_postgres::Error, statement: &str) -> Failure {
    let Some(told) = error.as_db_error() else {
        return Failure::new(chain(error));
    };
    Failure {
        class: Some(told.code().code().to_owned()),
        message: told.message().to_owned(),
        span: told.position().and_then(|position| token_at(statement, position)),
        hint: told.hint().map(String::from),
    }
}

/// An error with its causes, because "error connecting to server" alone helps nobody.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// The token at a position that counts characters from 1.
fn token_at(statement: &str, position: &ErrorPosition) -> Option<std::ops::Range<usize>> {
    let ErrorPosition::Original(position) = position else { return None };
    let index = usize::try_from(position.checked_sub(1)?).ok()?;
    let start = statement.char_indices().nth(index).map_or(statement.len(), |(at, _)| at);
    let token = lexer::tokenize(statement).into_iter().find(|token| token.range.contains(&start));
    Some(token.map_or(start..start, |token| start..token.range.end))
}

/// Whether a statement gives rows until it is cancelled: a server does not say so.
fn is_endless(statement: &str) -> bool {
    let tokens = lexer::tokenize(statement);
    let word = |index: usize| tokens.get(index).map_or("", |token| token.text(statement));
    let emits = |index: usize| {
        word(index).eq_ignore_ascii_case("EMIT") && word(index + 1).eq_ignore_ascii_case("CHANGES")
    };
    let starts = |expected: &str| word(0).eq_ignore_ascii_case(expected);
    starts("PRINT") || starts("SELECT") && (0..tokens.len()).any(emits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_queries_are_known_by_their_words() {
        assert!(is_endless("select * from a emit  changes;"));
        assert!(is_endless("PRINT clicks;"));
        assert!(!is_endless("SELECT 'EMIT CHANGES';"));
        assert!(!is_endless("CREATE STREAM b AS SELECT * FROM a EMIT CHANGES;"));
    }

    #[test]
    fn a_position_points_at_a_token() {
        let statement = "SELECT 'é', orign FROM f;";
        let position = ErrorPosition::Original(13);
        let range = token_at(statement, &position).unwrap();
        assert_eq!(&statement[range], "orign");
    }
}
