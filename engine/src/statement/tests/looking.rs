//! What `SHOW` and `DESCRIBE` tell when they are asked for more.

use log_store::{CommittedOffset, Offset};

use super::{engine, lines};

#[tokio::test]
async fn extended_lists_tell_where_the_rows_are_and_who_reads_them() {
    let (_engine, mut session) = engine().await;
    let streams = lines(&mut session, "SHOW STREAMS EXTENDED;").await;
    let columns = "stream_name|kafka_topic|key_format|value_format|windowed|written_by|read_by|partitions|records|bytes|statement";
    assert_eq!(streams[0], columns);
    assert!(
        streams[1].starts_with("CLICKS|clicks|JSON|JSON|false||CTAS_PAGES_0|1|"),
        "{streams:?}"
    );
    assert!(streams[1].ends_with("FORMAT='JSON')"), "{streams:?}");
    let tables = lines(&mut session, "LIST TABLES EXTENDED;").await;
    assert!(tables[1].starts_with("PAGES|PAGES|JSON|JSON|false|CTAS_PAGES_0||1|"), "{tables:?}");
    assert_eq!(lines(&mut session, "SHOW TABLES;").await[0].split('|').count(), 6);
}

#[tokio::test]
async fn all_topics_are_those_of_the_store_as_well() {
    let (_engine, mut session) = engine().await;
    let own = |lines: &[String]| lines.iter().filter(|line| line.starts_with("__")).count();
    assert_eq!(own(&lines(&mut session, "SHOW TOPICS;").await), 0);
    assert!(own(&lines(&mut session, "SHOW ALL TOPICS;").await) > 0);
    let extended = lines(&mut session, "SHOW ALL TOPICS EXTENDED;").await;
    assert_eq!(extended[0], "topic|partitions|records|bytes|queries|groups");
    assert!(own(&extended) > 0);
}

#[tokio::test]
async fn groups_are_queries_and_consumer_groups() {
    let (engine, mut session) = engine().await;
    let clicks = engine.log().topic("clicks").unwrap();
    let end = clicks.partitions()[0].high_watermark();
    let at = (clicks.partitions()[0].topic_partition().clone(), CommittedOffset::at(Offset(1)));
    engine.log().group("auditors").unwrap().commit(&[at]).unwrap();
    let groups = lines(&mut session, "SHOW GROUPS;").await;
    let consumers = format!("auditors|consumer group|clicks|{}", end.0 - 1);
    assert_eq!(groups, ["group|kind|reads|lag", "CTAS_PAGES_0|query|CLICKS|0", &consumers]);
    let topics = lines(&mut session, "SHOW TOPICS EXTENDED;").await;
    let counts = |topic: &str| {
        let line = topics.iter().find(|line| line.starts_with(topic)).unwrap();
        line.splitn(5, '|').last().unwrap().to_owned()
    };
    assert_eq!((counts("clicks"), counts("PAGES")), ("1|1".into(), "0|0".into()));
}

#[tokio::test]
async fn all_streams_are_described_at_once() {
    let (_engine, mut session) = engine().await;
    let one = lines(&mut session, "DESCRIBE CLICKS EXTENDED;").await;
    let all = lines(&mut session, "DESCRIBE STREAMS EXTENDED;").await;
    assert_eq!(all[0], "source|property|value");
    for line in &one[1..] {
        assert!(all.contains(&format!("CLICKS|{line}")), "{line} is not in {all:#?}");
    }
    assert!(all.iter().any(|line| line == "CLICKS|read by|CTAS_PAGES_0"), "{all:#?}");
    assert!(all.iter().all(|line| !line.starts_with("PAGES|")), "{all:#?}");
    let tables = lines(&mut session, "DESCRIBE TABLES EXTENDED;").await;
    assert!(tables.iter().any(|line| line == "PAGES|written by|CTAS_PAGES_0"), "{tables:#?}");
    assert_eq!(lines(&mut session, "DESCRIBE TABLES;").await[0], "source|column_name|type|role");
}
