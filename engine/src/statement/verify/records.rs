//! Comparing topics: all records of a stream's, the last one of each key of a table's.
//!
//! What is expected comes as it is computed, and as many records of what was found are read with it:
//! where both are the same, little has to be kept.

use log_store::{ConfigEntry, PartitionId};

use super::Stop;
use super::cut::Cut;
use super::found::{Differences, is_same, named};
use super::kept::{Codec, Counts, Lasts, place};
use super::scratch::Scratch;
use super::tape::{Of, Rec, Tape, Written};
use super::walk::next_pair;
use crate::catalog::{Role, Source};
use crate::error::Result;
use crate::format::Format;
use crate::pipeline::{RawRecord, RecordDecoder};
use crate::row_type::{RowType, pseudo};
use crate::statement::print::text::printable;

/// How much of a value is shown.
const VALUE_CHARS: usize = 200;

/// How often to look whether somebody still waits.
const RECORDS: u64 = 4096;

/// What records say of themselves.
struct Reader {
    source: Source,
    rows: RowType,
    /// Decodes keys alone.
    keys: RecordDecoder,
    decoder: RecordDecoder,
    /// Whether time stamps are those of the append, which differ.
    ignores_time: bool,
}

/// Compares the records of a stream.
pub struct Records {
    reader: Reader,
    found: Vec<Tape>,
    /// How much more often a record is expected than found.
    outstanding: Counts,
    expected: u64,
}

/// Compares the last records of the keys of a table.
pub struct LastRecords {
    reader: Reader,
    found: Vec<Tape>,
    expected: Lasts,
    last: Lasts,
}

impl Reader {
    fn new(source: &Source, cut: &Cut) -> Result<Self> {
        let rows = source.row_type(None);
        let is_key = |at: usize| source.columns.get(at).is_none_or(|c| c.role == Role::Key);
        let wanted: Vec<bool> = (0..rows.columns.len()).map(is_key).collect();
        let keys = RecordDecoder::new(source, &rows, &wanted, false)?;
        let decoder = RecordDecoder::new(source, &rows, &vec![true; wanted.len()], false)?;
        let config = cut.output.first().map(|stretch| stretch.partition.config());
        let mut entries = config.iter().flat_map(|config| config.entries());
        let of_append = |entry: ConfigEntry| {
            entry.name == "message.timestamp.type" && entry.value == "LogAppendTime"
        };
        let ignores_time = entries.any(of_append);
        Ok(Self { source: source.clone(), rows, keys, decoder, ignores_time })
    }

    fn plain(&self, record: Rec) -> Rec {
        let time = if self.ignores_time { 0 } else { record.time };
        Rec { time, ..record }
    }

    /// The key of a record.
    fn key(&self, record: &Rec) -> Result<String> {
        let Some(key) = &record.key else { return Ok("the record without a key".to_owned()) };
        let is_text = self.source.value_format == Format::Arrow;
        let raw = RawRecord { key: Some(key), ..RawRecord::default() };
        let decoded = self.keys.decode(&[raw], PartitionId(record.partition as u32))?;
        if is_text || decoded.changes.is_empty() {
            return Ok(format!("key {}", printable(key)));
        }
        let (mut names, mut columns) = (Vec::new(), Vec::new());
        for (at, column) in self.rows.columns.iter().enumerate() {
            let role = self.source.columns.get(at).map(|column| &column.role);
            if role == Some(&Role::Key) || pseudo::is_window_bound(&column.name) {
                names.push(column.name.as_str());
                columns.push(decoded.changes.rows.column(at).clone());
            }
        }
        named(&names, &columns, 0)
    }

    fn shown(&self, record: &Rec) -> String {
        let value = record.value.as_deref().map(printable);
        let value = value.unwrap_or_else(|| "no value".to_owned());
        let mut shown: String = value.chars().take(VALUE_CHARS).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        if self.ignores_time { shown } else { format!("{shown} at {}", record.time) }
    }

    /// Whether two records of a key say the same, but for the last digits of sums.
    fn is_same(&self, a: &Rec, b: &Rec) -> Result<bool> {
        if (a.time, &a.headers, &a.value) == (b.time, &b.headers, &b.value) {
            return Ok(true);
        }
        let (Some(_), Some(_), true) = (&a.value, &b.value, a.time == b.time) else {
            return Ok(false);
        };
        let decode = |record: &Rec| {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let raw = RawRecord { key, value, timestamp: record.time, ..RawRecord::default() };
            self.decoder.decode(&[raw], PartitionId(record.partition as u32))
        };
        let (a, b) = (decode(a)?.changes, decode(b)?.changes);
        let mut columns = a.rows.columns().iter().zip(b.rows.columns());
        Ok(a.len() == 1 && b.len() == 1 && columns.all(|(a, b)| is_same(a, b)))
    }

