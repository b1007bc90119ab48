//! Batches in Kafka's format: what another implementation wrote is read right, and what is written
//! here is read right by it.

use bytes::BytesMut;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as kafka;
use log_store::*;

use crate::store::*;

const CODECS: [(Codec, kafka::Compression); 5] = [
    (Codec::None, kafka::Compression::None),
    (Codec::Gzip, kafka::Compression::Gzip),
    (Codec::Snappy, kafka::Compression::Snappy),
    (Codec::Lz4, kafka::Compression::Lz4),
    (Codec::Zstd, kafka::Compression::Zstd),
];

/// Larger than a block of any of the codecs, with nulls, empties and headers among them.
fn sample() -> Vec<(Option<String>, Option<String>, i64)> {
    let records = (0..3000).map(|i| {
        let key = (i % 7 != 0).then(|| format!("key-{}", i % 100));
        let value = (i % 11 != 0).then(|| format!("{} {}", i, "payload ".repeat(i % 13)));
        (key, value, 1_700_000_000_000 + (i as i64 * 37) % 1000)
    });
    records.collect()
}

fn bytes(text: &Option<String>) -> Option<&[u8]> {
    text.as_ref().map(|text| text.as_bytes())
}

#[test]
fn what_is_written_here_is_read_by_another() {
    let store = LogStore::in_memory();
    for (codec, theirs) in CODECS {
        let topic = single(&store, codec.name(), &[]);
        let producer = store.idempotent_producer().unwrap().identity();
        let mut records = RecordsBuilder::new().with_compression(codec);
        for (key, value, timestamp) in sample() {
            let headers =
                [Header { key: "h", value: bytes(&key) }, Header { key: "null", value: None }];
            records.push(bytes(&key), bytes(&value), Timestamp(timestamp), &headers);
        }
        topic.append(batch("before=1")).unwrap();
        topic.append(records.build().with_producer(producer, 0)).unwrap();
        let batch = topic.read(Offset(1), 1, Isolation::Everything).unwrap().batches.remove(0);
        let set = kafka::RecordBatchDecoder::decode(&mut batch.bytes().clone()).unwrap();
        assert_eq!((set.compression, set.records.len()), (theirs, 3000));
        for (i, (record, (key, value, timestamp))) in set.records.iter().zip(sample()).enumerate() {
            assert_eq!(record.key.as_deref(), bytes(&key));
            assert_eq!(record.value.as_deref(), bytes(&value));
            assert_eq!(
                (record.offset, record.sequence, record.timestamp),
                (1 + i as i64, i as i32, timestamp)
            );
            assert_eq!((record.producer_id, record.producer_epoch), (producer.id, producer.epoch));
            assert_eq!(record.headers[&StrBytes::from_static_str("h")].as_deref(), bytes(&key));
            assert_eq!(record.headers[&StrBytes::from_static_str("null")], None);
        }
    }
}

#[test]
fn what_another_has_written_is_read_here() {
    let store = LogStore::in_memory();
    for (codec, theirs) in CODECS {
        let topic = single(&store, codec.name(), &[]);
        let mut encoded = BytesMut::new();
        let options = kafka::RecordEncodeOptions { version: 2, compression: theirs };
        let records: Vec<kafka::Record> =
            sample().iter().enumerate().map(|(i, record)| foreign(i, record)).collect();
        kafka::RecordBatchEncoder::encode(&mut encoded, &records, &options).unwrap();
        topic.append(AppendBatch::from_encoded(&encoded).unwrap()).unwrap();
        let batch = topic.read(Offset(0), 1, Isolation::Everything).unwrap().batches.remove(0);
        assert_eq!(batch.codec().unwrap(), codec);
        let records = batch.records().unwrap();
        assert_eq!(records.iter().count(), 3000);
        for (i, (record, (key, value, timestamp))) in records.iter().zip(sample()).enumerate() {
            let record = record.unwrap();
            assert_eq!((record.key, record.value), (bytes(&key), bytes(&value)));
            assert_eq!((record.offset, record.timestamp), (Offset(i as i64), Timestamp(timestamp)));
            let headers: Vec<Header<'_>> = record.headers().map(|header| header.unwrap()).collect();
            assert_eq!(headers, [Header { key: "h", value: bytes(&value) }]);
        }
    }
}

fn foreign(
    i: usize,
    (key, value, timestamp): &(Option<String>, Option<String>, i64),
) -> kafka::Record {
    let owned = |text: &Option<String>| {
        text.as_ref().map(|text| bytes::Bytes::copy_from_slice(text.as_bytes()))
    };
    kafka::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: kafka::TimestampType::Creation,
        offset: i as i64,
        sequence: i as i32,
        timestamp: *timestamp,
        key: owned(key),
        value: owned(value),
        headers: [(StrBytes::from_static_str("h"), owned(value))].into_iter().collect(),
    }
}

#[test]
fn a_transaction_is_to_another_what_it_is_here() {
    let store = LogStore::in_memory();
    let topic = single(&store, "topic", &[]);
    let mut transaction = store.begin().unwrap();
    transaction.append(&topic, batch("a=1")).unwrap();
    let id = transaction.id();
    transaction.commit().unwrap();
    let batches = topic.read(Offset(0), usize::MAX, Isolation::Everything).unwrap().batches;
    let seen: Vec<kafka::Record> = batches
        .iter()
        .flat_map(|batch| {
            kafka::RecordBatchDecoder::decode(&mut batch.bytes().clone()).unwrap().records
        })
        .collect();
    assert!(seen.iter().all(|record| record.transactional && record.producer_id == id.producer_id));
    assert_eq!(seen.iter().map(|record| record.control).collect::<Vec<_>>(), [false, true]);
    // Version 0, type 1: commit.
    assert_eq!(seen[1].key.as_deref(), Some(&[0, 0, 0, 1][..]));
}

