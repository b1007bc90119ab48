//! Which keys of a materialised table a condition admits.
//!
//! Keys are their columns one after the other, each encoded so that bytes sort as values do, and
//! no value's bytes begin those of another. So values for the leading columns are a prefix, and a
//! test of the column after them cuts a range out of it.

use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use super::predicate::{Alternative, Is, Test};
use crate::catalog::Source;
use crate::error::Result;
use crate::row_type::{Windowing, pseudo};
use crate::state::{RowCodec, prefix_end};

/// More ranges than these are not worth finding one by one.
const RANGES_MAX: usize = 4096;

/// Keys from the first up to, and without, the second.
pub type KeyRange = Range<Vec<u8>>;

/// The range of one key.
pub fn only(key: Vec<u8>) -> KeyRange {
    let end = [&key[..], &[0]].concat();
    key..end
}

/// The key of a range that holds just one.
pub fn single(range: &KeyRange) -> Option<&[u8]> {
    let (last, rest) = range.end.split_last()?;
    (*last == 0 && rest == range.start).then_some(range.start.as_slice())
}

/// The ranges of a table's keys, ascending and apart from each other, outside which no row passes
/// one of the alternatives.
pub fn key_ranges(
    source: &Source,
    prefix: &[u8],
    alternatives: &[Alternative],
) -> Result<Vec<KeyRange>> {
    let all = prefix.to_vec()..prefix_end(prefix);
    let columns = key_columns(source);
    let mut ranges = Vec::new();
    for alternative in alternatives {
        let tests = with_window_ends(alternative, source.window);
        ranges.extend(narrow(&columns, prefix, &tests)?);
        if ranges.len() > RANGES_MAX {
            return Ok(vec![all]);
        }
    }
    Ok(apart(ranges))
}

fn key_columns(source: &Source) -> Vec<(&str, &DataType)> {
    let bounds = source.window.map(|_| [pseudo::WINDOWSTART, pseudo::WINDOWEND]);
    let bounds = bounds.into_iter().flatten().map(|name| (name, &DataType::Int64));
    source.key_columns().map(|c| (c.name.as_str(), &c.data_type)).chain(bounds).collect()
}

/// The tests, with those of a window's end said of its start as well, which comes first in a key.
fn with_window_ends(tests: &[Test], window: Option<Windowing>) -> Vec<Test> {
    let ends = tests.iter().filter(|test| test.column == pseudo::WINDOWEND);
    let starts = ends.filter_map(|test| start_of(&test.is, window?));
    let starts = starts.map(|is| Test { column: pseudo::WINDOWSTART.to_owned(), is });
    tests.iter().cloned().chain(starts).collect()
}

/// What a test of a window's end says of its start.
fn start_of(end: &Is, window: Windowing) -> Option<Is> {
    let moved = |bound: &ScalarValue, by: i64| match bound {
        ScalarValue::Int64(Some(ms)) => Some(ScalarValue::Int64(Some(ms.checked_sub(by)?))),
        _ => None,
    };
    match (end, window.size_ms()) {
        (Is::Among(ends), Some(size)) => {
            ends.iter().map(|end| moved(end, size)).collect::<Option<_>>().map(Is::Among)
        }
        (Is::Above { bound, inclusive }, Some(size)) => {
            Some(Is::Above { bound: moved(bound, size)?, inclusive: *inclusive })
        }
        // A session begins no later than it ends.
        (Is::Below { bound, inclusive }, size) => {
            let bound = moved(bound, size.unwrap_or_default())?;
            Some(Is::Below { bound, inclusive: *inclusive })
        }
        (_, None) => None,
    }
}

/// The ranges of keys that pass all the tests.
fn narrow(columns: &[(&str, &DataType)], prefix: &[u8], tests: &[Test]) -> Result<Vec<KeyRange>> {
    let mut starts = vec![prefix.to_vec()];
    for (name, data_type) in columns {
        let own: Vec<&Is> =
            tests.iter().filter(|test| test.column == *name).map(|t| &t.is).collect();
        let codec = Codec::new(data_type)?;
        match wanted_values(&own) {
            Some(values) if starts.len() * values.len() <= RANGES_MAX => {
                starts = codec.append(&starts, &values)?;
            }
            _ => {
                let ranges = starts.iter().map(|start| codec.cut(start, &own));
                return ranges.collect();
            }
        }
    }
    Ok(starts.into_iter().map(only).collect())
}

/// The values that pass all the tests, where a test lists values at all.
fn wanted_values(tests: &[&Is]) -> Option<Vec<ScalarValue>> {
    let mut lists = tests.iter().filter_map(|is| match is {
        Is::Among(values) => Some(values),
        _ => None,
    });
    let first = lists.next()?.clone();
    Some(
        lists.fold(first, |kept, list| {
            kept.into_iter().filter(|value| list.contains(value)).collect()
        }),
    )
}

/// How the values of one key column are encoded.
struct Codec {
    rows: RowCodec,
    is_ordered: bool,
}

impl Codec {
    fn new(data_type: &DataType) -> Result<Self> {
        let rows = RowCodec::new(vec![data_type.clone()])?;
        Ok(Self { rows, is_ordered: !data_type.is_nested() })
    }

