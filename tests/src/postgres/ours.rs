//! Millstream's server.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::process::Server;

/// Starts `millstream serve` on an empty directory. `connections` is how many clients there will
/// be; everything else is as it is by default.
pub fn start(connections: usize) -> Result<Server> {
    let directory = tempfile::tempdir()?;
    let program = std::env::current_exe()?.with_file_name("millstream");
    let mut command = Command::new(&program);
    command.arg("--data").arg(directory.path().join("data"));
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--connections-max", &connections.to_string()]);
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("start {}", program.display()))?;
    let out = process.stdout.take().context("the server has no output")?;
    let mut said = String::new();
    BufReader::new(out).read_line(&mut said)?;
    let port = said.strip_prefix("listening on 127.0.0.1:").and_then(|rest| rest.split(';').next());
    let port = port.and_then(|port| port.parse().ok());
    let port = port.with_context(|| format!("the server did not say its port, but {said:?}"))?;
    Ok(Server::new(process, "-TERM", port, directory))
}
