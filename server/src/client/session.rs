//! A client's session: it runs one statement after the other, wherever it belongs.
//!
//! 1. A statement about the connection is answered here ([`super::commands`]).
//! 2. Every other one is parsed and goes to the engine or to the catalog ([`crate::text::route`]).
//! 3. What it gives becomes a [`Reply`], which the protocol handlers send.
//!
//! Statements run one at a time, as the protocol has it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use engine::{Engine, Outcome, PreparedQuery};
use futures::TryStreamExt;
use parking_lot::Mutex;
use pgwire::messages::response::TransactionStatus;
use postgres_types::Type;
use sql::ast::StatementKind;

use super::cursor::Cursor;
use super::reply::{Reply, Rows, shown_fields};
use super::settings::Settings;
use super::transaction::Transaction;
use crate::catalog::{self, Asker, Catalog, CatalogQuery};
use crate::encode::types::pg_type_of;
use crate::failure::{Failure, sqlstate};
use crate::text::command::{self, Command};
use crate::text::rewrite::{Rewritten, placeholders};
use crate::text::route::{Route, route};

/// The state of one client, from its first statement to its last.
pub(crate) struct Session {
    pub(super) engine: Engine,
    pub(super) engine_session: tokio::sync::Mutex<engine::Session>,
    catalog: Arc<Catalog>,
    pub(super) settings: Mutex<Settings>,
    pub(super) cursors: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Cursor>>>>,
    pub(super) prepared: Mutex<HashSet<String>>,
    identity: Mutex<Identity>,
    pub(super) transaction: Mutex<Transaction>,
}

#[derive(Debug, Clone, Default)]
struct Identity {
    user: String,
    process_id: i32,
}

/// A statement to run.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    /// What the client sent; positions of errors count in it.
    pub script: &'a str,
    /// Where the statement stands in it.
    pub span: Range<usize>,
    /// Literals for its placeholders.
    pub parameters: &'a [String],
    /// The state of the client's transaction.
    pub transaction: TransactionStatus,
    /// Whether the client has sent it together with other statements: insertions that follow one
    /// another are one transaction then.
    pub in_script: bool,
}

/// What a statement takes and gives.
pub(crate) struct Described {
    /// The type of each placeholder.
    pub parameters: Vec<Type>,
    /// The columns of the result; `None` for a statement that gives no rows.
    pub fields: Option<Vec<FieldRef>>,
    /// The statement as the engine has prepared it, where it can be asked without being run anew.
    pub query: Option<PreparedQuery>,
}

impl Session {
    pub fn new(engine: Engine, catalog: Arc<Catalog>) -> Self {
        let engine_session = tokio::sync::Mutex::new(engine.session());
        Self {
            engine,
            engine_session,
            catalog,
            settings: Mutex::default(),
            cursors: Mutex::default(),
            prepared: Mutex::default(),
            identity: Mutex::default(),
            transaction: Mutex::default(),
        }
    }

    /// Notes who the client is and what it set as it connected.
    pub fn begin(&self, user: &str, process_id: i32, settings: Settings) {
        *self.identity.lock() = Identity { user: user.into(), process_id };
        *self.settings.lock() = settings;
    }

    /// Runs a statement.
    pub async fn run(&self, request: Request<'_>) -> Result<Reply, Failure> {
        let command = self.command_of(&request)?;
        let ends = command.as_ref().is_some_and(Command::ends_failure);
        if matches!(request.transaction, TransactionStatus::Error) && !ends {
            return Err(aborted());
        }
        match command {
            Some(command) => self.run_command(command, &request).await,
            None => self.run_routed(&request).await,
        }
    }

    /// Says what a statement takes and gives, without running it.
    pub async fn describe(&self, request: Request<'_>) -> Result<Described, Failure> {
        if let Some(command) = self.command_of(&request)? {
            let fields = self.command_fields(&command).await;
            return Ok(Described { parameters: Vec::new(), fields, query: None });
        }
        match route(request.script, request.span, request.parameters)? {
            Route::Engine { statement, rewritten } => {
                self.describe_engine(&statement, &rewritten).await
            }
            Route::Catalog { query } => self.describe_catalog(&query).await,
        }
    }

    /// Asks a query that the engine has prepared; `None` where it has to be run after all.
    pub async fn ask(
        &self,
        query: &PreparedQuery,
        values: &[ArrayRef],
    ) -> Result<Option<Rows>, Failure> {
        self.settle_insertions(false).await?;
        let rows = self.engine_session.lock().await.ask(query, values);
        let rows = rows.map_err(|error| Failure::of_engine(&error, &Rewritten::default()))?;
        Ok(rows.map(|rows| Rows::of_engine(rows, Rewritten::default())))
    }

