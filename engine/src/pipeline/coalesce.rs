//! One change per key and batch.
//!
//! Whoever follows a table wants to know what a row is, not what else it was for the length of a
//! batch. Of the changes of a key only the last one goes on, in the order of these last ones.

use std::collections::HashSet;

use arrow::array::BooleanArray;

use crate::change::{Changes, Op};
use crate::state::EncodedRows;

/// Which changes no later one of the same key replaces; `keys` has the key of each.
pub(super) fn last_of_each(changes: &Changes, keys: &EncodedRows) -> BooleanArray {
    let mut seen = HashSet::with_capacity(changes.len());
    let is_last = |row: usize| changes.op(row) != Op::UpdateBefore && seen.insert(keys.get(row));
    let mut last: Vec<bool> = (0..changes.len()).rev().map(is_last).collect();
    last.reverse();
    last.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::state::{RowCodec, batch_of};

    #[test]
    fn the_last_change_of_each_key_goes_on_with_its_op_and_time() {
        let (plus, minus) = (Op::Insert, Op::Delete);
        let (before, after) = (Op::UpdateBefore, Op::UpdateAfter);
        let keys: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 1, 1, 3, 2]));
        let schema = Arc::new(Schema::new(vec![Field::new("K", DataType::Int32, true)]));
        let rows = batch_of(&schema, vec![Arc::clone(&keys)], 6).unwrap();
        let times = Int64Array::from_iter_values(0..6);
        let changes = Changes::new(rows, vec![plus, plus, before, after, minus, minus], times);
        let encoded = RowCodec::new(vec![DataType::Int32]).unwrap().encode(&[keys], 6).unwrap();
        let last = changes.filter(&last_of_each(&changes, &encoded)).unwrap();
        assert_eq!(last.times.values(), &[3, 4, 5]);
        assert_eq!(last.each_op().collect::<Vec<_>>(), [after, minus, minus]);
    }
}
