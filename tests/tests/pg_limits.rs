//! What is too much for a server is refused with a reason, and the server lives on.

mod pg_harness;

use std::sync::Arc;
use std::time::Duration;

use pg_harness::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

/// No reply in this time is none at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients that come.
const CLIENTS: usize = 2_000;

/// As many connect at once.
const KNOCKING: usize = 200;

/// How many of them are let in.
const PLACES: usize = 20;

async fn connect(running: &Running) -> Result<Client, Error> {
    let mut config = Config::new();
    config.host(running.addr.ip().to_string()).port(running.addr.port()).user("tester");
    let (client, connection) = config.dbname("millstream").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The first row of an answer, as text.
async fn row(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.expect("the server answers");
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.expect("a row");
    (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned()).collect()
}

async fn check_alive(running: &Running) {
    let client = connect(running).await.expect("the server lets a client in");
    assert_eq!(row(&client, "SELECT 1 + 1").await, ["2"]);
}

fn refusal(error: &Error) -> (String, String) {
    let error = error.as_db_error().unwrap_or_else(|| panic!("{error}"));
    (error.code().code().to_owned(), error.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_100_megabytes_is_refused() {
    let running = Running::start().await;
    let client = connect(&running).await.unwrap();
    let long = format!("SELECT '{}'", "x".repeat(100_000_000));
    for error in [client.batch_execute(&long).await, client.prepare(&long).await.map(drop)] {
        let (sqlstate, message) = refusal(&error.expect_err("it is too long"));
        assert_eq!(sqlstate, "54000");
        assert_eq!(message, "expected at most 33554432 bytes of statements, found 100000009");
    }
    // The connection lives on as well.
    assert_eq!(row(&client, "SELECT 1").await, ["1"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_record_is_refused() {
    let running = Running::start().await;
    let client = connect(&running).await.unwrap();
    let create = "CREATE STREAM texts (id BIGINT KEY, text STRING)
        WITH (KAFKA_TOPIC='texts', PARTITIONS=1, VALUE_FORMAT='JSON')";
    client.batch_execute(create).await.unwrap();
    let huge = "x".repeat(20_000_000);
    let inserted = client.execute("INSERT INTO texts VALUES (1, $1)", &[&huge]).await;
    let (_, message) = refusal(&inserted.expect_err("it is too large"));
    assert!(message.contains("is larger than max.message.bytes, 16777216"), "{message}");
    let large = "x".repeat(10_000_000);
    client.execute("INSERT INTO texts VALUES (2, $1)", &[&large]).await.unwrap();
    let query = "SELECT COUNT(*), MAX(LEN(text)) FROM texts";
    assert_eq!(row(&client, query).await, ["1", "10000000"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nests_too_deep_is_refused() {
    let running = Running::start().await;
    let client = connect(&running).await.unwrap();
    let deep = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000))
    };
    for statement in [
        format!("SELECT {} FROM nowhere", deep("(", "1", ")")),
        format!("SELECT {}", deep("ABS(", "1", ")")),
        format!("SELECT {}", deep("- ", "1", "")),
        format!("CREATE TYPE t AS {}", deep("ARRAY<", "INT", ">")),
        deep("SELECT * FROM (", "SELECT 1", ")"),
    ] {
        let error = client.batch_execute(&statement).await.expect_err(&statement[..40]);
        assert_eq!(refusal(&error).0, "42601", "{}", &statement[..40]);
    }
    // Documents in records nest as they like: what is not asked for is stepped over.
    let create = "CREATE STREAM docs (id BIGINT KEY, text STRING, a ARRAY<ARRAY<INT>>)
        WITH (KAFKA_TOPIC='docs', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE STREAM raw (id BIGINT KEY, doc STRING)
        WITH (KAFKA_TOPIC='docs', VALUE_FORMAT='KAFKA');";
    client.batch_execute(create).await.unwrap();
    let nested = deep("[", "", "]");
    for doc in [
        format!("{{\"OTHER\":{nested},\"TEXT\":\"skipped\"}}"),
        format!("{{\"A\":{nested},\"TEXT\":\"asked for\"}}"),
        format!("{{\"TEXT\":{nested}}}"),
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
    ] {
        client.execute("INSERT INTO raw VALUES (1, $1)", &[&doc]).await.unwrap();
    }
    client.query("SELECT id, a FROM docs", &[]).await.unwrap();
    check_alive(&running).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_clients_as_many_are_let_in_as_there_are_places() {
    let running =
        Running::start_with(|config| server::Config { connections_max: PLACES, ..config }).await;
    // Client and server are one process here, whose files are limited.
    let turns = Arc::new(Semaphore::new(KNOCKING));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (addr, turns) = (running.addr, Arc::clone(&turns));
        clients.spawn(async move {
            let _turn = turns.acquire().await.expect("nobody closes it");
            let mut config = Config::new();
            config.host(addr.ip().to_string()).port(addr.port()).user("tester");
            match config.dbname("millstream").connect(NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    Ok(client)
                }
                Err(error) => Err(error),
            }
        });
    }
    let (mut inside, mut refused) = (Vec::new(), 0);
    while let Some(client) = clients.join_next().await {
        match client.expect("no client panics") {
            Ok(client) => inside.push(client),
            Err(error) => {
                let (sqlstate, message) = refusal(&error);
                assert_eq!(sqlstate, "53300", "{message}");
                refused += 1;
            }
        }
    }
    assert_eq!((inside.len(), refused), (PLACES, CLIENTS - PLACES));
    for client in &inside {
        assert_eq!(row(client, "SELECT 1").await, ["1"]);
    }
    // Whoever leaves makes room.
    drop(inside);
    let arrived = tokio::time::timeout(PATIENCE, async {
        while connect(&running).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    arrived.await.expect("a place becomes free");
    running.stop().await;
}

/// A small generator of numbers, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// What a client may send, message by message.
fn sessions() -> Vec<Vec<Vec<u8>>> {
    let parameters = b"user\0tester\0database\0millstream\0\0";
    let version = 196_608u32.to_be_bytes();
    let length = (8 + parameters.len() as u32).to_be_bytes();
    let startup = [&length[..], &version, parameters].concat();
    let ssl_request = [&8u32.to_be_bytes()[..], &80_877_103u32.to_be_bytes()].concat();
    let cancel = [&16u32.to_be_bytes()[..], &80_877_102u32.to_be_bytes(), &[0; 8]].concat();
    let query = message(b'Q', b"SELECT 1; SHOW TOPICS; SELECT * FROM nowhere\0");
    let parse = message(b'P', b"s\0SELECT $1 || 'x', $2 + 1\0\0\x02\0\0\0\x19\0\0\0\x14");
    let bind = message(
        b'B',
        b"p\0s\0\0\x02\0\0\0\x01\0\x02\0\0\0\x01a\0\0\0\x08\0\0\0\0\0\0\0\x07\0\x01\0\x01",
    );
    let (describe, execute) = (message(b'D', b"Sp\0"), message(b'E', b"p\0\0\0\0\x02"));
    let (sync, flush, end) = (message(b'S', b""), message(b'H', b""), message(b'X', b""));
    let copy = message(b'Q', b"COPY events FROM STDIN\0");
    let (rows, done) = (message(b'd', b"1\tone\n2\ttwo\n"), message(b'c', b""));
    let (fail, password) = (message(b'f', b"no more\0"), message(b'p', b"SCRAM-SHA-256\0\0\0\0\0"));
    let close = message(b'C', b"Ps\0");
    vec![
        vec![startup.clone(), query.clone(), end.clone()],
        vec![ssl_request, startup.clone(), query.clone(), end.clone()],
        vec![cancel],
        vec![startup.clone(), parse, bind, describe, execute, flush, close, sync, end.clone()],
        vec![startup.clone(), copy.clone(), rows.clone(), rows.clone(), done, query],
        vec![startup.clone(), copy, rows, fail, end],
        vec![startup, password],
    ]
}

fn damaged(session: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut session = session.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(session.len());
        let other = session[numbers.below(session.len())].clone();
        let bytes = &mut session[at];
        let place = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(place),
            1 => bytes[place] = numbers.below(256) as u8,
            2 => bytes.insert(place, numbers.below(256) as u8),
            3 => drop(session.remove(at)),
            4 => session.insert(at, other),
            // A length that is wrong.
            _ => {
                let wrong = [0u32, 3, 4, 5, 10_000, 0x7fff_ffff, 0xffff_ffff][numbers.below(7)];
                let start = usize::from(bytes.first().is_some_and(|kind| *kind != 0));
                let end = (start + 4).min(bytes.len());
                bytes[start.min(end)..end]
                    .copy_from_slice(&wrong.to_be_bytes()[..end - start.min(end)]);
            }
        }
        if session.is_empty() {
            break;
        }
    }
    session.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bytes_from_a_client_stop_the_server() {
    let running = Running::start().await;
    let client = connect(&running).await.unwrap();
    let create = "CREATE STREAM events (id BIGINT KEY, name STRING)
        WITH (KAFKA_TOPIC='events', PARTITIONS=2, VALUE_FORMAT='JSON')";
    client.batch_execute(create).await.unwrap();
    let (sessions, mut numbers) = (sessions(), Numbers(0x5eed));
    for round in 0..600 {
        let session = &sessions[round % sessions.len()];
        let bytes = match round < sessions.len() {
            true => session.concat(),
            false => damaged(session, &mut numbers),
        };
        let mut socket = TcpStream::connect(running.addr).await.unwrap();
        // The server may have closed the connection before all is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "round {round}: the server holds on to a client that has left");
        if round % 50 == 0 {
            check_alive(&running).await;
        }
    }
    assert_eq!(row(&client, "SELECT 1").await, ["1"]);
    check_alive(&running).await;
    running.stop().await;
}
