//! ARROW: the records of a batch as columns, an Arrow IPC stream of one record batch.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `timestamp` | Int64 | the record's time stamp |
//! | `key.<NAME>` | as declared | a column of the key, in the order declared |
//! | `keyless` | Boolean | whether the record has no key; absent where all have one |
//! | `window.start`, `window.end` | Int64 | the window of the key, where keys have one |
//! | `value.<NAME>` | as declared | a column of the value |
//! | `tombstone` | Boolean | whether the record has no value; absent where all have one |
//! | `headers` | list of KEY, VALUE | the headers; absent where no record has some |
//!
//! The offset of row i is that of the batch + i. Columns of the key are found by their place, as
//! nothing else names them in other formats either; columns of the value by their name. A value
//! column that a batch does not have is NULL, so that columns can be added.
//!
//! The bytes lie in the log as they lie in memory, so that what is read points into the log.

mod read;
mod records;
mod write;

#[cfg(test)]
mod tests;

use super::{BadRow, Decoded, Decoder, Side};
use crate::types::sql_name;
use arrow::array::new_null_array;
use arrow::datatypes::DataType;

pub use read::Frame;
pub(crate) use records::headers_at;
pub use records::records_of;
pub use write::{ColumnsBuilder, Layout, RecordColumns};

const TIMESTAMP: &str = "timestamp";
const KEY: &str = "key.";
const KEYLESS: &str = "keyless";
const WINDOW: [&str; 2] = ["window.start", "window.end"];
const VALUE: &str = "value.";
const TOMBSTONE: &str = "tombstone";
const HEADERS: &str = "headers";

/// Takes the payloads of a side in ARROW that came record by record: there is nothing in them
/// that could be read, but a tombstone is one in any form.
pub(super) struct SinglePayloads {
    columns: Vec<DataType>,
}

impl SinglePayloads {
    pub(super) fn new(side: &Side, wanted: &[usize]) -> Self {
        Self { columns: wanted.iter().map(|at| side.columns[*at].data_type().clone()).collect() }
    }
}

impl Decoder for SinglePayloads {
    fn decode(&self, payloads: &[Option<&[u8]>]) -> Decoded {
        let there = payloads.iter().enumerate().filter(|(_, payload)| payload.is_some());
        let bad = there.map(|(row, _)| BadRow { row, message: SINGLE.to_owned() });
        let null = |data_type| new_null_array(data_type, payloads.len());
        Decoded {
            columns: self.columns.iter().map(null).collect(),
            absent: Vec::new(),
            bad: bad.collect(),
        }
    }
}

const SINGLE: &str = "expected a batch of columns, as ARROW has them, found a single record";

/// What is wrong with a column whose type is not the declared one.
pub(crate) fn mismatch(name: &str, expected: &DataType, found: &DataType) -> String {
    format!("column {name}: expected {}, found {}", sql_name(expected), sql_name(found))
}