    /// Adds a key whose last records differ.
    fn add_difference(
        &self,
        expected: Option<&Rec>,
        found: Option<&Rec>,
        differences: &mut Differences,
    ) -> Result<()> {
        // A tombstone says what no record says.
        let is_gone = |record: Option<&Rec>| record.is_none_or(|record| record.value.is_none());
        let is_same = match (expected, found) {
            (Some(expected), Some(found)) => self.is_same(expected, found)?,
            _ => false,
        };
        if is_same || (is_gone(expected) && is_gone(found)) {
            return Ok(());
        }
        let Some(record) = expected.or(found) else { return Ok(()) };
        let what = format!("last record of {}", self.key(record)?);
        let shown = |record: Option<&Rec>| match record {
            Some(record) => self.shown(record),
            None => "none".to_owned(),
        };
        differences.add(&what, &shown(expected), &shown(found));
        Ok(())
    }
}

impl Records {
    /// Compares with what is in the topic.
    pub fn new(source: &Source, cut: &Cut, scratch: &Scratch) -> Result<Self> {
        let outstanding = Counts::new(place(scratch.backend(), 0))?;
        let (reader, found) = (Reader::new(source, cut)?, tapes(cut, Of::Queries));
        Ok(Self { reader, found, outstanding, expected: 0 })
    }

    /// Expects what a copy of the topic has got since the last time.
    pub fn expect(&mut self, written: &mut Written, topic: &log_store::Topic) -> Result<()> {
        for (number, mut tape) in written.since(topic).into_iter().enumerate() {
            while let Some(record) = tape.next_record()? {
                self.expected += 1;
                self.settle(record, 1)?;
                if let Some(found) = self.found[number].next_record()? {
                    self.settle(found, -1)?;
                }
            }
        }
        Ok(())
    }

    fn settle(&mut self, record: Rec, count: i64) -> Result<()> {
        self.outstanding.add(self.reader.plain(record), count)
    }

    /// What differs, how many records were expected, and how many were left out.
    pub fn compare(mut self, stop: &Stop) -> Result<(Differences, u64, u64)> {
        for number in 0..self.found.len() {
            while let Some(record) = self.found[number].next_record()? {
                self.settle(record, -1)?;
                stop.check()?;
            }
        }
        let mut differences = Differences::default();
        let reader = &self.reader;
        self.outstanding.for_each(|record, count| {
            let shown = reader.shown(record);
            let times = match count.unsigned_abs() {
                1 => String::new(),
                many => format!(", {many} times"),
            };
            let what = format!("{} in partition {}", reader.key(record)?, record.partition);
            match count > 0 {
                true => differences.add(&what, &format!("{shown}{times}"), "none left"),
                false => differences.add(&what, "no more", &format!("{shown}{times}")),
            }
            stop.check()
        })?;
        let left_out = self.found.iter().map(|tape| tape.left_out).sum();
        Ok((differences, self.expected, left_out))
    }
}

impl LastRecords {
    /// Compares with what is in the topic.
    pub fn new(source: &Source, cut: &Cut, scratch: &Scratch) -> Result<Self> {
        let lasts = |store| Lasts::new(place(scratch.backend(), store));
        let (reader, found) = (Reader::new(source, cut)?, tapes(cut, Of::Everybody));
        Ok(Self { reader, found, expected: lasts(1)?, last: lasts(2)? })
    }

    /// Expects what a copy of the topic has got since the last time.
    pub fn expect(&mut self, written: &mut Written, topic: &log_store::Topic) -> Result<()> {
        for mut tape in written.since(topic) {
            while let Some(record) = tape.next_record()? {
                self.expected.put(self.reader.plain(record))?;
            }
        }
        Ok(())
    }

    /// Adds what differs; gives the number of keys.
    pub fn compare(mut self, stop: &Stop, differences: &mut Differences) -> Result<u64> {
        let mut count = 0;
        for tape in &mut self.found {
            while let Some(record) = tape.next_record()? {
                self.last.put(self.reader.plain(record))?;
                count += 1;
                if u64::is_multiple_of(count, RECORDS) {
                    stop.check()?;
                }
            }
        }
        let (codec, mut keys) = (Codec::new()?, 0);
        let (mut expected, mut found) = (self.expected.walk()?, self.last.walk()?);
        while let Some((a, b)) = next_pair(&mut expected, &mut found)? {
            let same = matches!((&a, &b), (Some((_, a)), Some((_, b))) if a == b);
            if !same {
                let [a, b] = [a, b].map(|entry| entry.map(|(_, row)| codec.decode(&row)));
                let (a, b) = (a.transpose()?, b.transpose()?);
                self.reader.add_difference(a.as_ref(), b.as_ref(), differences)?;
            }
            keys += 1;
            stop.check()?;
        }
        Ok(keys)
    }
}

fn tapes(cut: &Cut, of: Of) -> Vec<Tape> {
    let tapes = cut.output.iter().enumerate();
    tapes.map(|(number, stretch)| Tape::new(number, stretch, of)).collect()
}
