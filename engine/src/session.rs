//! A session: settings and variables of one client, and the statements it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use log_store::Offset;
use sql::ast::Statement;

use crate::engine::Shared;
use crate::error::Result;
use crate::outcome::Outcome;
use crate::properties::SessionProperties;
use crate::statement::{self, transaction::Transaction};

/// One client's view of an engine: its settings (`SET`) and variables (`DEFINE`).
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) properties: SessionProperties,
    pub(crate) variables: BTreeMap<String, String>,
    /// Where the next `ASSERT VALUES` reads, by topic and partition.
    pub(crate) asserted: BTreeMap<String, Vec<Offset>>,
    /// Rows that wait for the commit of the open transaction.
    pub(crate) transaction: Option<Transaction>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (properties, variables, asserted) = Default::default();
        Self { shared, properties, variables, asserted, transaction: None }
    }

    /// Runs one statement. A push query gives its rows as they happen; dropping them ends it.
    pub async fn execute(&mut self, statement: &Statement) -> Result<Outcome> {
        statement::execute(self, statement).await
    }

    /// Parses a script, with the values of variables put in.
    pub fn parse(&self, script: &str) -> Result<Vec<Statement>> {
        if !self.properties.enabled("ksql.variable.substitution.enable") {
            return Ok(sql::parse(script)?);
        }
        let value = |name: &str| self.variables.get(&name.to_uppercase()).cloned();
        Ok(sql::parse(&sql::substitute(script, &value)?)?)
    }

    /// Parses a script and runs its statements in order until one fails.
    pub async fn run(&mut self, script: &str) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for statement in &self.parse(script)? {
            outcomes.push(self.execute(statement).await?);
        }
        Ok(outcomes)
    }

    /// Sets a session property as `SET 'name' = 'value'` does.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.properties.set(name, value)
    }
}
