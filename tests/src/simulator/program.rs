//! Random programs: what a user does with the engine, step by step.
//!
//! All streams and tables have the columns `k STRING` (the key), `id BIGINT` and `v BIGINT`, so that every
//! query can read what any other has written. Rows that are inserted have ids that nobody else has.

use std::fmt;

use engine::Emission;

use super::chance::Chance;
use super::queries::{self, Reads};

/// What a crash costs, and so what must hold after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The process dies and the machine goes on: everything that was written is there.
    Process,
    /// The power goes, and every topic that counts has `flush.messages=1`: everything that was
    /// acknowledged is there.
    Strict,
    /// The power goes, and topics have the settings that they are given: everything that was durable
    /// is there. What queries have written since may be missing, or there twice.
    Power,
}

/// The circumstances of a program.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What a crash costs.
    pub durability: Durability,
    /// Whether disks also fill up and fail to sync. Queries stop then, and go on in another order
    /// when it is over: only programs run like this whose results do not depend on that order.
    pub faults: bool,
    /// How many changes of a key leave a query.
    pub emission: Emission,
    /// Bytes of state that a query keeps in memory.
    pub state_memory: usize,
}

/// A row that is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: String,
    /// Nobody else has it.
    pub id: i64,
    /// Anything.
    pub value: i64,
    /// Event time.
    pub time: i64,
}

/// Rows of one `INSERT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// Into this stream or table.
    pub source: String,
    /// These rows.
    pub rows: Vec<Row>,
}

impl Insertion {
    /// The statement.
    pub fn statement(&self) -> String {
        let row = |Row { key, id, value, time }: &Row| format!("({time}, '{key}', {id}, {value})");
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        format!("INSERT INTO {} (ROWTIME, k, id, v) VALUES {};", self.source, rows.join(", "))
    }
}

/// What a step does to a running query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryVerb {
    /// `PAUSE`.
    Pause,
    /// `RESUME`.
    Resume,
    /// `TERMINATE`.
    Terminate,
}

impl QueryVerb {
    /// The statement's word.
    pub fn word(self) -> &'static str {
        match self {
            QueryVerb::Pause => "PAUSE",
            QueryVerb::Resume => "RESUME",
            QueryVerb::Terminate => "TERMINATE",
        }
    }
}

/// A step of a program. Each can be repeated when nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Makes a topic that loses nothing.
    Topic {
        /// Its name.
        name: String,
        /// Its partitions.
        partitions: u32,
        /// Whether it keeps the latest record of each key only.
        compact: bool,
    },
    /// A statement that does nothing when it is done again.
    Statement(String),
    /// Something about the queries that write a stream or table.
    Query(QueryVerb, String),
    /// Another query that writes a stream.
    InsertInto {
        /// Its id, which no other has.
        id: String,
        /// The statement that starts it.
        statement: String,
    },
    /// Rows that are there together or not at all.
    Insert(Vec<Insertion>),
    /// A tombstone in the topic of a table; the id is in its header.
    Delete {
        /// The table's topic.
        topic: String,
        /// The key.
        key: String,
        /// Nobody else has it.
        id: i64,
        /// Event time.
        time: i64,
    },
    /// Queries read what there is.
    Run,
    /// The log's upkeep.
    Maintain,
    /// The clock goes forward, or back.
    Clock(i64),
    /// A clean shutdown.
    Restart,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Statement(text) | Step::InsertInto { statement: text, .. } => f.write_str(text),
            Step::Query(verb, sink) => write!(f, "{} what writes {sink};", verb.word()),
            Step::Insert(insertions) => {
                let statements: Vec<String> = insertions.iter().map(Insertion::statement).collect();
                f.write_str(&statements.join(" "))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// A stream or table as the program knows it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its name, and that of its topic.
    pub name: String,
    /// Whether it is a table.
    pub is_table: bool,
    /// Whether its rows have windows: nothing else reads it.
    pub is_windowed: bool,
    /// How it is made; none for one that is inserted into.
    pub query: Option<queries::Made>,
    /// What else writes it.
    pub writers: Vec<queries::Made>,
    /// Whether its query was replaced by another one.
    pub is_replaced: bool,
    /// Whether its query was paused.
    pub is_paused: bool,
    /// Whether its query was terminated.
    pub is_ended: bool,
}

/// A program.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its circumstances.
    pub settings: Settings,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What there is in the end.
    pub known: Vec<Known>,
}

