//! Map functions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Fields};
use datafusion::common::{Result, internal_err};

use super::arguments::Arguments;
use super::equality::Rows;
use super::nested::{Collections, Picks, without_null_keys};
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "AS_MAP",
            "A map of keys and values from two arrays, as long as the shorter one.",
            &["AS_MAP(keys ARRAY<STRING>, values ARRAY<T>) → MAP<STRING, T>"],
            &[("AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])", "{a=1, b=2}")],
            as_map,
        ),
        define(
            "ENTRIES",
            "The entries of a map as structs of key K and value V, sorted by key if told.",
            &["ENTRIES(map MAP<STRING, T>, sorted BOOLEAN) → ARRAY<STRUCT<K STRING, V T>>"],
            &[("ENTRIES(MAP('b' := 2, 'a' := 1), true)", "[Struct{K=a,V=1}, Struct{K=b,V=2}]")],
            entries,
        ),
        define(
            "MAP_KEYS",
            "The keys of a map.",
            &["MAP_KEYS(map MAP<K, V>) → ARRAY<K>"],
            &[("MAP_KEYS(MAP('a' := 1, 'b' := 2))", "[a, b]")],
            |args| child(args, 0),
        ),
        define(
            "MAP_VALUES",
            "The values of a map.",
            &["MAP_VALUES(map MAP<K, V>) → ARRAY<V>"],
            &[("MAP_VALUES(MAP('a' := 1, 'b' := 2))", "[1, 2]")],
            |args| child(args, 1),
        ),
        define(
            "MAP_UNION",
            "The entries of both maps; where both have a key, the second one's value. A null map \
             counts as empty.",
            &["MAP_UNION(first MAP<K, V>, second MAP<K, V>) → MAP<K, V>"],
            &[("MAP_UNION(MAP('a' := 1, 'b' := 2), MAP('b' := 3))", "{a=1, b=3}")],
            union,
        ),
    ]
}

fn as_map(args: &Arguments) -> Result<ArrayRef> {
    let (keys, values) = (Collections::new(&args.array(0)?)?, Collections::new(&args.array(1)?)?);
    // One map takes a key and its value from the same position, so both are put in line first.
    let (mut key_picks, mut value_picks) = (Picks::default(), Picks::default());
    for row in 0..args.rows() {
        let ranges = keys.range(row).zip(values.range(row));
        let length = |(keys, values): &(std::ops::Range<usize>, std::ops::Range<usize>)| {
            keys.len().min(values.len())
        };
        key_picks.push(ranges.as_ref().map(|ranges| ranges.0.clone().take(length(ranges))));
        value_picks.push(ranges.as_ref().map(|ranges| ranges.1.clone().take(length(ranges))));
    }
    let keys = Collections::new(&key_picks.into_lists(keys.items())?)?;
    let values = value_picks.into_lists(values.items())?;
    let mut picks = Picks::default();
    (0..args.rows()).for_each(|row| picks.push(keys.range(row)));
    let values = values.as_list::<i32>().values();
    picks.into_maps(&without_null_keys(keys.items())?, values, args.return_type())
}

fn entries(args: &Arguments) -> Result<ArrayRef> {
    let maps = Collections::new(&args.array(0)?)?;
    let sorted = args.column::<BooleanArray>(1)?;
    let entries: ArrayRef = Arc::new(StructArray::try_new(
        entry_fields(args.return_type())?,
        maps.children().to_vec(),
        None,
    )?);
    let keys = Rows::new(maps.items())?;
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let positions = maps.range(row).zip(sorted.get(row)).map(|(range, sorted)| {
            let mut positions: Vec<_> = range.collect();
            if sorted {
                positions.sort_by_key(|at| keys.row(*at));
            }
            positions
        });
        picks.push(positions);
    }
    picks.into_lists(&entries)
}

fn entry_fields(data_type: &DataType) -> Result<Fields> {
    match data_type {
        DataType::List(item) => match item.data_type() {
            DataType::Struct(fields) => Ok(fields.clone()),
            other => internal_err!("expected entries of a map, found {other}"),
        },
        other => internal_err!("expected an array of entries, found {other}"),
    }
}

fn child(args: &Arguments, index: usize) -> Result<ArrayRef> {
    let maps = Collections::new(&args.array(0)?)?;
    let mut picks = Picks::default();
    (0..args.rows()).for_each(|row| picks.push(maps.range(row)));
    picks.into_lists(&maps.children()[index])
}

fn union(args: &Arguments) -> Result<ArrayRef> {
    let (first, second) = (Collections::new(&args.array(0)?)?, Collections::new(&args.array(1)?)?);
    let child = |index: usize| {
        concat(&[first.children()[index].as_ref(), second.children()[index].as_ref()])
    };
    let (keys, values) = (child(0)?, child(1)?);
    let shift = first.items().len();
    let mut picks = Picks::default();
    for row in 0..args.rows() {
        let (first, second) = (first.range(row), second.range(row));
        let any = first.is_some() || second.is_some();
        let second = second.unwrap_or_default();
        let both = first.unwrap_or_default().chain(second.start + shift..second.end + shift);
        picks.push(any.then_some(both));
    }
    picks.into_maps(&keys, &values, args.return_type())
}
