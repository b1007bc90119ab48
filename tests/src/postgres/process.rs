//! A server as a process of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A server that runs until this is dropped, with its directory.
pub struct Server {
    process: Child,
    /// The signal that asks it to stop.
    signal: &'static str,
    /// The port that it listens on, of this machine alone.
    pub port: u16,
    _directory: TempDir,
}

impl Server {
    /// A server that was started in a directory.
    pub fn new(process: Child, signal: &'static str, port: u16, directory: TempDir) -> Self {
        Self { process, signal, port, _directory: directory }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").args([self.signal, &id]).status();
        if !asked.is_ok_and(|status| status.success()) {
            // It has ended by itself, or cannot be asked.
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on, for servers that want to be told one.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("look for a free port")?;
    Ok(listener.local_addr()?.port())
}
