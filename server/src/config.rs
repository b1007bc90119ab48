//! How a server is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Who may connect.
    pub authentication: Authentication,
    /// What TLS is offered with; `None` is no TLS.
    pub tls: Option<Tls>,
    /// Where `/metrics` and `/health` are answered over HTTP; `None` is nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// How many clients may be connected at a time.
    pub connections_max: usize,
    /// How long statements may go on when the server shuts down.
    pub shutdown_grace: Duration,
}

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Authentication {
    /// The users of the engine with their passwords. As long as there is no user: everybody on
    /// this machine, under any name, and nobody else.
    #[default]
    Passwords,
    /// Everybody who can reach the port, under any name.
    TrustAll,
}

/// What a server proves with who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// A file with the certificate, and those that lead to a trusted one, in PEM.
    pub certificate: PathBuf,
    /// A file with the private key in PEM.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 5432)),
            authentication: Authentication::default(),
            tls: None,
            metrics_addr: None,
            connections_max: 100,
            shutdown_grace: Duration::from_secs(2),
        }
    }
}