    fn encode(&self, value: &ScalarValue) -> Result<Vec<u8>> {
        Ok(self.rows.encode(&[value.to_array_of_size(1)?], 1)?.get(0).to_vec())
    }

    /// Every start followed by every value.
    fn append(&self, starts: &[Vec<u8>], values: &[ScalarValue]) -> Result<Vec<Vec<u8>>> {
        let values = values.iter().map(|value| self.encode(value)).collect::<Result<Vec<_>>>()?;
        let joined = starts.iter().flat_map(|start| values.iter().map(move |v| (start, v)));
        Ok(joined.map(|(start, value)| [&start[..], value].concat()).collect())
    }

    /// The keys that begin with `start` and go on with a value that passes the bounds.
    fn cut(&self, start: &[u8], tests: &[&Is]) -> Result<KeyRange> {
        let mut range = start.to_vec()..prefix_end(start);
        for is in tests.iter().filter(|_| self.is_ordered) {
            let at = |bound| Ok::<_, crate::Error>([start, &self.encode(bound)?].concat());
            match is {
                Is::Above { bound, inclusive: true } => range.start = range.start.max(at(bound)?),
                Is::Above { bound, .. } => range.start = range.start.max(prefix_end(&at(bound)?)),
                Is::Below { bound, inclusive: true } => {
                    range.end = range.end.min(prefix_end(&at(bound)?));
                }
                Is::Below { bound, .. } => range.end = range.end.min(at(bound)?),
                Is::Among(_) => {}
            }
        }
        Ok(range)
    }
}