/// The number of steps of a program, about.
const STEPS: u64 = 36;

/// The time of the first row.
const BEGIN: i64 = 1_700_000_000_000;

impl Program {
    /// The program of a seed.
    pub fn of(seed: u64) -> Program {
        let (mut chance, mut variety) = (Chance::new(seed, 1), Chance::new(seed, 4));
        let strict = chance.one_in(2);
        let durability = match variety.one_in(4) {
            true => Durability::Power,
            false if strict => Durability::Strict,
            false => Durability::Process,
        };
        let faults = chance.one_in(3);
        let settings = Settings {
            durability,
            // What was undecided would be decided otherwise when the power goes as well.
            faults: faults && durability != Durability::Power,
            emission: if chance.one_in(2) { Emission::Every } else { Emission::Coalesced },
            state_memory: if chance.one_in(2) { 4_000 } else { 64 << 20 },
        };
        let mut author = Author {
            program: Program { settings, steps: Vec::new(), known: Vec::new() },
            chance,
            inserts: variety.one_in(2),
            variety,
            next_id: 1,
            now: BEGIN,
        };
        author.write();
        author.program
    }
}

/// Writes a program.
struct Author {
    program: Program,
    chance: Chance,
    /// Decides about what is added to a program, which is the same without it but for that.
    variety: Chance,
    /// Whether streams get further writers.
    inserts: bool,
    next_id: i64,
    now: i64,
}

impl Author {
    fn write(&mut self) {
        for (name, is_table) in [("s0", false), ("t0", true), ("s1", false), ("t1", true)] {
            if name.ends_with('0') || self.chance.one_in(2) {
                self.declare(name, is_table);
            }
        }
        (0..2).for_each(|_| self.create());
        let steps = STEPS / 2 + self.chance.below(STEPS);
        for _ in 0..steps {
            self.step();
            if self.inserts && self.variety.one_in(6) {
                self.insert_into();
            }
        }
        let paused = self.program.known.iter().filter(|known| known.is_paused && !known.is_ended);
        let resumed = paused.map(|known| Step::Query(QueryVerb::Resume, known.name.clone()));
        let resumed: Vec<Step> = resumed.collect();
        self.program.steps.extend(resumed);
        self.push(Step::Run);
    }

    fn push(&mut self, step: Step) {
        self.program.steps.push(step);
    }

    fn step(&mut self) {
        match self.chance.below(40) {
            0..16 => self.insert(),
            16..18 => self.delete(),
            18..26 => self.push(Step::Run),
            26..30 => self.create(),
            30 => self.replace(),
            31 => self.pause(),
            32 => self.resume(),
            33 => self.drop(),
            34 => self.terminate(),
            35..37 => self.push(Step::Maintain),
            37 => {
                let hours = self.chance.below(6) as i64 - 2;
                self.push(Step::Clock(hours * 3_600_000));
            }
            _ => self.push(Step::Restart),
        }
    }

    fn topic(&mut self, name: &str, partitions: u32, compact: bool) {
        if self.program.settings.durability == Durability::Strict {
            self.push(Step::Topic { name: name.to_owned(), partitions, compact });
        }
    }

    fn declare(&mut self, name: &str, is_table: bool) {
        let partitions = 1 + self.chance.below(3) as u32;
        self.topic(name, partitions, false);
        let (kind, key) = if is_table { ("TABLE", "PRIMARY KEY") } else { ("STREAM", "KEY") };
        self.push(Step::Statement(format!(
            "CREATE {kind} IF NOT EXISTS {name} (k STRING {key}, id BIGINT, v BIGINT) WITH (KAFKA_TOPIC='{name}', PARTITIONS={partitions}, VALUE_FORMAT='JSON');"
        )));
        self.program.known.push(Known {
            name: name.to_owned(),
            is_table,
            is_windowed: false,
            query: None,
            writers: Vec::new(),
            is_replaced: false,
            is_paused: false,
            is_ended: false,
        });
    }

    /// What a query of some kind may read.
    fn readable(&self, reads: Reads) -> Vec<Known> {
        let plain = self.program.known.iter().filter(|known| !known.is_windowed);
        let of_kind = plain.filter(|known| known.is_table == reads.table && !self.is_mixed(known));
        // What waits for another query must not be read together with what does not.
        let alone = self.program.settings.faults && reads.joined;
        of_kind.filter(|known| !(alone && known.query.is_some())).cloned().collect()
    }

