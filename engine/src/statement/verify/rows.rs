//! Comparing the rows that are kept of a table.

use arrow::array::ArrayRef;

use super::Stop;
use super::cut::{Cut, Replayed};
use super::found::{Differences, is_same, named, text};
use super::walk::{Walk, next_pair};
use crate::catalog::Source;
use crate::error::Result;
use crate::pipeline::Materialized;
use crate::row_type::pseudo;
use crate::state::{Entry, Family, View};

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
        let columns = self.table.key_codec().decode(std::iter::once(&*entry.0))?;
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
    let mut expected = Walk::new(state, Family::Table, prefix);
    let mut found = Walk::new(cut.view.as_ref(), Family::Table, prefix);
    let mut count = 0;
    while let Some(pair) = next_pair(&mut expected, &mut found)? {
        count += u64::from(pair.0.is_some());
        match pair {
            (Some(a), Some(b)) => {
                if let Some((wanted, found)) = shape.differing(&a, &b)? {
                    differences.add(&shape.key(&a)?, &wanted, &found);
                }
            }
            (Some(a), None) => differences.add(&shape.key(&a)?, &shape.shown(&a)?, "no row"),
            (None, Some(b)) => differences.add(&shape.key(&b)?, "no row", &shape.shown(&b)?),
            (None, None) => {}
        }
        stop.check()?;
    }
    Ok(count)
}
