//! Appending and reading back.

use log_store::*;

use crate::store::*;

#[test]
fn reading_begins_with_the_batch_that_holds_the_offset() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    for words in ["a=1 b=2", "c=3", "d=4 e=5"] {
        clicks.append(batch(words)).unwrap();
    }
    let fetched = clicks.read(Offset(1), usize::MAX, Isolation::ReadUncommitted).unwrap();
    let bases: Vec<i64> = fetched.batches.iter().map(|b| b.base_offset().0).collect();
    assert_eq!((bases, fetched.next_offset), (vec![0, 2, 3], Offset(5)));
    let fetched = clicks.read(Offset(1), 1, Isolation::ReadUncommitted).unwrap();
    assert_eq!((fetched.batches.len(), fetched.next_offset), (1, Offset(2)));
    assert_eq!(contents_from(&clicks, 4, Isolation::ReadUncommitted), "4:e=5");
    let error = clicks.read(Offset(6), 1, Isolation::ReadUncommitted).unwrap_err();
    assert_eq!(error.to_string(), "clicks-0 holds offsets 0 to 5, found 6");
}

#[test]
fn a_log_of_many_segments_is_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clicks =
        single(&store, "clicks", &[("segment.bytes", "1024"), ("index.interval.bytes", "100")]);
    for i in 0..200 {
        clicks.append(batch_at(&format!("k{i}=v{i}"), 1000 + 10 * i)).unwrap();
    }
    assert!(clicks.segment_count() > 10);
    for from in [0, 57, 199] {
        let expected: Vec<String> = (from..200).map(|i| format!("{i}:k{i}=v{i}")).collect();
        assert_eq!(contents_from(&clicks, from, Isolation::ReadUncommitted), expected.join(" "));
    }
    let at = |ms| clicks.offset_for_timestamp(Timestamp(ms)).unwrap().map(|offset| offset.0);
    assert_eq!(
        [at(0), at(1000), at(1001), at(1995), at(2990), at(2991)],
        [Some(0), Some(0), Some(1), Some(100), Some(199), None]
    );
}

#[test]
fn columns_come_back_aligned_and_uncopied() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let bids = single(&store, "bids", &[]);
    bids.append(batch("a=1")).unwrap();
    for rows in [3, 5] {
        bids.append(AppendBatch::columnar(
            rows,
            Timestamp(7),
            Timestamp(9),
            &vec![rows as u8; 1000],
        ))
        .unwrap();
    }
    let read = || bids.read(Offset(1), usize::MAX, Isolation::ReadUncommitted).unwrap().batches;
    let columnar = |batch: &Batch| match batch.payload().unwrap() {
        Payload::Columnar(columnar) => columnar,
        Payload::Records(_) => panic!("records where columns were written"),
    };
    let (once, twice) = (columnar(&read()[1]), columnar(&read()[1]));
    assert_eq!(
        (once.rows, once.base_offset, once.bytes.len(), once.bytes[0]),
        (5, Offset(4), 1000, 5)
    );
    assert_eq!(once.bytes.as_ptr() as usize % 64, 0);
    assert_eq!(once.bytes.as_ptr(), twice.bytes.as_ptr());
}

#[test]
fn null_and_empty_are_not_the_same() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let mut records = RecordsBuilder::new();
    records.push(None, Some(b""), Timestamp(1), &[Header { key: "h", value: None }]);
    records.push(Some(b""), None, Timestamp(2), &[Header { key: "", value: Some(b"") }]);
    clicks.append(records.build()).unwrap();
    let batches = clicks.read(Offset(0), 100, Isolation::ReadUncommitted).unwrap().batches;
    let records = batches[0].records().unwrap();
    let records: Vec<Record<'_>> = records.iter().map(Result::unwrap).collect();
    assert_eq!((records[0].key, records[0].value), (None, Some(&b""[..])));
    assert_eq!((records[1].key, records[1].value), (Some(&b""[..]), None));
    let headers: Vec<_> =
        records.iter().flat_map(|r| r.headers()).map(|h| h.unwrap().value).collect();
    assert_eq!(headers, [None, Some(&b""[..])]);
}

#[test]
fn the_topic_chooses_codec_and_clock() {
    let clock = HandClock::at(5_000);
    let io = std::sync::Arc::new(MemoryIo::new());
    let store = LogStore::open(io, std::path::Path::new("s"), clock.options()).unwrap();
    let clicks = single(
        &store,
        "clicks",
        &[("compression.type", "zstd"), ("message.timestamp.type", "LogAppendTime")],
    );
    let info = clicks.append(batch_at("a=1 b=2", 3)).unwrap();
    assert_eq!(info.append_time, Some(Timestamp(5_000)));
    let batch = clicks.read(Offset(0), 100, Isolation::ReadUncommitted).unwrap().batches.remove(0);
    assert_eq!(batch.codec().unwrap(), Codec::Zstd);
    batch.verify().unwrap();
    let records = batch.records().unwrap();
    assert!(records.iter().all(|record| record.unwrap().timestamp == Timestamp(5_000)));
}

