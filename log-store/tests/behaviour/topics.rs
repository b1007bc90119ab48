//! Creating, changing and deleting topics.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use log_store::*;

use crate::store::*;

#[test]
fn topics_are_there_again_after_a_restart_with_their_settings() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = store.create_topic("orders", 3, config(&[("retention.ms", "60000")])).unwrap().id();
    store.create_topic("clicks", 1, TopicConfig::new()).unwrap();
    store.close().unwrap();
    let store = open(dir.path());
    let names: Vec<String> =
        store.topics().iter().map(|t| format!("{} {}", t.name(), t.partitions().len())).collect();
    assert_eq!(names, ["clicks 1", "orders 3"]);
    let orders = store.topic("orders").unwrap();
    assert_eq!(orders.id(), id);
    let given = orders.config().entries().into_iter().filter(|e| e.origin == ConfigOrigin::Topic);
    assert_eq!(
        given.map(|e| format!("{}={}", e.name, e.value)).collect::<Vec<_>>(),
        ["retention.ms=60000"]
    );
}

#[test]
fn what_cannot_be_created_says_why() {
    let store = LogStore::in_memory();
    store.create_topic("orders", 1, TopicConfig::new()).unwrap();
    let refusal =
        |name: &str, partitions| match store.create_topic(name, partitions, TopicConfig::new()) {
            Ok(_) => "created".to_owned(),
            Err(error) => error.to_string(),
        };
    assert_eq!(refusal("orders", 1), "topic 'orders' exists already");
    assert_eq!(
        refusal("a/b", 1),
        "topic name 'a/b' has other characters than letters, digits, '.', '_' and '-'"
    );
    assert_eq!(refusal("..", 1), "topic name '..' is a directory's");
    assert_eq!(refusal("none", 0), "expected 1 to 10000 partitions, found 0");
    let unknown = store.topic_named("order").err().unwrap();
    assert_eq!(unknown.to_string(), "no topic named 'order', did you mean 'orders'?");
}

#[test]
fn a_topic_can_be_deleted_while_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[]);
    clicks.append(batch("a=1 b=2")).unwrap();
    let held = clicks.read(Offset(0), 1000, Isolation::ReadUncommitted).unwrap().batches;
    store.delete_topic("clicks").unwrap();
    assert_eq!(held[0].records().unwrap().iter().count(), 2);
    held[0].verify().unwrap();
    let error = clicks.read(Offset(0), 1000, Isolation::ReadUncommitted).unwrap_err();
    assert_eq!(error.to_string(), "topic 'clicks' was deleted");
    assert!(matches!(clicks.append(batch("c=3")), Err(Error::TopicDeleted(_))));
    let again = single(&store, "clicks", &[]);
    assert_eq!(contents(&again), "");
}

#[test]
fn what_the_store_keeps_for_itself_is_neither_listed_nor_deleted() {
    let store = LogStore::in_memory();
    assert!(store.topics().is_empty());
    for topic in store.internal_topics() {
        let error = store.delete_topic(topic.name()).unwrap_err();
        assert_eq!(error.to_string(), format!("topic '{}' is the store's own", topic.name()));
    }
    store.begin().unwrap().commit().unwrap();
    assert_eq!(store.internal_topics().len(), 2);
}

#[test]
fn partitions_can_be_added_and_not_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    single(&store, "clicks", &[]).append(batch("a=1")).unwrap();
    let clicks = store.add_partitions("clicks", 3).unwrap();
    clicks.partitions()[2].append(batch("b=2")).unwrap();
    let error = store.add_partitions("clicks", 2).err().unwrap();
    assert_eq!(error.to_string(), "expected 4 to 10000 partitions, found 2");
    drop((clicks, store));
    let clicks = open(dir.path()).topic("clicks").unwrap();
    let all: Vec<String> = clicks.partitions().iter().map(|p| contents(p)).collect();
    assert_eq!(all, ["0:a=1", "", "0:b=2"]);
}

#[test]
fn settings_change_all_or_none() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let error = store
        .alter_topic("clicks", &[("max.message.bytes", Some("100")), ("retention.ms", Some("x"))]);
    assert!(error.is_err());
    clicks.append(batch(&"key=value ".repeat(100))).unwrap();
    store.alter_topic("clicks", &[("max.message.bytes", Some("100"))]).unwrap();
    let error = clicks.append(batch(&"key=value ".repeat(100))).unwrap_err();
    assert!(error.to_string().starts_with("clicks-0: a batch of"), "{error}");
    store.alter_topic("clicks", &[("max.message.bytes", None)]).unwrap();
    clicks.append(batch(&"key=value ".repeat(100))).unwrap();
}

#[test]
fn a_directory_has_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = LogStore::open(Arc::new(RealIo), dir.path(), manual()).err().unwrap();
    let expected = format!("{} is in use by process {}", dir.path().display(), std::process::id());
    assert_eq!(error.to_string(), expected);
    store.close().unwrap();
    open(dir.path());
}

#[test]
fn a_thousand_partitions_need_few_open_files() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { open_segments_max: 16, ..manual() };
    let store = LogStore::open(Arc::new(RealIo), dir.path(), options).unwrap();
    let wide = store.create_topic("wide", 1000, TopicConfig::new()).unwrap();
    for round in 0..2 {
        for partition in wide.partitions() {
            partition.append(batch("k=v")).unwrap();
            assert_eq!(partition.high_watermark(), Offset(round + 1));
        }
    }
    let open = open_segments(dir.path());
    assert!((1..=17).contains(&open), "{open} open segments");
    assert!(wide.partitions().iter().all(|p| contents(p) == "0:k=v 1:k=v"));
}

/// The log files below `dir` that this process has open.
fn open_segments(dir: &Path) -> usize {
    let targets = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = targets.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    targets
        .filter(|path| path.starts_with(dir) && path.extension().is_some_and(|e| e == "log"))
        .count()
}

const HANDLES_MAX: usize = 50;
const MANY: u32 = 600;

/// The store's own bound is higher than what the process may have: it gets by all the same, when it
/// writes, and when it recovers and reads.
#[test]
fn six_hundred_partitions_get_by_with_fifty_handles() {
    if let Some(dir) = victim_dir() {
        return fill_or_read(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    for _ in ["fill", "read"] {
        let run = with_few_handles(&victim(
            "topics::six_hundred_partitions_get_by_with_fifty_handles",
            dir.path(),
        ));
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    // And not because the others have done nothing.
    assert_eq!(open(dir.path()).topic_named("wide").unwrap().partitions().len(), MANY as usize);
}

fn with_few_handles(command: &Command) -> Output {
    let limited = format!("ulimit -n {HANDLES_MAX}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &limited]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap()
}

fn fill_or_read(dir: &Path) {
    assert!(StoreOptions::default().open_segments_max > HANDLES_MAX);
    let store = LogStore::open_dir(dir).unwrap();
    if let Some(wide) = store.topic("wide") {
        assert!(store.recovery().bytes_scanned > 0);
        assert!(wide.partitions().iter().all(|one| contents(one) == "0:k=v"));
        return;
    }
    let unsynced = i64::MAX.to_string();
    let settings = config(&[("retention.ms", "-1"), ("flush.ms", &unsynced)]);
    for partition in store.create_topic("wide", MANY, settings).unwrap().partitions() {
        partition.append(batch("k=v")).unwrap();
    }
}
