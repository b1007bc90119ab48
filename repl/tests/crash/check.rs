//! What must hold of a data directory when its queries have read everything.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use engine::{Engine, Options, Outcome, Session, Storage};
use futures::TryStreamExt;
use log_store::{Isolation, LogStore, Maintenance, RealIo, StoreOptions};

use crate::load::Unit;

/// What queries have made, and the query over the sources that gives the same.
const MADE: [(&str, &str); 4] = [
    ("SELECT id, who, amount FROM large", "SELECT id, who, amount FROM events WHERE amount >= 50"),
    (
        "SELECT id, who, team, amount FROM joined",
        "SELECT e.id, e.who, p.team, e.amount FROM events e JOIN teams p ON e.who = p.who",
    ),
    (
        "SELECT team, n, total FROM per_team",
        "SELECT p.team, COUNT(*), SUM(e.amount)
         FROM events e JOIN teams p ON e.who = p.who GROUP BY p.team",
    ),
    (
        "SELECT who, windowstart, n, total FROM per_window",
        "SELECT who, start, COUNT(*), SUM(amount)
         FROM (SELECT who, rowtime - rowtime % 1000 AS start, amount FROM events) AS timed
         GROUP BY who, start",
    ),
];

/// Queries that were declared.
const QUERIES: usize = 5;

type Row = Vec<String>;

/// The store of a server that was asked to stop.
pub fn nothing_to_recover(data: &Path) {
    let options = StoreOptions { maintenance: Maintenance::Manual, ..StoreOptions::default() };
    let store = LogStore::open(Arc::new(RealIo), data, options).unwrap();
    let found = store.recovery();
    assert_eq!(found.bytes_scanned, 0, "{found}");
    assert!(found.cut.is_empty() && found.damaged.is_empty(), "{found}");
    assert!(found.aborted.is_empty() && store.prepared().is_empty(), "{found}");
    store.close().unwrap();
}

/// What is wrong with a directory that these rows were sent to.
pub async fn directory(data: &Path, written: &[Unit]) -> Vec<String> {
    let storage = Storage::Directory(data.to_owned());
    let engine = Engine::open(Options { storage, ..Options::default() }).await.unwrap();
    engine.run_until_idle().await.unwrap();
    let mut session = engine.session();
    let mut wrong = wrong_queries(&engine);
    wrong.extend(wrong_units(&rows(&mut session, "SELECT id FROM events").await, written));
    for (made, expected) in MADE {
        let found = rows(&mut session, made).await;
        let expected = rows(&mut session, expected).await;
        if found != expected {
            let odd = |a: &[Row], b: &[Row]| a.iter().find(|row| !b.contains(row)).cloned();
            let (more, less) = (odd(&found, &expected), odd(&expected, &found));
            let counts = format!("{} rows, expected {}", found.len(), expected.len());
            wrong.push(format!("{made}: {counts}; found only {more:?}, missing {less:?}"));
        }
    }
    wrong.extend(falling_counts(engine.log(), "PER_TEAM"));
    wrong.extend(falling_counts(engine.log(), "PER_WINDOW"));
    drop(session);
    engine.shutdown().await.unwrap();
    wrong
}

fn wrong_queries(engine: &Engine) -> Vec<String> {
    let queries = engine.queries();
    let mut wrong: Vec<String> = queries
        .iter()
        .filter(|query| query.failure.is_some() || query.lag != 0)
        .map(|query| format!("{query:?}"))
        .collect();
    if queries.len() != QUERIES {
        wrong.push(format!("{} queries, expected {QUERIES}", queries.len()));
    }
    wrong.extend(engine.log().prepared().iter().map(|id| format!("{id} is undecided")));
    wrong
}

/// Units of which something is missing, or there twice, or there in part.
fn wrong_units(found: &[Row], written: &[Unit]) -> Vec<String> {
    let mut times: HashMap<i64, usize> = HashMap::new();
    for row in found {
        *times.entry(row[0].parse().unwrap()).or_default() += 1;
    }
    let mut wrong = Vec::new();
    for unit in written {
        let there: Vec<usize> =
            unit.ids.clone().map(|id| times.remove(&id).unwrap_or_default()).collect();
        let whole = there.iter().all(|times| *times == 1);
        let absent = there.iter().all(|times| *times == 0);
        if !(whole || absent && !unit.acknowledged) {
            let (ids, acknowledged) = (&unit.ids, unit.acknowledged);
            wrong.push(format!("{ids:?}, acknowledged: {acknowledged}: there {there:?} times"));
        }
    }
    wrong.extend(times.into_keys().map(|id| format!("nobody has sent {id}")));
    wrong
}

/// A count that only grows is written once with every value: what is written again after a
/// crash shows as one that does not grow.
fn falling_counts(log: &LogStore, topic: &str) -> Vec<String> {
    let mut last: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for partition in log.topic_named(topic).unwrap().partitions() {
        let mut next = partition.log_start_offset();
        while next < partition.last_stable_offset() {
            let fetched = partition.read(next, 1 << 20, Isolation::ReadCommitted).unwrap();
            for batch in &fetched.batches {
                for record in batch.records().unwrap().iter() {
                    let record = record.unwrap();
                    let (key, value) = (record.key.unwrap(), record.value.unwrap());
                    let value: serde_json::Value = serde_json::from_slice(value).unwrap();
                    let count = value["N"].as_i64().unwrap();
                    let before = last.insert(key.to_vec(), count).unwrap_or_default();
                    if count <= before {
                        let at = record.offset;
                        wrong.push(format!("{topic} at {at}: {count} after {before}"));
                    }
                }
            }
            next = fetched.next_offset;
        }
    }
    wrong
}

/// The rows of a query, sorted.
async fn rows(session: &mut Session, query: &str) -> Vec<Row> {
    let outcome = session.run(query).await.unwrap_or_else(|error| panic!("{query}: {error}")).pop();
    let Some(Outcome::Rows(rows)) = outcome else { panic!("{query} gives no rows") };
    let width = rows.columns.len();
    let batches: Vec<_> = rows.stream.try_collect().await.unwrap();
    let mut found = Vec::new();
    for batch in &batches {
        let columns = &batch.columns()[..width];
        let row = |at| columns.iter().map(move |column| array_value_to_string(column, at).unwrap());
        found.extend((0..batch.num_rows()).map(|at| row(at).collect::<Row>()));
    }
    found.sort();
    found
}