fn decoded(batch: &Batch) -> Vec<kafka::Record> {
    kafka::RecordBatchDecoder::decode(&mut batch.bytes().clone()).unwrap().records
}

fn everything(topic: &Partition) -> Vec<Batch> {
    topic.read(Offset(0), usize::MAX, Isolation::Everything).unwrap().batches
}

#[test]
fn markers_of_both_kinds_are_to_another_what_they_are_here() {
    let store = LogStore::in_memory();
    let topic = single(&store, "topic", &[]);
    for outcome in [Outcome::Abort, Outcome::Commit] {
        let mut transaction = store.begin().unwrap();
        transaction.append(&topic, batch("a=1")).unwrap();
        let id = transaction.prepare().unwrap();
        drop(transaction);
        store.resolve(id, outcome).unwrap();
    }
    let seen: Vec<kafka::Record> = everything(&topic).iter().flat_map(decoded).collect();
    let keys = seen.iter().filter(|record| record.control).map(|record| record.key.as_deref());
    // Version 0, then type 0 for abort and 1 for commit.
    assert_eq!(keys.collect::<Vec<_>>(), [Some(&[0, 0, 0, 0][..]), Some(&[0, 0, 0, 1][..])]);
}

#[test]
fn whose_clock_it_was_is_told_in_both_directions() {
    let clock = HandClock::at(5_000);
    let store = LogStore::open(std::sync::Arc::new(MemoryIo::new()), "s".as_ref(), clock.options())
        .unwrap();
    let ours = single(&store, "ours", &[("message.timestamp.type", "LogAppendTime")]);
    ours.append(batch_at("a=1 b=2", 3)).unwrap();
    let batch = everything(&ours).remove(0);
    assert!(decoded(&batch).iter().all(|r| r.timestamp_type == kafka::TimestampType::LogAppend));
    assert_eq!(batch.max_timestamp(), Timestamp(5_000));

    // A topic that keeps the writer's time does not believe a writer who says it was the store's.
    let theirs = single(&store, "theirs", &[]);
    let stamped = kafka::Record {
        timestamp_type: kafka::TimestampType::LogAppend,
        ..foreign(0, &(Some("k".into()), None, 700))
    };
    let encoded = encode(&[stamped]);
    let records = |batch: &Batch| -> Vec<Timestamp> {
        batch.records().unwrap().iter().map(|record| record.unwrap().timestamp).collect()
    };
    assert_eq!(records(&Batch::from_bytes(encoded.clone()).unwrap()), [Timestamp(700)]);
    theirs.append(AppendBatch::from_encoded(&encoded).unwrap()).unwrap();
    let batch = everything(&theirs).remove(0);
    assert!(!batch.attributes().has(Attributes::LOG_APPEND_TIME));
    assert_eq!(records(&batch), [Timestamp(700)]);
}

fn encode(records: &[kafka::Record]) -> bytes::Bytes {
    let mut encoded = BytesMut::new();
    let options = kafka::RecordEncodeOptions { version: 2, compression: kafka::Compression::None };
    kafka::RecordBatchEncoder::encode(&mut encoded, records, &options).unwrap();
    encoded.freeze()
}

#[test]
fn transactions_and_markers_of_another_are_known_as_such() {
    let of_transaction = kafka::Record {
        transactional: true,
        producer_id: 77,
        producer_epoch: 3,
        sequence: 11,
        ..foreign(0, &(Some("k".into()), Some("v".into()), 700))
    };
    let data = Batch::from_bytes(encode(std::slice::from_ref(&of_transaction))).unwrap();
    data.verify().unwrap();
    assert!(data.is_transactional() && !data.is_control());
    assert_eq!((data.producer_id(), data.producer_epoch(), data.base_sequence()), (77, 3, 11));

    let marker = kafka::Record {
        control: true,
        key: Some(bytes::Bytes::from_static(&[0, 0, 0, 1])),
        value: Some(bytes::Bytes::from_static(&[0; 6])),
        ..of_transaction
    };
    let encoded = encode(&[marker]);
    let marker = Batch::from_bytes(encoded.clone()).unwrap();
    assert!(marker.is_transactional() && marker.is_control());

    // Nobody ends somebody else's transaction by sending such bytes.
    let store = LogStore::in_memory();
    let topic = single(&store, "topic", &[]);
    let refused = topic.append(AppendBatch::from_encoded(&encoded).unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "topic-0: batches of transactions come through one alone");
}

#[test]
fn what_compaction_leaves_is_read_by_another() {
    let clock = HandClock::at(10_000);
    let store = LogStore::open(std::sync::Arc::new(MemoryIo::new()), "s".as_ref(), clock.options())
        .unwrap();
    let settings =
        [("cleanup.policy", "compact"), ("segment.ms", "10"), ("min.cleanable.dirty.ratio", "0")];
    let table = single(&store, "table", &settings);
    for words in ["a=1 b=1 c=1", "a=2", "b"] {
        table.append(batch(words)).unwrap();
        clock.advance(20);
    }
    store.maintain().unwrap();
    let left: Vec<kafka::Record> = everything(&table).iter().flat_map(decoded).collect();
    let seen: Vec<(i64, &[u8], bool)> = left
        .iter()
        .map(|record| (record.offset, record.key.as_deref().unwrap(), record.value.is_some()))
        .collect();
    assert_eq!(seen, [(2, &b"c"[..], true), (3, &b"a"[..], true), (4, &b"b"[..], false)]);
    // The tombstone's batch has a delete horizon.
    assert_eq!(left.iter().map(|r| r.delete_horizon).collect::<Vec<_>>(), [false, false, true]);
}
