//! Comparing the rows that are kept of a table.

use std::cmp::Ordering;
use std::collections::VecDeque;

use arrow::array::ArrayRef;

use super::Stop;
use super::cut::{Cut, Replayed};
use super::found::{Differences, is_same, named, text};
use crate::catalog::Source;
use crate::error::Result;
use crate::pipeline::Materialized;
use crate::row_type::pseudo;
use crate::state::{Entry, Family, View, prefix_end};

/// Rows that are read at once.
const PAGE: usize = 4096;

/// Walks through the rows of a table in the order of their keys.
struct Walk<'a> {
    view: &'a dyn View,
    start: Vec<u8>,
    end: Vec<u8>,
    page: VecDeque<Entry>,
    is_last: bool,
}

impl<'a> Walk<'a> {
    fn new(view: &'a dyn View, prefix: &[u8]) -> Self {
        let (start, end) = (prefix.to_vec(), prefix_end(prefix));
        Self { view, start, end, page: VecDeque::new(), is_last: false }
    }

    fn peek(&mut self) -> Result<Option<&Entry>> {
        if self.page.is_empty() && !self.is_last {
            let page = self.view.scan(Family::Table, &self.start..&self.end, PAGE)?;
            self.is_last = page.len() < PAGE;
            if let Some((last, _)) = page.last() {
                self.start = [last, &[0][..]].concat();
            }
            self.page = page.into();
        }
        Ok(self.page.front())
    }

    fn pop(&mut self) {
        self.page.pop_front();
    }
}

/// Tells rows with their names.
struct Shape<'a> {
    table: Materialized,
    keys: Vec<&'a str>,
    values: Vec<&'a str>,
}

impl<'a> Shape<'a> {
    fn new(source: &'a Source, number: u32) -> Result<Self> {
        let mut keys: Vec<&str> = source.key_columns().map(|column| &*column.name).collect();
        if source.window.is_some() {
            keys.extend([pseudo::WINDOWSTART, pseudo::WINDOWEND]);
        }
        let mut values: Vec<&str> = source.value_columns().map(|column| &*column.name).collect();
        values.push(pseudo::ROWTIME);
        Ok(Self { table: Materialized::new(source, number)?, keys, values })
    }

    fn key(&self, entry: &Entry) -> Result<String> {
        let key = &entry.0[self.table.prefix().len()..];
        let columns = self.table.key_codec().decode(std::iter::once(key))?;
        Ok(format!("row {}", named(&self.keys, &columns, 0)?))
    }

    fn values(&self, entry: &Entry) -> Result<Vec<ArrayRef>> {
        self.table.value_codec().decode(std::iter::once(&*entry.1))
    }

    fn shown(&self, entry: &Entry) -> Result<String> {
        named(&self.values, &self.values(entry)?, 0)
    }

    /// The values of two rows of a key that differ.
    fn differing(&self, a: &Entry, b: &Entry) -> Result<Option<(String, String)>> {
        if a.1 == b.1 {
            return Ok(None);
        }
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        for ((a, b), name) in self.values(a)?.iter().zip(&self.values(b)?).zip(&self.values) {
            if !is_same(a, b) {
                expected.push(format!("{name}={}", text(a, 0)?));
                found.push(format!("{name}={}", text(b, 0)?));
            }
        }
        Ok((!expected.is_empty()).then(|| (expected.join(", "), found.join(", "))))
    }
}

/// Adds the rows that differ; gives the number of those that were expected.
pub fn compare(
    source: &Source,
    replayed: &Replayed,
    state: &dyn View,
    cut: &Cut,
    stop: &Stop,
    differences: &mut Differences,
) -> Result<u64> {
    let shape = Shape::new(source, replayed.entry.number)?;
    let prefix = shape.table.prefix();
    let (mut expected, mut found) =
        (Walk::new(state, &prefix), Walk::new(cut.view.as_ref(), &prefix));
    let mut count = 0;
    loop {
        let order = match (expected.peek()?, found.peek()?) {
            (None, None) => return Ok(count),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let first = if order == Ordering::Greater { None } else { expected.peek()? };
        let second = if order == Ordering::Less { None } else { found.peek()? };
        match (first, second) {
            (Some(a), Some(b)) => {
                if let Some((wanted, found)) = shape.differing(a, b)? {
                    differences.add(&shape.key(a)?, &wanted, &found);
                }
            }
            (Some(a), None) => differences.add(&shape.key(a)?, &shape.shown(a)?, "no row"),
            (None, Some(b)) => differences.add(&shape.key(b)?, "no row", &shape.shown(b)?),
            (None, None) => {}
        }
        if order != Ordering::Greater {
            expected.pop();
            count += 1;
        }
        if order != Ordering::Less {
            found.pop();
        }
        stop.check()?;
    }
}
