//! `millstream import`.

mod millstream;

use millstream::Place;

const STREAM: &str = "CREATE STREAM t (id STRING KEY, n DOUBLE, at BIGINT)
  WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON');
SELECT id, n, ROWTIME FROM t;";

#[test]
fn csv_becomes_records_with_key_and_time() {
    let place = Place::new();
    place.file("t.csv", "id,n,at\na,1.5,1000\nb,,2000\n");
    let import = ["import", "t.csv", "--topic", "t", "--key", "id", "--timestamp", "at"];
    place.run(&import).ok();
    let out = place.run(&["--output", "csv", "-c", STREAM]).ok();
    assert_eq!(out, "ID,N,ROWTIME\na,1.5,1000\nb,,2000\n");
}

#[test]
fn json_lines_spread_over_partitions_by_key() {
    let place = Place::new();
    let lines: String = (0..100).map(|n| format!("{{\"id\": \"{n}\", \"n\": {n}}}\n")).collect();
    place.file("t.jsonl", &lines);
    place.run(&["import", "t.jsonl", "--topic", "t", "--partitions", "3", "--key", "id"]).ok();
    let out = place.run(&["--output", "csv", "topic", "list"]).ok();
    assert!(out.contains("\nt,3,"), "{out}");
    let count = format!("{STREAM} SELECT COUNT(*) AS n FROM t;");
    assert!(place.run(&["--output", "csv", "-c", &count]).ok().ends_with("\nN\n100\n"));
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    let place = Place::new();
    place.file("t.csv", "id,n,at\na,1,1000\nb,2,never\n");
    let import = ["import", "t.csv", "--topic", "t", "--timestamp", "at", "--once"];
    let err = place.run(&import).failed();
    assert!(err.contains("line 3") && err.contains("never"), "{err}");
    assert_eq!(place.run(&["--output", "csv", "-c", STREAM]).ok(), "ID,N,ROWTIME\n");

    // What the failed import left behind does not count as imported.
    place.file("t.csv", "id,n,at\na,1,1000\n");
    place.run(&import).ok();
    let out = place.run(&["--output", "csv", "-c", "SELECT n FROM t;"]).ok();
    assert_eq!(out, "N\n1.0\n");
}

#[test]
fn a_second_import_is_skipped_where_one_is_enough() {
    let place = Place::new();
    place.file("t.csv", "id\na\n");
    let import = ["import", "t.csv", "--topic", "t", "--once"];
    place.run(&import).ok();
    assert!(place.run(&import).err.contains("nothing imported"));
    place.run(&["import", "t.csv", "--topic", "t"]).ok();
    let out = place
        .run(&["--output", "csv", "-c", &STREAM.replace("id, n, ROWTIME", "COUNT(*) AS n")])
        .ok();
    assert_eq!(out, "N\n2\n");
}

#[test]
fn an_unknown_field_is_named() {
    let place = Place::new();
    place.file("flights.csv", "id\na\n");
    let err = place.run(&["import", "flights.csv", "--topic", "flights", "--key", "ID"]).failed();
    assert!(err.contains("there is no field ID; the header names id"), "{err}");
}
