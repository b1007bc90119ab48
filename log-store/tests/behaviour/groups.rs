//! Consumer groups.

use log_store::*;

use crate::store::*;

#[test]
fn commits_survive_a_restart_with_their_notes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let log = single(&store, "log", &[]);
    log.append(batch("a=1 b=2 c=3")).unwrap();
    let name = log.topic_partition().clone();
    let group = store.group("readers").unwrap();
    group.commit(&[(name.clone(), CommittedOffset::at(Offset(1)))]).unwrap();
    group.commit(&[(name.clone(), CommittedOffset::at(Offset(2)).with_metadata("note"))]).unwrap();
    store.close().unwrap();
    let store = open(dir.path());
    let group = store.group_named("readers").unwrap();
    let lag = group.lag();
    assert_eq!((lag[0].committed.offset, lag[0].log_end, lag[0].behind), (Offset(2), Offset(3), 1));
    assert_eq!(lag[0].committed.metadata, "note");
    assert_eq!(
        store.group_named("reader").err().unwrap().to_string(),
        "no consumer group named 'reader', did you mean 'readers'?"
    );
    group.delete().unwrap();
    assert!(store.groups().is_empty());
    drop(store);
    assert!(open(dir.path()).groups().is_empty());
}

#[test]
fn a_group_can_be_put_anywhere() {
    let store = LogStore::in_memory();
    let log = single(&store, "log", &[]);
    for i in 0..10 {
        log.append(batch_at("k=v", 100 * i)).unwrap();
    }
    log.delete_records(Offset(2)).unwrap();
    let name = [log.topic_partition().clone()];
    let group = store.group("readers").unwrap();
    let reset = |to| group.reset(&name, to).unwrap()[0].1.0;
    let places = [
        reset(ResetTo::Earliest),
        reset(ResetTo::Latest),
        reset(ResetTo::Offset(Offset(5))),
        reset(ResetTo::Offset(Offset(99))),
        reset(ResetTo::Timestamp(Timestamp(650))),
        reset(ResetTo::Timestamp(Timestamp(5000))),
    ];
    assert_eq!(places, [2, 10, 5, 10, 7, 10]);
    assert_eq!(group.committed()[&name[0]].offset, Offset(10));
    let unknown = TopicPartition::new("lag", 0);
    let error = group.reset(&[unknown], ResetTo::Earliest).unwrap_err();
    assert_eq!(error.to_string(), "no topic named 'lag', did you mean 'log'?");
}

#[test]
fn a_group_does_not_take_a_new_topic_for_the_old_one_of_that_name() {
    let io = FaultyIo::new();
    let open = |io: &FaultyIo| {
        LogStore::open(std::sync::Arc::new(io.clone()), "s".as_ref(), manual()).unwrap()
    };
    let store = open(&io);
    let group = store.group("readers").unwrap();
    for name in ["log", "other"] {
        let log = single(&store, name, &[]);
        log.append(batch("a=1 b=2 c=3")).unwrap();
        group.reset(&[log.topic_partition().clone()], ResetTo::Latest).unwrap();
    }
    store.delete_topic("log").unwrap();
    single(&store, "log", &[]).append(batch("a=1")).unwrap();
    for store in [store, open(&io.after_crash(1))] {
        let group = store.group_named("readers").unwrap();
        let known: Vec<String> = group.committed().keys().map(|name| name.to_string()).collect();
        assert_eq!(known, ["other-0"]);
    }
}
