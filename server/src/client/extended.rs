//! The extended protocol: parse, describe, bind, execute in portions.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::ExtendedQueryHandler;
use pgwire::api::results::{FieldInfo, QueryResponse, Response};
use pgwire::api::stmt::{QueryParser, StoredStatement};
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::{Execute, Parse, ParseComplete, PortalSuspended};
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use postgres_types::Type;

use super::connection::Connection;
use super::parameters::literal;
use super::reply::Reply;
use super::send::{self, Wire};
use super::session::{Described, Request, Session};
use crate::encode::rows::field_infos;
use crate::failure::{Failure, sqlstate};
use crate::text::length::check_length;
use crate::text::rewrite::placeholders;
use crate::text::scan::statements;

/// A prepared statement.
pub(crate) struct Prepared {
    /// The statement, with its placeholders.
    script: String,
    /// How many placeholders it has.
    placeholders: usize,
    /// What it takes and gives.
    described: Described,
}

/// Prepares statements for one session.
pub(crate) struct Preparer(Arc<Session>);

#[async_trait]
impl QueryParser for Preparer {
    type Statement = Arc<Prepared>;

    async fn parse_sql<C>(
        &self,
        _: &C,
        script: &str,
        _: &[Option<Type>],
    ) -> PgWireResult<Option<Arc<Prepared>>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let span = match statements(script).as_slice() {
            [] => return Ok(None),
            [span] => span.clone(),
            [_, second, ..] => return Err(several(second.start).into_wire(script)),
        };
        let transaction = TransactionStatus::Idle;
        let parameters = &[];
        let request = Request { script, span, parameters, transaction, in_script: false };
        let described = self.0.describe(request).await;
        let described = described.map_err(|failure| failure.into_wire(script))?;
        let placeholders = placeholders(script);
        Ok(Some(Arc::new(Prepared { script: script.into(), placeholders, described })))
    }

    fn get_parameter_types(&self, prepared: &Arc<Prepared>) -> PgWireResult<Vec<Type>> {
        Ok((0..prepared.placeholders).map(|index| prepared.parameter_type(index)).collect())
    }

    fn get_result_schema(
        &self,
        prepared: &Arc<Prepared>,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let fields = prepared.described.fields.as_deref().unwrap_or_default();
        let infos = field_infos(fields, format.unwrap_or(&Format::UnifiedText), &Arc::default());
        Ok(Arc::unwrap_or_clone(infos))
    }
}

impl Prepared {
    /// The type of a placeholder; text where the statement does not tell it.
    fn parameter_type(&self, index: usize) -> Type {
        match self.described.parameters.get(index) {
            None | Some(&Type::UNKNOWN) => Type::TEXT,
            Some(pg_type) => pg_type.clone(),
        }
    }
}

#[async_trait]
impl ExtendedQueryHandler for Connection {
    type Statement = Arc<Prepared>;
    type QueryParser = Preparer;

    fn query_parser(&self) -> Arc<Preparer> {
        Arc::new(Preparer(self.session.clone()))
    }

    async fn on_parse<C>(&self, client: &mut C, message: Parse) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        check_length(&message.query).map_err(|failure| failure.into_wire(""))?;
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let preparer = self.query_parser();
        match self
            .guarded(&message.query, StoredStatement::parse(client, &message, preparer))
            .await?
        {
            Some(statement) => client.portal_store().put_statement(Arc::new(statement)),
            None => client.portal_store().put_empty_statement(name),
        }
        self.session.prepared.lock().insert(name.to_owned());
        send::feed(client, PgWireBackendMessage::ParseComplete(ParseComplete::new())).await
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) => portal,
            Some(Entry::Empty) => {
                let empty = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
                return send::feed(client, empty).await;
            }
            None => return Err(PgWireError::PortalNotFound(name.to_owned())),
        };
        client.set_state(PgWireConnectionState::QueryInProgress);
        let most = usize::try_from(message.max_rows).ok().filter(|most| *most > 0);
        let script = &portal.statement.statement.script;
        self.guarded(script, self.execute(client, &portal, most)).await?;
        if matches!(client.state(), PgWireConnectionState::QueryInProgress) {
            client.set_state(PgWireConnectionState::ReadyForQuery);
        }
        Ok(())
    }

    /// Not called: [`Self::on_execute`] sends what a statement gives as it gives it.
    async fn do_query<C>(
        &self,
        _: &mut C,
        _: &Portal<Self::Statement>,
        _: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(PgWireError::NotReadyForQuery)
    }
}

