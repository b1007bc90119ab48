//! What a reader has before it.

use log_store::*;

use crate::store::*;

#[test]
fn what_is_unread_begins_with_the_batch_of_the_offset() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    assert_eq!(clicks.unread(Offset(0)).unwrap(), Unread::default());
    clicks.append(batch_at("a=1 b=2 c=3", 100)).unwrap();
    let first = clicks.size_bytes();
    clicks.append(batch_at("d=4", 500)).unwrap();
    let all = clicks.size_bytes();

    let unread = |from| clicks.unread(Offset(from)).unwrap();
    let expected = |records, bytes, at| Unread { records, bytes, oldest: Some(Timestamp(at)) };
    assert_eq!(unread(0), expected(4, all, 100));
    assert_eq!(unread(2), expected(2, all, 100));
    assert_eq!(unread(3), expected(1, all - first, 500));
    assert_eq!(unread(4), Unread::default());
    // Whoever stands before the beginning has what is there before it.
    clicks.delete_records(Offset(3)).unwrap();
    assert_eq!(unread(0), expected(1, all - first, 500));
}

#[test]
fn what_is_unread_goes_over_segments() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[("segment.bytes", "1048576")]);
    let large = format!("k={}", "x".repeat(600_000));
    for at in 0..3 {
        clicks.append(batch_at(&large, at)).unwrap();
    }
    assert!(clicks.segment_count() > 1);
    let unread = clicks.unread(Offset(0)).unwrap();
    assert_eq!((unread.records, unread.bytes), (3, clicks.size_bytes()));
    assert_eq!(clicks.unread(Offset(2)).unwrap().oldest, Some(Timestamp(2)));
}

#[test]
fn what_is_not_decided_is_not_unread() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let mut transaction = store.begin().unwrap();
    transaction.append(&clicks, batch_at("a=1", 100)).unwrap();
    assert_eq!(clicks.unread(Offset(0)).unwrap(), Unread::default());
    transaction.commit().unwrap();
    let unread = clicks.unread(Offset(0)).unwrap();
    // The record and the marker.
    assert_eq!((unread.records, unread.oldest), (2, Some(Timestamp(100))));
    // Behind the record there is a marker alone, which has no time of its own.
    assert_eq!(clicks.unread(Offset(1)).unwrap().oldest, None);
}
