//! A driver at the Postgres port: tokio-postgres, which prepares every statement and takes binary.

mod pg_harness;

use futures::{SinkExt, StreamExt, TryStreamExt, pin_mut};
use pg_harness::Running;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage, Statement};

const CREATE: &str = "CREATE STREAM orders (id BIGINT KEY, item STRING, amount INTEGER, price DECIMAL(10, 2),
    tags ARRAY<STRING>, place STRUCT<city STRING>) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON')";

async fn connect(running: &Running) -> Client {
    let (host, port) = (running.addr.ip(), running.addr.port());
    let address = format!("host={host} port={port} user=tester dbname=millstream");
    let (client, connection) =
        tokio_postgres::connect(&address, NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

/// A server with the stream `orders` of three rows, and a client.
async fn orders() -> (Running, Client) {
    let running = Running::start().await;
    let client = connect(&running).await;
    client.batch_execute(CREATE).await.expect("the server answers");
    let rows =
        "INSERT INTO orders VALUES (1, 'apple', 3, 1.50, ARRAY['a', 'b'], STRUCT(city := 'Rome'));
        INSERT INTO orders (id, item, amount) VALUES (2, 'pear', 5);
        INSERT INTO orders (id, item, amount) VALUES (3, 'plum', 7);";
    client.batch_execute(rows).await.expect("the server answers");
    (running, client)
}

fn sqlstate(error: &Error) -> &str {
    error.code().map_or("", |code| code.code())
}

#[tokio::test]
async fn rows_come_back_with_their_types() {
    let (running, client) = orders().await;
    let row = client.query_one("SELECT * FROM orders WHERE id = 1", &[]).await.unwrap();
    let columns: Vec<_> =
        row.columns().iter().map(|column| (column.name(), column.type_().clone())).collect();
    let expected = [
        ("id", Type::INT8),
        ("item", Type::TEXT),
        ("amount", Type::INT4),
        ("price", Type::NUMERIC),
        ("tags", Type::TEXT_ARRAY),
        ("place", Type::JSONB),
    ];
    assert_eq!(columns, expected);
    assert_eq!(row.get::<_, i64>("id"), 1);
    assert_eq!(row.get::<_, Vec<&str>>("tags"), ["a", "b"]);
    running.stop().await;
}

#[tokio::test]
async fn parameters_have_the_types_of_their_places() {
    let (running, client) = orders().await;
    let select =
        client.prepare("SELECT item FROM orders WHERE id = $1 AND amount > $2").await.unwrap();
    assert_eq!(select.params(), [Type::INT8, Type::INT4]);
    assert_eq!(select.columns()[0].name(), "item");
    let row = client.query_one(&select, &[&2i64, &4i32]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "pear");
    assert!(client.query_opt(&select, &[&2i64, &5i32]).await.unwrap().is_none());

    let insert =
        client.prepare("INSERT INTO orders (id, item, amount) VALUES ($1, $2, $3)").await.unwrap();
    let nasty = "x'; DROP STREAM orders; --";
    assert_eq!(client.execute(&insert, &[&4i64, &nasty, &-1i32]).await.unwrap(), 1);
    let row = client.query_one("SELECT item, amount FROM orders WHERE id = 4", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i32>(1)), (nasty, -1));
    running.stop().await;
}

/// The total of the pears, as soon as that many orders are counted.
async fn pears(client: &Client, by_item: &Statement, orders: i64) -> i32 {
    loop {
        match client.query_opt(by_item, &[&"pear"]).await.expect("a row or none") {
            Some(row) if row.get::<_, i64>(1) == orders => return row.get(0),
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_prepared_lookup_goes_with_the_table_and_with_what_was_inserted() {
    let (running, client) = orders().await;
    let create = "CREATE TABLE totals AS SELECT item, SUM(amount) AS total, COUNT(*) AS n
        FROM orders GROUP BY item";
    client.batch_execute(create).await.unwrap();
    let by_item = client.prepare("SELECT total, n FROM totals WHERE item = $1").await.unwrap();
    assert_eq!(by_item.params(), [Type::TEXT]);
    assert_eq!(pears(&client, &by_item, 1).await, 5);
    assert!(client.query_opt(&by_item, &[&"x' OR '1' = '1"]).await.unwrap().is_none());
    assert!(client.query_opt(&by_item, &[&None::<&str>]).await.unwrap().is_none());
    let insert = "INSERT INTO orders (id, item, amount) VALUES (4, 'pear', 2)";
    client.batch_execute(insert).await.unwrap();
    assert_eq!(pears(&client, &by_item, 2).await, 7);
    client.batch_execute("DROP TABLE totals").await.unwrap();
    let error = client.query_one(&by_item, &[&"pear"]).await.unwrap_err();
    assert_eq!(sqlstate(&error), "42P01");
    running.stop().await;
}

#[tokio::test]
async fn a_portal_gives_its_rows_in_portions() {
    let (running, mut client) = orders().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM orders ORDER BY id", &[]).await.unwrap();
    let mut portions = Vec::new();
    for _ in 0..3 {
        let rows = transaction.query_portal(&portal, 2).await.unwrap();
        portions.push(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>());
    }
    assert_eq!(portions, [vec![1, 2], vec![3], vec![]]);
    transaction.commit().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn mistakes_have_a_code_and_a_place() {
    let (running, client) = orders().await;
    let position = |error: &Error| match error.as_db_error().and_then(|error| error.position()) {
        Some(tokio_postgres::error::ErrorPosition::Original(position)) => Some(*position),
        _ => None,
    };
    let text = "SELECT 'ä', itm FROM orders";
    let error = client.query(text, &[]).await.unwrap_err();
    assert_eq!((sqlstate(&error), position(&error)), ("42703", Some(13)));
    let error = client.query("SELECT * FROM nowhere", &[]).await.unwrap_err();
    assert_eq!((sqlstate(&error), position(&error)), ("42P01", Some(15)));
    let error = client.batch_execute("SELEKT 1").await.unwrap_err();
    assert_eq!((sqlstate(&error), position(&error)), ("42601", Some(1)));
    // The connection lives on.
    assert_eq!(client.query("SELECT id FROM orders", &[]).await.unwrap().len(), 3);
    running.stop().await;
}

#[tokio::test]
async fn quoted_names_mean_what_clients_are_shown() {
    let (running, client) = orders().await;
    let row =
        client.query_one("SELECT \"item\" FROM \"orders\" WHERE \"id\" = 1", &[]).await.unwrap();
    assert_eq!(row.columns()[0].name(), "item");
    let error = client.query("SELECT * FROM \"ORDERS\"", &[]).await.unwrap_err();
    assert_eq!(sqlstate(&error), "42P01");
    running.stop().await;
}

#[tokio::test]
async fn changes_arrive_as_they_happen_and_a_cancelled_query_leaves_the_connection_alive() {
    let (running, client) = orders().await;
    let second = connect(&running).await;
    client.batch_execute("SET 'auto.offset.reset' = 'earliest'").await.unwrap();
    let none: [&str; 0] = [];
    let changes = client.query_raw("SELECT id FROM orders EMIT CHANGES", none).await.unwrap();
    pin_mut!(changes);
    for id in 1..6i64 {
        if id > 3 {
            let insert = format!("INSERT INTO orders (id, item, amount) VALUES ({id}, 'fig', 1)");
            second.batch_execute(&insert).await.unwrap();
        }
        let seen = changes.try_next().await.unwrap().unwrap();
        assert_eq!(seen.get::<_, i64>(0), id);
    }
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let error = changes.try_next().await.unwrap_err();
    assert_eq!(sqlstate(&error), "57014");
    assert_eq!(client.query("SELECT id FROM orders", &[]).await.unwrap().len(), 5);
    running.stop().await;
}

#[tokio::test]
async fn rows_go_out_and_come_in_by_copy() {
    let (running, client) = orders().await;
    let out = client
        .copy_out("COPY (SELECT id, item FROM orders ORDER BY id) TO STDOUT (FORMAT csv, HEADER)")
        .await;
    let text: Vec<_> = out.unwrap().try_collect().await.unwrap();
    assert_eq!(text.concat(), b"id,item\n1,apple\n2,pear\n3,plum\n");

    let sink: tokio_postgres::CopyInSink<bytes::Bytes> =
        client.copy_in("COPY orders (id, item, amount) FROM STDIN (FORMAT csv)").await.unwrap();
    pin_mut!(sink);
    sink.send("4,\"fig, dried\",1\n5,".into()).await.unwrap();
    sink.send("date,\n".into()).await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 2);
    let rows = client
        .query("SELECT item, amount FROM orders WHERE id > 3 ORDER BY id", &[])
        .await
        .unwrap();
    let items: Vec<_> =
        rows.iter().map(|row| (row.get::<_, &str>(0), row.get::<_, Option<i32>>(1))).collect();
    assert_eq!(items, [("fig, dried", Some(1)), ("date", None)]);
    running.stop().await;
}

#[tokio::test]
async fn cursors_give_portions_of_changes() {
    let (running, client) = orders().await;
    let text = "BEGIN; DECLARE c CURSOR FOR SELECT id FROM orders ORDER BY id; FETCH 2 FROM c; FETCH ALL FROM c; COMMIT";
    let messages = client.simple_query(text).await.unwrap();
    let ids: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["1", "2", "3"]);
    let error = client.simple_query("FETCH 1 FROM c").await.unwrap_err();
    assert_eq!(sqlstate(&error), "34000");
    running.stop().await;
}

#[tokio::test]
async fn settings_are_kept_and_a_failed_transaction_waits_for_its_end() {
    let running = Running::start().await;
    let client = connect(&running).await;
    client
        .batch_execute("SET application_name = 'a test'; SET extra_float_digits TO 3")
        .await
        .unwrap();
    let row = client.query_one("SHOW application_name", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "a test");
    let row = client
        .query_one("SELECT current_setting('extra_float_digits'), current_user", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("3", "tester"));

    client.batch_execute("BEGIN").await.unwrap();
    client.batch_execute("SELECT * FROM nowhere").await.unwrap_err();
    let error = client.batch_execute("SELECT 1").await.unwrap_err();
    assert_eq!(sqlstate(&error), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(client.query("SELECT 1", &[]).await.unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn the_catalog_knows_relations_and_their_columns() {
    let (running, client) = orders().await;
    let text = "SELECT a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
        WHERE c.relname = $1 AND a.attnum > 0 ORDER BY a.attnum";
    let rows = client.query(text, &[&"orders"]).await.unwrap();
    let columns: Vec<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("id", "bigint"),
        ("item", "text"),
        ("amount", "integer"),
        ("price", "numeric(10,2)"),
        ("tags", "text[]"),
        ("place", "jsonb"),
    ];
    assert_eq!(columns, expected);
    running.stop().await;
}

#[tokio::test]
async fn there_is_a_limit_to_connections() {
    let running =
        Running::start_with(|config| server::Config { connections_max: 1, ..config }).await;
    let first = connect(&running).await;
    let address = format!("host={} port={} user=tester", running.addr.ip(), running.addr.port());
    let error = tokio_postgres::connect(&address, NoTls).await.err().unwrap();
    assert_eq!(sqlstate(&error), "53300");
    drop(first);
    running.stop().await;
}

#[tokio::test]
async fn a_server_that_shuts_down_ends_a_push_query() {
    let (running, client) = orders().await;
    let none: [&str; 0] = [];
    let changes = client.query_raw("SELECT id FROM orders EMIT CHANGES", none).await.unwrap();
    pin_mut!(changes);
    running.stop().await;
    // The rows that are there already come first.
    let mut last = changes.next().await;
    while matches!(last, Some(Ok(_))) {
        last = changes.next().await;
    }
    assert!(last.unwrap().is_err());
}

#[tokio::test]
async fn times_are_what_postgres_makes_of_them() {
    let running = Running::start().await;
    let client = connect(&running).await;
    let stream = "CREATE STREAM moments (id BIGINT KEY, seconds INTEGER, at TIMESTAMP, day DATE)
        WITH (KAFKA_TOPIC='moments', PARTITIONS=1, VALUE_FORMAT='JSON');
        INSERT INTO moments VALUES (1, 90000, '2024-02-29T12:40:07.250', '2024-02-29');";
    client.batch_execute(stream).await.unwrap();
    let year = "'YYYY-MM-DD HH24:MI:SS.US'";
    let half_hour =
        "DATE_TRUNC('HOUR', at) + INTERVAL '30 MINUTES' * FLOOR(EXTRACT(MINUTE FROM at) / 30)";
    let cases = [
        (format!("at >= TO_TIMESTAMP('2024-02-29 12:40:07.250000', {year})"), "t"),
        (format!("at < TO_TIMESTAMP('2024-02-29 12:40:07.25', {year})"), "f"),
        ("day = TO_DATE('29.02.2024', 'DD.MM.YYYY')".into(), "t"),
        ("TO_CHAR(at, 'Mon DD, HH12:MI:SS.MS AM')".into(), "Feb 29, 12:40:07.250 PM"),
        ("timestamp 'epoch' + seconds * interval '1 second'".into(), "1970-01-02 01:00:00"),
        ("CAST('epoch' AS TIMESTAMP) + INTERVAL '1 day' * 1.5".into(), "1970-01-02 12:00:00"),
        (half_hour.into(), "2024-02-29 12:30:00"),
    ];
    for (expression, expected) in cases {
        let query = format!("SELECT {expression} FROM public.moments");
        let messages =
            client.simple_query(&query).await.unwrap_or_else(|e| panic!("{query}: {e:?}"));
        let found = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(found, Some(expected), "{query}");
    }
    running.stop().await;
}

#[tokio::test]
async fn flags_of_the_catalog_are_compared_with_text() {
    let (running, client) = orders().await;
    client
        .batch_execute("CREATE TABLE kept AS SELECT id, COUNT(*) AS n FROM orders GROUP BY id")
        .await
        .unwrap();
    let keys = |flag: &str| {
        let query = format!(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisprimary = '{flag}'"
        );
        let client = &client;
        async move { client.query(&query, &[]).await.unwrap() }
    };
    let primary = keys("t").await;
    assert_eq!(primary.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["kept"]);
    assert!(keys("false").await.is_empty());
    running.stop().await;
}