/// The same keys in ascending ranges that do not touch.
fn apart(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_unstable_by(|a, b| a.start.cmp(&b.start));
    let mut merged: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = range.end.max(last.end.clone()),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
pub(super) mod tests {
    use sql::ast::SourceKind;

    use super::*;
    use crate::catalog::{Role, SourceColumn};
    use crate::format::Format;

    const PREFIX: &[u8] = &[0, 0, 0, 7];

    /// A table with these key columns and no others.
    pub fn table(keys: &[(&str, DataType)], window: Option<Windowing>) -> Source {
        let columns = keys.iter().map(|(name, data_type)| SourceColumn {
            name: (*name).to_owned(),
            data_type: data_type.clone(),
            role: Role::Key,
        });
        Source {
            name: "T".into(),
            kind: SourceKind::Table,
            columns: columns.collect(),
            topic: "t".into(),
            key_format: Format::Json,
            value_format: Format::Json,
            wrap_single_value: None,
            window,
            timestamp: None,
            read_only: false,
            statement: String::new(),
            materialized_by: Some(7),
        }
    }

    /// The key of these values, as it is stored.
    fn key(values: &[ScalarValue]) -> Vec<u8> {
        let codec = RowCodec::new(values.iter().map(ScalarValue::data_type).collect()).unwrap();
        let columns: Vec<_> =
            values.iter().map(|value| value.to_array_of_size(1).unwrap()).collect();
        [PREFIX, codec.encode(&columns, 1).unwrap().get(0)].concat()
    }

    fn among<V: Into<ScalarValue> + Clone>(column: &str, values: &[V]) -> Test {
        let values = values.iter().cloned().map(Into::into).collect();
        Test { column: column.to_owned(), is: Is::Among(values) }
    }

    fn above(column: &str, bound: impl Into<ScalarValue>, inclusive: bool) -> Test {
        Test { column: column.to_owned(), is: Is::Above { bound: bound.into(), inclusive } }
    }

    fn below(column: &str, bound: impl Into<ScalarValue>, inclusive: bool) -> Test {
        Test { column: column.to_owned(), is: Is::Below { bound: bound.into(), inclusive } }
    }

    /// Which of the rows the ranges hold, by their place.
    fn held(ranges: &[KeyRange], rows: &[Vec<ScalarValue>]) -> Vec<usize> {
        let holds = |row: &[ScalarValue]| {
            let key = key(row);
            ranges.iter().filter(|range| range.contains(&key)).count()
        };
        (0..rows.len()).flat_map(|at| vec![at; holds(&rows[at])]).collect()
    }

    fn texts(values: &[&str]) -> Vec<Vec<ScalarValue>> {
        values.iter().map(|value| vec![ScalarValue::from(*value)]).collect()
    }

    #[test]
    fn equality_on_every_key_column_is_one_key() {
        let table = table(&[("A", DataType::Utf8), ("B", DataType::Int32)], None);
        let tests = vec![among("B", &[5]), among("A", &["x"])];
        let ranges = key_ranges(&table, PREFIX, &[tests]).unwrap();
        let wanted = key(&["x".into(), 5.into()]);
        assert_eq!(ranges.iter().map(single).collect::<Vec<_>>(), [Some(wanted.as_slice())]);
    }

    #[test]
    fn lists_of_values_are_combined_and_met_once() {
        let table = table(&[("A", DataType::Utf8), ("B", DataType::Int32)], None);
        let tests =
            vec![among("A", &["x", "y", "x"]), among("A", &["y", "x"]), among("B", &[1, 2])];
        let ranges = key_ranges(&table, PREFIX, &[tests.clone(), tests]).unwrap();
        assert_eq!(ranges.len(), 4);
        assert!(ranges.iter().all(|range| single(range).is_some()));
        assert!(ranges.is_sorted_by_key(|range| range.start.clone()));
    }

    #[test]
    fn the_first_key_columns_are_a_prefix() {
        let table = table(&[("A", DataType::Utf8), ("B", DataType::Int32)], None);
        let row = |a: &str, b: i32| vec![ScalarValue::from(a), ScalarValue::from(b)];
        let rows = [row("x", -1), row("x", 3), row("xx", 0), row("w", 9)];
        let of = |tests: Vec<Test>| held(&key_ranges(&table, PREFIX, &[tests]).unwrap(), &rows);
        assert_eq!(of(vec![among("A", &["x"])]), [0, 1]);
        assert_eq!(of(vec![among("A", &["x"]), above("B", 0, true)]), [1]);
        assert_eq!(of(vec![above("A", "x", false)]), [2]);
        // What is known of a later column alone does not narrow.
        assert_eq!(of(vec![among("B", &[3])]), [0, 1, 2, 3]);
    }

    #[test]
    fn bounds_on_a_key_are_a_range_in_its_order() {
        let text_table = table(&[("A", DataType::Utf8)], None);
        let rows = texts(&["10", "12", "12a", "13", "9"]);
        let of =
            |tests: Vec<Test>| held(&key_ranges(&text_table, PREFIX, &[tests]).unwrap(), &rows);
        assert_eq!(of(vec![above("A", "12", false)]), [2, 3, 4]);
        assert_eq!(of(vec![above("A", "12", true), below("A", "13", false)]), [1, 2]);
        assert_eq!(of(vec![below("A", "12", true)]), [0, 1]);
        assert!(of(vec![above("A", "13", false), below("A", "12", false)]).is_empty());
        let numbers = table(&[("A", DataType::Int32)], None);
        let rows = [-5, 0, 40].map(|number| vec![ScalarValue::from(number)]);
        let ranges = key_ranges(&numbers, PREFIX, &[vec![below("A", 0, true)]]).unwrap();
        assert_eq!(held(&ranges, &rows), [0, 1]);
    }

    #[test]
    fn overlapping_alternatives_are_read_once() {
        let table = table(&[("A", DataType::Utf8)], None);
        let rows = texts(&["a", "b", "c", "d"]);
        let alternatives =
            [vec![above("A", "b", true)], vec![among("A", &["c"])], vec![below("A", "b", true)]];
        let ranges = key_ranges(&table, PREFIX, &alternatives).unwrap();
        assert_eq!(held(&ranges, &rows), [0, 1, 2, 3]);
    }

    #[test]
    fn an_alternative_that_says_nothing_is_a_whole_scan() {
        let table = table(&[("A", DataType::Utf8)], None);
        let ranges = key_ranges(&table, PREFIX, &[vec![among("A", &["x"])], vec![]]).unwrap();
        assert_eq!(ranges, [PREFIX.to_vec()..prefix_end(PREFIX)]);
    }

    #[test]
    fn bounds_of_windows_narrow_what_a_key_holds() {
        let row = |start: i64| vec!["k".into(), start.into(), (start + 10).into()];
        let rows = [0, 10, 20, 30].map(row);
        let windowed = table(&[("A", DataType::Utf8)], Some(Windowing::Tumbling { size_ms: 10 }));
        let of = |tests: Vec<Test>| {
            let tests = [vec![among("A", &["k"])], tests].concat();
            held(&key_ranges(&windowed, PREFIX, &[tests]).unwrap(), &rows)
        };
        assert_eq!(of(vec![above(pseudo::WINDOWSTART, 10i64, true)]), [1, 2, 3]);
        assert_eq!(of(vec![among(pseudo::WINDOWSTART, &[20i64])]), [2]);
        assert_eq!(of(vec![below(pseudo::WINDOWEND, 20i64, true)]), [0, 1]);
        assert_eq!(of(vec![above(pseudo::WINDOWEND, 30i64, false)]), [3]);
        assert_eq!(of(vec![among(pseudo::WINDOWEND, &[30i64])]), [2]);
    }

    #[test]
    fn the_end_of_a_session_bounds_its_start_from_above_only() {
        let rows = [(0i64, 50i64), (10, 15), (40, 60)].map(|(start, end)| {
            vec![ScalarValue::from("k"), ScalarValue::from(start), ScalarValue::from(end)]
        });
        let sessions = table(&[("A", DataType::Utf8)], Some(Windowing::Session));
        let of = |test: Test| {
            let tests = vec![among("A", &["k"]), test];
            held(&key_ranges(&sessions, PREFIX, &[tests]).unwrap(), &rows)
        };
        assert_eq!(of(below(pseudo::WINDOWEND, 20i64, false)), [0, 1]);
        assert_eq!(of(above(pseudo::WINDOWEND, 20i64, false)), [0, 1, 2]);
    }
}
