//! What opening a store finds after a clean close, a crash, and damage.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use log_store::*;
use tempfile::TempDir;

use crate::store::*;

/// The directory as a crash at this moment would leave it.
pub fn copy_of(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(dir, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn after_a_clean_close_nothing_is_scanned() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[("segment.bytes", "1024")]);
    for i in 0..100 {
        clicks.append(batch_at(&format!("k{i}=v"), i)).unwrap();
    }
    let before = contents(&clicks);
    store.close().unwrap();
    assert!(matches!(clicks.append(batch("k=v")), Err(Error::Closed)));
    let store = open(dir.path());
    assert_eq!(store.recovery().bytes_scanned, 0);
    let clicks = partition(&store, "clicks");
    assert_eq!(contents(&clicks), before);
    assert_eq!(clicks.offset_for_timestamp(Timestamp(50)).unwrap(), Some(Offset(50)));
    clicks.append(batch("k=v")).unwrap();
    assert_eq!(clicks.high_watermark(), Offset(101));
}

#[test]
fn a_crash_loses_nothing_that_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[("segment.bytes", "1024")]);
    for i in 0..50 {
        clicks.append(batch(&format!("k{i}=v"))).unwrap();
    }
    let crashed = copy_of(dir.path());
    let again = open(crashed.path());
    assert!(again.recovery().is_clean(), "{}", again.recovery());
    assert!(again.recovery().bytes_scanned > 0);
    assert_eq!(contents(&partition(&again, "clicks")), contents(&clicks));
}

#[test]
fn a_torn_tail_is_cut_and_reported_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[]);
    clicks.append(batch("a=1")).unwrap();
    let whole = clicks.size_bytes();
    clicks.append(batch("b=2 c=3")).unwrap();
    let end = clicks.size_bytes();
    let written = fs::read(&files(dir.path(), "clicks", "log")[0]).unwrap();
    for torn_at in whole + 1..end {
        let crashed = copy_of(dir.path());
        let path = files(crashed.path(), "clicks", "log").remove(0);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&vec![0; (end - torn_at) as usize], torn_at).unwrap();
        let again = open(crashed.path());
        let cut = &again.recovery().cut;
        let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        let (kept, lost) =
            written[whole as usize..end as usize].split_at((torn_at - whole) as usize);
        if zero(lost) {
            assert!(again.recovery().is_clean());
            continue;
        }
        // What is not there at all is not worth a word.
        assert_eq!(cut.is_empty(), zero(kept), "torn at {torn_at}");
        assert!(cut.iter().all(|cut| (cut.position, cut.next_offset) == (whole, Offset(1))));
        let clicks = partition(&again, "clicks");
        clicks.append(batch("d=4")).unwrap();
        assert_eq!(contents(&clicks), "0:a=1 1:d=4");
    }
}

#[test]
fn damage_before_the_tail_is_named_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[]);
    let mut ends = Vec::new();
    for words in ["a=1", "b=2", "c=3"] {
        clicks.append(batch(words)).unwrap();
        ends.push(clicks.size_bytes());
    }
    let crashed = copy_of(dir.path());
    flip(&files(crashed.path(), "clicks", "log")[0], ends[1] - 2);
    let again = open(crashed.path());
    let damaged = &again.recovery().damaged;
    assert_eq!(damaged[0].readable_to, Offset(1));
    assert!(
        damaged[0].fault.contains(&format!("is damaged at byte {}", ends[0])),
        "{}",
        damaged[0].fault
    );
    let clicks = partition(&again, "clicks");
    let fetched = clicks.read(Offset(0), 1000, Isolation::ReadUncommitted).unwrap();
    assert_eq!((fetched.batches.len(), fetched.next_offset), (1, Offset(1)));
    assert!(matches!(
        clicks.read(Offset(1), 1000, Isolation::ReadUncommitted),
        Err(Error::Corrupt { .. })
    ));
    assert!(matches!(clicks.append(batch("d=4")), Err(Error::Poisoned { .. })));
}

#[test]
fn damage_in_what_a_checkpoint_vouches_for_is_found_by_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[]);
    clicks.append(batch("a=1")).unwrap();
    let first = clicks.size_bytes();
    clicks.append(batch("b=2")).unwrap();
    store.close().unwrap();
    flip(&files(dir.path(), "clicks", "log")[0], first + 30);
    let store = open(dir.path());
    let clicks = partition(&store, "clicks");
    let error = clicks.read(Offset(0), 1000, Isolation::ReadUncommitted).unwrap_err();
    assert!(
        error.to_string().contains(&format!("is damaged at byte {first}: expected a batch")),
        "{error}"
    );
    assert_eq!(clicks.read(Offset(0), 1, Isolation::ReadUncommitted).unwrap().batches.len(), 1);
}

