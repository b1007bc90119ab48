//! `millstream produce` and `millstream consume`.

mod millstream;

use millstream::Place;

/// A place with a topic that keeps records however old they are.
fn with_topic(partitions: &str) -> Place {
    let place = Place::new();
    place.run(&["topic", "create", "t", "-p", partitions, "--set", "retention.ms=-1"]).ok();
    place
}

#[test]
fn lines_come_back_as_they_were() {
    let place = with_topic("1");
    let produced = place.run_with_input(&["produce", "t"], "one\r\n\nthree: \u{e9}");
    assert!(produced.err.contains("3 records written to t"), "{}", produced.err);
    produced.ok();
    assert_eq!(place.run(&["consume", "t"]).ok(), "one\n\nthree: \u{e9}\n");
    assert_eq!(place.run(&["consume", "t", "-n", "1"]).ok(), "one\n");
    assert_eq!(place.run(&["consume", "t", "--from", "2"]).ok(), "three: \u{e9}\n");
    assert_eq!(place.run(&["consume", "t", "--from", "latest"]).ok(), "");
}

#[test]
fn keys_decide_where_records_go_and_what_a_table_holds() {
    let place = with_topic("3");
    let lines: String = (0..60).map(|n| format!("k{}:v{n}\n", n % 20)).collect();
    place.file("lines", &lines);
    place.run(&["produce", "t", "lines", "-k", ":", "--compression", "zstd"]).ok();
    place.run_with_input(&["produce", "t", "-k", ":", "--null", "-"], "k7:-\n").ok();
    let consumed = |args: &[&str]| {
        let out = place.run(&[&["consume", "t", "-k", "="], args].concat()).ok();
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(consumed(&[]).len(), 61);
    let by_partition = ["0", "1", "2"].map(|number| consumed(&["-p", number]));
    assert_eq!(by_partition.concat(), consumed(&[]));
    // All records of a key are in one partition, in order.
    let of_key: Vec<Vec<&String>> = by_partition
        .iter()
        .map(|lines| lines.iter().filter(|line| line.starts_with("k7=")).collect())
        .filter(|lines: &Vec<_>| !lines.is_empty())
        .collect();
    assert_eq!(of_key, [["k7=v7", "k7=v27", "k7=v47", "k7="]]);

    let table = "CREATE TABLE kv (k STRING PRIMARY KEY, v STRING)
        WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'KAFKA');
        CREATE TABLE copy AS SELECT k, v FROM kv;\n\\wait\n
        SELECT COUNT(*) AS n FROM copy;";
    let out = place.run_with_input(&["--output", "csv"], table).ok();
    assert!(out.ends_with("N\n19\n"), "{out}");
}

#[test]
fn json_lines_carry_everything_from_one_topic_to_another() {
    let place = with_topic("2");
    place.run(&["topic", "create", "u", "-p", "2", "--set", "retention.ms=-1"]).ok();
    let lines = concat!(
        r#"{"partition":0,"timestamp":1000,"key":"a","value":{"n":1}}"#,
        "\n",
        r#"{"partition":1,"timestamp":2000,"key":null,"value":null,"headers":[{"key":"h","value":"x"},{"key":"h","value":null}]}"#,
        "\n",
        r#"{"partition":1,"timestamp":3000,"key_base64":"AP8=","value":"text"}"#,
        "\n",
    );
    place.run_with_input(&["produce", "t", "--json", "-H", "source=test"], lines).ok();
    let json = place.run(&["consume", "t", "--output", "json", "--to", "t.jsonl"]);
    assert!(json.err.contains("3 records of t read"), "{}", json.err);
    assert_eq!(json.ok(), "");
    let first = std::fs::read_to_string(place.path().join("t.jsonl")).unwrap();
    let expected = concat!(
        r#"{"partition":0,"offset":0,"timestamp":1000,"key":"a","value":"{\"n\":1}","headers":[{"key":"source","value":"test"}]}"#,
        "\n",
        r#"{"partition":1,"offset":0,"timestamp":2000,"key":null,"value":null,"headers":[{"key":"source","value":"test"},{"key":"h","value":"x"},{"key":"h","value":null}]}"#,
        "\n",
        r#"{"partition":1,"offset":1,"timestamp":3000,"key_base64":"AP8=","value":"text","headers":[{"key":"source","value":"test"}]}"#,
        "\n",
    );
    assert_eq!(first, expected);
    place.run(&["produce", "u", "--json", "t.jsonl"]).ok();
    assert_eq!(place.run(&["consume", "u", "--output", "json"]).ok(), expected);

    let since = ["--from", "1970-01-01T00:00:02.5Z"];
    assert_eq!(place.run(&[&["consume", "t"], &since[..]].concat()).ok(), "text\n");
    let csv = place.run(&["consume", "t", "-p", "0", "--output", "csv"]).ok();
    let row = r#"0,0,1000,a,"{""n"":1}","[{""key"":""source"",""value"":""test""}]""#;
    assert_eq!(csv, format!("partition,offset,timestamp,key,value,headers\n{row}\n"));
}

