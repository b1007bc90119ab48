//! Array functions. Positions count from 1, and items may be of any type.

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array, StringArray, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use hashbrown::HashSet;

use super::arguments::Arguments;
use super::equality::Rows;
use super::java_text::write_java_text;
use super::nested::{Collections, Picks};
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    [sets(), order(), contents()].into_iter().flatten().collect()
}

fn sets() -> Vec<Scalar> {
    vec![
        define(
            "ARRAY_CONCAT",
            "The items of both arrays, one array after the other; a null array counts as empty.",
            &["ARRAY_CONCAT(left ARRAY<T>, right ARRAY<T>) → ARRAY<T>"],
            &[("ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 2, 3]")],
            array_concat,
        ),
        define(
            "ARRAY_DISTINCT",
            "The different items of an array, in the order of their first occurrence.",
            &["ARRAY_DISTINCT(items ARRAY<T>) → ARRAY<T>"],
            &[("ARRAY_DISTINCT(ARRAY[1, 2, 1])", "[1, 2]")],
            |args| combine(args, |_, _| true),
        ),
        define(
            "ARRAY_EXCEPT",
            "The different items of the first array that are not in the second.",
            &["ARRAY_EXCEPT(left ARRAY<T>, right ARRAY<T>) → ARRAY<T>"],
            &[("ARRAY_EXCEPT(ARRAY[1, 2, 3, 1], ARRAY[2])", "[1, 3]")],
            |args| combine(args, |in_left, in_right| in_left && !in_right),
        ),
        define(
            "ARRAY_INTERSECT",
            "The different items that are in both arrays, in the order of the first.",
            &["ARRAY_INTERSECT(left ARRAY<T>, right ARRAY<T>) → ARRAY<T>"],
            &[("ARRAY_INTERSECT(ARRAY[1, 2, 3], ARRAY[3, 1, 5])", "[1, 3]")],
            |args| combine(args, |in_left, in_right| in_left && in_right),
        ),
        define(
            "ARRAY_UNION",
            "The different items of both arrays, in the order of their first occurrence.",
            &["ARRAY_UNION(left ARRAY<T>, right ARRAY<T>) → ARRAY<T>"],
            &[("ARRAY_UNION(ARRAY[1, 2, 1], ARRAY[2, 3])", "[1, 2, 3]")],
            |args| combine(args, |_, _| true),
        ),
    ]
}

fn order() -> Vec<Scalar> {
    vec![
        define(
            "ARRAY_MAX",
            "The greatest item that is not null; NULL if there is none.",
            &["ARRAY_MAX(items ARRAY<T>) → T"],
            &[("ARRAY_MAX(ARRAY[3, NULL, 7])", "7")],
            |args| extreme(args, true),
        ),
        define(
            "ARRAY_MIN",
            "The least item that is not null; NULL if there is none.",
            &["ARRAY_MIN(items ARRAY<T>) → T"],
            &[("ARRAY_MIN(ARRAY[3, NULL, 7])", "3")],
            |args| extreme(args, false),
        ),
        define(
            "ARRAY_SORT",
            "The items in ascending ('ASC') or descending ('DESC') order, nulls last.",
            &["ARRAY_SORT(items ARRAY<T>[, direction STRING]) → ARRAY<T>"],
            &[
                ("ARRAY_SORT(ARRAY[3, 1, 2])", "[1, 2, 3]"),
                ("ARRAY_SORT(ARRAY[3, NULL, 7], 'DESC')", "[7, 3, null]"),
            ],
            sort,
        ),
    ]
}

fn contents() -> Vec<Scalar> {
    vec![
        define(
            "ARRAY_CONTAINS",
            "Whether a value is among the items.",
            &["ARRAY_CONTAINS(items ARRAY<T>, value T) → BOOLEAN"],
            &[("ARRAY_CONTAINS(ARRAY[1, 2], 2)", "true")],
            contains,
        ),
        define(
            "ARRAY_JOIN",
            "The items as one text with a delimiter between them, a comma unless told; a null \
             item is the text null.",
            &["ARRAY_JOIN(items ARRAY<T>[, delimiter STRING]) → STRING"],
            &[("ARRAY_JOIN(ARRAY[1, NULL, 2], ';')", "'1;null;2'")],
            join,
        ),
        define(
            "ARRAY_LENGTH",
            "The number of items.",
            &["ARRAY_LENGTH(items ARRAY<T>) → INTEGER"],
            &[("ARRAY_LENGTH(ARRAY[1, NULL])", "2")],
            |args| {
                let lists = Collections::new(&args.array(0)?)?;
                args.each::<Int32Array, _>(|row| Some(lists.range(row)?.len() as i32))
            },
        ),
        define(
            "ARRAY_REMOVE",
            "The items that are not equal to a value.",
            &["ARRAY_REMOVE(items ARRAY<T>, value T) → ARRAY<T>"],
            &[("ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]")],
            remove,
        ),
        define(
            "SLICE",
            "The items between two positions, both included. A null position is the end on its \
             side.",
            &["SLICE(items ARRAY<T>, from INTEGER, to INTEGER) → ARRAY<T>"],
            &[("SLICE(ARRAY[1, 2, 3, 4], 2, 3)", "[2, 3]")],
            slice,
        ),
    ]
}

fn array_concat(args: &Arguments) -> Result<ArrayRef> {
    let (left, right) = (Collections::new(&args.array(0)?)?, Collections::new(&args.array(1)?)?);
    let items = concat(&[left.items(), right.items()])?;
    let shift = left.items().len();
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let (left, right) = (left.range(row), right.range(row));
        let any = left.is_some() || right.is_some();
        let right = right.unwrap_or_default();
        let both = left.unwrap_or_default().chain(right.start + shift..right.end + shift);
        picks.push(any.then_some(both));
    }
    picks.into_lists(&items)
}

