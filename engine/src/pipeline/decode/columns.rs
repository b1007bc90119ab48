//! From columns in the log to rows: what is wanted is taken as it lies there.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::datatypes::DataType;
use log_store::{Columnar, PartitionId};

use super::{Bounds, DecodedRecords, Faults, RecordDecoder, Recorded};
use crate::catalog::{Role, headers_type};
use crate::change::Changes;
use crate::error::Result;
use crate::format::{Format, Frame, mismatch};
use crate::processing_log::LogEntry;

/// Where the columns are that a decoder wants of a batch.
struct Picked {
    /// The columns to read, by their indexes in the batch.
    read: Vec<usize>,
    /// For each declared column which of those read it is.
    places: Vec<Option<usize>>,
}

impl RecordDecoder {
    /// Decodes a columnar batch of one partition. A batch whose columns do not fit is an entry of
    /// the processing log as a whole.
    pub fn decode_columns(
        &self,
        batch: &Columnar,
        partition: PartitionId,
    ) -> Result<DecodedRecords> {
        match self.recorded(batch) {
            Ok(recorded) => {
                let faults = Faults::new(recorded.offsets.len());
                self.rows(recorded, faults, partition)
            }
            Err(message) => Ok(self.rejected(batch, &message, partition)),
        }
    }

    fn rejected(&self, batch: &Columnar, message: &str, partition: PartitionId) -> DecodedRecords {
        let first = batch.base_offset.0;
        let last = first + i64::from(batch.rows) - 1;
        let message = format!("the records up to offset {last}: {message}");
        DecodedRecords {
            changes: Changes::none(&self.schema),
            offsets: Vec::new(),
            errors: vec![LogEntry::of_record(&self.topic, partition.0, first, message)],
            records: u64::from(batch.rows),
            end: last + 1,
        }
    }

    fn recorded(&self, batch: &Columnar) -> std::result::Result<Recorded, String> {
        if self.value_format != Format::Arrow {
            let format = self.value_format.name();
            return Err(format!("expected records in {format}, found columns, which are ARROW"));
        }
        let frame = Frame::open(batch)?;
        self.check_window(&frame)?;
        let picked = self.pick(&frame)?;
        let read = frame.read(&picked.read)?;
        let headers = self.headers_of(&frame)?;
        let columns = (0..self.roles.len()).map(|at| match picked.places[at] {
            Some(place) => Arc::clone(read.column(place)),
            None => self.absent(at, headers.as_ref(), frame.rows()),
        });
        let first = batch.base_offset.0;
        Ok(Recorded {
            columns: columns.collect(),
            bounds: bounds(&frame)?,
            keyed: unmarked(frame.keyless()?),
            valued: unmarked(frame.tombstones()?),
            times: frame.times()?,
            offsets: (first..first + frame.rows() as i64).collect(),
            headers,
        })
    }

    fn check_window(&self, frame: &Frame) -> std::result::Result<(), String> {
        match (self.window.is_some() && self.has_key, frame.window().is_some()) {
            (true, false) => Err("key: expected a windowed key, found one without".to_owned()),
            (false, true) if self.has_key => {
                Err("key: expected a key without a window, found a windowed one".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Finds the declared columns. All are compared with the batch, and those that are wanted are
    /// read: whether a batch is bad does not depend on the columns wanted.
    fn pick(&self, frame: &Frame) -> std::result::Result<Picked, String> {
        let mut keys = frame.keys();
        let mut picked = Picked { read: Vec::new(), places: vec![None; self.roles.len()] };
        for (at, role) in self.roles.iter().enumerate() {
            let column = &self.rows.columns[at];
            let found = match role {
                Role::Key => keys.next(),
                Role::Value => frame.value(&column.name),
                Role::Headers | Role::Header(_) => None,
            };
            let Some(found) = found else { continue };
            if *frame.data_type(found) != column.data_type {
                return Err(mismatch(&column.name, &column.data_type, frame.data_type(found)));
            }
            if self.wanted[at] {
                picked.places[at] = Some(picked.read.len());
                picked.read.push(found);
            }
        }
        Ok(picked)
    }

    /// A column that is not in key or value, or not wanted, or that the batch does not have.
    fn absent(&self, at: usize, headers: Option<&ArrayRef>, rows: usize) -> ArrayRef {
        match &self.roles[at] {
            Role::Headers | Role::Header(_) if self.wanted[at] => {
                self.header_column(at, headers, rows)
            }
            _ => new_null_array(&self.rows.columns[at].data_type, rows),
        }
    }

    fn headers_of(&self, frame: &Frame) -> std::result::Result<Option<ArrayRef>, String> {
        let Some(at) = frame.headers() else { return Ok(None) };
        if *frame.data_type(at) != headers_type() {
            return Err(mismatch("headers", &headers_type(), frame.data_type(at)));
        }
        Ok(Some(Arc::clone(frame.read(&[at])?.column(0))))
    }
}

/// The windows of keys.
fn bounds(frame: &Frame) -> std::result::Result<Option<Bounds>, String> {
    let Some(window) = frame.window() else { return Ok(None) };
    let read = frame.read(&window)?;
    match read.columns() {
        [start, end]
            if start.data_type() == &DataType::Int64 && end.data_type() == &DataType::Int64 =>
        {
            Ok(Some([Arc::clone(start), Arc::clone(end)]))
        }
        _ => Err("expected a window of two times".to_owned()),
    }
}

/// For each row whether it is not marked.
fn unmarked(marks: Option<BooleanArray>) -> Option<Vec<bool>> {
    let marks = marks?;
    Some((0..marks.len()).map(|row| !(marks.is_valid(row) && marks.value(row))).collect())
}
