//! An engine that carries out a program while its machine fails it.
//!
//! Before a step something may be set to go wrong. When it has, the machine is started again or
//! healed, what must hold then is checked, and the step is done again unless it was acknowledged or
//! has taken effect all the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use engine::{Engine, ManualClock, Options, Outcome, Session, Storage, TopicRecord, Workers};
use futures::TryStreamExt;
use log_store::{DiskFault, TopicConfig};

use super::chance::Chance;
use super::kept::Kept;
use super::machine::Machine;
use super::program::{Durability, Insertion, QueryVerb, Settings, Step};
use crate::topic::{self, Placement};

/// Where the clock begins.
const BEGIN: i64 = 1_700_000_000_000;

/// A step that has not been done after so many tries never will.
const TRIES_MAX: usize = 60;

/// The header that holds the id of a tombstone.
const ID_HEADER: &str = "id";

/// What has happened in a world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Times that the process died or the power went.
    pub crashes: u64,
    /// Times that a write or sync failed.
    pub failures: u64,
    /// Streams and tables that were computed again and were the same.
    pub verified: u64,
    /// Writes, syncs and changes of names, up to the last crash.
    pub steps: u64,
}

/// An engine and what is under it.
pub struct World {
    settings: Settings,
    /// None: it runs in memory, undisturbed.
    machine: Option<Machine>,
    chance: Chance,
    clock: Arc<ManualClock>,
    now: i64,
    /// None only while the engine is opened again.
    open: Option<(Engine, Session)>,
    /// Ids by the topic that they are in.
    acknowledged: BTreeMap<String, Vec<i64>>,
    /// What topics hold that may lose something.
    kept: Kept,
    tally: Tally,
    /// What has happened, a line each.
    pub trace: Vec<String>,
}

/// What goes on after something has gone wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Done,
    Again,
}

impl World {
    /// An engine in memory that nothing happens to.
    pub async fn undisturbed(settings: Settings) -> Result<World> {
        World::open(settings, None, Chance::new(0, 0)).await
    }

    /// An engine on a machine that fails as the seed says.
    pub async fn disturbed(settings: Settings, seed: u64) -> Result<World> {
        World::open(settings, Some(Machine::new()?), Chance::new(seed, 2)).await
    }

    async fn open(settings: Settings, machine: Option<Machine>, chance: Chance) -> Result<World> {
        let clock = Arc::new(ManualClock::default());
        clock.set(BEGIN);
        let (acknowledged, kept, tally, trace) = Default::default();
        let mut world = World {
            settings,
            machine,
            chance,
            clock,
            now: BEGIN,
            open: None,
            acknowledged,
            kept,
            tally,
            trace,
        };
        let engine = Engine::open(world.options()).await.context("open an engine")?;
        world.started(engine);
        Ok(world)
    }

    fn options(&self) -> Options {
        Options {
            storage: self.machine.as_ref().map_or(Storage::Memory, Machine::storage),
            emission: self.settings.emission,
            workers: Workers::Manual,
            state_memory: self.settings.state_memory,
            clock: self.clock.clone(),
            ..Options::default()
        }
    }

    fn started(&mut self, engine: Engine) {
        let session = engine.session();
        self.open = Some((engine, session));
    }

    /// The engine.
    pub fn engine(&self) -> Result<&Engine> {
        let (engine, _) = self.open.as_ref().context("the engine is closed")?;
        Ok(engine)
    }

    /// What has happened so far.
    pub fn tally(&self) -> Tally {
        Tally { steps: self.machine.as_ref().map_or(0, Machine::steps), ..self.tally }
    }

    /// The machine, if there is one.
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    fn note(&mut self, line: String) {
        self.trace.push(line);
    }

    /// Does a step, however often it takes.
    pub async fn carry_out(&mut self, step: &Step) -> Result<()> {
        self.note(step.to_string());
        if let Step::Clock(delta) = step {
            self.now += delta;
        }
        for _ in 0..TRIES_MAX {
            let failures = self.failures();
            self.arm();
            let attempt = self.attempt(step).await;
            if self.aftermath(attempt, failures, step).await? == Next::Done {
                self.acknowledge(step);
                return self.look();
            }
        }
        bail!("not done after {TRIES_MAX} tries")
    }

    fn failures(&self) -> u64 {
        self.machine.as_ref().map_or(0, Machine::failures)
    }

