//! Why the server ends a connection, and how the client learns of it.
//!
//! A client that waits for nothing is not read from; pgwire gives no way to send it anything. What
//! there is to say is therefore written to the second handle of its socket, at a moment when no
//! statement runs and nobody else writes. Over TLS that cannot be done, and the connection just ends.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::PgWireBackendMessage;

use super::connection::{Connection, Registered};
use crate::failure::fatal;
use crate::sessions::State;

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server shuts down.
    Closing,
    /// Another client asked for it.
    Terminated,
    /// The client was idle for longer than its settings allow.
    Idle,
    /// The same within a transaction.
    IdleInTransaction,
}

impl Ending {
    fn info(self) -> ErrorInfo {
        match self {
            Ending::Closing => fatal("57P01", "the server is shutting down"),
            Ending::Terminated => {
                fatal("57P01", "another client ended this connection by pg_terminate_backend")
            }
            Ending::Idle => {
                fatal("57P05", "the connection was idle longer than idle_session_timeout allows")
            }
            Ending::IdleInTransaction => fatal(
                "25P03",
                "the connection was idle in a transaction longer than idle_in_transaction_session_timeout allows",
            ),
        }
    }

    /// The ending as the error of the statement that runs.
    pub fn error(self) -> PgWireError {
        PgWireError::UserError(Box::new(self.info()))
    }
}

impl Connection {
    /// Ends when there is a reason to end the connection and no statement runs.
    pub async fn ended(&self) -> Ending {
        let mut registered = self.registered.subscribe();
        let client = async {
            // The sender lives as long as `self`.
            let client = registered.wait_for(Option::is_some).await;
            client.ok().and_then(|client| client.clone())
        };
        let ending = tokio::select! {
            () = self.closing() => Ending::Closing,
            ending = self.client_ended(client) => ending,
        };
        let _idle = self.busy.lock().await;
        ending
    }

    /// Tells the client, unless it knows.
    pub fn say(&self, ending: Ending) {
        let secure = self.registered.borrow().as_ref().is_none_or(|client| client.secure);
        if secure || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut bytes = BytesMut::new();
        let message = PgWireBackendMessage::ErrorResponse(ending.info().into());
        if message.encode(&mut bytes).is_ok() {
            self.hangup.say(&bytes);
        }
    }

    async fn client_ended(
        &self,
        client: impl Future<Output = Option<std::sync::Arc<Registered>>>,
    ) -> Ending {
        let Some(client) = client.await else { return std::future::pending().await };
        tokio::select! {
            () = client.listed.terminated() => Ending::Terminated,
            ending = self.idle_too_long(&client) => ending,
        }
    }

    async fn closing(&self) {
        let mut closing = self.shared.closing.clone();
        // An error means that the server is gone: that is closing, too.
        let _ = closing.wait_for(|closing| *closing).await;
    }

    /// Ends when the client has been idle for longer than its settings allow.
    async fn idle_too_long(&self, client: &Registered) -> Ending {
        let mut states = client.listed.states();
        loop {
            let state = *states.borrow_and_update();
            let (limit, ending) = self.limit(state);
            tokio::select! {
                changed = states.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                }
                () = tokio::time::sleep(limit.unwrap_or(Duration::MAX)), if limit.is_some() => {
                    return ending;
                }
            }
        }
    }

    fn limit(&self, state: State) -> (Option<Duration>, Ending) {
        let settings = self.session.settings.lock();
        match state {
            State::Active => (None, Ending::Idle),
            State::Idle => (settings.duration("idle_session_timeout"), Ending::Idle),
            State::InTransaction | State::InFailedTransaction => {
                let limit = settings.duration("idle_in_transaction_session_timeout");
                (limit, Ending::IdleInTransaction)
            }
        }
    }
}
