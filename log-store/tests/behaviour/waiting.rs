//! Waiting for data.

use std::time::Duration;

use log_store::*;

use crate::store::*;

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_waiting_thread_is_woken_by_an_append_and_by_a_commit() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let subscription = store.subscribe(Interest::AllTopics);
    let writer = {
        let (store, clicks) = (store.clone(), clicks.clone());
        std::thread::spawn(move || {
            let mut transaction = store.begin().unwrap();
            transaction.append(&clicks, batch("a=1")).unwrap();
            transaction.commit().unwrap();
        })
    };
    while committed(&clicks).is_empty() {
        assert_eq!(subscription.wait(LONG), [clicks.topic_partition().clone()]);
    }
    writer.join().unwrap();
    subscription.poll();
    assert_eq!(subscription.wait(Duration::ZERO), []);
}

#[test]
fn deleting_a_topic_wakes_its_readers() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let subscription = store.subscribe(Interest::Topic("clicks".into()));
    store.delete_topic("clicks").unwrap();
    assert_eq!(subscription.wait(LONG), [clicks.topic_partition().clone()]);
}
