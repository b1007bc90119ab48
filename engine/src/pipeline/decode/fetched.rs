//! Decoding what was fetched from a partition: batches of records and of columns.

use std::ops::Range;

use log_store::{Batch, Columnar, Offset, PartitionId, Payload, Records};

use super::{DecodedRecords, RawRecord, RecordDecoder};
use crate::change::Changes;
use crate::error::{Error, Result};

/// Columns of fewer rows than this are put together with those that follow.
const FEW_ROWS: usize = 1024;

/// Adjacent batches are decoded together until they are this many bytes of the log.
pub const PIECE_BYTES: usize = 4 << 20;

/// Divides what was fetched into pieces, each of which is decoded by itself.
pub fn pieces(batches: &[Batch]) -> impl Iterator<Item = &[Batch]> {
    let mut bytes = 0;
    batches.chunk_by(move |one, _| {
        bytes += one.size_bytes();
        let goes_on = bytes < PIECE_BYTES;
        if !goes_on {
            bytes = 0;
        }
        goes_on
    })
}

impl RecordDecoder {
    /// Decodes the records of batches that lie in a range of offsets, in their order. Where none
    /// does, this is one piece without rows.
    pub fn decode_fetched(
        &self,
        batches: &[Batch],
        range: &Range<Offset>,
        partition: PartitionId,
    ) -> Result<Vec<DecodedRecords>> {
        let mut decoded: Vec<DecodedRecords> = Vec::new();
        let mut run: Vec<Records> = Vec::new();
        for batch in batches {
            match batch.payload()? {
                Payload::Records(records) => run.push(records),
                Payload::Columnar(columns) => {
                    decoded.extend(self.decode_run(&std::mem::take(&mut run), range, partition)?);
                    decoded.extend(self.decode_part(&columns, range, partition)?);
                }
            }
        }
        decoded.extend(self.decode_run(&run, range, partition)?);
        match decoded.is_empty() {
            true => Ok(vec![self.decode(&[], partition)?]),
            false => put_together(decoded),
        }
    }

    /// Decodes the records of adjacent batches together.
    fn decode_run(
        &self,
        run: &[Records],
        range: &Range<Offset>,
        partition: PartitionId,
    ) -> Result<Option<DecodedRecords>> {
        let mut records = Vec::new();
        for record in run.iter().flat_map(|records| records.iter()) {
            let record = record?;
            if !range.contains(&record.offset) {
                continue;
            }
            let headers = match record.header_count() {
                0 => Vec::new(),
                _ => headers_of(&record)?,
            };
            records.push(RawRecord {
                key: record.key,
                value: record.value,
                timestamp: record.timestamp.0,
                offset: record.offset.0,
                headers,
            });
        }
        match records.is_empty() {
            true => Ok(None),
            false => self.decode(&records, partition).map(Some),
        }
    }

    /// Decodes the record of an offset, which is in this batch.
    pub fn decode_row(
        &self,
        columns: &Columnar,
        offset: Offset,
        partition: PartitionId,
    ) -> Result<DecodedRecords> {
        let decoded = self.decode_part(columns, &(offset..offset + 1), partition)?;
        decoded.ok_or_else(|| Error::Internal(format!("offset {offset} is not in its batch")))
    }

    /// Decodes the rows of a columnar batch that lie in the range.
    fn decode_part(
        &self,
        columns: &Columnar,
        range: &Range<Offset>,
        partition: PartitionId,
    ) -> Result<Option<DecodedRecords>> {
        let (first, end) = (columns.base_offset, columns.base_offset + i64::from(columns.rows));
        if end <= range.start || first >= range.end {
            return Ok(None);
        }
        let mut decoded = self.decode_columns(columns, partition)?;
        if first < range.start || end > range.end {
            decoded.keep(range);
            let (start, end) = (first.max(range.start), end.min(range.end));
            decoded.records = u64::try_from(end - start).unwrap_or(0);
            decoded.end = end.0;
        }
        Ok(Some(decoded))
    }
}

impl DecodedRecords {
    /// Leaves the rows of records in a range of offsets.
    fn keep(&mut self, range: &Range<Offset>) {
        let start = self.offsets.partition_point(|offset| *offset < range.start.0);
        let end = self.offsets.partition_point(|offset| *offset < range.end.0);
        self.changes = self.changes.slice(start, end - start);
        self.offsets = self.offsets[start..end].to_vec();
        self.errors.retain(|entry| entry.offset.is_none_or(|at| range.contains(&Offset(at))));
    }
}

/// Puts adjacent small batches together: a row inserted by itself is a batch, and each batch
/// costs something wherever it passes.
fn put_together(decoded: Vec<DecodedRecords>) -> Result<Vec<DecodedRecords>> {
    let mut groups: Vec<Vec<DecodedRecords>> = Vec::new();
    for next in decoded {
        let small = |group: &Vec<DecodedRecords>| {
            let rows: usize = group.iter().map(|part| part.changes.len()).sum();
            rows < FEW_ROWS && next.changes.len() < FEW_ROWS
        };
        match groups.last_mut().filter(|group| small(group)) {
            Some(group) => group.push(next),
            None => groups.push(vec![next]),
        }
    }
    groups.into_iter().map(concat).collect()
}

