//! Drivers of other languages at the Postgres port. `scripts/setup-clients` brings them; where one
//! cannot be had, its test is skipped, and says so.

mod pg_harness;

use std::path::{Path, PathBuf};
use std::process::Command;

use pg_harness::{Running, run, skip};

fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// The Python that `scripts/setup-clients` has filled.
fn python() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/millstream"));
    let cache = std::env::var_os("MILLSTREAM_CACHE").map(PathBuf::from).or_else(home)?;
    Some(cache.join("clients/bin/python")).filter(|python| python.exists())
}

async fn run_python(script: &str, scheme: &str) {
    let Some(python) = python() else {
        return skip("there is no Python with psycopg, SQLAlchemy and pandas");
    };
    let running = Running::start().await;
    let mut command = Command::new(python);
    let address = format!("{scheme}://tester@{}/millstream", running.addr);
    command.arg(client(script)).arg(address);
    succeed(command).await;
    running.stop().await;
}

async fn succeed(command: Command) {
    let Some(output) = run(command, String::new()).await else { return };
    let (out, err) = (&output.stdout, &output.stderr);
    let said = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{said}");
}

#[tokio::test]
async fn psycopg() {
    run_python("psycopg_client.py", "postgresql").await;
}

#[tokio::test]
async fn sqlalchemy_and_pandas() {
    run_python("sqlalchemy_client.py", "postgresql+psycopg").await;
}

#[tokio::test]
async fn jdbc() {
    let jar = Path::new("/usr/share/java/postgresql.jar");
    if !jar.exists() {
        return skip("there is no JDBC driver");
    }
    let running = Running::start().await;
    let mut command = Command::new("java");
    let address = format!("jdbc:postgresql://{}/millstream?user=tester", running.addr);
    command.arg("-cp").arg(jar).arg(client("Metadata.java")).arg(address);
    succeed(command).await;
    running.stop().await;
}
