//! A data directory, an engine on it, and streams of numbers.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Fields};
use engine::{Engine, Session};
use tempfile::TempDir;

use super::driver::{drop_made, number, open, run, timed};
use super::hour::hour;
use super::{columnar, figure};

/// Rows that are written at once.
const ROWS: usize = 32_768;
/// More memory than any state here takes.
const MEMORY: usize = 8 << 30;

pub struct Rig {
    // First, so that it is gone before its directory.
    pub session: Session,
    pub engine: Engine,
    /// The time of the first record of the next stream, in milliseconds; each of the others is one
    /// later than the one before.
    pub beginning: i64,
    _dir: TempDir,
    names: usize,
}

impl Rig {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = open(dir.path(), MEMORY).await;
        Self { session: engine.session(), engine, beginning: hour(), _dir: dir, names: 0 }
    }

    /// Declares a stream of K and V. V counts the rows, K is made of that.
    pub async fn stream(
        &mut self,
        name: &str,
        partitions: usize,
        rows: usize,
        key: impl Fn(usize) -> usize,
    ) {
        let statement = format!(
            "CREATE STREAM {name} (K BIGINT, V BIGINT)
                WITH (KAFKA_TOPIC='{name}', PARTITIONS={partitions}, VALUE_FORMAT='ARROW');"
        );
        self.session.run(&statement).await.expect("the statement is right");
        let topic = self.engine.log().topic(name).expect("the topic is there");
        let fields = ["K", "V"].map(|name| Field::new(name, DataType::Int64, true));
        let fields: Fields = fields.to_vec().into();
        for (batch, first) in (0..rows).step_by(ROWS).enumerate() {
            let rows = first..rows.min(first + ROWS);
            let column = |value: &dyn Fn(usize) -> i64| {
                Int64Array::from_iter_values(rows.clone().map(value))
            };
            let times = column(&|row| self.beginning + row as i64);
            let columns = [column(&|row| key(row) as i64), column(&|row| row as i64)];
            let columns = columns.map(|column| Arc::new(column) as ArrayRef).to_vec();
            columnar::write(
                &topic.partitions()[batch % partitions],
                fields.clone(),
                times,
                columns,
            );
        }
    }

    /// Makes a table `<stream>_BY_KEY` of the last V for each K of a stream.
    pub async fn table_of(&mut self, stream: &str) {
        let query = format!(
            "CREATE TABLE {stream}_BY_KEY AS
                SELECT K, LATEST_BY_OFFSET(V) AS V FROM {stream} GROUP BY K;"
        );
        run(&self.engine, &mut self.session, &query).await;
    }

    /// The time that a query takes; `{out}` in it is a name that nothing else has. What it has made
    /// is dropped.
    pub async fn query(&mut self, query: &str) -> Duration {
        self.names += 1;
        let out = format!("OUT_{}", self.names);
        let time = run(&self.engine, &mut self.session, &query.replace("{out}", &out)).await;
        drop_made(&mut self.session, query, &out).await;
        time
    }

    /// The time that a batch query of one number takes.
    pub async fn batch(&mut self, query: &str) -> (Duration, i64) {
        timed(number(&mut self.session, query)).await
    }

    /// Reports a query over so many records as a ratio to a batch query, which has to give
    /// `expected`.
    pub async fn against_batch(&mut self, what: &Against<'_>) {
        let (mut best_query, mut best_batch) = (Duration::MAX, Duration::MAX);
        for _ in 0..what.turns {
            let (time, found) = self.batch(what.batch).await;
            assert_eq!(found, what.expected, "{}", what.batch);
            best_batch = best_batch.min(time);
            best_query = best_query.min(self.query(what.query).await);
        }
        report(what.name, what.records, best_query, best_batch, "a batch query");
    }

    /// Reports a query over so many records as a ratio to another one.
    pub async fn against_query(&mut self, name: &str, records: usize, query: &str, other: &str) {
        let (mut best, mut best_other) = (Duration::MAX, Duration::MAX);
        for _ in 0..3 {
            best_other = best_other.min(self.query(other).await);
            best = best.min(self.query(query).await);
        }
        report(name, records, best, best_other, "the query without");
    }
}

/// A query and the batch query of the same work.
pub struct Against<'a> {
    pub name: &'a str,
    pub records: usize,
    pub turns: usize,
    pub query: &'a str,
    pub batch: &'a str,
    pub expected: i64,
}

fn report(name: &str, records: usize, ours: Duration, theirs: Duration, against: &str) {
    let rate = |time: Duration| records as f64 / time.as_secs_f64() / 1e6;
    println!("{name}: {:.2} million records/s, {against}: {:.2}", rate(ours), rate(theirs));
    figure::figure(name, theirs.as_secs_f64() / ours.as_secs_f64(), &format!("of {against}"));
}
