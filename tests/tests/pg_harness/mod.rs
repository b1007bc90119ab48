//! A server over an engine in memory, on a port given by the system, and clients that are programs
//! of their own.

// Every file of tests has a copy of this module, and not every one has such clients.
#[allow(dead_code)]
pub mod python;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use engine::{Engine, Options};
use server::{Config, Server};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server; [`Running::stop`] shuts it down.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where it answers for metrics, if it does.
    // Every file of tests has a copy of this module, and not every one asks.
    #[allow(dead_code)]
    pub metrics_addr: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts a server over an empty engine.
    // Every file of tests has a copy of this module, and one starts servers of its own kind only.
    #[allow(dead_code)]
    pub async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    /// The same with a configuration of its own.
    pub async fn start_with(configure: impl FnOnce(Config) -> Config) -> Self {
        let engine = Engine::open(Options::default()).await.expect("an engine in memory opens");
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let shutdown_grace = Duration::from_millis(50);
        let config = configure(Config { addr, shutdown_grace, ..Config::default() });
        let server = Server::bind(engine, config).await.expect("a free port is found");
        let (addr, metrics_addr) = (server.local_addr(), server.metrics_addr());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { addr, metrics_addr, stop, task }
    }

    /// Shuts the server down and waits for it.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("the server ends in peace");
    }
}

/// Runs a program with this text as its input; `None`, said loudly, where it cannot be run.
// Every file of tests has a copy of this module, and not every one has such a client.
#[allow(dead_code)]
pub async fn run(mut command: Command, input: String) -> Option<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let run = move || {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait_with_output()
    };
    let output: io::Result<Output> =
        tokio::task::spawn_blocking(run).await.expect("the client is waited for");
    match output {
        Ok(output) => Some(output),
        Err(error) => {
            skip(&format!("{name} cannot be run ({error})"));
            None
        }
    }
}

/// Says that a test is skipped. The test runner shows what is printed by `eprintln!` only where a
/// test fails.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(io::stderr(), "{test} is skipped: {why}");
}
