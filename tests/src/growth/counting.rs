//! A tumbling count by key: over more partitions, with more keys, with less memory.

use anyhow::Result;

use super::ground::{Numbers, Taken, append, catch_up, declare, open};
use super::section::Size;
use crate::nexmark::measure::own_kb;

const COUNT: &str = "CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM NUMBERS
    WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;";

/// More memory than any state here takes.
const PLENTY: usize = 16 << 30;

/// What a count took and holds.
struct Counted {
    taken: Taken,
    /// Bytes of memory that its state holds.
    state: f64,
    /// Bytes by which the process's own memory has grown.
    grown: f64,
}

/// Over this many partitions.
pub async fn partitions(partitions: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let numbers = Numbers { records: size.of(8_000_000), keys: 100_000 };
    let counted = count(usize::try_from(partitions)?, numbers, PLENTY, size).await?;
    let [rate, per_core] = counted.taken.rates(numbers.records);
    Ok(vec![rate, per_core, counted.taken.own_mb])
}

/// By this many keys.
pub async fn keys(keys: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let numbers = Numbers { records: size.of(10_000_000), keys };
    let counted = count(1, numbers, PLENTY, size).await?;
    let [rate, per_core] = counted.taken.rates(numbers.records);
    let per_key = |bytes: f64| bytes / keys as f64;
    Ok(vec![rate, per_core, counted.taken.own_mb, per_key(counted.state), per_key(counted.grown)])
}

/// With this many MiB for state.
pub async fn memory(mib: u64, size: Size<'_>) -> Result<Vec<f64>> {
    let records = size.of(4_000_000);
    let numbers = Numbers { records, keys: size.of(1_000_000) };
    let counted = count(1, numbers, usize::try_from(mib << 20)?, size).await?;
    let [rate, per_core] = counted.taken.rates(records);
    Ok(vec![rate, per_core, counted.taken.own_mb, counted.state / f64::from(1 << 20)])
}

async fn count(
    partitions: usize,
    numbers: Numbers,
    state_memory: usize,
    size: Size<'_>,
) -> Result<Counted> {
    let engine = open(size.dir, state_memory).await?;
    let mut session = engine.session();
    declare(&mut session, partitions).await?;
    append(&engine, numbers)?;
    let before = own_kb()?;
    let taken = catch_up(&engine, &mut session, COUNT).await?;
    let grown = own_kb()?.saturating_sub(before) as f64 * 1024.0;
    let state = engine.queries().iter().map(|query| query.memory as f64).sum();
    drop(session);
    engine.shutdown().await?;
    Ok(Counted { taken, state, grown })
}
