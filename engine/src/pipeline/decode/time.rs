//! Event times: of the record, or of a column that holds them.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMillisecondType};

use super::{Faults, RecordDecoder, Recorded};
use crate::catalog::{Source, TimestampColumn};
use crate::error::{Error, Result};
use crate::function::datetime::{TimePattern, Zone};

/// How messages about event times begin.
pub const TIME_ERROR: &str = "event time: ";

impl RecordDecoder {
    /// Event times: of the record, or of the column that holds them.
    pub(super) fn times(&self, recorded: &Recorded, faults: &mut Faults) -> Int64Array {
        let times = match &self.timestamp {
            None => recorded.times.clone(),
            Some((at, pattern)) => self.column_times(*at, pattern.as_ref(), recorded, faults),
        };
        for (row, time) in times.values().iter().enumerate().filter(|(_, time)| **time < 0) {
            let message = format!("{TIME_ERROR}expected a time since 1970, found {time} ms");
            faults.reject(row, message);
        }
        times
    }

    /// The times that a column holds; a record without a value has its own.
    fn column_times(
        &self,
        at: usize,
        pattern: Option<&TimePattern>,
        recorded: &Recorded,
        faults: &mut Faults,
    ) -> Int64Array {
        let column = &recorded.columns[at];
        if let (true, None, Some(times)) =
            (column.null_count() == 0, &recorded.valued, ticks(column))
        {
            return times;
        }
        let name = &self.rows.columns[at].name;
        let mut times = recorded.times.values().to_vec();
        let valued = |row: usize| recorded.valued.as_ref().is_none_or(|valued| valued[row]);
        for (row, time) in times.iter_mut().enumerate().filter(|(row, _)| valued(*row)) {
            match time_at(column, row, pattern) {
                Ok(read) => *time = read,
                Err(found) => {
                    let message = format!("{TIME_ERROR}{name}: expected a time, found {found}");
                    faults.reject(row, message);
                }
            }
        }
        times.into()
    }
}

/// A column of times as it is, if it is one.
fn ticks(column: &ArrayRef) -> Option<Int64Array> {
    match column.data_type() {
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().clone()),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Some(column.as_primitive::<TimestampMillisecondType>().reinterpret_cast())
        }
        _ => None,
    }
}

/// Where a source has its event time, and in what pattern.
pub(super) fn time_column(
    source: &Source,
    time: &TimestampColumn,
) -> Result<(usize, Option<TimePattern>)> {
    let at = source.columns.iter().position(|column| column.name == time.column);
    let at = at.ok_or_else(|| Error::Internal(format!("no TIMESTAMP column {}", time.column)))?;
    let pattern = time.format.as_deref().map(TimePattern::compile).transpose()?;
    Ok((at, pattern))
}

/// The time in a row of a TIMESTAMP column, or what was found instead.
pub fn time_at(
    column: &ArrayRef,
    row: usize,
    pattern: Option<&TimePattern>,
) -> Result<i64, String> {
    if column.is_null(row) {
        return Err("NULL".to_owned());
    }
    match (column.data_type(), pattern) {
        (DataType::Int64, _) => Ok(column.as_primitive::<Int64Type>().value(row)),
        (DataType::Timestamp(..), _) => {
            Ok(column.as_primitive::<TimestampMillisecondType>().value(row))
        }
        (DataType::Utf8, Some(pattern)) => {
            let text = column.as_string::<i32>().value(row);
            pattern.parse_timestamp(text, &Zone::UTC).map_err(|error| format!("'{text}' ({error})"))
        }
        (other, _) => Err(other.to_string()),
    }
}
