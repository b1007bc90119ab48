//! Drivers of other languages at the Postgres port. `scripts/setup-clients` brings them; where one
//! cannot be had, its test is skipped, and says so.

mod pg_harness;

use std::path::Path;
use std::process::Command;

use pg_harness::python::{client, run_client, succeed};
use pg_harness::{Running, skip};

#[tokio::test]
async fn psycopg() {
    run_client("clients", "psycopg_client.py", "postgresql").await;
}

#[tokio::test]
async fn sqlalchemy_and_pandas() {
    run_client("clients", "sqlalchemy_client.py", "postgresql+psycopg").await;
}

#[tokio::test]
async fn jdbc() {
    let jar = Path::new("/usr/share/java/postgresql.jar");
    if !jar.exists() {
        return skip("there is no JDBC driver");
    }
    let running = Running::start().await;
    let mut command = Command::new("java");
    let address = format!("jdbc:postgresql://{}/millstream?user=tester", running.addr);
    command.arg("-cp").arg(jar).arg(client("Metadata.java")).arg(address);
    succeed(command).await;
    running.stop().await;
}