#[test]
fn verifying_names_the_damage_of_every_segment() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[("segment.bytes", "1024")]);
    for i in 0..60 {
        clicks.append(batch(&format!("k{i}=v"))).unwrap();
    }
    store.close().unwrap();
    let logs = files(dir.path(), "clicks", "log");
    flip(&logs[0], 70);
    flip(&logs[2], 30);
    let store = open(dir.path());
    let clicks = partition(&store, "clicks");
    // It has not been read, so nobody has noticed.
    assert!(store.recovery().is_clean());
    let found = clicks.verify(&|_| ()).unwrap();
    assert_eq!(found.segments, logs.len());
    let places: Vec<_> =
        found.faults.iter().map(|fault| (&fault.path, fault.position, fault.offset)).collect();
    let third = logs[2].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(places, [(&logs[0], 0, Offset(0)), (&logs[2], 0, Offset(third))]);
    assert!(found.faults.iter().all(|fault| fault.found.contains("checksum")));
}

/// An hour is no reason to forget a producer, a day is.
#[test]
fn producers_that_do_not_write_are_forgotten() {
    let clock = HandClock::at(0);
    let io = std::sync::Arc::new(MemoryIo::new());
    let store = LogStore::open(io, Path::new("s"), clock.options()).unwrap();
    let clicks = single(&store, "clicks", &[("retention.ms", "-1")]);
    let producer = store.idempotent_producer().unwrap().identity();
    for (sequence, hours, duplicate) in [(0, 1, true), (1, 25, false)] {
        let first = batch("a=1").with_producer(producer, sequence);
        clicks.append(first.clone()).unwrap();
        clock.advance(hours * 3_600_000);
        clicks.append(batch("b=2")).unwrap();
        store.maintain().unwrap();
        assert_eq!(clicks.append(first).unwrap().duplicate, duplicate);
    }
}

#[test]
fn indexes_and_checkpoint_are_rebuilt_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks =
        single(&store, "clicks", &[("segment.bytes", "2048"), ("index.interval.bytes", "64")]);
    for i in 0..100 {
        clicks.append(batch_at(&format!("k{i}=v"), i)).unwrap();
    }
    let before = contents(&clicks);
    store.close().unwrap();
    let index = files(dir.path(), "clicks", "index");
    assert!(index.len() > 2);
    fs::remove_file(&index[0]).unwrap();
    fs::write(&index[1], [9; 16]).unwrap();
    let checkpoint = dir.path().join("topics/clicks/0/checkpoint");
    flip(&checkpoint, 20);
    let store = open(dir.path());
    let clicks = partition(&store, "clicks");
    assert_eq!(contents(&clicks), before);
    assert_eq!(
        contents_from(&clicks, 42, Isolation::ReadUncommitted),
        before[before.find("42:").unwrap()..]
    );
    assert_eq!(clicks.offset_for_timestamp(Timestamp(77)).unwrap(), Some(Offset(77)));
}

#[test]
fn a_missing_segment_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[("segment.bytes", "1024")]);
    for i in 0..60 {
        clicks.append(batch(&format!("k{i}=v"))).unwrap();
    }
    store.close().unwrap();
    fs::remove_file(&files(dir.path(), "clicks", "log")[1]).unwrap();
    let store = open(dir.path());
    assert!(
        store.recovery().damaged[0].fault.contains("found no file where"),
        "{}",
        store.recovery()
    );
    let clicks = partition(&store, "clicks");
    assert_eq!(store.recovery().damaged[0].readable_to, clicks.high_watermark());
    assert!(clicks.high_watermark() > Offset(0));
}

#[test]
fn a_file_that_somebody_cut_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[("segment.bytes", "1024")]);
    for i in 0..60 {
        clicks.append(batch(&format!("k{i}=v"))).unwrap();
    }
    store.close().unwrap();
    let last = files(dir.path(), "clicks", "log").pop().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&last).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let store = open(dir.path());
    let damaged = &store.recovery().damaged[0];
    assert!(damaged.fault.contains("found the end of the file where"), "{}", damaged.fault);
    let clicks = partition(&store, "clicks");
    assert_eq!(clicks.high_watermark(), damaged.readable_to);
    let readable = clicks.read(Offset(0), usize::MAX, Isolation::ReadUncommitted).unwrap();
    assert_eq!(readable.next_offset, damaged.readable_to);
}

#[test]
fn producers_are_known_after_a_crash_and_after_a_clean_close() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks = single(&store, "clicks", &[]);
    let producer = store.idempotent_producer().unwrap().identity();
    clicks.append(batch("a=1").with_producer(producer, 0)).unwrap();
    let crashed = copy_of(dir.path());
    store.close().unwrap();
    for dir in [crashed.path(), dir.path()] {
        let store = open(dir);
        let clicks = partition(&store, "clicks");
        assert!(clicks.append(batch("a=1").with_producer(producer, 0)).unwrap().duplicate);
        assert!(clicks.append(batch("c=3").with_producer(producer, 2)).is_err());
        assert_ne!(store.idempotent_producer().unwrap().identity(), producer);
    }
}

fn flip(path: &Path, position: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, position).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], position).unwrap();
}
