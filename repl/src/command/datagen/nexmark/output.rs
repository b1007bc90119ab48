//! Events to the partitions of their topics, in batches and in transactions.

use std::sync::Arc;

use engine::Engine;
use log_store::{
    AppendBatch, LogStore, Partition, RecordsBuilder, Timestamp, Topic, Transaction,
    partition_for_key,
};

use super::columns::Columns;
use super::json;
use super::model::Event;
use super::schema::{Format, Table};

/// A batch of records goes to the log when it is this big.
const BATCH_BYTES: usize = 256 * 1024;

/// The three topics.
pub struct Output<'a> {
    log: &'a LogStore,
    transaction: Option<Transaction>,
    topics: [TopicOutput; 3],
}

/// One of the topics.
struct TopicOutput {
    partitions: Vec<(Arc<Partition>, Lane)>,
    records: u64,
}

/// What a partition is about to get.
enum Lane {
    Json(RecordsBuilder),
    Arrow(Box<Columns>),
}

impl<'a> Output<'a> {
    /// Writes to topics that exist.
    pub fn new(engine: &'a Engine, prefix: &str, format: Format) -> anyhow::Result<Self> {
        let log = engine.log();
        let topic = |table: Table| {
            let topic = log.topic_named(&format!("{prefix}{}", table.name()))?;
            Ok::<_, anyhow::Error>(TopicOutput::new(&topic, table, format))
        };
        let [person, auction, bid] = Table::ALL;
        let topics = [topic(person)?, topic(auction)?, topic(bid)?];
        Ok(Self { log, transaction: None, topics })
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        let (table, key, time) = match event {
            Event::Person(person) => (0, Some(person.id), person.date_time),
            Event::Auction(auction) => (1, Some(auction.id), auction.date_time),
            Event::Bid(bid) => (2, None, bid.date_time),
        };
        let key = key.map(|key| key.to_string().into_bytes());
        let (partition, batches) = self.topics[table].push(event, key.as_deref(), time)?;
        self.append(&partition, batches)
    }

    /// Makes everything so far count.
    pub fn commit(&mut self) -> anyhow::Result<()> {
        for table in 0..self.topics.len() {
            for at in 0..self.topics[table].partitions.len() {
                let (partition, lane) = &mut self.topics[table].partitions[at];
                let (partition, batches) = (Arc::clone(partition), lane.build()?);
                self.append(&partition, batches)?;
            }
        }
        match self.transaction.take() {
            Some(transaction) => Ok(transaction.commit()?),
            None => Ok(()),
        }
    }

    /// How many persons, auctions and bids there were.
    pub fn records(&self) -> [u64; 3] {
        [&self.topics[0], &self.topics[1], &self.topics[2]].map(|topic| topic.records)
    }

    fn append(
        &mut self,
        partition: &Arc<Partition>,
        batches: Vec<AppendBatch>,
    ) -> anyhow::Result<()> {
        for batch in batches {
            let transaction = match &mut self.transaction {
                Some(transaction) => transaction,
                none => none.insert(self.log.begin()?),
            };
            transaction.append(partition, batch)?;
        }
        Ok(())
    }
}

impl TopicOutput {
    fn new(topic: &Topic, table: Table, format: Format) -> Self {
        let lane = || match format {
            Format::Json => Lane::Json(RecordsBuilder::new()),
            Format::Arrow => Lane::Arrow(Box::new(Columns::new(table))),
        };
        let partitions = topic.partitions().iter().map(|partition| (partition.clone(), lane()));
        Self { partitions: partitions.collect(), records: 0 }
    }

    /// Adds an event to its partition: that of its key, or they take turns, so that times in all
    /// of them go on side by side. Gives the batches that are full.
    fn push(
        &mut self,
        event: &Event<'_>,
        key: Option<&[u8]>,
        time: i64,
    ) -> anyhow::Result<(Arc<Partition>, Vec<AppendBatch>)> {
        let count = self.partitions.len();
        let at = match key {
            Some(key) => partition_for_key(key, count as u32) as usize,
            None => self.records as usize % count,
        };
        self.records += 1;
        let (partition, lane) = &mut self.partitions[at];
        let batches = lane.push(event, key, Timestamp(time))?;
        Ok((Arc::clone(partition), batches))
    }
}

impl Lane {
    fn push(
        &mut self,
        event: &Event<'_>,
        key: Option<&[u8]>,
        time: Timestamp,
    ) -> anyhow::Result<Vec<AppendBatch>> {
        match self {
            Self::Arrow(columns) => columns.push(event),
            Self::Json(records) => {
                let mut value = Vec::with_capacity(512);
                json::write(event, &mut value);
                records.push(key, Some(&value), time, &[]);
                let full = records.size_bytes() >= BATCH_BYTES;
                Ok(full.then(|| records.build()).into_iter().collect())
            }
        }
    }

    fn build(&mut self) -> anyhow::Result<Vec<AppendBatch>> {
        match self {
            Self::Arrow(columns) => columns.build(),
            Self::Json(records) => {
                Ok((!records.is_empty()).then(|| records.build()).into_iter().collect())
            }
        }
    }
}
