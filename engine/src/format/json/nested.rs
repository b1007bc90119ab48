//! Columns of ARRAY, MAP and STRUCT.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, NullBufferBuilder, StructArray};
use arrow::datatypes::{DataType, FieldRef, Fields};
use hashbrown::{HashMap, HashSet};

use super::object::Object;
use super::reader::Reader;
use super::scanner::Scanner;
use crate::format::column::{Bytes, Extents, shared};
use crate::format::mismatch::{Mismatch, Result, quoted};

/// Reads arrays.
pub(super) struct List {
    item: FieldRef,
    extents: Extents,
    items: Reader,
    /// Items of all arrays so far.
    count: usize,
}

impl List {
    pub(super) fn new(item: &FieldRef, keep: bool, rows: usize) -> Self {
        let items = Reader::new(item.data_type(), keep, rows);
        Self { item: Arc::clone(item), extents: Extents::new(keep, rows), items, count: 0 }
    }

    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        expect(b'[', "ARRAY", scanner)?;
        scanner.items(|scanner, index| {
            self.count += 1;
            self.items.read(scanner).map_err(|mismatch| mismatch.in_item(index))
        })?;
        self.extents.push(self.count)
    }

    pub(super) fn push_null(&mut self) {
        self.extents.push_null();
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.count = self.extents.truncate(len);
        self.items.truncate(self.count);
    }

    pub(super) fn finish(self) -> ArrayRef {
        let (offsets, nulls) = self.extents.finish();
        shared(ListArray::new(self.item, offsets, self.items.finish(), nulls))
    }
}

/// Reads objects as maps. Of entries with the same key the last counts.
pub(super) struct Map {
    entries: FieldRef,
    extents: Extents,
    keys: Bytes,
    values: Reader,
    /// Entries of all maps so far.
    count: usize,
}

impl Map {
    pub(super) fn new(entries: &FieldRef, keep: bool, rows: usize) -> Self {
        let value_type = map_fields(entries)[1].data_type();
        Self {
            entries: Arc::clone(entries),
            extents: Extents::new(keep, rows),
            keys: Bytes::new(keep, rows),
            values: Reader::new(value_type, keep, rows),
            count: 0,
        }
    }

    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        expect(b'{', "MAP", scanner)?;
        let (start, first) = (scanner.position(), self.extents.start());
        self.read_entries(scanner, &HashSet::new())?;
        let replaced = replaced_keys(&self.keys, first);
        if !replaced.is_empty() {
            scanner.rewind(start);
            self.truncate_entries(first);
            self.read_entries(scanner, &replaced)?;
        }
        self.extents.push(self.count)
    }

    /// Reads all entries of a map but those at the indexes `without`.
    fn read_entries(&mut self, scanner: &mut Scanner<'_>, without: &HashSet<usize>) -> Result<()> {
        let mut index = 0;
        scanner.members(|scanner, key| {
            index += 1;
            if without.contains(&(index - 1)) {
                return scanner.skip_value();
            }
            self.count += 1;
            self.keys.push_with(|out| key.append_to(out))?;
            let read = self.values.read(scanner);
            read.map_err(|mismatch| mismatch.in_item(quoted(&key.content())))
        })
    }

    fn truncate_entries(&mut self, count: usize) {
        self.count = count;
        self.keys.truncate(count);
        self.values.truncate(count);
    }

    pub(super) fn push_null(&mut self) {
        self.extents.push_null();
    }

    pub(super) fn truncate(&mut self, len: usize) {
        let count = self.extents.truncate(len);
        self.truncate_entries(count);
    }

    pub(super) fn finish(self) -> ArrayRef {
        let (offsets, nulls) = self.extents.finish();
        let columns = vec![shared(self.keys.finish_text()), self.values.finish()];
        let entries = StructArray::new(map_fields(&self.entries).clone(), columns, None);
        shared(MapArray::new(self.entries, offsets, entries, nulls, false))
    }
}

fn map_fields(entries: &FieldRef) -> &Fields {
    match entries.data_type() {
        DataType::Struct(fields) => fields,
        other => unreachable!("a map of {other} was checked when the decoder was made"),
    }
}

/// Which of the keys from index `first` on, counted from there, come again later.
fn replaced_keys(keys: &Bytes, first: usize) -> HashSet<usize> {
    /// Up to here comparing all pairs is quicker than hashing.
    const PAIRS_MAX: usize = 16;
    let keys = || keys.tail(first);
    if keys().nth(PAIRS_MAX).is_none() {
        let again = |(index, key): (usize, &[u8])| keys().skip(index + 1).any(|other| other == key);
        if !keys().enumerate().any(again) {
            return HashSet::new();
        }
    }
    let mut last = HashMap::new();
    keys().enumerate().filter_map(|(index, key)| last.insert(key, index)).collect()
}

/// Reads objects as structs.
pub(super) struct Struct {
    fields: Fields,
    keep: bool,
    object: Object,
    valid: NullBufferBuilder,
    len: usize,
}

impl Struct {
    pub(super) fn new(fields: &Fields, keep: bool, rows: usize) -> Self {
        let object = Object::new(fields, |_| keep, rows);
        let valid = NullBufferBuilder::new(rows);
        Self { fields: fields.clone(), keep, object, valid, len: 0 }
    }

    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        expect(b'{', "STRUCT", scanner)?;
        self.object.read(scanner)?;
        self.push(true);
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.object.push_null();
        self.push(false);
    }

    fn push(&mut self, valid: bool) {
        if self.keep {
            self.valid.append(valid);
            self.len += 1;
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.object.truncate(len);
        if self.keep {
            self.valid.truncate(len);
            self.len = len;
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        let (columns, nulls) = (self.object.finish(), self.valid.build());
        if columns.is_empty() {
            return shared(StructArray::new_empty_fields(self.len, nulls));
        }
        shared(StructArray::new(self.fields, columns, nulls))
    }
}

/// Checks that a value of the right kind starts under the scanner.
fn expect(open: u8, name: &str, scanner: &mut Scanner<'_>) -> Result<()> {
    match scanner.peek() {
        Some(byte) if byte == open => Ok(()),
        Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'{' | b'[') => {
            Err(Mismatch::expected(name, scanner.describe()))
        }
        _ => Err(scanner.unexpected("a JSON value")),
    }
}
