//! How long it takes until a process that was killed answers again.
//!
//! A process fills a data directory until the state of its queries has as many bytes as
//! `RECOVERY_BENCH_MIB` says (1024 unless it is set), and goes on writing. It is killed in the middle of
//! that, with a signal that it cannot catch. Another one opens the directory, and is measured from the
//! moment when it is started:
//! - until the data is open;
//! - until a pull query has given the right row of a table;
//! - until a persistent query has counted a new record on top of what it had counted before the kill.
//!
//! Then it counts everything, because a fast answer is worth nothing if something is there twice, goes on
//! writing, and is killed in its turn.
//!
//! Values are random text, so that the bytes on disk are those of the state. A stream that is joined with
//! a table and an aggregation keep them, as do the rows of two tables that can be asked.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

#[path = "common/hour.rs"]
mod hour;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use arrow::util::display::array_value_to_string;
use engine::{Engine, Options, Outcome, Session, Storage};
use futures::StreamExt;
use log_store::{Codec, Timestamp, TopicWriter};

use hour::hour;

/// Makes this program the one that is to be killed.
const UNTIL_KILLED: &str = "--until-killed";

const MIB: u64 = 1 << 20;
const GOAL: Duration = Duration::from_secs(2);
const KILLS: usize = 5;
/// Keys that are written at a time.
const ROUND: usize = 20_000;
const VALUE_BYTES: usize = 200;
/// The key that is asked for.
const ASKED: usize = 4711;

const STATEMENTS: &str = "
    CREATE STREAM EVENTS (K STRING KEY, V STRING)
        WITH (KAFKA_TOPIC='events', PARTITIONS=4, VALUE_FORMAT='JSON');
    CREATE TABLE NAMES (K STRING PRIMARY KEY, NAME STRING)
        WITH (KAFKA_TOPIC='names', PARTITIONS=4, VALUE_FORMAT='JSON');
    CREATE TABLE LATEST AS SELECT K, COUNT(*) AS N, LATEST_BY_OFFSET(V) AS V
        FROM EVENTS GROUP BY K;
    CREATE TABLE KEPT_NAMES AS SELECT * FROM NAMES;
    CREATE STREAM NAMED AS SELECT E.K AS K, N.NAME AS NAME
        FROM EVENTS E LEFT JOIN NAMES N ON E.K = N.K;";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, dir, kills] = words.as_slice()
        && flag == UNTIL_KILLED
    {
        let kills = kills.parse().expect("a number");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        return runtime.block_on(until_killed(dir.as_ref(), kills));
    }
    let dir = tempfile::tempdir().expect("a directory");
    for kills in 0..=KILLS {
        let (mut process, times) = Process::start(dir.path(), kills);
        if kills > 0 {
            let shown = times.map(|time| format!("{:.2} s", time.as_secs_f64()));
            let [open, asked, counted] = shown;
            println!("open after {open}, pull query {asked}, persistent query {counted}");
        }
        process.wait_for("filled");
        // In the middle of what comes then.
        (0..2 + kills).for_each(|_| process.wait_for("more"));
        process.kill();
        println!("killed with {}", Sizes::of(dir.path()));
    }
    println!("goal: {} s", GOAL.as_secs());
}

