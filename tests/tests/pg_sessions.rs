//! Transactions, users, time-outs and other clients' sessions at the Postgres port.

mod pg_harness;

use std::process::Command;

use futures::{SinkExt, TryStreamExt, pin_mut};
use pg_harness::{Running, run};
use tokio_postgres::{Client, Config, Error, NoTls};

const CREATE: &str = "CREATE STREAM events (id BIGINT KEY, name STRING)
    WITH (KAFKA_TOPIC='events', PARTITIONS=2, VALUE_FORMAT='JSON')";

async fn try_connect(running: &Running, user: &str, password: &str) -> Result<Client, Error> {
    let mut config = Config::new();
    config.host(running.addr.ip().to_string()).port(running.addr.port()).user(user);
    let connected = config.dbname("millstream").password(password).connect(NoTls).await;
    let (client, connection) = connected?;
    tokio::spawn(connection);
    Ok(client)
}

async fn connect(running: &Running) -> Client {
    try_connect(running, "tester", "").await.expect("the server answers")
}

async fn count(client: &Client) -> i64 {
    let row = client.query_one("SELECT COUNT(*) FROM events", &[]).await;
    row.expect("the server answers").get(0)
}

fn sqlstate(error: &Error) -> &str {
    error.code().map_or("", |code| code.code())
}

