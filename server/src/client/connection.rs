//! One connection: what pgwire's handlers share, and what can end a statement or the connection
//! early.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use pgwire::api::auth::StartupHandler;
use pgwire::api::auth::sasl::SASLState;
use pgwire::api::auth::sasl::scram::ScramAuth;
use pgwire::api::cancel::{CancelHandler, DefaultCancelHandler};
use pgwire::api::copy::CopyHandler;
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::{ConnectionGuard, ConnectionHandle, ConnectionManager, PgWireServerHandlers};
use pgwire::error::{PgWireError, PgWireResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::copy_in::CopyIn;
use super::ending::Ending;
use super::session::Session;
use crate::config::Authentication;
use crate::failure::{Failure, sqlstate};
use crate::hangup::Hangup;
use crate::sessions::{Listed, Sessions};

/// What all connections of a server share.
pub(crate) struct Shared {
    /// Who may connect.
    pub authentication: Authentication,
    /// Checks passwords.
    pub scram: ScramAuth,
    /// Running statements by process id and secret key, for cancel requests.
    pub running: Arc<ConnectionManager>,
    /// Who is connected.
    pub sessions: Arc<Sessions>,
    /// As many permits as there may be connections.
    pub places: Arc<Semaphore>,
    /// True when the server shuts down.
    pub closing: watch::Receiver<bool>,
    /// How long a statement may go on then.
    pub grace: Duration,
}

/// One connection.
pub(crate) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) session: Arc<Session>,
    /// Rows that the client is sending.
    pub(super) copy_in: tokio::sync::Mutex<Option<CopyIn>>,
    /// How far the client is with its password.
    pub(super) sasl: tokio::sync::Mutex<SASLState>,
    pub(super) registered: watch::Sender<Option<Arc<Registered>>>,
    pub(super) hangup: Hangup,
    /// Held while a statement runs.
    pub(super) busy: tokio::sync::Mutex<()>,
    /// Whether the client has been told that the connection ends.
    pub(super) told: AtomicBool,
}

/// A client that has been let in; its place is free again when this is dropped.
pub(super) struct Registered {
    pub handle: Arc<ConnectionHandle>,
    pub listed: Listed,
    /// Whether the connection is encrypted.
    pub secure: bool,
    pub _guard: ConnectionGuard,
    pub _place: OwnedSemaphorePermit,
}

impl Connection {
    pub fn new(shared: Arc<Shared>, session: Session, hangup: Hangup) -> Self {
        Self {
            shared,
            session: Arc::new(session),
            copy_in: tokio::sync::Mutex::default(),
            sasl: tokio::sync::Mutex::new(SASLState::Initial),
            registered: watch::channel(None).0,
            hangup,
            busy: tokio::sync::Mutex::default(),
            told: AtomicBool::new(false),
        }
    }

    /// Does the work of a statement, until it is done, somebody cancels it, the client leaves, its
    /// time is over, or the connection has to end. Work that is not done is dropped. Others see
    /// the statement as `shown`.
    pub(super) async fn guarded<T>(
        &self,
        shown: &str,
        work: impl Future<Output = PgWireResult<T>>,
    ) -> PgWireResult<T> {
        let _busy = self.busy.lock().await;
        let client = self.registered.borrow().clone();
        let Some(client) = client else { return work.await };
        client.listed.begin(shown);
        let mut work = pin!(work);
        // Most statements are done at once, and nothing has to be waited for beside them.
        let result = match futures::poll!(work.as_mut()) {
            Poll::Ready(result) => result,
            Poll::Pending => tokio::select! {
                result = work => result,
                () = cancelled(&client) => Err(PgWireError::QueryCanceled),
                () = self.hangup.wait() => {
                    Err(io::Error::from(io::ErrorKind::ConnectionReset).into())
                }
                () = self.timed_out() => Err(timed_out()),
                ending = self.must_end(&client) => Err(self.tell(&ending)),
            },
        };
        let application = self.session.settings.lock().application_name().to_owned();
        client.listed.rename(&application);
        client.listed.enter(self.session.state(result.is_err()));
        result
    }

    /// Ends when the connection must not wait for its statement any longer.
    async fn must_end(&self, client: &Registered) -> Ending {
        tokio::select! {
            () = self.closed() => Ending::Closing,
            () = client.listed.terminated() => Ending::Terminated,
        }
    }

    fn tell(&self, ending: &Ending) -> PgWireError {
        self.told.store(true, Ordering::Relaxed);
        ending.error()
    }

    async fn timed_out(&self) {
        let timeout = self.session.settings.lock().duration("statement_timeout");
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    }

    async fn closed(&self) {
        let mut closing = self.shared.closing.clone();
        // An error means that the server is gone: that is closing, too.
        let _ = closing.wait_for(|closing| *closing).await;
        tokio::time::sleep(self.shared.grace).await;
    }
}

/// Ends when the client, or another one, cancels the statement.
async fn cancelled(client: &Registered) {
    let asked = async {
        let cancel = client.handle.start_query().await;
        if cancel.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = asked => {}
        () = client.listed.cancelled() => {}
    }
}

fn timed_out() -> PgWireError {
    let message = "the statement ran longer than statement_timeout allows";
    Failure::new(sqlstate::QUERY_CANCELED, message).into_wire("")
}

/// The handlers of one connection, as pgwire asks for them.
pub(crate) struct Handlers(pub Arc<Connection>);

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.0.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.0.clone()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        self.0.clone()
    }

    fn copy_handler(&self) -> Arc<impl CopyHandler> {
        self.0.clone()
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(DefaultCancelHandler::new(self.0.shared.running.clone()))
    }
}