impl Connection {
    /// Starts a portal, or takes it up again, and sends `most` of its rows.
    async fn execute<C>(
        &self,
        client: &mut C,
        portal: &Portal<Arc<Prepared>>,
        most: Option<usize>,
    ) -> PgWireResult<()>
    where
        C: Wire + ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        let state = portal.state();
        let mut state = state.lock().await;
        if matches!(*state, PortalExecutionState::Initial) {
            *state = self.start(client, portal).await?;
        } else if matches!(*state, PortalExecutionState::Finished) {
            return send::feed(client, send::complete_rows("SELECT", 0)).await;
        }
        let PortalExecutionState::Suspended(response) = &mut *state else { return Ok(()) };
        let (sent, ended) = send::send_rows(client, response.data_rows(), most).await?;
        let message = match ended {
            true => send::complete_rows(response.command_tag(), sent),
            false => PgWireBackendMessage::PortalSuspended(PortalSuspended::new()),
        };
        if ended {
            *state = PortalExecutionState::Finished;
        }
        send::feed(client, message).await
    }

    /// Runs a portal's statement; rows stay in the state that is returned, everything else is sent.
    async fn start<C>(
        &self,
        client: &mut C,
        portal: &Portal<Arc<Prepared>>,
    ) -> PgWireResult<PortalExecutionState>
    where
        C: Wire + ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        let script = &portal.statement.statement.script;
        let parameters = literals(portal)?;
        let span = statements(script).pop().unwrap_or_default();
        let transaction = client.transaction_status();
        let parameters = &parameters;
        let request = Request { script, span, parameters, transaction, in_script: false };
        let reply = self.session.run(request).await;
        match reply.map_err(|failure| failure.into_wire(script))? {
            Reply::Rows(rows) => {
                let options = self.session.settings.lock().format_options();
                let tag = rows.tag.clone();
                let (infos, rows) =
                    send::encoded(rows, &portal.result_column_format, &options, script);
                let mut response = QueryResponse::new(infos, rows);
                response.set_command_tag(&tag);
                return Ok(PortalExecutionState::Suspended(response));
            }
            Reply::Done(done) => send::send_done(client, done).await?,
            Reply::CopyOut { rows, options } => {
                send::send_copy(client, rows, options, script).await?
            }
            Reply::CopyIn { relation, columns, options } => {
                client.set_state(PgWireConnectionState::CopyInProgress(true));
                self.begin_copy_in(client, relation, columns, options).await?;
            }
        }
        // The end of what gives no rows: nothing is sent for it any more.
        Ok(PortalExecutionState::Initial)
    }
}

/// The literals for a portal's placeholders.
fn literals(portal: &Portal<Arc<Prepared>>) -> PgWireResult<Vec<String>> {
    let prepared = &portal.statement.statement;
    if portal.parameter_len() != prepared.placeholders {
        let (given, wanted) = (portal.parameter_len(), prepared.placeholders);
        let message = format!("expected {wanted} parameters, found {given}");
        return Err(Failure::new("08P01", message).into_wire(""));
    }
    (0..prepared.placeholders)
        .map(|index| {
            let given = portal.statement.parameter_types.get(index).cloned().flatten();
            let given = given.filter(|pg_type| *pg_type != Type::UNKNOWN);
            literal(portal, index, &given.unwrap_or_else(|| prepared.parameter_type(index)))
        })
        .collect()
}

fn several(position: usize) -> Failure {
    let message = "expected one statement to prepare, found several";
    Failure::new(sqlstate::SYNTAX_ERROR, message).at(position)
}
