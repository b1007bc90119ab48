//! Ctrl-C as something to wait for.

use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, from the moment of listening on.
pub struct Interrupt(Signal);

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(Self)
    }

    /// What `work` gives, or nothing if Ctrl-C comes first.
    pub async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            _ = self.0.recv() => None,
            result = work => Some(result),
        }
    }
}