fn concat(mut parts: Vec<DecodedRecords>) -> Result<DecodedRecords> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let changes = parts.iter().map(|part| &part.changes).collect::<Vec<_>>();
    Ok(DecodedRecords {
        end: parts.last().map_or(0, |part| part.end),
        changes: Changes::concat(&changes)?,
        records: parts.iter().map(|part| part.records).sum(),
        offsets: parts.iter().flat_map(|part| part.offsets.iter().copied()).collect(),
        errors: parts.into_iter().flat_map(|part| part.errors).collect(),
    })
}

type Headers<'a> = Vec<(&'a str, Option<&'a [u8]>)>;

fn headers_of<'a>(record: &log_store::Record<'a>) -> Result<Headers<'a>> {
    record.headers().map(|header| header.map(|h| (h.key, h.value)).map_err(Error::from)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array};
    use arrow::datatypes::{DataType, Int32Type};
    use log_store::{Isolation, LogStore, TopicConfig};

    use super::*;
    use crate::catalog::{Role, Source, SourceColumn};
    use crate::format::{ColumnsBuilder, Format, Layout, RecordColumns};
    use crate::processing_log;

    fn source(data_type: DataType) -> Source {
        let columns = vec![SourceColumn { name: "N".to_owned(), data_type, role: Role::Value }];
        Source { columns, value_format: Format::Arrow, ..processing_log::stream() }
    }

    /// A log with a batch of columns for each of these lists of numbers.
    fn log(batches: &[&[i32]]) -> Vec<Batch> {
        let log = LogStore::in_memory();
        let topic = log.create_topic("t", 1, TopicConfig::default()).unwrap();
        let source = source(DataType::Int32);
        let layout = Layout::new(&source.key_side(), &source.value_side(), false);
        for numbers in batches {
            let records = RecordColumns {
                times: Int64Array::from_value(1, numbers.len()),
                keys: &[],
                keyless: None,
                window: &[],
                values: vec![Arc::new(Int32Array::from(numbers.to_vec())) as ArrayRef],
                tombstones: None,
                headers: None,
            };
            let mut builder = ColumnsBuilder::default();
            assert!(builder.push(layout.batch(records).unwrap()).unwrap().is_empty());
            for batch in builder.build().unwrap() {
                topic.partitions()[0].append(batch).unwrap();
            }
        }
        let read = topic.partitions()[0].read(Offset(0), 1 << 20, Isolation::ReadCommitted);
        read.unwrap().batches
    }

    fn decoded(source: &Source, batches: &[Batch], range: Range<i64>) -> Vec<DecodedRecords> {
        let rows = source.row_type(None);
        let decoder = RecordDecoder::new(source, &rows, &[true; 4], false).unwrap();
        let range = Offset(range.start)..Offset(range.end);
        decoder.decode_fetched(batches, &range, PartitionId(0)).unwrap()
    }

    fn numbers(decoded: &DecodedRecords) -> &[i32] {
        decoded.changes.rows.column(0).as_primitive::<Int32Type>().values()
    }

    #[test]
    fn reading_may_begin_and_end_within_a_batch() {
        let batches = log(&[&[1, 2, 3], &[4, 5]]);
        let decoded = decoded(&source(DataType::Int32), &batches, 1..4);
        let [all] = decoded.as_slice() else { panic!("small batches are put together") };
        assert_eq!((numbers(all), all.offsets.as_slice()), (&[2, 3, 4][..], &[1, 2, 3][..]));
        assert_eq!((all.records, all.end), (3, 4));
    }

    #[test]
    fn large_batches_stay_by_themselves() {
        let many: Vec<i32> = (0..2000).collect();
        let batches = log(&[&many, &[1], &[2], &many]);
        let decoded = decoded(&source(DataType::Int32), &batches, 0..i64::MAX);
        let rows: Vec<usize> = decoded.iter().map(|decoded| decoded.offsets.len()).collect();
        assert_eq!(rows, [2000, 2, 2000]);
        assert_eq!(
            decoded.iter().map(|decoded| decoded.end).collect::<Vec<_>>(),
            [2000, 2002, 4002]
        );
    }

    #[test]
    fn a_batch_of_other_columns_is_one_entry() {
        let batches = log(&[&[1, 2, 3]]);
        let decoded = decoded(&source(DataType::Utf8), &batches, 0..i64::MAX);
        assert_eq!((decoded[0].changes.len(), decoded[0].records, decoded[0].end), (0, 3, 3));
        let [entry] = decoded[0].errors.as_slice() else { panic!("one entry") };
        let expected = "the records up to offset 2: column N: expected STRING, found INTEGER";
        assert_eq!((entry.message.as_str(), entry.offset), (expected, Some(0)));
    }

    #[test]
    fn pieces_end_with_the_batch_that_makes_them_large() {
        let many: Vec<i32> = (0..50_000).collect();
        let batches = log(&[&many, &many, &[1]]);
        let lengths = |count: usize| -> Vec<usize> {
            let all: Vec<Batch> = batches.iter().cycle().take(count).cloned().collect();
            pieces(&all).map(<[Batch]>::len).collect()
        };
        assert_eq!(lengths(2), [2], "less than a piece");
        let found = lengths(30);
        assert_eq!(found.iter().sum::<usize>(), 30);
        assert!(found.len() > 1 && found.iter().all(|length| *length > 1), "{found:?}");
    }

    #[test]
    fn nothing_fetched_is_a_piece_without_rows() {
        let decoded = decoded(&source(DataType::Int32), &[], 0..10);
        assert_eq!((decoded.len(), decoded[0].changes.len()), (1, 0));
    }
}
