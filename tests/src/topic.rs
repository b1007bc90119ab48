//! Topics from outside the engine: made, written and read record by record through its log store.

use anyhow::{Context, Result};
use engine::TopicRecord;
use engine::format::records_of;
use log_store::{
    Batch, Header, Isolation, LogStore, Offset, Partition, Record, RecordsBuilder, Timestamp,
    TopicConfig, partition_for_key,
};

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;

/// Where a record is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Into the first partition, whatever its key.
    First,
    /// Into the partition of its key; without a key into the first.
    ByKey,
}

/// Makes a topic unless it exists.
pub fn create(log: &LogStore, topic: &str, partitions: u32) -> Result<()> {
    if log.topic(topic).is_none() {
        log.create_topic(topic, partitions, TopicConfig::default())
            .with_context(|| format!("create topic {topic}"))?;
    }
    Ok(())
}

/// Appends a record.
pub fn append(
    log: &LogStore,
    topic: &str,
    record: &TopicRecord,
    placement: Placement,
) -> Result<()> {
    let found = log.topic_named(topic)?;
    let partitions = found.partitions();
    let count = u32::try_from(partitions.len()).context("too many partitions")?;
    let index = match (&record.key, placement) {
        (Some(key), Placement::ByKey) => partition_for_key(key, count),
        _ => 0,
    };
    let partition = partitions.get(index as usize).context("a topic without partitions")?;
    let headers: Vec<_> = record.headers.iter().map(header).collect();
    let mut batch = RecordsBuilder::new();
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    batch.push(key, value, Timestamp(record.timestamp), &headers);
    partition.append(batch.build()).with_context(|| format!("append to topic {topic}"))?;
    Ok(())
}

fn header((key, value): &(String, Option<Vec<u8>>)) -> Header<'_> {
    Header { key, value: value.as_deref() }
}

/// The committed records of a topic, by partition.
pub fn read(log: &LogStore, topic: &str) -> Result<Vec<Vec<TopicRecord>>> {
    let topic = log.topic_named(topic)?;
    topic.partitions().iter().map(|partition| read_partition(partition)).collect()
}

fn read_partition(partition: &Partition) -> Result<Vec<TopicRecord>> {
    let mut records = Vec::new();
    let mut next = partition.log_start_offset();
    loop {
        let fetched = partition.read(next, READ_BYTES, Isolation::ReadCommitted)?;
        for batch in &fetched.batches {
            read_batch(batch, next, &mut records)?;
        }
        if fetched.next_offset == next {
            return Ok(records);
        }
        next = fetched.next_offset;
    }
}

fn read_batch(batch: &Batch, from: Offset, records: &mut Vec<TopicRecord>) -> Result<()> {
    for record in records_of(batch)?.iter() {
        let record = record?;
        if record.offset >= from {
            records.push(owned(&record)?);
        }
    }
    Ok(())
}

fn owned(record: &Record<'_>) -> Result<TopicRecord> {
    let header = |header: log_store::Result<Header<'_>>| {
        let header = header?;
        Ok((header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
    };
    Ok(TopicRecord {
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        timestamp: record.timestamp.0,
        headers: record.headers().map(header).collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: Option<&str>, value: Option<&str>) -> TopicRecord {
        let bytes = |text: &str| text.as_bytes().to_vec();
        TopicRecord {
            key: key.map(bytes),
            value: value.map(bytes),
            timestamp: 7,
            headers: vec![("h".into(), Some(b"x".to_vec())), ("n".into(), None)],
        }
    }

    #[test]
    fn records_come_back_as_they_were_written() -> Result<()> {
        let log = LogStore::in_memory();
        create(&log, "t", 1)?;
        create(&log, "t", 3)?;
        let written = [record(Some("a"), Some("1")), record(None, None)];
        for record in &written {
            append(&log, "t", record, Placement::ByKey)?;
        }
        assert_eq!(read(&log, "t")?, [written]);
        Ok(())
    }

    #[test]
    fn keys_choose_the_partition_unless_told_otherwise() -> Result<()> {
        let log = LogStore::in_memory();
        for (topic, placement) in [("keyed", Placement::ByKey), ("first", Placement::First)] {
            create(&log, topic, 8)?;
            for key in ["a", "b", "c", "d", "e", "f"] {
                append(&log, topic, &record(Some(key), None), placement)?;
            }
        }
        let used = |topic| -> Result<usize> {
            Ok(read(&log, topic)?.iter().filter(|records| !records.is_empty()).count())
        };
        assert!(used("keyed")? > 1);
        assert_eq!(used("first")?, 1);
        Ok(())
    }
}
