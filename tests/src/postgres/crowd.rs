//! Very many push queries on one stream: what they take of memory, and when the last of them has
//! a row.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::future::try_join_all;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::client::connect;
use super::delay::{Writer, listen};
use super::process::Server;
use super::quantiles::Quantiles;
use crate::nexmark::measure::resident_kb;

/// Rows that are inserted.
const INSERTS: usize = 200;

/// Rows before those that are measured.
const WARM_UP: usize = 20;

/// From one row to the next, where the one before has come by then.
const PAUSE: Duration = Duration::from_millis(100);

/// What was found.
pub struct Measured {
    /// Resident kilobytes of the server: without clients, with idle ones, with their queries, and
    /// when every one of them had its rows.
    pub resident_kb: [u64; 4],
    /// From the insertion of a row until the last client had it.
    pub last: Quantiles,
    /// The same for every client.
    pub each: Quantiles,
}

/// Lets `queries` clients wait for rows.
pub async fn measure(server: &Server, queries: usize) -> Result<Measured> {
    let resident = || resident_kb(server.id());
    let before = resident()?;
    let mut clients = Vec::with_capacity(queries);
    for _ in 0..queries {
        clients.push(connect(server.port).await?);
    }
    let connected = resident()?;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let readers = clients.into_iter().map(|client| read(client, arrived.clone()));
    let readers = try_join_all(readers).await?;
    drop(arrived);
    let listening = resident()?;
    let (mut last, mut each) = (Vec::new(), Vec::new());
    let mut writer = Writer::new(server.port, 1_000_000).await?;
    for round in 0..WARM_UP + INSERTS {
        tokio::time::sleep(PAUSE).await;
        let (wanted, asked) = writer.write().await?;
        let mut times = Vec::with_capacity(queries);
        while times.len() < queries {
            let (id, at): (i64, Instant) = arrivals.recv().await.context("all queries ended")?;
            ensure!(id == wanted, "expected row {wanted}, found {id}");
            times.push(at - asked);
        }
        if round >= WARM_UP {
            last.extend(times.iter().max());
            each.extend(times);
        }
    }
    let working = resident()?;
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(Measured {
        resident_kb: [before, connected, listening, working],
        last: last.into_iter().collect(),
        each: each.into_iter().collect(),
    })
}

/// Starts a client's query; its rows are told from a task of its own.
async fn read(
    client: Client,
    arrived: mpsc::UnboundedSender<(i64, Instant)>,
) -> Result<tokio::task::JoinHandle<()>> {
    let mut rows = listen(&client).await?;
    Ok(tokio::spawn(async move {
        // The connection is there as long as its client.
        let _client = client;
        // Without rows the bench does not go on, and says that queries have ended.
        while let Some(Ok(id)) = rows.next().await {
            let _ = arrived.send((id, Instant::now()));
        }
    }))
}
