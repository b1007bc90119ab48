//! PostgreSQL's server and its programs, as Debian's packages `postgresql-15` and
//! `postgresql-client-15` bring them.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::process::{Server, free_port};
use crate::nexmark::events::run;

/// Where Debian puts the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs, and who runs them.
pub struct Programs {
    folders: Vec<PathBuf>,
    /// Whom the server runs as: root may not.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Looks for the programs.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
        let is_root = fs::metadata("/proc/self")?.uid() == 0;
        Ok(Self { folders, user: is_root.then(unprivileged).transpose()? })
    }

    /// What is not there of what is needed.
    pub fn missing(&self) -> Vec<&'static str> {
        let needed = ["postgres", "initdb", "pgbench"].into_iter();
        needed.filter(|name| self.path(name).is_none()).collect()
    }

    /// One of the programs.
    pub fn program(&self, name: &str) -> Result<Command> {
        let path = self.path(name).with_context(|| format!("{name} is not installed"))?;
        Ok(Command::new(path))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let paths = self.folders.iter().map(|folder| folder.join(name));
        { paths }.find(|path| path.is_file())
    }

    /// Starts a server with an empty cluster. Everybody on this machine may connect, and the rest
    /// is as it is by default.
    pub fn start(&self) -> Result<Server> {
        let directory = tempfile::tempdir()?;
        if let Some((user, group)) = self.user {
            chown(directory.path(), Some(user), Some(group))?;
        }
        let cluster = directory.path().join("cluster");
        let mut initdb = self.server_program("initdb", directory.path())?;
        run(initdb.args(["--username=bench", "--auth=trust", "--pgdata"]).arg(&cluster))?;
        let port = free_port()?;
        let log = File::create(directory.path().join("log"))?;
        let mut postgres = self.server_program("postgres", directory.path())?;
        postgres.arg("-D").arg(&cluster).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        postgres.arg("-k").arg(directory.path());
        let process = postgres.stdout(log.try_clone()?).stderr(log).spawn();
        let process = process.with_context(|| format!("start {postgres:?}"))?;
        Ok(Server::new(process, "-INT", port, directory))
    }

    fn server_program(&self, name: &str, directory: &Path) -> Result<Command> {
        let mut command = self.program(name)?;
        command.current_dir(directory);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        Ok(command)
    }
}

/// A user without rights: the one that the packages make, or the one that every system has.
fn unprivileged() -> Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    let found = ids("postgres").or_else(|| ids("nobody"));
    found.context("PostgreSQL does not run as root, and there is neither postgres nor nobody")
}
