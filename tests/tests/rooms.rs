//! Reads the manifests: who may know whom.
//!
//! ```text
//! server ──► engine ──► sql              repl ──► server, engine, log-store, sql
//!        └─► sql    └─► log-store        tests ──► all
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms and those that each may depend on.
///
/// The server hands statements to engine as sql's syntax tree, so it names sql for that type.
///
/// The shell is a client like any other, but it starts the server on an engine of its own, and
/// its small commands (`topic`, `produce`, `consume`, `group`) work on a data directory without
/// any SQL: so it may name engine and log-store beside server and sql.
const EDGES: [(&str, &[&str]); 6] = [
    ("sql", &[]),
    ("log-store", &[]),
    ("engine", &["sql", "log-store"]),
    ("server", &["engine", "sql"]),
    ("repl", &["server", "engine", "log-store", "sql"]),
    ("tests", &["sql", "log-store", "engine", "server", "repl"]),
];

/// Crates that only some rooms may name, by the beginning of their names.
///
/// Arrow batches leave engine as results, so whoever shows them reads Arrow. The server answers
/// `pg_catalog` by the crate that the field uses for it, which wants a DataFusion context of its
/// own: so it names that crate and DataFusion, and plans no statement of the user with either.
const RESERVED: [(&str, &[&str]); 4] = [
    ("datafusion", &["engine", "server: datafusion", "server: datafusion-pg-catalog"]),
    ("rocksdb", &["engine"]),
    ("arrow", &["engine", "server", "repl", "tests"]),
    ("tokio", &["engine", "server", "repl", "tests"]),
];

/// All that sql may need to run.
const SQL_NEEDS: [&str; 2] = ["sqlparser", "thiserror"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in a manifest's sections of dependencies whose headers `wanted` accepts.
fn dependencies(manifest: &str, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            let header = line.trim_matches(['[', ']']);
            inside = wanted(header);
            // `[dependencies.name]` is a section of its own.
            let (section, name) = header.rsplit_once('.').unwrap_or((header, ""));
            if wanted(section) && !name.is_empty() {
                names.insert(name.to_owned());
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.insert(name.trim_matches('"').to_owned());
        }
    }
    names
}

fn manifest(room: &str) -> String {
    let path = root().join(room).join("Cargo.toml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

fn all_dependencies(room: &str) -> BTreeSet<String> {
    dependencies(&manifest(room), |header| header.ends_with("dependencies"))
}

#[test]
fn manifests_are_read() {
    let text = "[package]\nname = \"x\"\n[dependencies]\n# no\na.workspace = true\nb = \"1\"\n\
                [dependencies.c]\nversion = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nd={}\n\
                [lints]\nworkspace = true\n";
    let names = dependencies(text, |header| header.ends_with("dependencies"));
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

#[test]
fn every_member_is_a_room() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace");
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = "));
    let members = members.expect("members on one line");
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    let rooms = EDGES.map(|(room, _)| room);
    assert_eq!(members, rooms, "a new room needs its edges written down here");
}

#[test]
fn rooms_know_only_whom_they_may_know() {
    let rooms = EDGES.map(|(room, _)| room);
    for (room, allowed) in EDGES {
        for name in all_dependencies(room) {
            let edge = !rooms.contains(&name.as_str()) || allowed.contains(&name.as_str());
            assert!(edge, "{room} depends on {name}; it may depend on {allowed:?}");
        }
    }
}

#[test]
fn reserved_crates_stay_in_their_rooms() {
    for (room, _) in EDGES {
        for name in all_dependencies(room) {
            for (prefix, rooms) in RESERVED {
                let exception = format!("{room}: {name}");
                let allowed = rooms.iter().any(|entry| *entry == room || *entry == exception);
                assert!(!name.starts_with(prefix) || allowed, "{room} names {name}");
            }
        }
    }
}

#[test]
fn sql_needs_nothing_heavier_than_its_parser() {
    let needs = dependencies(&manifest("sql"), |header| header == "dependencies");
    let more: Vec<_> = needs.iter().filter(|name| !SQL_NEEDS.contains(&name.as_str())).collect();
    assert!(more.is_empty(), "sql depends on {more:?}");
}
