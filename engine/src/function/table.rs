//! Table functions: each gives a list per row, and each item of it becomes a row.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::concat;
use datafusion::common::{Result, exec_err};
use hashbrown::HashSet;

use super::arguments::Arguments;
use super::nested::{Collections, Picks};
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "EXPLODE",
            "A row for each item of an array.",
            &["EXPLODE(items ARRAY<T>) → ARRAY<T>"],
            &[("EXPLODE(ARRAY[1, 2])", "[1, 2]")],
            |args| args.array(0),
        )
        .table(),
        define(
            "CUBE_EXPLODE",
            "A row for each combination in which some items of an array are replaced by null: for \
             totals over all groups of dimensions.",
            &["CUBE_EXPLODE(items ARRAY<T>) → ARRAY<ARRAY<T>>"],
            &[("CUBE_EXPLODE(ARRAY[1, 2])", "[[null, null], [null, 2], [1, null], [1, 2]]")],
            cube,
        )
        .table(),
    ]
}

/// More items than this would make more than a million rows.
const CUBE_ITEMS_MAX: usize = 20;

fn cube(args: &Arguments) -> Result<ArrayRef> {
    let lists = Collections::new(&args.array(0)?)?;
    let items = lists.items();
    let (mut combinations, mut cubes) = (Picks::default(), Picks::default());
    let mut count = 0;
    for row in 0..args.rows() {
        let range = lists.range(row).unwrap_or_default();
        if range.len() > CUBE_ITEMS_MAX {
            let length = range.len();
            return exec_err!("CUBE_EXPLODE takes up to {CUBE_ITEMS_MAX} items, not {length}");
        }
        let first = count;
        for combination in row_cube(range, items) {
            combinations.push(Some(combination));
            count += 1;
        }
        cubes.push(lists.range(row).map(|_| first..count));
    }
    let padded = concat(&[items.as_ref(), new_null_array(items.data_type(), 1).as_ref()])?;
    cubes.into_lists(&combinations.into_lists(&padded)?)
}

/// The combinations of the items at some positions, the position behind the last item standing
/// for null. They count up in binary, the first item being the highest digit.
fn row_cube(range: Range<usize>, items: &ArrayRef) -> Vec<Vec<usize>> {
    let null = items.len();
    let mut combinations = vec![];
    let mut seen = HashSet::new();
    for mask in 0..1_usize << range.len() {
        let keeps = |at: usize| mask >> (range.end - 1 - at) & 1 == 1 && items.is_valid(at);
        let pick = |at| if keeps(at) { at } else { null };
        let combination: Vec<_> = range.clone().map(pick).collect();
        // A null item is the same whether it is replaced or not.
        if !range.is_empty() && seen.insert(combination.clone()) {
            combinations.push(combination);
        }
    }
    combinations
}
