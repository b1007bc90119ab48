//! Records written as columns, as a query's sink writes them.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::Fields;
use engine::format::{ColumnsBuilder, Format, Layout, RecordColumns, Side};
use log_store::Partition;

/// Appends rows without keys.
pub fn write(partition: &Partition, columns: Fields, times: Int64Array, values: Vec<ArrayRef>) {
    let side = |columns| Side { format: Format::Arrow, columns, wrapped: true };
    let layout = Layout::new(&side(Fields::empty()), &side(columns), false);
    let (keyless, tombstones, headers) = Default::default();
    let records =
        RecordColumns { times, keys: &[], keyless, window: &[], values, tombstones, headers };
    let mut builder = ColumnsBuilder::default();
    let rows = layout.batch(records).expect("the columns fit");
    let mut batches = builder.push(rows).expect("the columns fit");
    batches.extend(builder.build().expect("the columns fit"));
    for batch in batches {
        partition.append(batch).expect("the log takes the batch");
    }
}
