//! What the compiler and clippy do not look at: idioms that must not stay, the length of
//! functions, paths that documents name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with our own text in them.
const ROOMS: [&str; 6] = ["sql", "log-store", "engine", "server", "repl", "tests"];

/// Idioms that must not stay, and what to do instead. They are written in two parts, so that
/// this file does not hold them.
const BANNED: [(&str, &str, &str); 7] = [
    ("to", "do!(", "write it, or an error that says what is not supported"),
    ("unimple", "mented!(", "write it, or an error that says what is not supported"),
    ("db", "g!(", "use tracing"),
    ("FIX", "ME", "fix it, or say what the shortcut costs and open an issue"),
    ("XX", "X ", "say what it means"),
    ("#[ign", "ore", "a test that does not run is dead code: mend it, or take it out"),
    ("thread::sl", "eep", "wait for the event itself"),
];

/// A function of more lines than this must not be added, nor grow.
const LINES_MAX: usize = 70;

/// Documents whose paths must exist.
const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Files below a room with one of these extensions, with their paths from the root.
fn files(extensions: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let mut paths = Vec::new();
    for room in ROOMS {
        collect(&root.join(room), extensions, &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("below the root").display().to_string();
        fs::read_to_string(&path).map(|text| (name, text)).expect("a text file")
    };
    paths.into_iter().map(read).collect()
}

fn collect(dir: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, extensions, paths);
        } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
            paths.push(path);
        }
    }
}

#[test]
fn banned_idioms_are_gone() {
    let mut found = String::new();
    for (name, text) in files(&["rs"]) {
        for (index, line) in text.lines().enumerate() {
            for (begin, end, instead) in BANNED {
                if line.contains(&format!("{begin}{end}")) {
                    let _ = writeln!(found, "{name}:{}: {begin}{end}: {instead}", index + 1);
                }
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}

#[test]
fn lines_end_where_their_text_ends() {
    let mut found = String::new();
    for (name, text) in files(&["rs", "toml", "md", "test", "txt"]) {
        for (index, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                let _ = writeln!(found, "{name}:{}: blanks at the end of the line", index + 1);
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            let _ = writeln!(found, "{name}: no line end at the end of the file");
        }
    }
    assert!(found.is_empty(), "{found}");
}

/// Functions by `path::name` with their length in lines. Relies on rustfmt: a function ends at
/// the first `}` that is indented like its beginning. Unit tests are left out.
fn functions(name: &str, text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(function) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let rest = lines.iter().skip(index);
        let length = rest.take_while(|line| **line != end).count() + 1;
        found.push((format!("{name}::{function}"), length));
    }
    found
}

/// The name of the function whose body begins on this line or below.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let visible = |word: &str| {
        matches!(word, "const" | "async" | "unsafe" | "extern" | "pub") || word.starts_with("pub(")
    };
    let keyword = words.by_ref().find(|word| !visible(word))?;
    let one_line = line.trim_end().ends_with([';', '}']);
    let name = words.next().filter(|_| keyword == "fn" && !one_line)?;
    name.split(['(', '<']).next()
}

#[test]
fn functions_are_measured() {
    let text = "pub(crate) async fn a<T>(\n    b: T,\n) {\n    c();\n}\n\nfn short() {}\n\
                impl X {\n    fn d() {\n    }\n}\n#[cfg(test)]\nfn test() {\n}\n";
    let expected = [("x.rs::a".to_owned(), 5), ("x.rs::d".to_owned(), 2)];
    assert_eq!(functions("x.rs", text), expected);
}

/// `long-functions.txt` lists the functions that are longer than they should be, with their
/// lengths. The list may only shrink: a listed function must not grow, and leaves the list when
/// it is short enough.
#[test]
fn long_functions_get_fewer() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("long-functions.txt");
    let list = fs::read_to_string(list).expect("the list of long functions");
    let entry = |line: &str| {
        let (name, length) = line.rsplit_once(' ').expect("`path::function length`");
        (name.to_owned(), length.parse::<usize>().expect("a length"))
    };
    let mut listed: BTreeMap<String, usize> = list.lines().map(entry).collect();
    let mut wrong = String::new();
    let sources = files(&["rs"]).into_iter().filter(|(name, _)| name.contains("/src/"));
    for (function, length) in sources.flat_map(|(name, text)| functions(&name, &text)) {
        if length <= LINES_MAX {
            continue;
        }
        match listed.remove(&function) {
            Some(before) if length <= before => {}
            Some(before) => drop(writeln!(wrong, "{function} grew from {before} to {length}")),
            None => drop(writeln!(wrong, "{function} has {length} lines, more than {LINES_MAX}")),
        }
    }
    for function in listed.keys() {
        let _ = writeln!(wrong, "{function} is short now: take it off the list");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What looks like a path of ours: in back-ticks or the target of a link, and inside of one of
/// our folders.
fn paths_in(document: &str) -> Vec<&str> {
    let quoted = document.split('`').skip(1).step_by(2);
    let linked = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let is_path = |text: &&str| {
        let first = text.split('/').next().unwrap_or_default();
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        plain && text.contains('/') && ROOMS.contains(&first)
    };
    quoted.chain(linked).filter(is_path).collect()
}

#[test]
fn paths_are_recognised() {
    let text = "See `engine/src/lib.rs`, [tests](tests/src/), `SELECT a/b`, `a/b.rs`, `sql/{a,b}`.";
    assert_eq!(paths_in(text), ["engine/src/lib.rs", "tests/src/"]);
}

#[test]
fn paths_that_documents_name_exist() {
    let root = root();
    let mut missing = String::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap_or_default();
        for path in paths_in(&text) {
            if !root.join(path).exists() {
                let _ = writeln!(missing, "{document} names {path}, which does not exist");
            }
        }
    }
    assert!(missing.is_empty(), "{missing}");
}
