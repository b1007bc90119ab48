//! `millstream serve`: the engine behind a Postgres port.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine::Workers;
use server::{Authentication, Config, Server, Tls};
use tokio::signal::unix::{SignalKind, signal};

use crate::embedded::open_engine;

/// Where to listen, and to whom.
#[derive(Debug, Args)]
pub struct Serve {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5432")]
    listen: SocketAddr,
    /// Let everybody in who can reach the address, without passwords
    #[arg(long)]
    trust_all: bool,
    /// Offer TLS with this certificate, a file in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, a file in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Answer /metrics (for Prometheus) and /health over HTTP on this address, as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    metrics_addr: Option<SocketAddr>,
    /// How the log is written to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// How many clients may be connected at a time
    #[arg(long, value_name = "COUNT", default_value_t = Config::default().connections_max)]
    connections_max: usize,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for a person
    Text,
    /// An object of JSON per line
    Json,
}

impl Serve {
    fn config(&self) -> Config {
        let authentication =
            if self.trust_all { Authentication::TrustAll } else { Authentication::Passwords };
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        Config {
            addr: self.listen,
            authentication,
            tls: files.map(|(certificate, key)| Tls { certificate, key }),
            metrics_addr: self.metrics_addr,
            connections_max: self.connections_max,
            ..Config::default()
        }
    }
}

/// Serves the data directory until SIGINT or SIGTERM, then stops at a commit.
pub async fn run(data: &Path, serve: &Serve) -> anyhow::Result<()> {
    let engine = open_engine(data, Workers::Threads(2)).await?;
    let server = Server::bind(engine.clone(), serve.config()).await?;
    let (ip, port) = (server.local_addr().ip(), server.local_addr().port());
    writeln!(io::stdout(), "listening on {ip}:{port}; psql -h {ip} -p {port}")?;
    if let Some(addr) = server.metrics_addr() {
        writeln!(io::stdout(), "metrics on http://{addr}/metrics")?;
    }
    tracing::info!(address = %server.local_addr(), data = %data.display(), "serving");
    server.run(asked_to_stop()?).await;
    tracing::info!("stopping");
    engine.shutdown().await?;
    Ok(())
}

/// Ends with the first signal that asks the process to stop.
fn asked_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
