use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use log_store::{Batch, Columnar, Isolation, LogStore, Offset, Payload, Timestamp, TopicConfig};

use super::*;
use crate::format::Format;

fn side(columns: &[(&str, DataType)]) -> Side {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Side { format: Format::Arrow, columns: columns.iter().map(field).collect(), wrapped: true }
}

fn layout() -> Layout {
    let value = side(&[("NAME", DataType::Utf8), ("N", DataType::Int32)]);
    Layout::new(&side(&[("ID", DataType::Int64)]), &value, false)
}

fn records(ids: &[ArrayRef], tombstones: Option<BooleanArray>) -> RecordColumns<'_> {
    let names = StringArray::from(vec![Some("a"), None, Some("c")]);
    RecordColumns {
        times: vec![10, 30, 20].into(),
        keys: ids,
        keyless: None,
        window: &[],
        values: vec![Arc::new(names), Arc::new(Int32Array::from(vec![1, 2, 3]))],
        tombstones,
        headers: None,
    }
}

fn ids() -> Vec<ArrayRef> {
    vec![Arc::new(Int64Array::from(vec![7, 8, 9]))]
}

/// What the log holds after these rows were written to it.
fn written(rows: Vec<arrow::record_batch::RecordBatch>) -> Vec<Batch> {
    let log = LogStore::in_memory();
    let topic = log.create_topic("t", 1, TopicConfig::default()).unwrap();
    let partition = &topic.partitions()[0];
    let mut builder = ColumnsBuilder::default();
    for rows in rows {
        for batch in builder.push(rows).unwrap() {
            partition.append(batch).unwrap();
        }
    }
    for batch in builder.build().unwrap() {
        partition.append(batch).unwrap();
    }
    partition.read(Offset(0), 1 << 30, Isolation::ReadCommitted).unwrap().batches
}

fn columnar(batch: &Batch) -> Columnar {
    match batch.payload().unwrap() {
        Payload::Columnar(columnar) => columnar,
        Payload::Records(_) => panic!("records were written"),
    }
}

#[test]
fn the_wanted_columns_come_back_and_lie_in_the_log() {
    let batches = written(vec![layout().batch(records(&ids(), None)).unwrap()]);
    assert_eq!((batches.len(), batches[0].record_count()), (1, 3));
    assert_eq!(batches[0].max_timestamp(), Timestamp(30));
    let columnar = columnar(&batches[0]);
    let frame = Frame::open(&columnar).unwrap();
    let read = frame.read(&[frame.value("N").unwrap()]).unwrap();
    assert_eq!(read.num_columns(), 1);
    let numbers = read.column(0).as_primitive::<Int32Type>();
    assert_eq!(numbers.values(), &[1, 2, 3]);
    let log = columnar.bytes.as_ptr_range();
    assert!(log.contains(&numbers.values().inner().as_ptr()), "the column was copied");
    assert_eq!(frame.times().unwrap().values(), &[10, 30, 20]);
    assert_eq!(frame.value("n"), None);
}

#[test]
fn marks_are_there_only_if_a_row_is_marked() {
    let unmarked = Some(BooleanArray::from(vec![false, false, false]));
    let marked = Some(BooleanArray::from(vec![false, true, false]));
    let read = |tombstones| {
        let batches = written(vec![layout().batch(records(&ids(), tombstones)).unwrap()]);
        Frame::open(&columnar(&batches[0])).unwrap().tombstones().unwrap()
    };
    assert_eq!(read(unmarked), None);
    assert_eq!(read(marked.clone()), marked);
}

#[test]
fn small_parts_become_one_batch_and_large_ones_several() {
    let rows = || layout().batch(records(&ids(), None)).unwrap();
    assert_eq!(written(vec![rows(), rows()]).len(), 1);
    let many = Int64Array::from_iter_values(0..1_000_000);
    let value = side(&[("N", DataType::Int64)]);
    let large = RecordColumns {
        times: many.clone(),
        keys: &[],
        keyless: None,
        window: &[],
        values: vec![Arc::new(many)],
        tombstones: None,
        headers: None,
    };
    let large = Layout::new(&side(&[]), &value, false).batch(large).unwrap();
    let batches = written(vec![large]);
    assert_eq!(batches.len(), 8);
    assert_eq!(batches.iter().map(Batch::record_count).sum::<u32>(), 1_000_000);
    assert!(batches.iter().all(|batch| batch.size_bytes() < 3 << 20));
}

#[test]
fn other_columns_begin_another_batch() {
    let tombstones = Some(BooleanArray::from(vec![true, false, false]));
    let batch = |tombstones| layout().batch(records(&ids(), tombstones)).unwrap();
    assert_eq!(written(vec![batch(tombstones), batch(None)]).len(), 2);
}

#[test]
fn columns_show_as_records_of_text() {
    let tombstones = Some(BooleanArray::from(vec![false, false, true]));
    let batches = written(vec![layout().batch(records(&ids(), tombstones)).unwrap()]);
    let shown = records_of(&batches[0]).unwrap();
    let text =
        |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let shown: Vec<_> = shown
        .iter()
        .map(|record| record.unwrap())
        .map(|r| (r.offset.0, r.timestamp.0, text(r.key), text(r.value)))
        .collect();
    let key = |key: &str| Some(key.to_owned());
    assert_eq!(shown[0], (0, 10, key("7"), key(r#"{"NAME":"a","N":1}"#)));
    assert_eq!(shown[1], (1, 30, key("8"), key(r#"{"NAME":null,"N":2}"#)));
    assert_eq!(shown[2], (2, 20, key("9"), None));
}

#[test]
fn several_key_columns_and_windows_show_in_the_key() {
    let keys: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(vec![1])), Arc::new(StringArray::from(vec!["x"]))];
    let bounds = [5, 9].map(|time| Arc::new(Int64Array::from(vec![time])) as ArrayRef);
    let rows = RecordColumns {
        times: vec![1].into(),
        keys: &keys,
        keyless: None,
        window: &bounds,
        values: vec![Arc::new(Int32Array::from(vec![4]))],
        tombstones: None,
        headers: None,
    };
    let key = side(&[("A", DataType::Int32), ("B", DataType::Utf8)]);
    let layout = Layout::new(&key, &side(&[("V", DataType::Int32)]), true);
    let batches = written(vec![layout.batch(rows).unwrap()]);
    let shown = records_of(&batches[0]).unwrap();
    let shown = shown.iter().next().unwrap().unwrap();
    assert_eq!(shown.key, Some(&br#"{"A":1,"B":"x"}@5/9"#[..]));
}

#[test]
fn what_is_no_stream_of_columns_is_told_of() {
    let open = |bytes: &'static [u8]| {
        let bytes = bytes.into();
        Frame::open(&Columnar { bytes, rows: 1, base_offset: Offset(0) }).err().unwrap()
    };
    assert_eq!(open(b"short"), "the columns end before they should");
    assert!(open(b"something else").contains("expected a message of an Arrow IPC stream"));
    assert_eq!(open(b"\xff\xff\xff\xff\xff\xff\xff\x7f"), "the columns end before they should");
}

#[test]
fn a_single_payload_is_bad_and_a_tombstone_is_not() {
    let side = side(&[("N", DataType::Int32)]);
    let decoded = SinglePayloads::new(&side, &[0]).decode(&[Some(b"{}"), None]);
    assert_eq!(decoded.columns[0].null_count(), 2);
    assert_eq!(decoded.bad.iter().map(|bad| bad.row).collect::<Vec<_>>(), [0]);
}
