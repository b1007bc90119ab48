//! What goes on, over HTTP: `/metrics` for Prometheus and `/health` for whoever restarts programs.
//!
//! A request has one line that matters and an answer has one body, after which the connection is
//! closed: this is as much of HTTP/1.1 as monitoring needs. There is nothing to be told apart by who
//! asks, so that whoever can reach the port may read; it is off unless asked for.

mod exposition;
mod health;
mod metrics;
mod request;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use request::{Answer, Request};

/// How many are answered at a time; others wait.
const ANSWERED_MAX: usize = 8;

/// How long a client may take to ask and to read.
const PATIENCE: Duration = Duration::from_secs(10);

/// A port for monitoring, which listens and does not answer yet.
pub(crate) struct Monitoring {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Monitoring {
    /// Listens on an address; port 0 takes a free one.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        Ok(Self { addr: listener.local_addr()?, listener })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until it is dropped.
    pub async fn run(self, engine: Engine, closing: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(ANSWERED_MAX));
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let (engine, closing) = (engine.clone(), *closing.borrow());
                    tokio::spawn(async move {
                        let _place = place;
                        let served = tokio::time::timeout(PATIENCE, serve(socket, engine, closing));
                        if let Ok(Err(error)) = served.await {
                            tracing::debug!("a request for metrics failed: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("no request for metrics can be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn serve(mut socket: TcpStream, engine: Engine, closing: bool) -> io::Result<()> {
    let head = read_head(&mut socket).await?;
    let request = Request::parse(&head);
    // Metrics look into files.
    let answer = tokio::task::spawn_blocking(move || answer(request, &engine, closing));
    let answer = answer.await.unwrap_or_else(|_| Answer::text(500, "the answer failed\n".into()));
    socket.write_all(&answer.into_bytes()).await?;
    socket.shutdown().await
}

/// What a client sends up to an empty line; what is longer than anybody asks is cut.
async fn read_head(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !request::is_whole(&head) && head.len() < request::HEAD_BYTES_MAX {
        match socket.read(&mut piece).await? {
            0 => break,
            count => head.extend_from_slice(&piece[..count]),
        }
    }
    Ok(head)
}

fn answer(request: Result<Request, Answer>, engine: &Engine, closing: bool) -> Answer {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let answer = match request.path.as_str() {
        "/metrics" => {
            Answer { kind: exposition::CONTENT_TYPE, ..Answer::text(200, metrics::of(engine)) }
        }
        "/health" => health::of(engine, closing),
        "/" => Answer::text(200, "/metrics\n/health\n".to_owned()),
        path => Answer::text(404, format!("there is no {path}; there are /metrics and /health\n")),
    };
    Answer { head_only: request.head_only, ..answer }
}