    fn create(&mut self) {
        let Some(made) = self.made() else { return };
        let is_free = |name: &String| self.program.known.iter().all(|known| known.name != *name);
        let Some(name) = (0..).map(|n| format!("q{n}")).find(is_free) else { return };
        // The topic has the partitions of what is read first, or its own.
        let partitions = 1 + self.chance.below(3) as u32;
        let compact = made.is_table() && self.chance.one_in(2);
        self.topic(&name, partitions, compact);
        self.push(Step::Statement(made.statement(&name, false)));
        self.program.known.push(Known {
            is_table: made.is_table(),
            is_windowed: made.is_windowed(),
            query: Some(made),
            writers: Vec::new(),
            is_replaced: false,
            is_paused: false,
            is_ended: false,
            name,
        });
    }

    fn made(&mut self) -> Option<queries::Made> {
        let kind = *self.chance.pick(&queries::KINDS)?;
        let [first, second] = kind.reads();
        let left = self.readable(first?);
        let left = self.chance.pick(&left)?.name.clone();
        let right = match second {
            Some(reads) => {
                let right = self.readable(reads);
                Some(self.chance.pick(&right)?.name.clone())
            }
            None => None,
        };
        if right.as_ref() == Some(&left) {
            return None;
        }
        Some(queries::Made { kind, left, right, number: self.chance.below(4) })
    }

    /// The place of something that a query makes and that goes on.
    fn running(&mut self) -> Option<usize> {
        let known = self.program.known.iter().enumerate();
        let running = known.filter(|(_, known)| known.query.is_some() && !known.is_ended);
        let running: Vec<usize> = running.map(|(at, _)| at).collect();
        self.chance.pick(&running).copied()
    }

    fn replace(&mut self) {
        let Some(at) = self.running() else { return };
        let known = &mut self.program.known[at];
        // One of several that write a stream cannot be replaced.
        let is_alone = known.writers.is_empty();
        let can_be = |made: &&mut queries::Made| is_alone && made.can_be_replaced();
        let Some(made) = known.query.as_mut().filter(can_be) else { return };
        made.number += 1;
        known.is_replaced = true;
        known.is_paused = false;
        let statement = made.statement(&known.name, true);
        self.push(Step::Statement(statement));
    }

    fn pause(&mut self) {
        let Some(at) = self.running() else { return };
        self.program.known[at].is_paused = true;
        let name = self.program.known[at].name.clone();
        self.push(Step::Query(QueryVerb::Pause, name));
    }

    fn resume(&mut self) {
        let Some(at) = self.running() else { return };
        self.program.known[at].is_paused = false;
        let name = self.program.known[at].name.clone();
        self.push(Step::Query(QueryVerb::Resume, name));
    }

    fn terminate(&mut self) {
        let Some(at) = self.running() else { return };
        self.program.known[at].is_ended = true;
        let name = self.program.known[at].name.clone();
        self.push(Step::Query(QueryVerb::Terminate, name));
    }

    /// Drops something that nobody reads; sometimes it comes back as something else.
    fn drop(&mut self) {
        let known = &self.program.known;
        let is_read = |name: &str| known.iter().any(|other| other.reads(name) && !other.is_ended);
        // What several queries write can only go when they have ended.
        let can_go =
            |known: &Known| known.query.is_some() && (known.writers.is_empty() || known.is_ended);
        let unread = known.iter().rposition(|known| can_go(known) && !is_read(&known.name));
        let Some(at) = unread else { return };
        let gone = self.program.known.remove(at);
        let kind = if gone.is_table { "TABLE" } else { "STREAM" };
        self.push(Step::Statement(format!("DROP {kind} IF EXISTS {} DELETE TOPIC;", gone.name)));
    }

    /// Whether the order of a stream's records depends on which of its queries went on first.
    fn is_mixed(&self, known: &Known) -> bool {
        self.program.settings.faults && !known.writers.is_empty()
    }

