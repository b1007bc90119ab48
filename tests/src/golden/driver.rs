//! An engine under a script: it carries out commands, and can be dropped and opened again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use engine::{Emission, Engine, ManualClock, Options, Session, Storage, TopicRecord, Workers};
use serde_json::Value;
use tempfile::TempDir;

use super::command::{Command, Produce};
use super::render;
use crate::conformance::encode;
use crate::conformance::layout::{Layout, Side};
use crate::topic::{self, Placement};

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The circumstances of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Whether data is on disk, or in memory.
    pub on_disk: bool,
    /// Partitions of topics that nobody gave a number.
    pub partitions: u32,
    /// Whether the engine crashes after every command.
    pub crashes: bool,
}

impl Variant {
    /// All variants; the first is the one whose output is recorded.
    pub const ALL: [Variant; 5] = [
        Variant { on_disk: false, partitions: 1, crashes: false },
        Variant { on_disk: true, partitions: 1, crashes: false },
        Variant { on_disk: false, partitions: 3, crashes: false },
        Variant { on_disk: true, partitions: 3, crashes: false },
        Variant { on_disk: true, partitions: 1, crashes: true },
    ];
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.on_disk { "on disk" } else { "in memory" };
        let crashes = if self.crashes { ", crashing" } else { "" };
        write!(f, "{place}, partitions: {}{crashes}", self.partitions)
    }
}

/// An engine, the session of the script, and what outlives both.
pub struct Driver {
    variant: Variant,
    dir: TempDir,
    clock: Arc<ManualClock>,
    /// Statements that set up a session, for the next one.
    settings: Vec<String>,
    /// Classes of the errors so far.
    refusals: Vec<Option<String>>,
    /// None only while the engine is opened again.
    open: Option<(Engine, Session)>,
}

impl Driver {
    /// Opens an empty engine.
    pub async fn open(variant: Variant) -> Result<Driver> {
        let dir = tempfile::tempdir().context("make a directory")?;
        let clock = Arc::new(ManualClock::default());
        let (settings, refusals) = Default::default();
        let mut driver = Driver { variant, dir, clock, settings, refusals, open: None };
        driver.reopen().await?;
        Ok(driver)
    }

    /// Carries out a command and moves the data; gives what it prints.
    pub async fn carry_out(&mut self, command: &Command) -> Result<Vec<String>> {
        let carried_out = tokio::time::timeout(DEADLINE, self.dispatch(command)).await;
        let output = carried_out.context("timed out")??;
        if self.variant.crashes {
            // Before the queries have seen the command, and after.
            self.crash().await?;
            self.settle().await?;
            self.crash().await?;
        }
        self.settle().await?;
        Ok(output)
    }

    /// The classes of the errors that statements gave, in order; none for those that no statement
    /// is to blame for.
    pub fn refusals(&self) -> &[Option<String>] {
        &self.refusals
    }

    async fn dispatch(&mut self, command: &Command) -> Result<Vec<String>> {
        match command {
            Command::Sql(text) => return self.statement(text).await,
            Command::Records(topic) => {
                let engine = self.engine()?;
                return render::records(engine, topic, &topic::read(engine.log(), topic)?);
            }
            Command::Produce(record) => self.produce(record)?,
            Command::Clock(now_ms) => self.clock.set(*now_ms),
            Command::Crash => self.crash().await?,
            Command::Restart => self.restart().await?,
            Command::OnlyOnePartition => {}
        }
        Ok(Vec::new())
    }

    async fn statement(&mut self, text: &str) -> Result<Vec<String>> {
        let (_, session) = self.open.as_mut().context("the engine is closed")?;
        let outcomes = match session.run(text).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.refusals.push(error.class());
                return Ok(render::error(&error, text));
            }
        };
        let mut output = Vec::new();
        for outcome in outcomes {
            output.extend(render::outcome(outcome, text).await?);
        }
        if sets_up_session(text) {
            self.settings.push(text.to_owned());
        }
        Ok(output)
    }

    fn produce(&self, record: &Produce) -> Result<()> {
        let engine = self.engine()?;
        topic::create(engine.log(), &record.topic, self.variant.partitions)?;
        let declared = engine.sources().iter().any(|source| source.topic == record.topic);
        let layout = if declared { Some(Layout::of_topic(engine, &record.topic)?) } else { None };
        let header = |(name, text): &(String, String)| (name.clone(), Some(text.clone().into()));
        let record_bytes = TopicRecord {
            key: key_bytes(record.key.as_deref(), layout.as_ref().map(|layout| &layout.key))?,
            value: record.value.clone().map(String::into_bytes),
            timestamp: record.timestamp,
            headers: record.headers.iter().map(header).collect(),
        };
        topic::append(engine.log(), &record.topic, &record_bytes, Placement::ByKey)
    }

    fn engine(&self) -> Result<&Engine> {
        let (engine, _) = self.open.as_ref().context("the engine is closed")?;
        Ok(engine)
    }

    async fn settle(&self) -> Result<()> {
        self.engine()?.run_until_idle().await.context("move the data")
    }

    async fn crash(&mut self) -> Result<()> {
        self.open = None;
        self.reopen().await
    }

    async fn restart(&mut self) -> Result<()> {
        if let Some((engine, session)) = self.open.take() {
            drop(session);
            engine.shutdown().await.context("shut down")?;
        }
        self.reopen().await
    }

    async fn reopen(&mut self) -> Result<()> {
        let storage = match self.variant.on_disk {
            true => Storage::Directory(self.dir.path().to_owned()),
            false => Storage::Memory,
        };
        let options = Options {
            storage,
            emission: Emission::Every,
            workers: Workers::Manual,
            default_partitions: self.variant.partitions,
            clock: self.clock.clone(),
            ..Options::default()
        };
        let engine = Engine::open(options).await.context("open an engine")?;
        let mut session = engine.session();
        for text in &self.settings {
            session.run(text).await.with_context(|| text.clone())?;
        }
        self.open = Some((engine, session));
        Ok(())
    }
}

/// The bytes of a key: by the format of the topic, or the text itself.
fn key_bytes(text: Option<&str>, side: Option<&Side>) -> Result<Option<Vec<u8>>> {
    let Some(text) = text else { return Ok(None) };
    match side {
        Some(side) => {
            let plain = || Value::String(text.to_owned());
            let value = serde_json::from_str(text).unwrap_or_else(|_| plain());
            encode::payload(&value, side)
        }
        None => Ok(Some(text.as_bytes().to_vec())),
    }
}

/// Settings and variables belong to the session and end with it.
fn sets_up_session(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    matches!(first.as_str(), "SET" | "UNSET" | "DEFINE" | "UNDEFINE")
}
