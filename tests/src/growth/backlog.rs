//! A query that catches up with a backlog, while clients ask for what it has so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use engine::{Engine, Outcome};
use futures::StreamExt;

use super::ground::{Numbers, append, catch_up, declare, open};
use super::section::Size;
use super::spread::Spread;

const RECORDS: u64 = 50_000_000;
const KEYS: u64 = 100_000;
const STATE_MEMORY: usize = 256 << 20;

const COUNT: &str = "CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM NUMBERS GROUP BY K;";

/// With this many clients, each of which asks for one key after the other.
pub async fn measure(clients: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let engine = open(size.dir, STATE_MEMORY).await?;
    let mut session = engine.session();
    declare(&mut session, 1).await?;
    // A client may ask as soon as the table is there.
    session.run(COUNT).await?;
    session.run("PAUSE ALL;").await?;
    let records = size.of(RECORDS);
    append(&engine, Numbers { records, keys: KEYS })?;

    let caught_up = Arc::new(AtomicBool::new(false));
    let ask = |client| tokio::spawn(ask(engine.clone(), client, Arc::clone(&caught_up)));
    let clients: Vec<_> = (0..clients).map(ask).collect();
    let taken = catch_up(&engine, &mut session, "RESUME ALL;").await?;
    caught_up.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    drop(session);
    engine.shutdown().await?;
    let spread: Spread = times.into_iter().collect();
    Ok(vec![
        taken.rates(records)[0],
        spread.count() as f64 / taken.seconds,
        spread.quantile(0.5),
        spread.quantile(0.99),
        taken.own_mb,
    ])
}

/// Asks until the query has caught up; gives how long each answer took.
async fn ask(engine: Engine, client: u64, caught_up: Arc<AtomicBool>) -> Result<Vec<Duration>> {
    let mut session = engine.session();
    let mut times = Vec::new();
    let mut key = client;
    while !caught_up.load(Ordering::Relaxed) {
        key = (key + 7919) % KEYS;
        let start = Instant::now();
        let outcomes = session.run(&format!("SELECT N FROM COUNTS WHERE K = {key};")).await?;
        for outcome in outcomes {
            let Outcome::Rows(mut rows) = outcome else { continue };
            while let Some(batch) = rows.stream.next().await {
                batch?;
            }
        }
        times.push(start.elapsed());
    }
    Ok(times)
}