#[test]
fn an_idempotent_batch_is_written_once() {
    let store = LogStore::in_memory();
    let clicks = single(&store, "clicks", &[]);
    let identity = store.idempotent_producer().unwrap().identity();
    let first = clicks.append(batch("a=1 b=2").with_producer(identity, 0)).unwrap();
    clicks.append(batch("c=3").with_producer(identity, 2)).unwrap();
    let again = clicks.append(batch("a=1 b=2").with_producer(identity, 0)).unwrap();
    assert_eq!(again, AppendInfo { duplicate: true, ..first });
    let error = clicks.append(batch("d=4").with_producer(identity, 4)).unwrap_err();
    assert!(error.to_string().starts_with("clicks-0 expected sequence 3 from producer"), "{error}");
    assert_eq!(contents(&clicks), "0:a=1 1:b=2 2:c=3");
}

#[test]
fn what_cannot_be_appended_is_refused() {
    let store = LogStore::in_memory();
    let table = single(&store, "table", &[("cleanup.policy", "compact")]);
    let mut records = RecordsBuilder::new();
    records.push(None, Some(b"v"), Timestamp(0), &[]);
    let refusal = |batch| table.append(batch).unwrap_err().to_string();
    assert_eq!(refusal(records.build()), "table-0 is compacted and takes no records without a key");
    assert_eq!(refusal(records.build()), "a batch without records cannot be appended");
    let columns = AppendBatch::columnar(1, Timestamp(0), Timestamp(0), b"x");
    assert_eq!(refusal(columns), "table-0 is compacted and takes no columnar batches");
}

#[test]
fn a_writer_sends_keys_where_they_belong_and_fills_batches() {
    let store = LogStore::in_memory();
    let topic = store.create_topic("wide", 3, TopicConfig::new()).unwrap();
    let mut writer = TopicWriter::new(topic.clone(), Codec::Lz4);
    let mut full = 0;
    for i in 0..3000 {
        let key = format!("user-{}", i % 40);
        let key = (i % 3 != 0).then_some(key.as_bytes());
        full += writer.push(key, Some(&[1; 100]), Timestamp(i), &[]).unwrap().iter().count();
    }
    assert!(full >= 3, "{full} full batches");
    writer.flush().unwrap();
    let mut count = 0;
    for (number, partition) in topic.partitions().iter().enumerate() {
        for batch in
            partition.read(Offset(0), usize::MAX, Isolation::ReadUncommitted).unwrap().batches
        {
            for record in batch.records().unwrap().iter().map(|record| record.unwrap()) {
                count += 1;
                assert!(record.key.is_none_or(|key| partition_for_key(key, 3) as usize == number));
            }
        }
    }
    assert_eq!(count, 3000);
    let unknown = writer.push_to(PartitionId(3), None, None, Timestamp(0), &[]).unwrap_err();
    assert_eq!(unknown.to_string(), "topic 'wide' has partitions 0 to 2, found 3");
}

#[test]
fn intervals_and_closing_make_the_log_durable() {
    let clock = HandClock::at(0);
    let io = FaultyIo::new();
    let store =
        LogStore::open(std::sync::Arc::new(io.clone()), "s".as_ref(), clock.options()).unwrap();
    let timed = single(&store, "timed", &[("flush.ms", "500")]);
    let counted = single(&store, "counted", &[("flush.messages", "3")]);
    let never = single(&store, "never", &[("flush.ms", "9223372036854775807")]);
    for partition in [&timed, &counted, &never] {
        for _ in 0..4 {
            partition.append(batch("a=1")).unwrap();
        }
    }
    let durable = || [&timed, &counted, &never].map(|partition| partition.durable_offset().0);
    assert_eq!(durable(), [0, 3, 0]);
    clock.advance(499);
    store.maintain().unwrap();
    assert_eq!(durable(), [0, 3, 0]);
    clock.advance(1);
    store.maintain().unwrap();
    assert_eq!(durable(), [4, 3, 0]);
    store.clone().close().unwrap();
    assert_eq!(durable(), [4, 4, 4]);
}

#[test]
fn an_encoded_batch_is_taken_whole_or_not_at_all() {
    let store = LogStore::in_memory();
    let (from, to) = (single(&store, "from", &[]), single(&store, "to", &[]));
    from.append(batch("a=1 b=2")).unwrap();
    let encoded =
        from.read(Offset(0), 100, Isolation::ReadUncommitted).unwrap().batches[0].bytes().clone();
    to.append(AppendBatch::from_encoded(&encoded).unwrap()).unwrap();
    assert_eq!(contents(&to), "0:a=1 1:b=2");
    for broken in 0..encoded.len() {
        let mut bytes = encoded.to_vec();
        bytes[broken] ^= 1;
        // Offset and leader epoch are the server's to set; the checksum does not cover them.
        let outside = broken < 8 || (12..16).contains(&broken);
        assert_eq!(AppendBatch::from_encoded(&bytes).is_ok(), outside, "byte {broken}");
    }
}
