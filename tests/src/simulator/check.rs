//! What must hold when a program is over: a disturbed run gives what an undisturbed one does, or as much
//! of it as was promised, and nothing is left when everything is dropped.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use engine::TopicRecord;

use super::oracle::{Verdict, Verdicts};
use super::program::{Known, Program};
use super::world::World;
use crate::topic;

/// What a partition holds of a key, in order.
type ByKey = BTreeMap<(usize, Option<Vec<u8>>), Vec<TopicRecord>>;

/// Compares two runs of a program.
pub async fn same(program: &Program, found: &mut World, expected: &mut World) -> Result<()> {
    same_queries(found, expected)?;
    for known in &program.known {
        // Queries that have failed write when they are resumed, and others may have before them.
        let in_order = known.writers.is_empty() || !program.settings.faults;
        same_records(&known.name, in_order, found, expected)?;
        if known.is_table && known.query.is_some() && !known.is_ended {
            let query = format!("SELECT * FROM {};", known.name);
            let (rows, expected) = (found.rows(&query).await?, expected.rows(&query).await?);
            ensure!(rows == expected, "{query} {rows:#?}, expected {expected:#?}");
        }
        batch(program, known, found).await?;
    }
    Ok(())
}

/// What holds of a run that has lost what was not durable, and of another one that has not.
pub async fn sound(
    program: &Program,
    verdicts: &Verdicts,
    found: &mut World,
    expected: &mut World,
) -> Result<()> {
    same_queries(found, expected)?;
    for known in &program.known {
        let Some(made) = &known.query else { continue };
        let source = program.known.iter().find(|source| source.name == made.left);
        let Some(source) = source.filter(|source| !source.is_table) else { continue };
        // The topic of a stream is what is left of it; that of a table may have lost what its rows
        // have not.
        if verdicts.get(&known.name).is_some_and(|verdict| *verdict != Verdict::Cut) {
            batch(program, known, found).await?;
        }
        let is_plain = made.is_stateless() && !known.is_replaced && known.writers.is_empty();
        if is_plain && source.query.is_none() {
            nothing_new(&known.name, found, expected)?;
        }
    }
    Ok(())
}

/// A query that remembers nothing may have written something twice, once more for each time that it has
/// lost its position; never something else.
fn nothing_new(name: &str, found: &World, expected: &World) -> Result<()> {
    let times_max = 1 + found.tally().crashes as usize;
    let (found, expected) = (by_key(name, found)?, by_key(name, expected)?);
    for (key, records) in &found {
        let expected = expected.get(key).map(Vec::as_slice).unwrap_or_default();
        for record in records {
            let times = |all: &[TopicRecord]| all.iter().filter(|other| *other == record).count();
            let (times, is_known) = (times(records), times(expected) > 0);
            let shown = shown(record);
            ensure!(is_known, "topic {name}: {shown} is nothing that the query gives");
            ensure!(times <= times_max, "topic {name}: {shown} is there {times} times");
        }
    }
    Ok(())
}

fn same_queries(found: &World, expected: &World) -> Result<()> {
    let ids = |world: &World| -> Result<Vec<String>> {
        Ok(world.engine()?.queries().into_iter().map(|query| query.id).collect())
    };
    let (ids, expected_ids) = (ids(found)?, ids(expected)?);
    ensure!(ids == expected_ids, "queries {ids:?}, expected {expected_ids:?}");
    for query in found.engine()?.queries() {
        ensure!(query.failure.is_none() && query.lag == 0, "{query:?}");
    }
    Ok(())
}

/// What a topic holds.
fn by_key(name: &str, world: &World) -> Result<ByKey> {
    let mut by_key = ByKey::new();
    let partitions = topic::read(world.engine()?.log(), name)?.into_iter().enumerate();
    for (partition, record) in partitions.flat_map(|(p, all)| all.into_iter().map(move |r| (p, r)))
    {
        by_key.entry((partition, record.key.clone())).or_default().push(record);
    }
    Ok(by_key)
}

/// Compares what a topic holds, key by key: different keys may have changed places.
fn same_records(name: &str, in_order: bool, found: &World, expected: &World) -> Result<()> {
    let (mut found, mut expected) = (by_key(name, found)?, by_key(name, expected)?);
    if !in_order {
        let sort = |records: &mut Vec<TopicRecord>| records.sort_by_cached_key(shown);
        found.values_mut().chain(expected.values_mut()).for_each(sort);
    }
    let keys = found.keys().chain(expected.keys());
    for key in keys {
        let (found, expected) = (found.get(key), expected.get(key));
        if found != expected {
            let shown = |records: Option<&Vec<TopicRecord>>| -> Vec<String> {
                records.into_iter().flatten().map(shown).collect()
            };
            anyhow::bail!(
                "topic {name}, key {:?}: {:#?}, expected {:#?}",
                key.1.as_deref().map(String::from_utf8_lossy),
                shown(found),
                shown(expected)
            );
        }
    }
    Ok(())
}

/// A record as it is told.
pub fn shown(record: &TopicRecord) -> String {
    let value = record.value.as_deref().map(String::from_utf8_lossy);
    format!("{} @ {}", value.as_deref().unwrap_or("(tombstone)"), record.timestamp)
}

/// Compares a table with a batch query over what it was made from.
async fn batch(program: &Program, known: &Known, world: &mut World) -> Result<()> {
    let Some(made) = known.query.as_ref().filter(|_| !known.is_ended) else { return Ok(()) };
    // Tables that are only declared are not kept for queries.
    let source = |name: &str| program.known.iter().find(|known| known.name == name);
    let is_kept = |name: &str| {
        source(name).is_some_and(|s| !s.is_table || (s.query.is_some() && !s.is_ended))
    };
    if !is_kept(&made.left) || made.right.as_deref().is_some_and(|right| !is_kept(right)) {
        return Ok(());
    }
    let Some((query, over_sources)) = made.batch(&known.name) else { return Ok(()) };
    let (rows, expected) = (world.rows(&query).await?, world.rows(&over_sources).await?);
    ensure!(rows == expected, "{query}: {rows:#?}; {over_sources}: {expected:#?}");
    Ok(())
}

/// Drops everything and looks for what stays.
pub async fn nothing_stays(program: &Program, world: &mut World) -> Result<()> {
    world.run("TERMINATE ALL;").await?;
    for known in program.known.iter().rev() {
        let kind = if known.is_table { "TABLE" } else { "STREAM" };
        world.run(&format!("DROP {kind} {} DELETE TOPIC;", known.name)).await?;
    }
    world.recover_undisturbed().await?;
    let engine = world.engine()?;
    let leftovers = engine.leftovers()?;
    ensure!(leftovers.is_empty(), "left over: {leftovers:#?}");
    let topics = engine.log().topics();
    let topics: Vec<&str> = topics.iter().map(|topic| topic.name()).collect();
    ensure!(topics == [PROCESSING_LOG], "topics {topics:?}");
    let files = world.machine().map(|machine| machine.files()).unwrap_or_default();
    let own = |path: &std::path::Path| {
        let mut names = path.iter().map(|name| name.to_string_lossy());
        let topic = names.by_ref().find(|name| name == "topics").and_then(|_| names.next());
        topic.is_none_or(|topic| topic.starts_with("__") || topic == PROCESSING_LOG)
    };
    let stray: Vec<_> = files.iter().filter(|path| !own(path)).collect();
    ensure!(stray.is_empty(), "files {stray:?}");
    Ok(())
}

/// The one topic that is always there.
pub const PROCESSING_LOG: &str = "millstream-processing-log";
