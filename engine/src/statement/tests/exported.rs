//! `EXPORT CATALOG` gives statements that build the same catalog.

use super::{engine, lines};
use crate::Session;
use crate::engine::{Engine, Options, Workers};

const MORE: &str = "
    CREATE TYPE PERSON AS STRUCT<NAME STRING, HOME STRUCT<TOWN STRING, ZIP INT>>;
    CREATE STREAM PEOPLE (`id` STRING KEY, P PERSON, D DECIMAL(6, 2), AT STRING, H BYTES HEADER('it''s'))
        WITH (KAFKA_TOPIC='people', PARTITIONS=3, KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON',
              TIMESTAMP='AT', TIMESTAMP_FORMAT='yyyy-MM-dd''T''HH');
    CREATE SOURCE TABLE PLACES (ID INT PRIMARY KEY, A INT, B ARRAY<INT>)
        WITH (KAFKA_TOPIC='places', PARTITIONS=1, FORMAT='JSON');
    CREATE STREAM LINES (A INT, B STRING)
        WITH (KAFKA_TOPIC='lines', PARTITIONS=1, VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='SPACE');
    CREATE STREAM HITS (ID STRING KEY, TOWN STRING)
        WITH (KAFKA_TOPIC='hits', PARTITIONS=1, VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false,
              WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 MINUTE');
    CREATE STREAM ALL_TOWNS (`id` STRING KEY, TOWN STRING)
        WITH (KAFKA_TOPIC='towns', PARTITIONS=2, VALUE_FORMAT='JSON');
    SET 'auto.offset.reset' = 'latest';
    CREATE STREAM TOWNS AS SELECT `id`, P->HOME->TOWN AS TOWN FROM PEOPLE WHERE D > 1;
    UNSET 'auto.offset.reset';
    INSERT INTO ALL_TOWNS SELECT `id`, TOWN FROM TOWNS;
    CREATE TABLE TOWN_COUNTS AS SELECT TOWN, COUNT(*) AS N FROM ALL_TOWNS
        WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 30 MINUTES, GRACE PERIOD 1 MINUTE) GROUP BY TOWN;
    TERMINATE CSAS_TOWNS_2;
    INSERT INTO ALL_TOWNS WITH (QUERY_ID='more') SELECT `id`, P->NAME AS TOWN FROM PEOPLE;
    PAUSE CST_PLACES_1;
    PAUSE CTAS_TOWN_COUNTS_4;
    PAUSE MORE;";

async fn everything(session: &mut Session) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(paused(session).await);
    for statement in ["EXPORT CATALOG;", "DESCRIBE STREAMS;", "DESCRIBE TABLES;", "SHOW TYPES;"] {
        all.extend(lines(session, statement).await);
    }
    all
}

/// The queries that are paused, by what they read and write: ids count also what has been
/// terminated, and a source's statement is written anew.
async fn paused(session: &mut Session) -> Vec<String> {
    let queries = lines(session, "SHOW QUERIES;").await;
    let paused = queries.iter().filter(|line| line.contains("PAUSED"));
    paused.map(|line| line.split('|').skip(1).take(3).collect::<Vec<_>>().join("|")).collect()
}

#[tokio::test]
async fn what_was_exported_builds_the_same_catalog() {
    let (_engine, mut session) = engine().await;
    session.run(MORE).await.unwrap();
    let exported = lines(&mut session, "EXPORT CATALOG;").await;
    let options = Options { workers: Workers::Manual, ..Options::default() };
    let other = Engine::open(options).await.unwrap();
    let mut rebuilt = other.session();
    rebuilt.run(&exported[1..].join("\n")).await.unwrap();
    let (rebuilt, original) = (everything(&mut rebuilt).await, everything(&mut session).await);
    assert_eq!(rebuilt, original);
    assert_eq!(rebuilt.iter().filter(|line| line.contains("PAUSED")).count(), 3);
}
