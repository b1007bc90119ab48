//! The Postgres catalog as clients read it: `pg_catalog` and `information_schema`.
//!
//! Queries over it run in a DataFusion session of this crate's own, whose only relations are those
//! of the catalog. `datafusion-pg-catalog` brings what is the same in every Postgres and rewrites
//! clients' queries into what DataFusion can plan. Ours are the tables that tell of streams, tables,
//! keys, users and connections ([`table`], [`information_schema`], put together in [`schema`]), the
//! functions that it lacks ([`functions`]) and a few more rewrites ([`rewrite`]).
//!
//! Nothing here reads a record or changes anything but what `pg_terminate_backend` ends.

mod filled;
mod functions;
mod information_schema;
mod literal;
mod objects;
mod rewrite;
mod schema;
mod signature;
mod table;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::setup_pg_catalog;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use engine::Engine;

use self::schema::{InformationSchema, PgCatalog, Sources};
use crate::client::settings::Settings;
use crate::failure::{Failure, sqlstate};
use crate::sessions::Sessions;

pub(crate) use self::table::ADDED as ADDED_TABLES;

/// The name of the one database.
pub(crate) const DATABASE: &str = "millstream";
/// The schema of all streams and tables.
const SCHEMA: &str = "public";
/// The schema of the system tables, which the engine answers for.
const SYSTEM_SCHEMA: &str = "millstream";
/// Who everything belongs to.
const OWNER_NAME: &str = "millstream";

/// The catalog of one server.
pub(crate) struct Catalog {
    context: SessionContext,
    parser: PostgresCompatibilityParser,
    sources: Arc<Sources>,
    /// Tables of `pg_catalog` that are the same in every Postgres.
    fixed: Arc<dyn SchemaProvider>,
}

/// Who asks: what some functions answer depends on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asker {
    /// The user's name.
    pub user: String,
    /// The number by which a cancel request names the connection.
    pub process_id: i32,
    /// The client's settings.
    pub settings: Settings,
}

/// A planned query over the catalog.
pub(crate) struct CatalogQuery {
    context: SessionContext,
    plan: LogicalPlan,
}

impl Catalog {
    /// The catalog of what `engine` holds and of who is connected.
    pub fn new(engine: Engine, sessions: Arc<Sessions>) -> Result<Self, DataFusionError> {
        // Every table is a handful of rows: to spread them over threads costs more than it gives.
        let config = SessionConfig::new()
            .with_default_catalog_and_schema(DATABASE, SCHEMA)
            .with_target_partitions(1)
            .with_information_schema(false);
        let mut context = SessionContext::new_with_config(config);
        context.register_expr_planner(Arc::new(literal::Flags))?;
        let database = context.catalog(DATABASE).ok_or_else(|| no_schema(DATABASE))?;
        setup_pg_catalog(&context, DATABASE, EmptyContextProvider).map_err(|error| *error)?;
        let fixed = database.schema("pg_catalog").ok_or_else(|| no_schema("pg_catalog"))?;
        let sources = Arc::new(Sources::new(engine, sessions));
        Ok(Self { context, parser: PostgresCompatibilityParser::new(), sources, fixed })
    }

    /// The schemas as `asker` sees them.
    fn schemas(&self, asker: &Asker) -> Result<MemoryCatalogProviderList, DataFusionError> {
        let database = MemoryCatalogProvider::new();
        let (sources, settings) = (self.sources.clone(), asker.settings.clone());
        let pg_catalog = PgCatalog::new(sources.clone(), settings, self.fixed.clone());
        database.register_schema("pg_catalog", Arc::new(pg_catalog))?;
        let standard = Arc::new(InformationSchema::new(sources));
        database.register_schema("information_schema", standard)?;
        database.register_schema(SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
        let schemas = MemoryCatalogProviderList::new();
        schemas.register_catalog(DATABASE.to_owned(), Arc::new(database));
        Ok(schemas)
    }

    /// Plans a query, which may hold placeholders.
    pub async fn plan(&self, query: &str, asker: Asker) -> Result<CatalogQuery, Failure> {
        let mut statements =
            self.parser.parse(query).map_err(|error| syntax(&error.to_string()))?;
        let mut statement = statements.pop().ok_or_else(|| syntax("expected a query"))?;
        rewrite::rewrite(&mut statement);
        let context = SessionContext::new_with_state(self.context.state());
        context.register_catalog_list(Arc::new(self.schemas(&asker).map_err(failure)?));
        functions::register(&context, &self.sources, asker);
        let statement = Statement::Statement(Box::new(statement));
        let plan = context.state().statement_to_plan(statement).await.map_err(failure)?;
        Ok(CatalogQuery { context, plan })
    }
}

impl CatalogQuery {
    /// The columns of the result.
    pub fn schema(&self) -> SchemaRef {
        self.plan.schema().inner().clone()
    }

    /// The type of each of `count` placeholders, `$1` first, where its place tells it.
    pub fn parameter_types(&self, count: usize) -> Vec<Option<DataType>> {
        let types = self.plan.get_parameter_types().unwrap_or_default();
        (1..=count).map(|number| types.get(&format!("${number}")).cloned().flatten()).collect()
    }

    /// Runs the query.
    pub async fn execute(self) -> Result<SendableRecordBatchStream, Failure> {
        let frame = self.context.execute_logical_plan(self.plan).await.map_err(failure)?;
        frame.execute_stream().await.map_err(failure)
    }
}

fn no_schema(name: &str) -> DataFusionError {
    DataFusionError::Internal(format!("no catalog or schema {name}"))
}

fn syntax(message: &str) -> Failure {
    Failure::new(sqlstate::SYNTAX_ERROR, message)
}

/// An error of DataFusion about a query over the catalog.
pub(crate) fn failure(error: DataFusionError) -> Failure {
    use datafusion::common::SchemaError;
    let root = error.find_root();
    let code = match root {
        DataFusionError::SQL(_, _) => sqlstate::SYNTAX_ERROR,
        DataFusionError::NotImplemented(_) => sqlstate::FEATURE_NOT_SUPPORTED,
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { .. } => sqlstate::UNDEFINED_COLUMN,
            _ => sqlstate::SYNTAX_ERROR,
        },
        DataFusionError::Plan(text) if text.starts_with("Invalid function") => {
            sqlstate::UNDEFINED_FUNCTION
        }
        DataFusionError::Plan(text) if text.starts_with("table '") => sqlstate::UNDEFINED_TABLE,
        DataFusionError::Plan(_) => sqlstate::SYNTAX_ERROR,
        _ => sqlstate::INTERNAL_ERROR,
    };
    Failure::new(code, root.strip_backtrace())
}
