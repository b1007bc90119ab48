//! Records that are kept for a comparison: in memory as long as there are few of them, in the store of
//! the comparison when there are many.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::take;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, UInt32Array};
use arrow::datatypes::{DataType, Int64Type, UInt32Type};

use super::tape::Rec;
use super::walk::Walk;
use crate::error::{Error, Result};
use crate::state::{Backend, EncodedRows, Family, Place, RowCodec, StoreId, WriteBatch};

/// Bytes of records that stay in memory.
const MEMORY_MAX: usize = 64 << 20;

/// More than a record takes in memory beside its bytes, roughly.
const OVERHEAD: usize = 128;

/// The place of one of the stores of a comparison. No query that is run again has that number.
pub fn place(backend: Arc<dyn Backend>, store: u16) -> Place {
    let id = StoreId { query: u32::MAX, store, shard: 0 };
    Place::new(backend, Family::Operator, id).with_memory(MEMORY_MAX)
}

/// Records as bytes that are sorted as they are.
pub struct Codec(RowCodec);

impl Codec {
    /// The only one.
    pub fn new() -> Result<Self> {
        let (bytes, time) = (DataType::Binary, DataType::Int64);
        let types = vec![DataType::UInt32, bytes.clone(), bytes.clone(), time, bytes];
        Ok(Self(RowCodec::new(types)?))
    }

    fn encode(&self, records: &[Rec]) -> Result<EncodedRows> {
        let headers = records.iter().map(|record| serde_json::to_vec(&record.headers));
        let headers = headers.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let columns: [ArrayRef; 5] = [
            Arc::new(UInt32Array::from_iter_values(records.iter().map(|r| r.partition as u32))),
            Arc::new(records.iter().map(|r| r.key.as_deref()).collect::<BinaryArray>()),
            Arc::new(records.iter().map(|r| r.value.as_deref()).collect::<BinaryArray>()),
            Arc::new(Int64Array::from_iter_values(records.iter().map(|r| r.time))),
            Arc::new(BinaryArray::from_iter_values(headers)),
        ];
        self.0.encode(&columns, records.len())
    }

    /// A record that was encoded.
    pub fn decode(&self, bytes: &[u8]) -> Result<Rec> {
        let columns = self.0.decode([bytes])?;
        let bytes = |at: usize| {
            let column = columns[at].as_binary::<i32>();
            column.is_valid(0).then(|| column.value(0).to_vec())
        };
        Ok(Rec {
            partition: columns[0].as_primitive::<UInt32Type>().value(0) as usize,
            key: bytes(1),
            value: bytes(2),
            time: columns[3].as_primitive::<Int64Type>().value(0),
            headers: serde_json::from_slice(&bytes(4).unwrap_or_default()).map_err(unreadable)?,
        })
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Internal(format!("headers that are compared: {error}"))
}

fn size(record: &Rec) -> usize {
    let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers = record.headers.iter().map(|(key, value)| key.len() + len(value) + OVERHEAD);
    len(&record.key) + len(&record.value) + headers.sum::<usize>() + OVERHEAD
}

/// How much more often each record is expected than found.
pub struct Counts {
    place: Place,
    codec: Codec,
    counts: HashMap<Rec, i64>,
    bytes: usize,
}

impl Counts {
    /// None yet.
    pub fn new(place: Place) -> Result<Self> {
        Ok(Self { place, codec: Codec::new()?, counts: HashMap::new(), bytes: 0 })
    }

    /// Adds to the count of a record.
    pub fn add(&mut self, record: Rec, count: i64) -> Result<()> {
        let size = size(&record);
        match self.counts.entry(record) {
            Entry::Vacant(entry) => {
                entry.insert(count);
                self.bytes += size;
            }
            Entry::Occupied(mut entry) => {
                *entry.get_mut() += count;
                if *entry.get() == 0 {
                    entry.remove();
                    self.bytes -= size;
                }
            }
        }
        if self.bytes > self.place.memory_max { self.put_away() } else { Ok(()) }
    }

    fn put_away(&mut self) -> Result<()> {
        self.bytes = 0;
        let (records, counts): (Vec<Rec>, Vec<i64>) = take(&mut self.counts).into_iter().unzip();
        let rows = self.codec.encode(&records)?;
        let keys: Vec<Vec<u8>> = rows.iter().map(|row| self.place.key(row)).collect();
        let asked: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let before = self.place.backend.get_many(self.place.family, &asked)?;
        let mut batch = WriteBatch::default();
        for ((key, count), before) in keys.into_iter().zip(counts).zip(before) {
            match count + before.map_or(Ok(0), |bytes| number(&bytes))? {
                0 => batch.delete(self.place.family, key),
                count => batch.put(self.place.family, key, count.to_be_bytes()),
            }
        }
        self.place.backend.write(batch)
    }

