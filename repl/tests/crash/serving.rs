//! The server as a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::Duration;

use crate::millstream::Place;

/// The data directory, below the place.
pub const DATA: &str = "data";

/// Where the server's standard error goes.
const SAID: &str = "said.txt";

/// A server that listens.
pub struct Serving {
    process: Starting,
    address: SocketAddr,
}

/// A process that may not listen yet. Dropping it kills it.
pub struct Starting(Child);

impl Serving {
    /// Starts a server and waits until it listens.
    pub fn start(place: &Place) -> Self {
        let mut process = Self::spawn(place);
        let mut line = String::new();
        let out = process.0.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").and_then(|rest| rest.split(';').next());
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?}; {}", said(place)));
        Self { process, address }
    }

    /// Starts a server.
    pub fn spawn(place: &Place) -> Starting {
        let log = File::options().create(true).append(true).open(place.path().join(SAID)).unwrap();
        let mut command = place.command(&["-d", DATA, "serve", "--listen", "127.0.0.1:0"]);
        command.env("MILLSTREAM_LOG", "warn").stderr(log);
        Starting(command.spawn().unwrap())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGKILL.
    pub fn kill(self) {
        drop(self.process);
    }

    /// SIGTERM. Gives the exit status.
    pub fn terminate(mut self) -> Option<i32> {
        let child = &mut self.process.0;
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        child.wait().unwrap().code()
    }
}

impl Starting {
    /// SIGKILL after some time.
    pub async fn kill_after(self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the servers of a place have written to their standard error.
pub fn said(place: &Place) -> String {
    fs::read_to_string(place.path().join(SAID)).unwrap_or_default()
}