    /// Lets something go wrong with the next step, or not.
    fn arm(&mut self) {
        let Some(machine) = &self.machine else { return };
        if !self.chance.one_in(3) {
            return;
        }
        // Small numbers are as likely as large ones.
        let scale = 1 << (1 + self.chance.below(6));
        let after = self.chance.below(scale);
        let fault = match self.settings.faults && self.chance.one_in(3) {
            true if self.chance.one_in(2) => DiskFault::FullAfterBytes(after * 100),
            true => DiskFault::FailSyncAfter(after / 8),
            false => DiskFault::CrashAfterSteps(after),
        };
        machine.inject(fault);
        self.trace.push(format!("    -- {fault:?}"));
    }

    async fn attempt(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Topic { name, partitions, compact } => self.topic(name, *partitions, *compact),
            Step::Statement(text) => self.run(text).await,
            Step::Query(verb, sink) => self.query(*verb, sink).await,
            Step::InsertInto { id, statement } => self.insert_into(id, statement).await,
            Step::Insert(insertions) => self.insert(insertions).await,
            Step::Delete { topic, key, id, time } => self.delete(topic, key, *id, *time),
            Step::Run => self.settle().await,
            Step::Maintain => match self.machine {
                Some(_) => Ok(self.engine()?.log().maintain()?),
                None => Ok(()),
            },
            Step::Clock(_) => {
                self.clock.set(self.now);
                Ok(())
            }
            Step::Restart => self.restart().await,
        }
    }

    fn topic(&self, name: &str, partitions: u32, compact: bool) -> Result<()> {
        let log = self.engine()?.log();
        if log.topic(name).is_none() {
            let mut config = TopicConfig::new().with("flush.messages", "1")?;
            config.set("retention.ms", "-1")?;
            config.set("cleanup.policy", if compact { "compact" } else { "delete" })?;
            log.create_topic(name, partitions, config)?;
        }
        Ok(())
    }

    /// Runs a statement.
    pub async fn run(&mut self, text: &str) -> Result<()> {
        let (_, session) = self.open.as_mut().context("the engine is closed")?;
        session.run(text).await?;
        Ok(())
    }

    async fn query(&mut self, verb: QueryVerb, sink: &str) -> Result<()> {
        let queries = self.engine()?.queries().into_iter();
        let of_sink = queries.filter(|query| query.sink_topic.as_deref() == Some(sink));
        for id in of_sink.map(|query| query.id).collect::<Vec<_>>() {
            self.run(&format!("{} {id};", verb.word())).await?;
        }
        Ok(())
    }

    async fn insert_into(&mut self, id: &str, statement: &str) -> Result<()> {
        match self.engine()?.queries().iter().any(|query| query.id == id) {
            true => Ok(()),
            false => self.run(statement).await,
        }
    }

    async fn insert(&mut self, insertions: &[Insertion]) -> Result<()> {
        if self.is_there(&ids_of(insertions))? {
            return Ok(());
        }
        let (_, session) = self.open.as_mut().context("the engine is closed")?;
        if let [insertion] = insertions {
            session.run(&insertion.statement()).await?;
            return Ok(());
        }
        session.begin();
        for insertion in insertions {
            session.run(&insertion.statement()).await?;
        }
        Ok(session.commit()?)
    }

    fn delete(&self, topic: &str, key: &str, id: i64, time: i64) -> Result<()> {
        if self.is_there(&[(topic.to_owned(), id)])? {
            return Ok(());
        }
        let record = TopicRecord {
            key: Some(key.as_bytes().to_vec()),
            value: None,
            timestamp: time,
            headers: vec![(ID_HEADER.to_owned(), Some(id.to_string().into_bytes()))],
        };
        topic::append(self.engine()?.log(), topic, &record, Placement::ByKey)
    }

    /// Whether rows are there, all of them, after an attempt of which nobody knows.
    fn is_there(&self, ids: &[(String, i64)]) -> Result<bool> {
        let mut there = 0;
        for (topic, id) in ids {
            there += self.ids_in(topic)?.iter().filter(|found| **found == *id).count();
        }
        // When the power goes, each partition keeps of a transaction what it has of it.
        let may_be_cut = self.settings.durability == Durability::Power;
        let is_whole = there == 0 || there == ids.len();
        ensure!(is_whole || may_be_cut, "{there} of {} rows are there", ids.len());
        Ok(there > 0)
    }

    /// The ids of all rows of a topic that are inserted.
    fn ids_in(&self, topic: &str) -> Result<Vec<i64>> {
        let partitions = topic::read(self.engine()?.log(), topic)?;
        partitions.iter().flatten().map(id_of).collect()
    }

    /// Lets the queries read what there is.
    pub async fn settle(&self) -> Result<()> {
        let engine = self.engine()?;
        engine.run_until_idle().await?;
        match engine.queries().into_iter().find_map(|query| Some((query.id, query.failure?))) {
            Some((id, failure)) => Err(anyhow!("query {id} has stopped: {failure}")),
            None => Ok(()),
        }
    }

    async fn restart(&mut self) -> Result<()> {
        if self.machine.is_none() {
            return Ok(());
        }
        let (engine, session) = self.open.take().context("the engine is closed")?;
        drop(session);
        engine.shutdown().await.context("shut down")?;
        let engine = Engine::open(self.options()).await.context("open again")?;
        let found = engine.log().recovery();
        let clean = found.bytes_scanned == 0 && found.cut.is_empty() && found.aborted.is_empty();
        let shown = found.to_string();
        self.started(engine);
        ensure!(clean, "a clean shutdown left something to recover: {shown}");
        Ok(())
    }

    /// Sees what has gone wrong, and makes the engine work again.
    async fn aftermath(&mut self, attempt: Result<()>, before: u64, step: &Step) -> Result<Next> {
        let Some(machine) = &self.machine else {
            return attempt.map(|()| Next::Done);
        };
        let failures = machine.failures() - before;
        let next = if attempt.is_ok() { Next::Done } else { Next::Again };
        if machine.has_crashed() {
            self.note(format!("    crashed: {}", said(&attempt)));
            self.recover().await?;
        } else if failures > 0 || machine.has_failed() {
            self.tally.failures += 1;
            self.note(format!("    failed: {}", said(&attempt)));
            self.mend().await?;
        } else {
            machine.heal();
            attempt?;
            return Ok(next);
        }
        self.check(step).context("after that")?;
        self.look()?;
        Ok(next)
    }

    /// Goes on after a write or a sync that has failed.
    async fn mend(&mut self) -> Result<()> {
        let Some(machine) = &self.machine else { return Ok(()) };
        machine.heal();
        if self.open.is_none() || machine.has_failed() || self.chance.one_in(2) {
            return self.recover().await;
        }
        if let Some(poisoned) = self.poisoned()? {
            self.note(format!("    {poisoned}"));
            return self.recover().await;
        }
        let (engine, session) = self.open.as_mut().context("the engine is closed")?;
        session.rollback();
        engine.log().maintain().context("upkeep after a failure that is over")?;
        let failed = self.engine()?.queries().into_iter().filter(|query| query.failure.is_some());
        for id in failed.map(|query| query.id).collect::<Vec<_>>() {
            self.run(&format!("RESUME {id};")).await.context("a query that has failed")?;
        }
        Ok(())
    }

    /// A partition that takes no more writes, after a sync has failed.
    fn poisoned(&self) -> Result<Option<String>> {
        let log = self.engine()?.log();
        let topics = log.topics().into_iter().chain(log.internal_topics());
        let mut partitions = topics.flat_map(|topic| topic.partitions().to_vec());
        Ok(partitions.find_map(|partition| partition.flush().err()).map(|e| e.to_string()))
    }

    /// Starts the machine again, as often as it takes.
    async fn recover(&mut self) -> Result<()> {
        self.recover_with(true).await
    }

    /// Starts the machine again, at once.
    pub async fn recover_undisturbed(&mut self) -> Result<()> {
        self.recover_with(false).await
    }

    async fn recover_with(&mut self, disturbed: bool) -> Result<()> {
        loop {
            self.open = None;
            self.tally.crashes += 1;
            let Some(machine) = &mut self.machine else { return Ok(()) };
            // The process may also die alone where nothing is lost when the power goes.
            let kept = self.chance.one_in(3);
            let durability = if kept { Durability::Process } else { self.settings.durability };
            machine.crash(durability, &mut self.chance)?;
            self.trace.push(format!("    started again, after the loss of the {durability:?}"));
            if disturbed && self.chance.one_in(4) {
                let fault = DiskFault::CrashAfterSteps(self.chance.below(40));
                machine.inject(fault);
                self.trace.push(format!("    -- {fault:?}"));
            }
            let opened = Engine::open(self.options()).await;
            let Some(machine) = &self.machine else { return Ok(()) };
            if machine.has_crashed() {
                continue;
            }
            machine.heal();
            self.started(opened.context("open after a crash")?);
            return Ok(());
        }
    }

    fn acknowledge(&mut self, step: &Step) {
        let ids = match step {
            Step::Insert(insertions) => ids_of(insertions),
            Step::Delete { topic, id, .. } => vec![(topic.clone(), *id)],
            _ => return,
        };
        for (topic, id) in ids {
            self.acknowledged.entry(topic).or_default().push(id);
        }
    }

    /// Looks what topics hold that may lose something with the next crash.
    fn look(&mut self) -> Result<()> {
        let (Some((engine, _)), Durability::Power) = (&self.open, self.settings.durability) else {
            return Ok(());
        };
        self.kept.look(engine.log())
    }

    /// What must be there of topics that may lose something.
    pub fn check_kept(&self, step: Option<&Step>) -> Result<()> {
        self.kept.check(self.engine()?.log(), step)?;
        for topic in self.acknowledged.keys() {
            let mut found = self.ids_in(topic)?;
            let count = found.len();
            found.sort_unstable();
            found.dedup();
            ensure!(found.len() == count, "{topic}: something is there twice: {found:?}");
        }
        Ok(())
    }

    /// Notes that a stream or table is what it should be.
    pub fn verified(&mut self) {
        self.tally.verified += 1;
    }

    /// What must hold whenever the engine works again: nothing is damaged or left over, and what was
    /// acknowledged is there once.
    fn check(&self, step: &Step) -> Result<()> {
        let engine = self.engine()?;
        let damaged = &engine.log().recovery().damaged;
        ensure!(damaged.is_empty(), "damaged: {damaged:?}");
        let leftovers = engine.leftovers()?;
        ensure!(leftovers.is_empty(), "left over: {leftovers:#?}");
        if self.settings.durability == Durability::Power {
            return self.check_kept(Some(step));
        }
        let in_doubt = match step {
            Step::Insert(insertions) => ids_of(insertions),
            Step::Delete { topic, id, .. } => vec![(topic.clone(), *id)],
            _ => Vec::new(),
        };
        for (topic, expected) in &self.acknowledged {
            let mut found = self.ids_in(topic)?;
            found.retain(|id| !in_doubt.contains(&(topic.clone(), *id)));
            found.sort_unstable();
            let mut expected = expected.clone();
            expected.sort_unstable();
            ensure!(found == expected, "{topic}: acknowledged {expected:?}, found {found:?}");
        }
        Ok(())
    }

    /// The rows of a query, sorted.
    pub async fn rows(&mut self, query: &str) -> Result<Vec<String>> {
        let (_, session) = self.open.as_mut().context("the engine is closed")?;
        let outcome = session.run(query).await.with_context(|| query.to_owned())?.pop();
        let Some(Outcome::Rows(rows)) = outcome else { bail!("{query} gives no rows") };
        let width = rows.columns.len();
        let batches: Vec<_> = rows.stream.try_collect().await?;
        let mut found = Vec::new();
        for batch in &batches {
            for at in 0..batch.num_rows() {
                let mut line = String::new();
                for column in &batch.columns()[..width] {
                    let cell = arrow::util::display::array_value_to_string(column, at)?;
                    write!(line, "{cell} ")?;
                }
                found.push(line);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// What came of an attempt, the same in every run: a backtrace would tell where it was called.
fn said(attempt: &Result<()>) -> String {
    attempt.as_ref().err().map_or_else(|| "done all the same".to_owned(), |e| format!("{e:#}"))
}

/// The rows of insertions, with the topics they go to.
fn ids_of(insertions: &[Insertion]) -> Vec<(String, i64)> {
    let rows = insertions.iter().flat_map(|i| i.rows.iter().map(|row| (i.source.clone(), row.id)));
    rows.collect()
}

/// The id of a record of a topic that is inserted into.
fn id_of(record: &TopicRecord) -> Result<i64> {
    if let Some((_, Some(id))) = record.headers.iter().find(|(name, _)| name == ID_HEADER) {
        return Ok(std::str::from_utf8(id)?.parse()?);
    }
    let value = record.value.as_deref().context("a record without value or id")?;
    let value: serde_json::Value = serde_json::from_slice(value)?;
    value["ID"].as_i64().with_context(|| format!("{value} has no id"))
}