    /// Calls `visit` with the records that are expected and found differently often, in order.
    pub fn for_each(mut self, mut visit: impl FnMut(&Rec, i64) -> Result<()>) -> Result<()> {
        self.put_away()?;
        let view = self.place.backend.view();
        let mut walk = Walk::new(view.as_ref(), self.place.family, self.place.id.prefix());
        while let Some((record, count)) = walk.next_entry()? {
            visit(&self.codec.decode(&record)?, number(&count)?)?;
        }
        Ok(())
    }
}

fn number(bytes: &[u8]) -> Result<i64> {
    let bytes = bytes.try_into().map_err(|_| Error::Internal("a count has not 8 bytes".into()))?;
    Ok(i64::from_be_bytes(bytes))
}

/// The last record of each key.
pub struct Lasts {
    place: Place,
    codec: Codec,
    records: HashMap<Vec<u8>, Rec>,
    bytes: usize,
}

impl Lasts {
    /// None yet.
    pub fn new(place: Place) -> Result<Self> {
        Ok(Self { place, codec: Codec::new()?, records: HashMap::new(), bytes: 0 })
    }

    /// Adds a record, which comes after all others so far; one without a key says nothing.
    pub fn put(&mut self, record: Rec) -> Result<()> {
        let Some(key) = record.key.clone() else { return Ok(()) };
        self.bytes += size(&record);
        if let Some(before) = self.records.insert(key, record) {
            self.bytes -= size(&before);
        }
        if self.bytes > self.place.memory_max { self.put_away() } else { Ok(()) }
    }

    fn put_away(&mut self) -> Result<()> {
        self.bytes = 0;
        let (keys, records): (Vec<_>, Vec<Rec>) = take(&mut self.records).into_iter().unzip();
        let rows = self.codec.encode(&records)?;
        let mut batch = WriteBatch::default();
        for (key, row) in keys.iter().zip(rows.iter()) {
            batch.put(self.place.family, self.place.key(key), row);
        }
        self.place.backend.write(batch)
    }

    /// Walks through them in the order of their keys.
    pub fn walk(&mut self) -> Result<Walk<'_>> {
        self.put_away()?;
        Ok(Walk::new(self.place.backend.as_ref(), self.place.family, self.place.id.prefix()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::next_pair;
    use super::*;
    use crate::state::MemoryBackend;

    fn record(partition: usize, key: Option<&str>, value: Option<&str>, time: i64) -> Rec {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let headers = vec![("h".to_owned(), Some(vec![0, 255])), ("n".to_owned(), None)];
        let (key, value) = (key.map(bytes), value.map(bytes));
        Rec { partition, key, value, time, headers }
    }

    /// Places whose records stay in memory, and go into the store at once.
    fn places() -> [Place; 2] {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let large = place(backend, 0);
        let small = Place { backend: Arc::new(MemoryBackend::default()), ..large.clone() };
        [large, small.with_memory(0)]
    }

    #[test]
    fn counts_settle_wherever_they_are() {
        for place in places() {
            let mut counts = Counts::new(place).unwrap();
            let records = [
                record(0, None, Some("b"), 1),
                record(0, Some(""), None, -1),
                record(0, Some("a"), Some(""), 1),
                record(1, Some("a"), Some("x"), 0),
            ];
            for (record, count) in records.iter().rev().zip([1, 2, -1, -3]) {
                counts.add(record.clone(), count).unwrap();
            }
            for (record, count) in records.iter().rev().zip([-1, -1, 0, 1]) {
                counts.add(record.clone(), count).unwrap();
            }
            let mut left = Vec::new();
            let visit = |record: &Rec, count| {
                left.push((record.clone(), count));
                Ok(())
            };
            counts.for_each(visit).unwrap();
            let [first, second, third, _] = records;
            assert_eq!(left, [(first, -2), (second, -1), (third, 1)]);
        }
    }

    #[test]
    fn the_last_record_of_a_key_counts_wherever_it_is() {
        for place in places() {
            let other = Place { id: StoreId { store: 9, ..place.id }, ..place.clone() };
            let (mut a, mut b) = (Lasts::new(place).unwrap(), Lasts::new(other).unwrap());
            for (key, value) in [("a", "1"), ("b", "1"), ("a", "2")] {
                a.put(record(0, Some(key), Some(value), 0)).unwrap();
            }
            a.put(record(0, None, Some("nobody's"), 0)).unwrap();
            b.put(record(0, Some("b"), Some("1"), 0)).unwrap();
            b.put(record(0, Some("c"), None, 0)).unwrap();
            let mut found = Vec::new();
            let (mut walk, mut other) = (a.walk().unwrap(), b.walk().unwrap());
            while let Some((a, b)) = next_pair(&mut walk, &mut other).unwrap() {
                found.push([a, b].map(|entry| entry.map(|(key, value)| (key.to_vec(), value))));
            }
            let codec = Codec::new().unwrap();
            let value = |entry: &Option<(Vec<u8>, Box<[u8]>)>| {
                let (key, value) = entry.as_ref()?;
                let value =
                    codec.decode(value).unwrap().value.map(|v| String::from_utf8(v).unwrap());
                Some((String::from_utf8(key.clone()).unwrap(), value.unwrap_or_default()))
            };
            let found: Vec<_> = found.iter().map(|[a, b]| (value(a), value(b))).collect();
            let entry = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
            let b = entry("b", "1");
            assert_eq!(found, [(entry("a", "2"), None), (b.clone(), b), (None, entry("c", ""))]);
        }
    }
}
