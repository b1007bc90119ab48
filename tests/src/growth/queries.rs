//! Many queries over one topic.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::Result;

use super::ground::{Numbers, append, catch_up, declare, open};
use super::section::Size;
use crate::nexmark::measure::own_kb;

/// So many records for all queries together, as far as each has enough of them.
const RECORDS: u64 = 4_000_000;
const RECORDS_EACH: u64 = 100_000;
const KEYS: u64 = 1_000;
const STATE_MEMORY: usize = 256 << 20;

/// This many queries.
pub async fn measure(queries: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let engine = open(size.dir, STATE_MEMORY).await?;
    let mut session = engine.session();
    // Created over an empty topic, so that creating them is not mixed up with running them.
    declare(&mut session, 1).await?;
    let before = own_kb()?;
    let start = Instant::now();
    let mut script = String::new();
    for query in 0..queries {
        write!(
            script,
            "CREATE TABLE COUNTS_{query} AS SELECT K, COUNT(*) AS N FROM NUMBERS
                WHERE V % {} > 0 GROUP BY K;",
            query + 2
        )?;
    }
    session.run(&script).await?;
    let creating = start.elapsed();

    let records = size.of(RECORDS_EACH.max(RECORDS / queries));
    session.run("PAUSE ALL;").await?;
    append(&engine, Numbers { records, keys: KEYS })?;
    let taken = catch_up(&engine, &mut session, "RESUME ALL;").await?;
    let grown = own_kb()?.saturating_sub(before);
    drop(session);
    engine.shutdown().await?;

    let start = Instant::now();
    let engine = open(size.dir, STATE_MEMORY).await?;
    let opening = start.elapsed();
    engine.shutdown().await?;
    let [rate, per_core] = taken.rates(records * queries);
    let each = |total: f64| total / queries as f64;
    Ok(vec![
        rate,
        per_core,
        each(grown as f64),
        each(creating.as_secs_f64() * 1000.0),
        opening.as_secs_f64() * 1000.0,
    ])
}
