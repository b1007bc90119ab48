//! The kept rows of a table that gets columns: encoded anew, with nulls in the new columns.

use arrow::array::{ArrayRef, new_null_array};

use super::sink::Materialized;
use crate::catalog::{Source, SourceColumn};
use crate::error::Result;
use crate::state::{Backend, Family, WriteBatch, prefix_end};

/// How many rows are encoded at once.
const ROWS: usize = 8192;

/// Adds the rows that the query `number` keeps of `old` to a batch, in the shape of `new`, which has
/// the same columns and more.
pub fn widen(
    old: &Source,
    new: &Source,
    number: u32,
    backend: &dyn Backend,
    batch: &mut WriteBatch,
) -> Result<()> {
    let (from, to) = (Materialized::new(old, number)?, Materialized::new(new, number)?);
    let place =
        |column: &SourceColumn| old.value_columns().position(|other| other.name == column.name);
    let prefix = from.prefix();
    let (mut start, end) = (prefix.to_vec(), prefix_end(&prefix));
    loop {
        let entries = backend.scan(Family::Table, &start..&end, ROWS)?;
        let Some((last, _)) = entries.last() else { return Ok(()) };
        start = [&last[..], &[0]].concat();
        let values = from.value_codec().decode(entries.iter().map(|(_, value)| &**value))?;
        let columns = new.value_columns().map(|column| match place(column) {
            Some(at) => values[at].clone(),
            None => new_null_array(&column.data_type, entries.len()),
        });
        // The time stands last.
        let columns: Vec<ArrayRef> = columns.chain(values.last().cloned()).collect();
        let encoded = to.value_codec().encode(&columns, entries.len())?;
        for ((key, _), value) in entries.iter().zip(encoded.iter()) {
            batch.put(Family::Table, &key[..], value);
        }
    }
}
