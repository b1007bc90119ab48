//! The simple protocol: a script of statements, each answered in turn.

use std::fmt::Debug;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::portal::Format;
use pgwire::api::query::{SimpleQueryHandler, send_ready_for_query};
use pgwire::api::results::Response;
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::EmptyQueryResponse;
use pgwire::messages::simplequery::Query;

use super::connection::Connection;
use super::reply::Reply;
use super::send::{self, Wire};
use super::session::Request;
use crate::failure::{Failure, sqlstate};
use crate::text::length::check_length;
use crate::text::scan::statements;
use crate::text::user::without_passwords;

#[async_trait]
impl SimpleQueryHandler for Connection {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // Nobody looks into a text that is too long, so no place in it is shown.
        check_length(&query.query).map_err(|failure| failure.into_wire(""))?;
        client.set_state(PgWireConnectionState::QueryInProgress);
        let shown = without_passwords(&query.query);
        let ran = self.guarded(shown, self.run_script(client, &query.query)).await;
        if let Err(error) = ran {
            // Here, and not where it failed: a script that is cancelled ends anywhere.
            let _ = self.session.end_script(true).await;
            return Err(error);
        }
        if matches!(client.state(), PgWireConnectionState::CopyInProgress(_)) {
            // The client is told that it may go on when its rows have come.
            return Ok(());
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        send_ready_for_query(client, client.transaction_status()).await
    }

    /// Not called: [`Self::on_query`] sends what statements give as they give it.
    async fn do_query<C>(&self, _: &mut C, _: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(PgWireError::NotReadyForQuery)
    }
}

impl Connection {
    /// Runs the statements of a script until one fails.
    async fn run_script<C>(&self, client: &mut C, script: &str) -> PgWireResult<()>
    where
        C: Wire + ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        self.run_statements(client, script).await?;
        self.session.end_script(false).await.map_err(|failure| failure.into_wire(script))
    }

    async fn run_statements<C>(&self, client: &mut C, script: &str) -> PgWireResult<()>
    where
        C: Wire + ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        let spans = statements(script);
        if spans.is_empty() {
            let empty = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
            return send::feed(client, empty).await;
        }
        let last = spans.len() - 1;
        for (index, span) in spans.into_iter().enumerate() {
            let position = span.start;
            let transaction = client.transaction_status();
            let in_script = last > 0;
            let request = Request { script, span, parameters: &[], transaction, in_script };
            let reply = self.session.run(request).await;
            let reply = reply.map_err(|failure| failure.into_wire(script))?;
            if matches!(reply, Reply::CopyIn { .. }) && index < last {
                return Err(copy_not_last(position).into_wire(script));
            }
            self.send_reply(client, reply, script).await?;
        }
        Ok(())
    }

    async fn send_reply<C>(&self, client: &mut C, reply: Reply, script: &str) -> PgWireResult<()>
    where
        C: Wire + ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        match reply {
            Reply::Rows(rows) => {
                let options = self.session.settings.lock().format_options();
                let tag = rows.tag.clone();
                let (infos, mut rows) = send::encoded(rows, &Format::UnifiedText, &options, script);
                send::send_description(client, &infos).await?;
                let (sent, _) = send::send_rows(client, &mut rows, None).await?;
                send::feed(client, send::complete_rows(&tag, sent)).await
            }
            Reply::Done(done) => send::send_done(client, done).await,
            Reply::CopyOut { rows, options } => {
                send::send_copy(client, rows, options, script).await
            }
            Reply::CopyIn { relation, columns, options } => {
                client.set_state(PgWireConnectionState::CopyInProgress(false));
                self.begin_copy_in(client, relation, columns, options).await
            }
        }
    }
}

fn copy_not_last(position: usize) -> Failure {
    let message = "COPY FROM STDIN must be the last statement of what is sent at once";
    Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message).at(position)
}
