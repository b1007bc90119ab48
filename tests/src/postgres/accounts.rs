//! The table that is asked: the same rows in both servers.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::{Client, Row};

/// Rows in one COPY.
const ROWS_PER_COPY: i64 = 10_000;

/// How many keys are compared.
const COMPARED: i64 = 500;

/// The query that is measured, as pgbench has it.
pub const SCRIPT: &str = "SELECT id, name, amount FROM accounts WHERE id = :id;\n";

/// The same for a driver.
const QUERY: &str = "SELECT id, name, amount FROM accounts WHERE id = $1";

/// Makes Millstream's table, which a query keeps of the rows that are copied to its topic.
pub async fn fill_ours(client: &Client, rows: i64) -> Result<()> {
    let create = "CREATE TABLE entries (id BIGINT PRIMARY KEY, name STRING, amount INTEGER)
            WITH (KAFKA_TOPIC = 'entries', PARTITIONS = 1, VALUE_FORMAT = 'JSON');
        CREATE TABLE accounts AS SELECT * FROM entries;";
    client.batch_execute(create).await?;
    copy(client, "entries", rows).await?;
    // They are kept in the order in which they came.
    while client.query(QUERY, &[&rows]).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Makes PostgreSQL's table.
pub async fn fill_theirs(client: &Client, rows: i64) -> Result<()> {
    let create = "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name TEXT, amount INTEGER)";
    client.batch_execute(create).await?;
    copy(client, "accounts", rows).await?;
    Ok(client.batch_execute("VACUUM ANALYZE accounts").await?)
}

async fn copy(client: &Client, table: &str, rows: i64) -> Result<()> {
    let statement = format!("COPY {table} (id, name, amount) FROM STDIN");
    let mut first = 1;
    while first <= rows {
        let last = rows.min(first + ROWS_PER_COPY - 1);
        let mut text = String::new();
        for id in first..=last {
            let (name, amount) = (name(id), amount(id));
            writeln!(text, "{id}\t{name}\t{amount}")?;
        }
        let mut sink = std::pin::pin!(client.copy_in(statement.as_str()).await?);
        sink.send(Bytes::from(text)).await?;
        sink.close().await?;
        first = last + 1;
    }
    Ok(())
}

fn name(id: i64) -> String {
    format!("the holder of account {id}")
}

fn amount(id: i64) -> i32 {
    (id * 7919 % 100_000) as i32
}

/// An error where a server does not say what was copied to it, about keys that are there and one
/// that is not.
pub async fn check(client: &Client, rows: i64) -> Result<()> {
    let statement = client.prepare(QUERY).await?;
    for step in 0..=COMPARED {
        let id = 1 + step * 7_368_787 % rows;
        let found = client.query(&statement, &[&id]).await?;
        let found = found.iter().map(account).collect::<Result<Vec<_>, _>>()?;
        ensure!(found == [(id, name(id), amount(id))], "of account {id} it says {found:?}");
    }
    let nobody = client.query(&statement, &[&(rows + 1)]).await?;
    ensure!(nobody.is_empty(), "there is an account that nobody has copied");
    Ok(())
}

fn account(row: &Row) -> Result<(i64, String, i32), tokio_postgres::Error> {
    Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}