/// The different items of the arrays for which `keep` says so: whether an item is in the left and
/// in the right array. One array alone counts as the left.
fn combine(args: &Arguments, keep: fn(bool, bool) -> bool) -> Result<ArrayRef> {
    let arrays: Vec<_> = args.arrays()?.iter().map(Collections::new).collect::<Result<Vec<_>>>()?;
    let children: Vec<&dyn Array> = arrays.iter().map(|list| list.items().as_ref()).collect();
    let items = concat(&children)?;
    let rows = Rows::new(&items)?;
    let shift = arrays[0].items().len();
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let ranges = arrays.iter().map(|list| list.range(row)).collect::<Option<Vec<_>>>();
        picks.push(ranges.map(|ranges| {
            let left = ranges[0].clone();
            let right = ranges.get(1).map_or(0..0, |range| range.start + shift..range.end + shift);
            let set = |range: std::ops::Range<usize>| range.map(|at| rows.row(at)).collect();
            let (in_left, in_right): (HashSet<_>, HashSet<_>) =
                (set(left.clone()), set(right.clone()));
            let mut seen = HashSet::new();
            left.chain(right)
                .filter(|at| {
                    let item = rows.row(*at);
                    keep(in_left.contains(&item), in_right.contains(&item)) && seen.insert(item)
                })
                .collect::<Vec<_>>()
        }));
    }
    picks.into_lists(&items)
}

fn extreme(args: &Arguments, greatest: bool) -> Result<ArrayRef> {
    let lists = Collections::new(&args.array(0)?)?;
    let (items, rows) = (lists.items(), Rows::new(lists.items())?);
    let best: UInt32Array = (0..args.rows())
        .map(|row| {
            let candidates = lists.range(row)?.filter(|at| items.is_valid(*at));
            let best = match greatest {
                true => candidates.max_by_key(|at| rows.row(*at)),
                false => candidates.min_by_key(|at| rows.row(*at)),
            };
            best.map(|at| at as u32)
        })
        .collect();
    Ok(take(items, &best, None)?)
}

fn sort(args: &Arguments) -> Result<ArrayRef> {
    let lists = Collections::new(&args.array(0)?)?;
    let directions = args.optional::<StringArray>(1)?;
    let (items, rows) = (lists.items(), Rows::new(lists.items())?);
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let descending = match &directions {
            Some(directions) => directions.get(row).and_then(is_descending),
            None => Some(false),
        };
        let sorted = lists.range(row).zip(descending).map(|(range, descending)| {
            let (mut known, nulls): (Vec<_>, Vec<_>) = range.partition(|at| items.is_valid(*at));
            known.sort_by(|a, b| match descending {
                true => rows.row(*b).cmp(&rows.row(*a)),
                false => rows.row(*a).cmp(&rows.row(*b)),
            });
            known.into_iter().chain(nulls)
        });
        picks.push(sorted);
    }
    picks.into_lists(items)
}

/// None if the word is no direction.
fn is_descending(direction: &str) -> Option<bool> {
    match direction.to_ascii_uppercase().as_str() {
        "ASC" | "ASCENDING" => Some(false),
        "DESC" | "DESCENDING" => Some(true),
        _ => None,
    }
}

fn contains(args: &Arguments) -> Result<ArrayRef> {
    let (lists, wanted) = (Collections::new(&args.array(0)?)?, Rows::new(&args.array(1)?)?);
    let rows = Rows::new(lists.items())?;
    args.each::<BooleanArray, _>(|row| {
        let mut range = lists.range(row).unwrap_or_default();
        Some(range.any(|at| rows.row(at) == wanted.row(row)))
    })
}

fn remove(args: &Arguments) -> Result<ArrayRef> {
    let (lists, unwanted) = (Collections::new(&args.array(0)?)?, Rows::new(&args.array(1)?)?);
    let rows = Rows::new(lists.items())?;
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let kept =
            |range: std::ops::Range<usize>| range.filter(|at| rows.row(*at) != unwanted.row(row));
        picks.push(lists.range(row).map(kept));
    }
    picks.into_lists(lists.items())
}

fn join(args: &Arguments) -> Result<ArrayRef> {
    let lists = Collections::new(&args.array(0)?)?;
    if let DataType::List(_) | DataType::Map(..) | DataType::Struct(_) = lists.items().data_type() {
        return exec_err!("ARRAY_JOIN takes arrays of simple values, not of nested ones");
    }
    let delimiters = args.optional::<StringArray>(1)?;
    args.each::<StringArray, _>(|row| {
        let delimiter = delimiters.as_ref().map_or(",", |given| given.get(row).unwrap_or(""));
        let mut text = String::new();
        for (index, at) in lists.range(row)?.enumerate() {
            text.push_str(if index > 0 { delimiter } else { "" });
            write_java_text(&mut text, lists.items(), at);
        }
        Some(text)
    })
}

fn slice(args: &Arguments) -> Result<ArrayRef> {
    let lists = Collections::new(&args.array(0)?)?;
    let (from, to) = (args.column::<Int32Array>(1)?, args.column::<Int32Array>(2)?);
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let part = lists.range(row).and_then(|range| {
            let first = from.get(row).map_or(Some(0), |from| usize::try_from(from - 1).ok())?;
            let end = to.get(row).map_or(Some(range.len()), |to| usize::try_from(to).ok())?;
            // As in ksqlDB, positions outside of the array give null, not a shorter array.
            (first <= end && end <= range.len()).then(|| range.start + first..range.start + end)
        });
        picks.push(part);
    }
    picks.into_lists(lists.items())
}
