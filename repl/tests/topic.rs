//! `millstream topic`.

mod millstream;

use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use millstream::Place;

#[test]
fn a_topic_is_made_changed_and_described() {
    let place = Place::new();
    place.run(&["topic", "create", "t", "-p", "2", "--set", "retention.ms=1000"]).ok();
    let described = || place.run(&["--output", "csv", "topic", "describe", "t"]).ok();
    assert!(described().contains("\nretention.ms,1000,topic,"), "{}", described());

    place.run(&["topic", "alter", "t", "-p", "3", "--reset", "retention.ms"]).ok();
    assert!(!described().contains("\nretention.ms,1000,"), "{}", described());
    let list = place.run(&["--output", "csv", "topic", "list"]).ok();
    assert!(list.contains("\nt,3,0,"), "{list}");
}

#[test]
fn unknown_topics_and_settings_are_named() {
    let place = Place::new();
    place.run(&["topic", "create", "flights"]).ok();
    let err = place.run(&["topic", "describe", "fligths"]).failed();
    assert!(err.contains("fligths") && err.contains("flights"), "{err}");
    let err = place.run(&["topic", "alter", "flights", "--set", "retention.msec=1"]).failed();
    assert!(err.contains("retention.msec") && err.contains("retention.ms"), "{err}");
    assert_eq!(place.run(&["topic", "create", "x", "--set", "retention.ms"]).status, 2);
}

#[test]
fn the_loss_window_of_a_topic_is_told() {
    let place = Place::new();
    place.run(&["topic", "create", "t"]).ok();
    let described = || place.run(&["--output", "csv", "topic", "describe", "t"]).ok();
    let window = "\nloss window,about the last 1000 ms (flush.ms),derived,";
    assert!(described().contains(window), "{}", described());
    place.run(&["topic", "alter", "t", "--set", "flush.messages=1"]).ok();
    let window = "\nloss window,nothing that was acknowledged,derived,";
    assert!(described().contains(window), "{}", described());
}

#[test]
fn a_topic_is_deleted_unless_it_is_a_streams() {
    let place = Place::new();
    place.run(&["topic", "create", "t"]).ok();
    place.run(&["topic", "create", "u"]).ok();
    let stream = "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON');";
    place.run(&["-c", stream]).ok();
    let err = place.run(&["topic", "delete", "t"]).failed();
    assert!(err.contains("topic 't' holds the records of S; DROP … DELETE TOPIC"), "{err}");
    place.run(&["-c", "DROP STREAM s;"]).ok();
    place.run(&["topic", "delete", "t"]).ok();
    let list = place.run(&["--output", "csv", "topic", "list"]).ok();
    assert!(!list.contains("\nt,") && list.contains("\nu,"), "{list}");
    let err = place.run(&["topic", "delete", "t"]).failed();
    assert!(err.contains("no topic named 't'"), "{err}");
}

#[test]
fn records_before_a_place_are_deleted() {
    let place = Place::new();
    place.run(&["topic", "create", "t"]).ok();
    place.run_with_input(&["produce", "t"], "a\nb\nc\n").ok();
    let delete = ["--output", "csv", "topic", "delete-records", "t", "--before"];
    let out = place.run(&[&delete[..], &["2"]].concat()).ok();
    assert_eq!(out, "partition,first offset\n0,2\n");
    assert_eq!(place.run(&["consume", "t"]).ok(), "c\n");
    // What is gone does not come back, and the numbers go on.
    let out = place.run(&[&delete[..], &["1"]].concat()).ok();
    assert_eq!(out, "partition,first offset\n0,2\n");
    place.run_with_input(&["produce", "t"], "d\n").ok();
    assert_eq!(place.run(&["consume", "t", "--from", "3"]).ok(), "d\n");
    place.run(&[&delete[..], &["latest"]].concat()).ok();
    assert_eq!(place.run(&["consume", "t"]).ok(), "");
    assert!(place.run(&[&delete[..], &["2", "-p", "7"]].concat()).failed().contains('7'));
}

#[test]
fn verify_reads_every_record() {
    let place = Place::new();
    place.file("t.csv", "id\nalpha\nbeta\n");
    place.run(&["import", "t.csv", "--topic", "t"]).ok();
    // One segment; two records, and the one that commits the import.
    let out = place.run(&["--output", "csv", "topic", "verify", "t"]).ok();
    assert_eq!(out, "partition,segments,batches,records,damage\nt-0,1,2,3,\n");
    let all = place.run(&["--output", "csv", "topic", "verify"]).ok();
    assert!(all.contains("\nt-0,1,2,3,\n") && all.contains("\n__consumer_offsets-0,"), "{all}");
}

#[test]
fn damage_is_named_with_its_place_and_is_never_served() {
    let place = Place::new();
    place.run(&["topic", "create", "t"]).ok();
    place.run_with_input(&["produce", "t"], "alpha\n").ok();
    place.run_with_input(&["produce", "t"], "beta\n").ok();
    let path = "millstream-data/topics/t/0/00000000000000000000.log";
    let mut bytes = std::fs::read(place.path().join(path)).unwrap();
    let at = bytes.windows(5).position(|window| window == b"alpha").unwrap();
    bytes[at] ^= 1;
    std::fs::write(place.path().join(path), bytes).unwrap();

    let run = place.run(&["--output", "csv", "topic", "verify", "t"]);
    let damage = format!("{path} at byte 0, offset 0: checksum");
    assert!(run.out.contains(&damage), "{}", run.out);
    assert!(run.failed().contains("1 damaged place"));
    let read = place.run(&["consume", "t"]);
    assert!(!read.out.contains("alph"), "{}", read.out);
    assert!(read.failed().contains("is damaged at byte 0: expected a batch, found offset 0"));
}

/// Retention and compaction are the store's own affair: nobody asks for them here.
#[test]
fn an_open_shell_tidies_up() {
    let place = Place::new();
    let small = "segment.bytes=1024";
    let tidy = ["--set", small, "--set", "cleanup.policy=compact,delete"];
    let tidy = [&tidy[..], &["--set", "min.cleanable.dirty.ratio=0"]].concat();
    place.run(&[&["topic", "create", "t"], &tidy[..]].concat()).ok();
    let lines: String = (0..500).map(|n| format!("k{}:{{\"n\":{n}}}\n", n % 5)).collect();
    place.run_with_input(&["produce", "t", "-k", ":"], &lines).ok();

    let mut shell = place.start(&["--output", "csv"]);
    let mut input = shell.stdin.take().unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap()).lines();
    let stream =
        "CREATE STREAM s (k STRING KEY, n INT) WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON');";
    writeln!(input, "{stream}").unwrap();
    let mut records = || {
        writeln!(input, "INSERT INTO s VALUES ('k1', 0);\nSELECT COUNT(*) AS n FROM s;").unwrap();
        let mut numbers = output.by_ref().filter_map(|line| line.unwrap().parse::<u64>().ok());
        numbers.next().unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while records() > 250 {
        assert!(Instant::now() < deadline, "nothing was removed");
    }
    drop(input);
    assert!(shell.wait().unwrap().success());
}
