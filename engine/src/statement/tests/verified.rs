//! Comparisons on disk, whose store goes with them.

use std::fs;
use std::path::Path;

use super::PAGES;
use crate::engine::{Engine, Options, Storage, Workers};
use crate::error::Code;
use crate::{Error, Outcome};

async fn open(dir: &Path) -> Engine {
    let storage = Storage::Directory(dir.to_owned());
    let options = Options { storage, workers: Workers::Manual, ..Options::default() };
    Engine::open(options).await.unwrap()
}

/// What lies in a data directory beside what is always there.
fn besides(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("verify")).collect()
}

#[tokio::test]
async fn a_comparison_on_disk_leaves_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let mut session = engine.session();
    session.run(PAGES).await.unwrap();
    session.run("CREATE STREAM HOMES AS SELECT * FROM CLICKS WHERE PAGE='home';").await.unwrap();
    engine.run_until_idle().await.unwrap();
    for (name, compared) in [
        ("PAGES", "2 rows compared, and the last records of 2 keys of topic 'PAGES'"),
        ("HOMES", "1 records of topic 'HOMES' compared"),
    ] {
        let outcome = session.run(&format!("VERIFY {name};")).await.unwrap().pop();
        let Some(Outcome::Done(done)) = outcome else { panic!("expected a message") };
        assert!(done.message.ends_with(compared), "{}", done.message);
        assert_eq!(besides(dir.path()), Vec::<String>::new());
    }
    // Somebody else's table, as it were: nothing of a comparison that ends with an error stays either.
    let topic = engine.log().topic("PAGES").unwrap();
    let mut records = log_store::RecordsBuilder::new();
    records.push(Some(b"\"home\""), Some(b"{\"N\":7}"), log_store::Timestamp(0), &[]);
    topic.partitions()[0].append(records.build()).unwrap();
    let Err(Error::Invalid(wrong)) = session.run("VERIFY PAGES;").await else {
        panic!("it is not the same");
    };
    assert_eq!(wrong.code, Code::AssertionFailed);
    assert!(wrong.message.contains("last record of PAGE=home: expected"), "{}", wrong.message);
    assert_eq!(besides(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_an_interrupted_comparison_has_left_goes_when_the_data_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("verify.0123");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("000001.sst"), "left over").unwrap();
    open(dir.path()).await;
    assert!(!left.exists());
}
