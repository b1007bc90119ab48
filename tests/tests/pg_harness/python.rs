//! Clients in Python, each in an environment that a script of `scripts` has filled.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{run, skip};

/// A client among those of `tests/clients`.
pub fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// The Python of an environment in the build's cache, where it has been made.
pub fn python(environment: &str) -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/millstream"));
    let cache = std::env::var_os("MILLSTREAM_CACHE").map(PathBuf::from).or_else(home)?;
    Some(cache.join(environment).join("bin/python")).filter(|python| python.exists())
}

/// Runs a client, which has to succeed.
pub async fn succeed(command: Command) {
    let Some(output) = run(command, String::new()).await else { return };
    let (out, err) = (&output.stdout, &output.stderr);
    let said = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{said}");
}

/// Runs a client against a server of its own, whose address it is given in SQLAlchemy's form.
pub async fn run_client(environment: &str, name: &str, scheme: &str) {
    let Some(python) = python(environment) else {
        return skip(&format!("there is no Python environment `{environment}` for {name}"));
    };
    let running = super::Running::start().await;
    let mut command = Command::new(python);
    let address = format!("{scheme}://tester@{}/millstream", running.addr);
    command.arg(client(name)).arg(address);
    succeed(command).await;
    running.stop().await;
}
