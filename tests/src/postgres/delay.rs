//! From INSERT to the row at a client with a push query.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{Stream, StreamExt};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::{Client, Row, Statement};

use super::client::connect;
use super::quantiles::Quantiles;

/// Rows before those that are measured.
const WARM_UP: u32 = 100;

/// The push query.
pub const QUERY: &str = "SELECT id FROM notes EMIT CHANGES";

/// Makes the stream.
pub async fn create(port: u16) -> Result<()> {
    let create = "CREATE STREAM notes (id BIGINT KEY, text STRING)
        WITH (KAFKA_TOPIC = 'notes', PARTITIONS = 1, VALUE_FORMAT = 'JSON')";
    Ok(connect(port).await?.batch_execute(create).await?)
}

/// Inserts rows one after the other.
pub struct Writer {
    client: Client,
    insert: Statement,
    next: i64,
}

impl Writer {
    /// A writer that begins with the number `first`.
    pub async fn new(port: u16, first: i64) -> Result<Self> {
        let client = connect(port).await?;
        let insert = client.prepare("INSERT INTO notes (id, text) VALUES ($1, $2)").await?;
        Ok(Self { client, insert, next: first })
    }

    /// Inserts a row; gives its number, and when the server was asked.
    pub async fn write(&mut self) -> Result<(i64, Instant)> {
        let (id, asked) = (self.next, Instant::now());
        self.next += 1;
        self.client.execute(&self.insert, &[&id, &"a short note"]).await?;
        Ok((id, asked))
    }
}

/// Starts a push query; gives the numbers of rows as they come.
pub async fn listen(client: &Client) -> Result<impl Stream<Item = Result<i64>> + use<>> {
    let rows = client.query_raw(QUERY, std::iter::empty::<i64>()).await?;
    let number = |row: Result<Row, tokio_postgres::Error>| -> Result<i64> { Ok(row?.try_get(0)?) };
    Ok(rows.map(number).boxed())
}

/// Inserts `inserts` rows, `rate` in a second, and waits for each of them.
pub async fn measure(port: u16, inserts: u32, rate: u32) -> Result<Quantiles> {
    let reader = connect(port).await?;
    let mut rows = listen(&reader).await?;
    let total = inserts + WARM_UP;
    let writing = tokio::spawn(async move {
        let mut writer = Writer::new(port, 0).await?;
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = Vec::new();
        for _ in 0..total {
            ticks.tick().await;
            asked.push(writer.write().await?);
        }
        anyhow::Ok(asked)
    });
    let mut arrived = Vec::new();
    for _ in 0..total {
        let id = rows.next().await.context("the push query ended")??;
        arrived.push((id, Instant::now()));
    }
    let pairs = writing.await??.into_iter().zip(arrived).skip(WARM_UP as usize);
    let time = |((written, asked), (read, arrived)): ((i64, Instant), (i64, Instant))| {
        ensure!(written == read, "expected row {written}, found {read}");
        Ok(arrived - asked)
    };
    pairs.map(time).collect()
}
