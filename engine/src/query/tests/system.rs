//! System tables.

use arrow::util::display::array_value_to_string;
use futures::StreamExt;

use super::{ROWS, asked, engine, refused, write};

#[tokio::test]
async fn queries_are_asked_about_like_any_rows() {
    let (engine, mut session) = engine().await;
    let query = "SELECT query_id, kind, status, reads, writes, lag_records, records_in, commits > 0
        FROM millstream.queries WHERE writes <> 'BY_BOTH';";
    assert_eq!(
        asked(&mut session, query).await,
        [
            "CTAS_BY_ID_0 PERSISTENT RUNNING CLICKS BY_ID 0 5 true",
            "CTAS_BY_SECOND_2 PERSISTENT RUNNING CLICKS BY_SECOND 0 5 true",
        ]
    );
    write(&engine, &ROWS[..2]);
    let lag = "SELECT partition, next_offset, end_offset, lag_records, lag_bytes > 0, lag_ms > 0
        FROM millstream.positions WHERE query_id = 'CTAS_BY_ID_0';";
    assert_eq!(asked(&mut session, lag).await, ["0 3 4 1 true true", "1 2 3 1 true true"]);
    let sum = "SELECT SUM(lag_records) FROM millstream.queries;";
    assert_eq!(asked(&mut session, sum).await, ["6"]);
}

#[tokio::test]
async fn a_push_query_is_listed_as_long_as_it_runs() {
    let (_engine, mut session) = engine().await;
    let text = "SELECT ID FROM CLICKS WHERE PAGE = 7 EMIT CHANGES;";
    let rows = super::rows(&mut session, text).await.unwrap();
    let push = "SELECT query_id, reads, statement FROM millstream.queries WHERE kind = 'PUSH';";
    let expected = format!("PUSH_0 CLICKS {text}");
    assert_eq!(asked(&mut session, push).await, [expected.trim_end_matches(';')]);
    drop(rows);
    assert!(asked(&mut session, push).await.is_empty());
}

#[tokio::test]
async fn state_and_partitions_are_measured() {
    let (_engine, mut session) = engine().await;
    let stores = "SELECT query_id, holds, state_keys, state_bytes > 0 FROM millstream.stores
        WHERE query_id = 'CTAS_BY_ID_0';";
    assert_eq!(
        asked(&mut session, stores).await,
        ["CTAS_BY_ID_0 groups 3 true", "CTAS_BY_ID_0 rows of the table 3 true"]
    );
    let partitions = "SELECT p.partition, p.end_offset, p.log_bytes > 0, p.open_transactions
        FROM millstream.partitions p
        JOIN millstream.positions q ON p.topic = q.topic AND p.partition = q.partition
        WHERE q.query_id = 'CTAS_BY_ID_0';";
    assert_eq!(asked(&mut session, partitions).await, ["0 3 true 0", "1 2 true 0"]);
    assert!(asked(&mut session, "SELECT * FROM millstream.connections;").await.is_empty());
}

#[tokio::test]
async fn a_list_of_queries_may_tell_more() {
    let (engine, mut session) = engine().await;
    write(&engine, &ROWS[..1]);
    let mut rows = super::rows(&mut session, "SHOW QUERIES EXTENDED;").await.unwrap();
    let names: Vec<_> = rows.columns.iter().map(|column| column.name.clone()).collect();
    let at = |name: &str| names.iter().position(|each| each == name).unwrap();
    let columns = ["lag", "records_in", "errors", "late", "state_keys"].map(at);
    let more =
        ["lag_bytes", "lag_ms", "records_per_second", "commits", "last_commit", "state_bytes"];
    let more = more.map(at);
    let batch = rows.stream.next().await.unwrap().unwrap();
    let cell = |column: usize| array_value_to_string(batch.column(column), 0).unwrap();
    assert_eq!(columns.map(cell), ["1", "5", "0", "0", "6"]);
    let cell = |column: usize| array_value_to_string(batch.column(column), 0).unwrap();
    assert!(more.map(cell).iter().all(|cell| !cell.is_empty() && !cell.starts_with("0")));
}

#[tokio::test]
async fn other_names_of_the_schema_are_refused() {
    let (_engine, mut session) = engine().await;
    let error = refused(&mut session, "SELECT * FROM millstream.querys;").await;
    assert!(error.contains("no system table MILLSTREAM.QUERYS"), "{error}");
}
