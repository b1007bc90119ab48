//! kill -9 in the middle of statements: those that were acknowledged have taken effect, the next one
//! has wholly or not at all, and no topic is left over.

#![allow(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod millstream;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};

use millstream::Place;

const ROUNDS: usize = 12;
/// Streams that are made and dropped, with a query each.
const STREAMS: usize = 8;

/// Names by what they are names of.
#[derive(Debug, Clone, Default, PartialEq)]
struct Names {
    streams: BTreeSet<String>,
    tables: BTreeSet<String>,
    topics: BTreeSet<String>,
}

/// A statement, and what it does to the names.
type Step = (String, fn(&mut Names, usize), usize);

fn steps() -> Vec<Step> {
    (0..STREAMS).flat_map(of_stream).collect()
}

fn of_stream(n: usize) -> [Step; 4] {
    let with = format!("WITH (KAFKA_TOPIC='S{n}', PARTITIONS=1, VALUE_FORMAT='JSON')");
    [
        (
            format!("CREATE STREAM s{n} (a INT) {with};"),
            |names, n| {
                names.streams.insert(format!("S{n}"));
                names.topics.insert(format!("S{n}"));
            },
            n,
        ),
        (
            format!("CREATE TABLE t{n} AS SELECT a, COUNT(*) AS n FROM s{n} GROUP BY a;"),
            |names, n| {
                names.tables.insert(format!("T{n}"));
                names.topics.insert(format!("T{n}"));
            },
            n,
        ),
        (
            format!("DROP TABLE t{n} DELETE TOPIC;"),
            |names, n| {
                names.tables.remove(&format!("T{n}"));
                names.topics.remove(&format!("T{n}"));
            },
            n,
        ),
        (
            format!("DROP STREAM s{n} DELETE TOPIC;"),
            |names, n| {
                names.streams.remove(&format!("S{n}"));
                names.topics.remove(&format!("S{n}"));
            },
            n,
        ),
    ]
}

/// The names after so many steps.
fn after(steps: &[Step]) -> Names {
    let mut names = Names::default();
    steps.iter().for_each(|(_, change, n)| change(&mut names, *n));
    names
}

#[test]
fn a_statement_is_whole_or_not_at_all_after_kill_9() {
    let steps = steps();
    for round in 0..ROUNDS {
        let place = Place::new();
        let done = run_and_kill(&place, &steps, 1 + round * 5 / 2);
        let found = found(&place);
        let whole = [done, (done + 1).min(steps.len())].map(|count| after(&steps[..count]));
        assert!(whole.contains(&found), "{done} statements: {found:?} is none of {whole:?}");
    }
}

/// Kills a shell that has acknowledged at least so many statements. Gives how many it has.
fn run_and_kill(place: &Place, steps: &[Step], count: usize) -> usize {
    let mut shell = place.start(&["--output", "csv"]);
    // It stays open: a shell at the end of its script would close the data properly.
    let mut input = shell.stdin.take().unwrap();
    for (statement, ..) in steps {
        writeln!(input, "{statement}\n\\echo done").unwrap();
    }
    input.flush().unwrap();
    let lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let mut acknowledged = lines.map_while(|line| line.ok()).filter(|line| line == "done");
    let before = acknowledged.by_ref().take(count).count();
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert_eq!(before, count, "the shell ended by itself");
    // What was in the pipe was acknowledged, too.
    before + acknowledged.count()
}

/// What is there, but for the engine's own.
fn found(place: &Place) -> Names {
    let show = "SHOW STREAMS; SHOW TABLES; SHOW TOPICS;";
    let shown = place.run(&["--output", "csv", "-c", show]).ok();
    let mut names = Names::default();
    let mut list = &mut names.streams;
    for line in shown.lines() {
        let name = line.split(',').next().unwrap_or_default();
        match name {
            "stream_name" => list = &mut names.streams,
            "table_name" => list = &mut names.tables,
            "topic" => list = &mut names.topics,
            "KSQL_PROCESSING_LOG" | "millstream-processing-log" => {}
            _ => drop(list.insert(name.to_owned())),
        }
    }
    names
}
