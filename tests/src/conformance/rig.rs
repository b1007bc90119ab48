//! A fresh engine for one case, and the session that runs its statements.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use engine::{Emission, Engine, Options, Outcome, Rows, Session, Storage, SystemClock, Workers};
use futures::StreamExt as _;

use super::case::Case;

/// Partitions of a topic that nobody gave a number.
pub const DEFAULT_PARTITIONS: u32 = 4;

/// A fresh engine and a session on it.
pub struct Rig {
    /// The engine.
    pub engine: Engine,
    /// The session.
    pub session: Session,
}

impl Rig {
    /// Opens an engine in memory that emits every change, and applies the case's settings.
    pub async fn open(case: &Case, workers: Workers, default_partitions: u32) -> Result<Rig> {
        let options = Options {
            storage: Storage::Memory,
            emission: Emission::Every,
            workers,
            default_partitions,
            clock: Arc::new(SystemClock),
            ..Options::default()
        };
        let engine = Engine::open(options).await.context("open an engine")?;
        let mut session = engine.session();
        for (name, value) in case.engine_properties() {
            session.set(name, &value).with_context(|| format!("set {name}"))?;
        }
        Ok(Rig { engine, session })
    }

    /// Runs statements that give no rows, or whose rows do not matter.
    pub async fn run(&mut self, text: &str) -> engine::Result<()> {
        for statement in &sql::parse(text)? {
            if let Outcome::Rows(rows) = self.session.execute(statement).await? {
                drain(rows).await?;
            }
        }
        Ok(())
    }

    /// Runs one statement that gives rows, up to where they can be read.
    pub async fn query(&mut self, text: &str) -> Result<Rows, QueryError> {
        let statements = sql::parse(text).map_err(engine::Error::from)?;
        let [statement] = statements.as_slice() else {
            return Err(QueryError::Shape(format!(
                "{} statements instead of one",
                statements.len()
            )));
        };
        match self.session.execute(statement).await? {
            Outcome::Rows(rows) => Ok(rows),
            Outcome::Done(done) => {
                Err(QueryError::Shape(format!("`{}` instead of rows", done.message)))
            }
        }
    }

    /// Why a persistent query stopped, if one did.
    pub fn failure(&self) -> Option<String> {
        let failed = |query: engine::QueryInfo| Some(format!("{}: {}", query.id, query.failure?));
        self.engine.queries().into_iter().find_map(failed)
    }

    /// An error if a persistent query stopped.
    pub fn ensure_running(&self) -> Result<()> {
        match self.failure() {
            Some(failure) => bail!("a query stopped: {failure}"),
            None => Ok(()),
        }
    }
}

/// Why a query gave no rows.
pub enum QueryError {
    /// The engine refused it.
    Refused(engine::Error),
    /// It is no query.
    Shape(String),
}

impl From<engine::Error> for QueryError {
    fn from(error: engine::Error) -> Self {
        QueryError::Refused(error)
    }
}

impl From<QueryError> for anyhow::Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Refused(error) => super::refusal::describe(&error).into(),
            QueryError::Shape(message) => anyhow::Error::msg(message),
        }
    }
}

async fn drain(mut rows: Rows) -> engine::Result<()> {
    while let Some(batch) = rows.stream.next().await {
        batch?;
    }
    Ok(())
}
