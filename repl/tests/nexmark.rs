//! The queries of Nexmark, as they stand in `tests/nexmark`, give what batch queries over the same
//! events give.

mod millstream;

use std::fs;
use std::path::{Path, PathBuf};

use millstream::Place;

/// Twenty thousand events in a hundred seconds, in whose middle a day begins.
const EVENTS: [&str; 8] = [
    "datagen",
    "nexmark",
    "--events",
    "20000",
    "--event-rate",
    "200",
    "--base-time",
    "1436918350000",
];

/// `q7` ends its last window with a bid that the others must not see.
const LAST: &str = "q7";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/nexmark")
}

/// The names of the queries.
fn queries() -> Vec<String> {
    let files = fs::read_dir(folder())
        .expect("the folder of the queries")
        .map(|file| file.expect("a file of it").path());
    let names = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> =
        names.filter(|name| name[1..].parse::<u32>().is_ok() && name.starts_with('q')).collect();
    names.sort_by_key(|name| (name == LAST, name[1..].parse::<u32>().ok()));
    names
}

/// The rows below the first header, and those below the next one, which is the same.
fn answers(out: &str) -> [Vec<&str>; 2] {
    let mut lines = out.lines();
    let header = lines.next().unwrap_or_default();
    let mut answers = [Vec::new(), Vec::new()];
    let mut at = 0;
    for line in lines {
        match line == header {
            true => at = 1,
            false => answers[at].push(line),
        }
    }
    answers.each_mut().map(|rows| {
        rows.sort_unstable();
        std::mem::take(rows)
    })
}

#[test]
fn queries_give_what_batches_give() {
    let place = Place::new();
    place.run(&EVENTS).ok();
    let queries = queries();
    assert_eq!(queries.len(), 18, "{queries:?}");
    let mut wrong = Vec::new();
    for query in queries {
        let files = [format!("{query}.sql"), format!("batch/{query}.sql")];
        let [query_file, batch_file] = files.map(|file| folder().join(file).display().to_string());
        let run = place.run(&["--output", "csv", "-f", &query_file, "-f", &batch_file]);
        if run.status != 0 {
            wrong.push(format!("{query}: {}", run.err));
            continue;
        }
        let [streamed, batched] = answers(&run.out);
        if streamed != batched || streamed.is_empty() {
            let first = streamed.iter().zip(&batched).find(|(a, b)| a != b);
            let (streamed, batched) = (streamed.len(), batched.len());
            wrong.push(format!("{query}: {streamed} rows, expected {batched}; {first:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `tests/nexmark` declares is what `datagen` declares.
#[test]
fn streams_are_those_of_the_generator() {
    let place = Place::new();
    place.run(&["datagen", "nexmark", "--events", "50"]).ok();
    let describe = "DESCRIBE person; DESCRIBE auction; DESCRIBE bid;";
    let generated = place.run(&["--output", "json", "-c", describe]).ok();
    let other = Place::new();
    let sources = folder().join("sources.sql").display().to_string();
    other.run(&["-f", &sources]).ok();
    assert_eq!(other.run(&["--output", "json", "-c", describe]).ok(), generated);
}
