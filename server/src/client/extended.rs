//! The extended protocol: parse, describe, bind, execute in portions.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::portal::{Portal, PortalExecutionState};
use pgwire::api::query::ExtendedQueryHandler;
use pgwire::api::results::{QueryResponse, Response};
use pgwire::api::stmt::StoredStatement;
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::{
    Bind, Close, Describe, Execute, Parse, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};

use super::binding;
use super::connection::Connection;
use super::prepared::{Prepared, Preparer, literals, values};
use super::reply::{Reply, Rows};
use super::send::{self, Wire};
use super::session::Request;
use crate::text::length::check_length;
use crate::text::user::without_passwords;

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
        let shown = without_passwords(&message.query);
        match self.guarded(shown, StoredStatement::parse(client, &message, preparer)).await? {
            Some(statement) => client.portal_store().put_statement(Arc::new(statement)),
            None => client.portal_store().put_empty_statement(name),
        }
        self.session.prepared.lock().insert(name.to_owned());
        send::feed(client, PgWireBackendMessage::ParseComplete(ParseComplete::new())).await
    }

    async fn on_bind<C>(&self, client: &mut C, message: Bind) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        binding::bind(client, &message).await
    }

    async fn on_describe<C>(&self, client: &mut C, message: Describe) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.describe(client, &message).await
    }

    async fn on_close<C>(&self, client: &mut C, message: Close) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        binding::close(client, &message).await
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
        let shown = &portal.statement.statement.shown;
        self.guarded(shown, self.execute(client, &portal, most)).await?;
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
        let transaction = client.transaction_status();
        let reply = match self.ask(portal, transaction).await? {
            Some(rows) => Reply::Rows(rows),
            None => self.run(portal, transaction).await?,
        };
        match reply {
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

    /// Asks the query that the engine has prepared, if it has and the portal's values are as it
    /// takes them.
    async fn ask(
        &self,
        portal: &Portal<Arc<Prepared>>,
        transaction: TransactionStatus,
    ) -> PgWireResult<Option<Rows>> {
        let prepared = &portal.statement.statement;
        let Some(query) = &prepared.described.query else { return Ok(None) };
        if matches!(transaction, TransactionStatus::Error) {
            return Ok(None);
        }
        let Some(values) = values(portal, query.parameters())? else { return Ok(None) };
        let rows = self.session.ask(query, &values).await;
        rows.map_err(|failure| failure.into_wire(&prepared.script))
    }

    /// Runs a portal's statement with literals in the places of its placeholders.
    async fn run(
        &self,
        portal: &Portal<Arc<Prepared>>,
        transaction: TransactionStatus,
    ) -> PgWireResult<Reply> {
        let Prepared { script, span, .. } = portal.statement.statement.as_ref();
        let parameters = &literals(portal)?;
        let request =
            Request { script, span: span.clone(), parameters, transaction, in_script: false };
        let reply = self.session.run(request).await;
        reply.map_err(|failure| failure.into_wire(script))
    }
}