#[tokio::test]
async fn inserts_of_a_transaction_are_there_together_or_not_at_all() {
    let running = Running::start().await;
    let (mut client, other) = (connect(&running).await, connect(&running).await);
    client.batch_execute(CREATE).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    for id in 1..=4i64 {
        transaction.execute("INSERT INTO events VALUES ($1, 'in')", &[&id]).await.unwrap();
    }
    assert_eq!(count(&other).await, 0);
    transaction.commit().await.unwrap();
    assert_eq!(count(&other).await, 4);

    let transaction = client.transaction().await.unwrap();
    transaction.execute("INSERT INTO events VALUES (9, 'out')", &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(count(&client).await, 4);

    // What comes after a savepoint can be forgotten, and the failure of a statement with it.
    client.batch_execute("BEGIN; INSERT INTO events VALUES (5, 'in'); SAVEPOINT a").await.unwrap();
    let failed = "INSERT INTO events VALUES (9, 'out'); SELECT * FROM nowhere;";
    client.batch_execute(failed).await.unwrap_err();
    let error = client.batch_execute("ROLLBACK TO b").await.unwrap_err();
    assert_eq!(sqlstate(&error), "3B001");
    client.batch_execute("ROLLBACK TO a; RELEASE a; COMMIT").await.unwrap();
    assert_eq!(count(&client).await, 5);

    // A transaction of which a statement has failed commits nothing.
    let failed = "BEGIN; INSERT INTO events VALUES (9, 'out'); SELECT * FROM nowhere;";
    client.batch_execute(failed).await.unwrap_err();
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(count(&client).await, 5);
    running.stop().await;
}

#[tokio::test]
async fn inserts_of_a_script_are_there_together_or_not_at_all() {
    let running = Running::start().await;
    let client = connect(&running).await;
    client.batch_execute(CREATE).await.unwrap();
    let two = "INSERT INTO events VALUES (1, 'a'), (2, 'b'); INSERT INTO events VALUES (3, 'c');";
    client.batch_execute(two).await.unwrap();
    assert_eq!(count(&client).await, 3);
    let wrong = "INSERT INTO events VALUES (4, 'd'); INSERT INTO events VALUES (5);";
    client.batch_execute(wrong).await.unwrap_err();
    assert_eq!(count(&client).await, 3);
    // What comes after an insertion sees it.
    let messages = client
        .simple_query("INSERT INTO events VALUES (4, 'd'); SELECT COUNT(*) FROM events")
        .await
        .unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(rows.collect::<Vec<_>>(), ["4"]);
    running.stop().await;
}

#[tokio::test]
async fn rows_that_are_copied_in_are_there_together_or_not_at_all() {
    let running = Running::start().await;
    let client = connect(&running).await;
    client.batch_execute(CREATE).await.unwrap();
    let copy = |rows: String| async {
        let sink = client.copy_in("COPY events FROM STDIN (FORMAT csv)").await.unwrap();
        pin_mut!(sink);
        sink.send(bytes::Bytes::from(rows)).await?;
        sink.finish().await
    };
    let rows: Vec<String> = (0..1_000).map(|id| format!("{id},x\n")).collect();
    assert_eq!(copy(rows.concat()).await.unwrap(), 1_000);
    let error = copy(rows.concat() + "no number,x\n").await.unwrap_err();
    assert_eq!(sqlstate(&error), "22P02");
    assert_eq!(count(&client).await, 1_000);
    running.stop().await;
}

#[tokio::test]
async fn users_need_their_passwords() {
    let running = Running::start().await;
    let admin = connect(&running).await;
    admin.batch_execute("CREATE USER ann PASSWORD 'it''s me'").await.unwrap();
    let error = admin.batch_execute("CREATE USER ann PASSWORD 'x'").await.unwrap_err();
    assert_eq!(sqlstate(&error), "42710");

    let ann = try_connect(&running, "ann", "it's me").await.unwrap();
    let row = ann.query_one("SELECT current_user", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "ann");
    for (user, password) in [("ann", "wrong"), ("bob", "it's me")] {
        let error = try_connect(&running, user, password).await.err().unwrap();
        assert_eq!(sqlstate(&error), "28P01", "{user}");
    }
    ann.batch_execute("ALTER USER ann PASSWORD 'new'").await.unwrap();
    try_connect(&running, "ann", "new").await.unwrap();
    let rows = ann.query("SELECT rolname FROM pg_roles WHERE rolcanlogin", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["ann"]);
    ann.batch_execute("DROP USER ann").await.unwrap();
    let error = ann.batch_execute("DROP USER ann").await.unwrap_err();
    assert_eq!(sqlstate(&error), "42704");
    running.stop().await;
}

#[tokio::test]
async fn clients_see_and_end_each_other() {
    let running = Running::start().await;
    let (first, second) = (connect(&running).await, connect(&running).await);
    first.batch_execute(CREATE).await.unwrap();
    first.batch_execute("SET application_name = 'first'").await.unwrap();
    let pid: i32 = first.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let none: [&str; 0] = [];
    let text = "SELECT id FROM events EMIT CHANGES";
    let changes = first.query_raw(text, none).await.unwrap();
    pin_mut!(changes);

    let seen =
        "SELECT pid, usename, state, query FROM pg_stat_activity WHERE application_name = 'first'";
    let row = second.query_one(seen, &[]).await.unwrap();
    let seen: (i32, &str, &str, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
    assert_eq!(seen, (pid, "tester", "active", text));

    let cancel = format!("SELECT pg_cancel_backend({pid})");
    second.query_one(&cancel, &[]).await.unwrap();
    let error = changes.try_next().await.unwrap_err();
    assert_eq!(sqlstate(&error), "57014");
    assert_eq!(count(&first).await, 0);

    let terminate = format!("SELECT pg_terminate_backend({pid})");
    let row = second.query_one(&terminate, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    let error = first.query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_closed() || sqlstate(&error) == "57P01", "{error}");
    let row = second.query_one("SELECT pg_terminate_backend(-1)", &[]).await.unwrap();
    assert!(!row.get::<_, bool>(0));
    running.stop().await;
}

#[tokio::test]
async fn statements_and_idle_clients_have_their_time() {
    let running = Running::start().await;
    let client = connect(&running).await;
    client.batch_execute(CREATE).await.unwrap();
    client.batch_execute("SET statement_timeout = '20ms'").await.unwrap();
    let error = client.query("SELECT id FROM events EMIT CHANGES", &[]).await.unwrap_err();
    assert_eq!(sqlstate(&error), "57014");

    let mut config = Config::new();
    config.host(running.addr.ip().to_string()).port(running.addr.port()).user("tester");
    let (idle, mut connection) = config.connect(NoTls).await.unwrap();
    let ended = tokio::spawn(async move {
        std::future::poll_fn(|context| connection.poll_message(context)).await
    });
    idle.batch_execute("SET idle_session_timeout = '20ms'").await.unwrap();
    match ended.await.unwrap() {
        Some(Err(error)) => assert_eq!(sqlstate(&error), "57P05"),
        other => assert!(other.is_none(), "the connection lives on"),
    }
    running.stop().await;
}

#[tokio::test]
async fn connections_are_encrypted_where_the_server_has_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&cert);
    let Some(made) = run(openssl, String::new()).await else { return };
    assert!(made.status.success(), "{made:?}");
    let tls = server::Tls { certificate: cert.clone(), key };
    let running = Running::start_with(|config| server::Config { tls: Some(tls), ..config }).await;
    let admin = connect(&running).await;
    admin.batch_execute("CREATE USER ann PASSWORD 'secret'").await.unwrap();

    let address = format!(
        "host=localhost hostaddr={} port={} user=ann password=secret dbname=millstream sslmode=verify-full sslrootcert={}",
        running.addr.ip(),
        running.addr.port(),
        cert.display()
    );
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", &address]);
    if let Some(output) = run(psql, "\\conninfo\nSELECT current_user;\n".into()).await {
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("SSL connection (protocol: TLSv1.3"), "{output:?}");
        assert!(out.contains(" ann"), "{out}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_server_without_its_certificate_does_not_start() {
    let engine = engine::Engine::open(engine::Options::default()).await.unwrap();
    let (certificate, key) = ("nowhere.pem".into(), "nowhere.key".into());
    let tls = Some(server::Tls { certificate, key });
    let addr = ([127, 0, 0, 1], 0).into();
    let config = server::Config { tls, addr, ..server::Config::default() };
    let error = server::Server::bind(engine, config).await.err().unwrap().to_string();
    assert!(error.starts_with("cannot offer TLS: nowhere.pem: no certificate"), "{error}");
}