/// The process that is killed.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it over what `kills` others have left; with the times from the start until the data is
    /// open, a pull query was answered, and a persistent query has gone on.
    fn start(dir: &Path, kills: usize) -> (Self, [Duration; 3]) {
        let begun = Instant::now();
        let this = std::env::current_exe().expect("this program");
        let mut command = Command::new(this);
        command.arg(UNTIL_KILLED).arg(dir).arg(kills.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let output = child.stdout.take().expect("it is piped");
        let mut process = Self { child, lines: BufReader::new(output).lines() };
        let times = ["open", "asked", "counted"].map(|line| {
            process.wait_for(line);
            begun.elapsed()
        });
        (process, times)
    }

    fn wait_for(&mut self, wanted: &str) {
        let mut lines = self.lines.by_ref().map(|line| line.expect("a line"));
        assert!(lines.any(|line| line == wanted), "it ends before it is {wanted}");
    }

    fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

/// Runs over what `kills` others have left, and writes until it is killed.
async fn until_killed(dir: &Path, kills: usize) {
    let storage = Storage::Directory(dir.to_owned());
    let engine = Engine::open(Options { storage, ..Options::default() }).await;
    let engine = engine.expect("a data directory");
    println!("open");
    let mut writer = Writer { session: engine.session(), engine, keys: 0 };
    if kills == 0 {
        writer.session.run(STATEMENTS).await.expect("the statements are right");
        println!("asked\ncounted");
    } else {
        writer.check_answers(kills).await;
    }
    while Sizes::of(dir).state < state_bytes() {
        writer.write().await;
    }
    println!("filled");
    loop {
        writer.write().await;
        println!("more");
    }
}

fn state_bytes() -> u64 {
    let mib = std::env::var("RECOVERY_BENCH_MIB").ok();
    mib.map_or(1024, |mib| mib.parse().expect("a number of MiB")) * MIB
}

struct Writer {
    engine: Engine,
    session: Session,
    /// How many keys there are.
    keys: usize,
}

impl Writer {
    /// What must be answered, as soon as it is.
    async fn check_answers(&mut self, kills: usize) {
        let key = key(ASKED);
        let asked = format!("SELECT N, V FROM LATEST WHERE K = '{key}';");
        assert_eq!(self.row(&asked).await, format!("{kills} {}", value(ASKED)));
        println!("asked");
        self.append("events", ASKED..ASKED + 1, "V");
        let counted = format!("{} {}", kills + 1, value(ASKED));
        while self.row(&asked).await != counted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("counted");
        self.engine.run_until_idle().await.expect("the queries run");
        let events = self.row("SELECT COUNT(*) FROM EVENTS;").await;
        assert_eq!(self.row("SELECT SUM(N) FROM LATEST;").await, events);
        assert_eq!(self.row("SELECT COUNT(*) FROM NAMED;").await, events);
        let keys = self.row("SELECT COUNT(*) FROM KEPT_NAMES;").await;
        self.keys = keys.parse().expect("a number");
    }

    /// Writes a round of keys, which nobody has written before.
    async fn write(&mut self) {
        let keys = self.keys..self.keys + ROUND;
        self.append("names", keys.clone(), "NAME");
        self.append("events", keys, "V");
        self.keys += ROUND;
        self.engine.run_until_idle().await.expect("the queries run");
    }

    fn append(&self, topic: &str, keys: Range<usize>, column: &str) {
        let topic = self.engine.log().topic(topic).expect("the topic is there");
        let (hour, mut writer) = (hour(), TopicWriter::new(topic, Codec::None));
        for index in keys {
            let (key, value) = (key(index), format!("{{\"{column}\":\"{}\"}}", value(index)));
            let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
            writer.push(key, value, Timestamp(hour + index as i64), &[]).expect("the log takes it");
        }
        writer.flush().expect("the log takes it");
    }

    /// The only row of an answer.
    async fn row(&mut self, query: &str) -> String {
        let outcome = self.session.run(query).await.expect("the query is right").pop();
        let Some(Outcome::Rows(mut rows)) = outcome else { panic!("{query} gives no rows") };
        let batch = rows.stream.next().await.expect("a batch").expect("rows");
        let cells = batch.columns().iter().take(rows.columns.len());
        let cells = cells.map(|column| array_value_to_string(column, 0).expect("a value"));
        cells.collect::<Vec<_>>().join(" ")
    }
}

fn key(index: usize) -> String {
    format!("key {index:09}")
}

/// Text that cannot be compressed, the same for the same index.
fn value(index: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut seed = index as u64 + 1;
    let letter = |_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(seed >> 58) as usize])
    };
    (0..VALUE_BYTES).map(letter).collect()
}

/// How many bytes there are.
struct Sizes {
    state: u64,
    /// Those of the state that are in its write-ahead log.
    replayed: u64,
    topics: u64,
}

impl Sizes {
    fn of(dir: &Path) -> Self {
        let is_log = |path: &Path| path.extension().is_some_and(|extension| extension == "log");
        Self {
            state: bytes(&dir.join("state"), &|_| true),
            replayed: bytes(&dir.join("state"), &is_log),
            topics: bytes(&dir.join("topics"), &is_log),
        }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [state, replayed, topics] =
            [self.state, self.replayed, self.topics].map(|bytes| bytes / MIB);
        write!(f, "{state} MiB of state ({replayed} of them to be replayed), {topics} in topics")
    }
}

/// The bytes of the files below a directory that are wanted. What has gone meanwhile counts nothing.
fn bytes(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes(&entry.path(), wanted),
        Ok(found) if wanted(&entry.path()) => found.len(),
        _ => 0,
    });
    sizes.sum()
}
