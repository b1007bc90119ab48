//! Clients that write over the Postgres port, and remember what was acknowledged.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// People in the table.
const PEOPLE: i64 = 7;

/// A source, a table, and queries of every kind: a filter, a window, a join, an aggregation over
/// what the join writes, and the rows of the table, so that they can be asked for.
const DECLARATIONS: &str = "
    CREATE STREAM events (id BIGINT KEY, who STRING, amount BIGINT)
        WITH (KAFKA_TOPIC='events', PARTITIONS=3, VALUE_FORMAT='JSON');
    CREATE TABLE people (who STRING PRIMARY KEY, team STRING)
        WITH (KAFKA_TOPIC='people', PARTITIONS=3, VALUE_FORMAT='JSON');
    CREATE STREAM large AS SELECT id, who, amount FROM events WHERE amount >= 50;
    CREATE TABLE per_window AS SELECT who, COUNT(*) AS n, SUM(amount) AS total
        FROM events WINDOW TUMBLING (SIZE 1 SECONDS) GROUP BY who;
    CREATE STREAM joined AS SELECT e.who AS who, e.id AS id, p.team AS team, e.amount AS amount
        FROM events e JOIN people p ON e.who = p.who;
    CREATE TABLE per_team AS SELECT team, COUNT(*) AS n, SUM(amount) AS total
        FROM joined GROUP BY team;
    CREATE TABLE teams AS SELECT who, team FROM people;";

/// Rows that were sent together: all of them are there, or none.
pub struct Unit {
    /// The ids of its events.
    pub ids: Range<i64>,
    /// Whether the server said that they are there.
    pub acknowledged: bool,
}

/// Clients that write until their server is gone.
pub struct Load {
    clients: JoinSet<Vec<Unit>>,
    acknowledged: Arc<Acknowledged>,
}

#[derive(Default)]
struct Acknowledged {
    units: AtomicU64,
    more: Notify,
}

/// Declares everything, and puts the people into their table.
pub async fn declare(address: SocketAddr) {
    let client = connect(address).await.expect("the server answers");
    client.batch_execute(DECLARATIONS).await.expect("declarations");
    for number in 0..PEOPLE {
        client.batch_execute(&person(number)).await.expect("a person");
    }
}

async fn connect(address: SocketAddr) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host(address.ip().to_string()).port(address.port()).user("tester");
    let (client, connection) = config.dbname("millstream").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The same row again and again: a person never changes, so the result of a join does not depend on
/// when it was made.
fn person(number: i64) -> String {
    let team = number % 3;
    format!("INSERT INTO people (ROWTIME, who, team) VALUES (1, 'p{number}', 't{team}');")
}

fn event(id: i64) -> String {
    let (time, person, amount) = (1_000_000 + id % 1_000_000 * 7, id % PEOPLE, id * 37 % 100);
    format!(
        "INSERT INTO events (ROWTIME, id, who, amount) VALUES ({time}, {id}, 'p{person}', {amount});"
    )
}

impl Load {
    /// Starts clients; `round` makes their ids differ from those of other rounds.
    pub async fn start(address: SocketAddr, clients: usize, round: usize) -> Self {
        let mut load = Self { clients: JoinSet::new(), acknowledged: Arc::default() };
        for number in 0..clients {
            let client = connect(address).await.expect("the server answers");
            let first = (number * 1_000_000 + round * 10_000) as i64;
            load.clients.spawn(write(client, first, load.acknowledged.clone()));
        }
        load
    }

    /// Returns when so many units were acknowledged.
    pub async fn wait_for(&self, units: u64) {
        while self.acknowledged.units.load(Ordering::SeqCst) < units {
            self.acknowledged.more.notified().await;
        }
    }

    /// What was sent, when the server is gone.
    pub async fn end(self) -> Vec<Unit> {
        self.clients.join_all().await.into_iter().flatten().collect()
    }
}

async fn write(client: Client, first: i64, acknowledged: Arc<Acknowledged>) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut next = first;
    loop {
        let ids = next..next + 1 + next % 3;
        next = ids.end;
        let written = client.batch_execute(&statements(&ids)).await;
        units.push(Unit { ids, acknowledged: written.is_ok() });
        if let Err(error) = written {
            // The server is gone or going; it has nothing against the statements.
            let code = error.code().cloned().unwrap_or(SqlState::ADMIN_SHUTDOWN);
            assert_eq!(code, SqlState::ADMIN_SHUTDOWN, "{error}");
            return units;
        }
        acknowledged.units.fetch_add(1, Ordering::SeqCst);
        acknowledged.more.notify_one();
    }
}

/// One row, or several rows of two topics that are there together or not at all.
fn statements(ids: &Range<i64>) -> String {
    let events: String = ids.clone().map(event).collect();
    match ids.end - ids.start {
        1 => events,
        _ => format!("BEGIN; {events} {} COMMIT;", person(ids.start % PEOPLE)),
    }
}