    /// Runs the query at `span` of the client's script, for a cursor or for COPY.
    pub(super) async fn run_query(
        &self,
        request: &Request<'_>,
        span: Range<usize>,
    ) -> Result<Rows, Failure> {
        let no_query = Failure::new(sqlstate::SYNTAX_ERROR, "expected a query").at(span.start);
        let route = route(request.script, span, request.parameters)?;
        if !route.is_query() {
            return Err(no_query);
        }
        match self.run_route(route, false).await? {
            Reply::Rows(rows) => Ok(rows),
            _ => Err(no_query),
        }
    }

    /// Inserts rows by a statement that this edge wrote itself, within the open transaction.
    pub(super) async fn insert_own(&self, statement: &str) -> Result<Reply, Failure> {
        let route = route(statement, 0..statement.len(), &[])?;
        let reply = self.run_route(route, true).await;
        reply.map_err(|failure| Failure { position: None, ..failure })
    }

    /// Runs a query that this edge wrote itself.
    pub(super) async fn run_own(&self, statement: &str) -> Result<Reply, Failure> {
        let request = Request {
            script: statement,
            span: 0..statement.len(),
            parameters: &[],
            transaction: TransactionStatus::Idle,
            in_script: false,
        };
        self.run_routed(&request).await.map_err(|failure| Failure { position: None, ..failure })
    }

    fn command_of(&self, request: &Request<'_>) -> Result<Option<Command>, Failure> {
        let start = request.span.start;
        command::parse(&request.script[request.span.clone()]).map_err(|failure| {
            let position = failure.position.map(|position| position + start);
            Failure { position, ..failure }
        })
    }

    async fn run_routed(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let route = route(request.script, request.span.clone(), request.parameters)?;
        self.run_route(route, request.in_script).await
    }

    /// Runs a statement; an insertion may have to wait for others that belong to it.
    async fn run_route(&self, route: Route, together: bool) -> Result<Reply, Failure> {
        match route {
            Route::Engine { statement, rewritten } => {
                let inserts = matches!(statement.kind, StatementKind::InsertValues { .. });
                self.settle_insertions(inserts && together).await?;
                self.run_engine(&statement, rewritten, inserts).await
            }
            Route::Catalog { query } => self.run_catalog(&query.text).await.map(Reply::Rows),
        }
    }

    async fn run_engine(
        &self,
        statement: &sql::ast::Statement,
        rewritten: Rewritten,
        inserts: bool,
    ) -> Result<Reply, Failure> {
        let outcome = self.engine_session.lock().await.execute(statement).await;
        let outcome = outcome.map_err(|error| Failure::of_engine(&error, &rewritten))?;
        if matches!(outcome, Outcome::Done(_)) && !inserts {
            self.transaction.lock().note_change();
        }
        Ok(Reply::of_outcome(outcome, rewritten))
    }

    async fn run_catalog(&self, query: &str) -> Result<Rows, Failure> {
        let query = self.plan_catalog(query).await?;
        let fields = query.schema().fields().to_vec();
        let batches = query.execute().await?.map_err(catalog::failure);
        Ok(Rows { tag: "SELECT".into(), fields, batches: Box::pin(batches), endless: false })
    }

    async fn plan_catalog(&self, query: &str) -> Result<CatalogQuery, Failure> {
        self.catalog.plan(query, self.asker()).await
    }

    fn asker(&self) -> Asker {
        let Identity { user, process_id } = self.identity.lock().clone();
        Asker { user, process_id, settings: self.settings.lock().clone() }
    }

    async fn describe_engine(
        &self,
        statement: &sql::ast::Statement,
        rewritten: &Rewritten,
    ) -> Result<Described, Failure> {
        let mut engine = self.engine_session.lock().await;
        let description = engine.describe(statement).await;
        let query = engine.prepare(statement);
        let failed = |error| Failure::of_engine(&error, rewritten);
        let (description, query) = (description.map_err(failed)?, query.map_err(failed)?);
        let parameters = description.parameters.iter();
        let parameters = parameters
            .map(|data_type| data_type.as_ref().map_or(Type::UNKNOWN, pg_type_of))
            .collect();
        let fields =
            description.columns.map(|columns| shown_fields(&columns, description.tombstones));
        Ok(Described { parameters, fields, query })
    }

    async fn describe_catalog(&self, query: &Rewritten) -> Result<Described, Failure> {
        let count = placeholders(&query.text);
        let query = self.plan_catalog(&query.text).await?;
        let types = query.parameter_types(count).into_iter();
        let parameters =
            types.map(|data_type| data_type.as_ref().map_or(Type::TEXT, pg_type_of)).collect();
        let fields = Some(query.schema().fields().to_vec());
        Ok(Described { parameters, fields, query: None })
    }
}

fn aborted() -> Failure {
    let message = "the transaction has failed, and statements are refused until it ends";
    Failure::new(sqlstate::IN_FAILED_TRANSACTION, message).hint("ROLLBACK ends it")
}