    /// Another query for a stream that a query makes. Where it could not be told in which order they
    /// write, nobody reads that stream.
    fn insert_into(&mut self) {
        let known = &self.program.known;
        let is_read = |name: &str| known.iter().any(|other| other.reads(name));
        let targets = known.iter().enumerate().filter(|(_, known)| {
            let is_stream = known.query.is_some() && !known.is_table && !known.is_ended;
            is_stream && !(self.program.settings.faults && is_read(&known.name))
        });
        let targets: Vec<usize> = targets.map(|(at, _)| at).collect();
        let Some(at) = self.variety.pick(&targets).copied() else { return };
        let target = known[at].name.clone();
        let sources = self.readable(Reads::STREAM);
        let sources: Vec<Known> =
            sources.into_iter().filter(|source| !self.depends(&source.name, &target)).collect();
        let Some(left) = self.variety.pick(&sources).map(|known| known.name.clone()) else {
            return;
        };
        let kind =
            if self.variety.one_in(2) { queries::Kind::Filter } else { queries::Kind::Rekey };
        let number = self.variety.below(4);
        let made = queries::Made { kind, left, right: None, number };
        let id = format!("I{}", self.program.steps.len());
        let statement = made.insertion(&target, &id);
        self.program.known[at].writers.push(made);
        self.push(Step::InsertInto { id, statement });
        if self.program.known[at].is_paused {
            self.push(Step::Query(QueryVerb::Pause, target));
        }
    }

    /// Whether what is in `name` comes from `other`, or is it.
    fn depends(&self, name: &str, other: &str) -> bool {
        let known = self.program.known.iter().find(|k| k.name == name && !k.is_ended);
        let made = known.into_iter().flat_map(|known| known.query.iter().chain(&known.writers));
        let mut sources = made.flat_map(|made| [Some(&made.left), made.right.as_ref()]).flatten();
        name == other || sources.any(|source| self.depends(source, other))
    }

    fn insert(&mut self) {
        let several = self.chance.one_in(4);
        let insertions = (0..if several { 1 + self.chance.below(3) } else { 1 })
            .filter_map(|_| self.insertion())
            .collect();
        self.push(Step::Insert(insertions));
    }

    fn insertion(&mut self) -> Option<Insertion> {
        let known = self.program.known.iter().filter(|known| known.query.is_none());
        let names: Vec<String> = known.map(|known| known.name.clone()).collect();
        let source = self.chance.pick(&names)?.clone();
        let rows = (0..1 + self.chance.below(5)).map(|_| self.row()).collect();
        Some(Insertion { source, rows })
    }

    fn row(&mut self) -> Row {
        self.now += self.chance.below(3_000) as i64;
        let late = if self.chance.one_in(8) { self.chance.below(40_000) as i64 } else { 0 };
        Row {
            key: self.key(),
            id: self.id(),
            value: self.chance.below(100) as i64,
            time: self.now - late,
        }
    }

    fn key(&mut self) -> String {
        format!("k{}", self.chance.below(5))
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn delete(&mut self) {
        let tables = self.program.known.iter().filter(|k| k.is_table && k.query.is_none());
        let tables: Vec<String> = tables.map(|known| known.name.clone()).collect();
        let Some(topic) = self.chance.pick(&tables).cloned() else { return };
        let (key, id) = (self.key(), self.id());
        self.push(Step::Delete { topic, key, id, time: self.now });
    }
}

impl Known {
    fn reads(&self, name: &str) -> bool {
        self.query.iter().chain(&self.writers).any(|made| made.reads(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_program() {
        let shown = |seed| Program::of(seed).steps.iter().map(Step::to_string).collect::<Vec<_>>();
        assert_eq!(shown(7), shown(7));
        assert_ne!(shown(7), shown(8));
    }

    #[test]
    fn programs_hold_steps_of_every_kind() {
        let steps: Vec<Step> = (0..200).flat_map(|seed| Program::of(seed).steps).collect();
        let has = |wanted: fn(&Step) -> bool| assert!(steps.iter().any(wanted));
        has(|step| matches!(step, Step::Topic { compact: true, .. }));
        has(|step| matches!(step, Step::Insert(insertions) if insertions.len() > 1));
        has(|step| matches!(step, Step::Delete { .. }));
        has(|step| matches!(step, Step::InsertInto { .. }));
        has(|step| matches!(step, Step::Clock(delta) if *delta < 0));
        for verb in [QueryVerb::Pause, QueryVerb::Resume, QueryVerb::Terminate] {
            assert!(
                steps.iter().any(|step| matches!(step, Step::Query(found, _) if *found == verb))
            );
        }
        let statements: Vec<String> = steps.iter().map(Step::to_string).collect();
        for part in
            ["OR REPLACE", "DROP ", "JOIN", "SESSION", "HOPPING", "TUMBLING", "PARTITION BY"]
        {
            assert!(statements.iter().any(|text| text.contains(part)), "{part}");
        }
    }
}
