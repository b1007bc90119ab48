//! The data directory: kept between runs, held by one process at a time.

mod millstream;

use std::io::{BufRead, BufReader, Write};

use millstream::{Place, Run};

#[test]
fn what_was_written_is_there_in_the_next_run() {
    let place = Place::new();
    let create =
        "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC = 's', PARTITIONS = 1, VALUE_FORMAT = 'JSON');
        CREATE TABLE n AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;
        INSERT INTO s VALUES (1); INSERT INTO s VALUES (1);\n\\wait\n";
    place.run_with_input(&["-d", "data"], create).ok();
    let more = "INSERT INTO s VALUES (1);\n\\wait\nSELECT a, n FROM n;";
    let out = place.run_with_input(&["-d", "data", "--output", "csv"], more).ok();
    assert_eq!(out, "A,N\n1,3\n");
}

#[test]
fn a_directory_that_another_process_holds_is_refused_by_name() {
    let place = Place::new();
    let mut holder = place.start(&["-d", "held"]);
    let mut input = holder.stdin.take().unwrap();
    input.write_all(b"\\echo ready\n").unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");

    let err = place.run(&["-d", "held", "-c", "SHOW TOPICS;"]).failed();
    assert!(err.contains("held"), "{err}");

    drop(input);
    assert_eq!(Run::of(holder.wait_with_output().unwrap()).status, 0);
    place.run(&["-d", "held", "-c", "SHOW TOPICS;"]).ok();
}