#[test]
fn what_stands_before_a_bad_line_is_written() {
    let place = with_topic("1");
    place.file("lines", "a=1\nb\nc=3\n");
    let err = place.run(&["produce", "t", "lines", "-k", "="]).failed();
    assert!(err.contains("lines: line 2: there is no key separator ="), "{err}");
    assert!(err.contains("1 record written to t"), "{err}");
    assert_eq!(place.run(&["consume", "t"]).ok(), "1\n");
    let err = place.run_with_input(&["produce", "t", "--json"], r#"{"vlaue":1}"#).failed();
    assert!(err.contains("standard input: line 1: vlaue: unknown field"), "{err}");
}

#[test]
fn a_group_goes_on_where_it_was_and_can_be_moved() {
    let place = with_topic("1");
    place.run_with_input(&["produce", "t"], "one\ntwo\nthree\n").ok();
    let consume = ["consume", "t", "--group", "readers", "-n", "2"];
    assert_eq!(place.run(&consume).ok(), "one\ntwo\n");
    let describe = || place.run(&["--output", "csv", "group", "describe", "readers"]).ok();
    assert!(
        describe().lines().nth(1).is_some_and(|l| l.starts_with("t,0,2,3,1,")),
        "{}",
        describe()
    );
    assert_eq!(place.run(&consume).ok(), "three\n");
    assert_eq!(place.run(&consume).ok(), "");

    let reset = ["--output", "csv", "group", "reset", "readers", "--topic", "t", "--to"];
    let to = |to| place.run(&[&reset[..], &[to]].concat()).ok();
    assert_eq!(to("1"), "topic,partition,next offset\nt,0,1\n");
    assert_eq!(to("earliest"), "topic,partition,next offset\nt,0,0\n");
    assert_eq!(to("1970-01-01"), "topic,partition,next offset\nt,0,0\n");
    assert_eq!(place.run(&consume).ok(), "one\ntwo\n");
    let list = || place.run(&["--output", "csv", "group", "list"]).ok();
    assert_eq!(list(), "group,partitions,behind\nreaders,1,1\n");

    let err = place.run(&["group", "describe", "reader"]).failed();
    assert!(err.contains("no consumer group named 'reader', did you mean 'readers'?"), "{err}");
    place.run(&["group", "delete", "readers"]).ok();
    assert_eq!(list(), "group,partitions,behind\n");
}

#[test]
fn a_transaction_that_is_not_decided_is_read_only_by_who_asks() {
    let place = with_topic("1");
    place.file("bad.csv", "id,at\na,1000\nb,never\n");
    place.run(&["import", "bad.csv", "--topic", "t", "--timestamp", "at"]).failed();
    assert_eq!(place.run(&["consume", "t"]).ok(), "");
}

#[test]
fn what_does_not_exist_is_named() {
    let place = with_topic("1");
    for command in ["produce", "consume"] {
        let err = place.run(&[command, "tt"]).failed();
        assert!(err.contains("no topic named 'tt', did you mean 't'?"), "{err}");
    }
    let err = place.run(&["consume", "t", "-p", "3"]).failed();
    assert!(err.contains("topic 't' has partitions 0 to 0, found 3"), "{err}");
    assert_eq!(place.run(&["consume", "t", "--from", "yesterday"]).status, 2);
    assert_eq!(place.run(&["consume", "t", "--from", "1", "--group", "g"]).status, 2);
}

#[test]
fn columns_show_as_records() {
    let place = Place::new();
    let script = "CREATE STREAM s (k STRING KEY, n INT, t STRING)
        WITH (KAFKA_TOPIC = 's', PARTITIONS = 1, VALUE_FORMAT = 'ARROW');
        INSERT INTO s (k, n, t) VALUES ('a', 1, 'x'), ('b', 2, NULL), ('c', 3, 'z');";
    place.run_with_input(&[], script).ok();
    let consumed = place.run(&["consume", "s", "-k", "=", "--from", "1"]).ok();
    assert_eq!(consumed, "b={\"N\":2,\"T\":null}\nc={\"N\":3,\"T\":\"z\"}\n");
    assert_eq!(place.run(&["consume", "s", "-n", "1"]).ok(), "{\"N\":1,\"T\":\"x\"}\n");
}
