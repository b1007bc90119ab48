//! Binding, describing and closing.
//!
//! pgwire would send every answer at once. These wait in the connection's buffer for what the
//! client waits for, the end of `Sync` or `Flush`: a client that binds, describes and executes in
//! one go is answered in one go.

use futures::Sink;
use pgwire::api::portal::Portal;
use pgwire::api::query::ExtendedQueryHandler;
use pgwire::api::results::{
    DescribePortalResponse, DescribeResponse as Described, DescribeStatementResponse,
};
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, TARGET_TYPE_BYTE_PORTAL,
    TARGET_TYPE_BYTE_STATEMENT,
};
use std::fmt::Debug;
use std::sync::Arc;

use super::connection::Connection;
use super::send::{self, Wire};
use crate::failure::Failure;

/// Puts parameters to a prepared statement.
pub(super) async fn bind<C>(client: &mut C, message: &Bind) -> PgWireResult<()>
where
    C: Wire + ClientPortalStore,
    C::PortalStore: PortalStore<Statement: Clone>,
{
    let statement = message.statement_name.as_deref().unwrap_or(DEFAULT_NAME);
    match client.portal_store().get_statement(statement) {
        Some(Entry::Value(statement)) => {
            let portal = Portal::try_new(message, statement)?;
            client.portal_store().put_portal(Arc::new(portal));
        }
        Some(Entry::Empty) if message.parameters.is_empty() => {
            let portal = message.portal_name.as_deref().unwrap_or(DEFAULT_NAME);
            client.portal_store().put_empty_portal(portal);
        }
        Some(Entry::Empty) => {
            let given = message.parameters.len();
            let failure = format!("expected no parameters of an empty statement, found {given}");
            return Err(Failure::new("08P01", failure).into_wire(""));
        }
        None => return Err(PgWireError::StatementNotFound(statement.to_owned())),
    }
    send::feed(client, Message::BindComplete(BindComplete::new())).await
}

/// Forgets a prepared statement or a portal.
pub(super) async fn close<C>(client: &mut C, message: &Close) -> PgWireResult<()>
where
    C: Wire + ClientPortalStore,
    C::PortalStore: PortalStore,
{
    let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
    match message.target_type {
        TARGET_TYPE_BYTE_STATEMENT => client.portal_store().rm_statement(name),
        TARGET_TYPE_BYTE_PORTAL => client.portal_store().rm_portal(name),
        _ => {}
    }
    send::feed(client, Message::CloseComplete(CloseComplete::new())).await
}

impl Connection {
    /// Says what a prepared statement or a portal takes and gives.
    pub(super) async fn describe<C>(&self, client: &mut C, message: &Describe) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = <Self as ExtendedQueryHandler>::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        match message.target_type {
            TARGET_TYPE_BYTE_STATEMENT => {
                let described = match client.portal_store().get_statement(name) {
                    Some(Entry::Value(found)) => self.do_describe_statement(client, &found).await?,
                    Some(Entry::Empty) => DescribeStatementResponse::no_data(),
                    None => return Err(PgWireError::StatementNotFound(name.to_owned())),
                };
                tell(client, &described).await
            }
            TARGET_TYPE_BYTE_PORTAL => {
                let described = match client.portal_store().get_portal(name) {
                    Some(Entry::Value(found)) => self.do_describe_portal(client, &found).await?,
                    Some(Entry::Empty) => DescribePortalResponse::no_data(),
                    None => return Err(PgWireError::PortalNotFound(name.to_owned())),
                };
                tell(client, &described).await
            }
            other => Err(PgWireError::InvalidTargetType(other)),
        }
    }
}

async fn tell<C: Wire>(client: &mut C, described: &impl Described) -> PgWireResult<()> {
    if let Some(types) = described.parameters() {
        let types = types.iter().map(postgres_types::Type::oid).collect();
        let types = Message::ParameterDescription(ParameterDescription::new(types));
        send::feed(client, types).await?;
    }
    match described.is_no_data() {
        true => send::feed(client, Message::NoData(NoData::new())).await,
        false => send::send_description(client, described.fields()).await,
    }
}
