//! Where statements are run: by an engine inside this process, or by a server.

use std::path::Path;

use engine::Engine;
use tokio_postgres::{CancelToken, NoTls};

use crate::answer::{Answer, Failure};
use crate::embedded::Embedded;
use crate::remote::Remote;

/// Something that runs statements.
pub enum Connection {
    /// An engine in this process.
    Embedded(Embedded),
    /// A server.
    Remote(Remote),
}

/// Ends the statement that runs, after its future or its rows have been dropped.
pub enum Canceller {
    /// Dropping was enough.
    Dropped,
    /// The server has to be told.
    Server(CancelToken),
}

impl Connection {
    /// Opens the data directory `data` with everything embedded.
    pub async fn open(data: &Path) -> anyhow::Result<Self> {
        Ok(Self::Embedded(Embedded::open(data).await?))
    }

    /// Connects to a server.
    pub async fn connect(address: &str) -> anyhow::Result<Self> {
        let remote = Remote::connect(address).await;
        remote
            .map(Self::Remote)
            .map_err(|failure| anyhow::anyhow!("{address}: {}", failure.message))
    }

    /// Runs one statement. Comments alone give no answer.
    pub async fn run(&mut self, statement: &str) -> Result<Vec<Answer>, Failure> {
        match self {
            Self::Embedded(embedded) => embedded.run(statement).await,
            Self::Remote(remote) => remote.run(statement).await.map(|answer| vec![answer]),
        }
    }

    /// The engine, where there is one in this process.
    pub fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Embedded(embedded) => Some(embedded.engine()),
            Self::Remote(_) => None,
        }
    }

    /// What ends the statement that runs.
    pub fn canceller(&self) -> Canceller {
        match self {
            Self::Embedded(_) => Canceller::Dropped,
            Self::Remote(remote) => Canceller::Server(remote.cancel_token()),
        }
    }

    /// Closes the connection; an engine stops its queries at a commit.
    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Embedded(embedded) => Ok(embedded.close().await?),
            Self::Remote(_) => Ok(()),
        }
    }
}

impl Canceller {
    /// Ends the statement.
    pub async fn cancel(self) {
        if let Self::Server(token) = self {
            // A server that cannot be reached any more has nothing left to cancel.
            if let Err(error) = token.cancel_query(NoTls).await {
                tracing::debug!(%error, "cancel request failed");
            }
        }
    }
}
