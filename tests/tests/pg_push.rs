//! Push queries at the Postgres port, and clients that stop reading.

mod pg_harness;

use std::time::Duration;

use pg_harness::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, NoTls};

const CREATE: &str = "CREATE STREAM events (id BIGINT, text STRING)
    WITH (KAFKA_TOPIC='events', PARTITIONS=1, VALUE_FORMAT='JSON')";

async fn connect(running: &Running) -> Client {
    let mut config = tokio_postgres::Config::new();
    config.host(running.addr.ip().to_string()).port(running.addr.port()).user("tester");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

/// A client that sends a query and reads nothing of the answer.
async fn deaf_client(running: &Running, query: &str) -> TcpStream {
    let mut socket = TcpStream::connect(running.addr).await.expect("the port listens");
    let parameters = b"user\0deaf\0\0";
    let length = (8 + parameters.len()) as u32;
    let startup = [&length.to_be_bytes()[..], &196_608u32.to_be_bytes(), parameters].concat();
    socket.write_all(&startup).await.expect("a startup message");
    // The last message before a query may be sent is Z, which is six bytes.
    let mut read = Vec::new();
    while !read.ends_with(b"Z\0\0\0\x05I") {
        let mut piece = [0; 512];
        let count = socket.read(&mut piece).await.expect("messages");
        assert!(count > 0, "the server closed the connection");
        read.extend_from_slice(&piece[..count]);
    }
    let length = (query.len() + 5) as u32;
    let message = [b"Q", &length.to_be_bytes()[..], query.as_bytes(), b"\0"].concat();
    socket.write_all(&message).await.expect("a query");
    socket
}

/// Waits until so many push queries are listed.
async fn until_push_queries(client: &Client, count: i64) {
    let listed = "SELECT COUNT(*) FROM millstream.queries WHERE kind = 'PUSH'";
    while client.query_one(listed, &[]).await.expect("a count").get::<_, i64>(0) != count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_holds_up_nobody_and_is_cleaned_up() {
    const ROWS: i64 = 12_000;
    let running = Running::start().await;
    let (client, writer) = (connect(&running).await, connect(&running).await);
    writer.batch_execute(CREATE).await.expect("a stream");
    let deaf = deaf_client(&running, "SELECT * FROM events EMIT CHANGES").await;
    until_push_queries(&writer, 1).await;

    // More than the buffers of both sockets hold.
    let text = "x".repeat(1000);
    let query = format!("SELECT id FROM events EMIT CHANGES LIMIT {ROWS}");
    let reading = tokio::spawn(async move { client.query(&query, &[]).await });
    for first in (0..ROWS).step_by(500) {
        let rows = (first..first + 500).map(|id| format!("({id}, '{text}')")).collect::<Vec<_>>();
        let insert = format!("INSERT INTO events VALUES {}", rows.join(", "));
        writer.batch_execute(&insert).await.expect("rows");
    }
    let rows = reading.await.expect("the task ends").expect("rows");
    assert_eq!(rows.len() as i64, ROWS);

    // The deaf one has not moved on beyond what its buffers take.
    let deaf_one = "SELECT records_in, lag_bytes FROM millstream.queries WHERE kind = 'PUSH'";
    let row = writer.query_one(deaf_one, &[]).await.expect("the deaf client's query");
    assert!(row.get::<_, i64>(0) < ROWS && row.get::<_, i64>(1) > 0);
    drop(deaf);
    until_push_queries(&writer, 0).await;
    let connections = "SELECT COUNT(*) FROM millstream.connections WHERE username = 'deaf'";
    while writer.query_one(connections, &[]).await.expect("a count").get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
}
