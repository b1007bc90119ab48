//! The schemas `pg_catalog` and `information_schema`: our tables, and behind them those of
//! `datafusion-pg-catalog`, which are the same in every Postgres (types, operators, casts).

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use engine::Engine;

use super::information_schema;
use super::objects::{Object, Oids, objects};
use super::signature::{FunctionSignature, signatures};
use super::table::{self, Contents};
use crate::client::settings::Settings;
use crate::sessions::Sessions;

/// What tables are made from, whenever a query names one.
#[derive(Debug)]
pub(super) struct Sources {
    pub engine: Engine,
    pub oids: Oids,
    pub sessions: Arc<Sessions>,
    pub signatures: Vec<FunctionSignature>,
}

impl Sources {
    pub fn new(engine: Engine, sessions: Arc<Sessions>) -> Self {
        let oids = Oids::default();
        let signatures = signatures(engine.functions(), &oids);
        Self { engine, oids, sessions, signatures }
    }

    /// The engine's relations at this moment.
    pub fn objects(&self) -> Vec<Object> {
        objects(&self.engine, &self.oids)
    }

    fn contents<'a>(
        &'a self,
        system: &'a [String],
        settings: &'a Settings,
    ) -> Result<Contents<'a>> {
        let users = self.engine.users();
        Ok(Contents {
            objects: self.objects(),
            oids: &self.oids,
            sessions: &self.sessions,
            signatures: &self.signatures,
            settings,
            system,
            users: users.map_err(|error| DataFusionError::External(Box::new(error)))?,
        })
    }
}

/// The schema `pg_catalog`, as a client of these settings sees it.
#[derive(Debug)]
pub(super) struct PgCatalog {
    sources: Arc<Sources>,
    settings: Settings,
    inner: Arc<dyn SchemaProvider>,
    names: Vec<String>,
}

impl PgCatalog {
    pub fn new(sources: Arc<Sources>, settings: Settings, inner: Arc<dyn SchemaProvider>) -> Self {
        let mut names = inner.table_names();
        names.extend(table::ADDED.iter().map(ToString::to_string));
        names.sort();
        Self { sources, settings, inner, names }
    }
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        self.names.clone()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let name = name.to_ascii_lowercase();
        let Some(make) = table::make(&name) else { return self.inner.table(&name).await };
        let fixed = self.inner.table(&name).await?;
        let completed = |table: &Arc<dyn TableProvider>| table::completed(&name, table.schema());
        let schema = table::added_schema(&name).or_else(|| fixed.as_ref().map(completed));
        let Some(schema) = schema else { return Ok(None) };
        let mut rows = vec![make(&self.sources.contents(&self.names, &self.settings)?, &schema)?];
        if let Some(fixed) = fixed.filter(|_| table::keeps_fixed(&name)) {
            rows.extend(SessionContext::new().read_table(fixed)?.collect().await?);
        }
        in_memory(rows).map(Some)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The schema `information_schema`.
#[derive(Debug)]
pub(super) struct InformationSchema {
    sources: Arc<Sources>,
}

impl InformationSchema {
    pub fn new(sources: Arc<Sources>) -> Self {
        Self { sources }
    }
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        information_schema::TABLES.iter().map(ToString::to_string).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let rows = information_schema::rows(&name.to_ascii_lowercase(), &self.sources.objects())?;
        rows.map(|rows| in_memory(vec![rows])).transpose()
    }

    fn table_exist(&self, name: &str) -> bool {
        information_schema::TABLES.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// A table of these batches, of which there is at least one.
fn in_memory(rows: Vec<RecordBatch>) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(MemTable::try_new(rows[0].schema(), vec![rows])?))
}
