//! A client of either server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio_postgres::{Client, Config, NoTls};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Connects to the server at a port of this machine, as soon as it answers.
pub async fn connect(port: u16) -> Result<Client> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("bench").dbname("postgres");
    let start = Instant::now();
    loop {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return Ok(client);
            }
            Err(error) if start.elapsed() > PATIENCE => {
                return Err(error).context("the server does not answer");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
