//! The server: a listening socket and a task per connection.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use engine::Engine;
use pgwire::api::ConnectionManager;
use pgwire::api::auth::sasl::scram::ScramAuth;
use pgwire::tokio::{TlsAcceptor, process_socket};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::catalog::Catalog;
use crate::client::connection::{Connection, Handlers, Shared};
use crate::client::session::Session;
use crate::config::Config;
use crate::hangup::Hangup;
use crate::monitoring::Monitoring;
use crate::sessions::Sessions;
use crate::tls::{self, TlsError};
use crate::users::Passwords;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or the key cannot be used.
    #[error("cannot offer TLS: {0}")]
    Tls(#[from] TlsError),
    /// Us: the Postgres catalog cannot be built.
    #[error("internal error: the Postgres catalog cannot be built: {0}")]
    Catalog(String),
}

/// A Postgres endpoint that listens and does not answer yet.
pub struct Server {
    engine: Engine,
    catalog: Arc<Catalog>,
    sessions: Arc<Sessions>,
    tls: Option<TlsAcceptor>,
    config: Config,
    monitoring: Option<Monitoring>,
    listener: TcpListener,
    addr: SocketAddr,
}

impl Server {
    /// Listens on the address of `config`. Clients can connect from now on and are answered as
    /// soon as the server runs.
    pub async fn bind(engine: Engine, config: Config) -> Result<Self, Error> {
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let failed = |source| Error::Listen { addr: config.addr, source };
        let listener = TcpListener::bind(config.addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let monitoring = match config.metrics_addr {
            Some(addr) => {
                let failed = |source| Error::Listen { addr, source };
                Some(Monitoring::bind(addr).await.map_err(failed)?)
            }
            None => None,
        };
        let sessions = Arc::new(Sessions::default());
        let listed = sessions.clone();
        engine.list_connections_by(move || listed.list().into_iter().map(Into::into).collect());
        let catalog = Catalog::new(engine.clone(), sessions.clone());
        let catalog = Arc::new(catalog.map_err(|error| Error::Catalog(error.to_string()))?);
        Ok(Self { engine, catalog, sessions, tls, config, monitoring, listener, addr })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address that it answers `/metrics` on, if it does.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.monitoring.as_ref().map(Monitoring::local_addr)
    }

    /// Answers clients until `shutdown` ends. Then nobody is let in any more, running statements
    /// have the time of [`Config::shutdown_grace`] to end, and all connections are closed.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let (close, closing) = watch::channel(false);
        let mut monitored = JoinSet::new();
        if let Some(monitoring) = self.monitoring.take() {
            monitored.spawn(monitoring.run(self.engine.clone(), closing.clone()));
        }
        let shared = Arc::new(self.shared(closing));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        let tls = self.tls.clone();
                        connections.spawn(connect(self.session(), shared.clone(), socket, tls));
                    }
                    Err(error) => refused(&error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        close.send_replace(true);
        drop(self.listener);
        while connections.join_next().await.is_some() {}
        monitored.shutdown().await;
    }

    fn session(&self) -> Session {
        Session::new(self.engine.clone(), self.catalog.clone())
    }

    fn shared(&self, closing: watch::Receiver<bool>) -> Shared {
        Shared {
            authentication: self.config.authentication,
            scram: ScramAuth::new(Arc::new(Passwords::new(self.engine.clone()))),
            sessions: self.sessions.clone(),
            running: Arc::new(ConnectionManager::new()),
            places: Arc::new(Semaphore::new(self.config.connections_max)),
            closing,
            grace: self.config.shutdown_grace,
        }
    }
}

/// Answers one client until it leaves or the server closes.
async fn connect(
    session: Session,
    shared: Arc<Shared>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
) {
    let (socket, hangup) = match Hangup::watch(socket) {
        Ok(watched) => watched,
        Err(error) => return tracing::debug!("a connection failed as it was accepted: {error}"),
    };
    let connection = Arc::new(Connection::new(shared, session, hangup));
    tokio::select! {
        result = process_socket(socket, tls, Handlers(connection.clone())) => {
            if let Err(error) = result {
                tracing::debug!("a connection ended: {error}");
            }
        }
        ending = connection.ended() => connection.say(ending),
    }
}

/// No connection could be accepted, for want of file handles as a rule: some may be free soon.
async fn refused(error: &io::Error) {
    tracing::warn!("no connection can be accepted: {error}");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}
