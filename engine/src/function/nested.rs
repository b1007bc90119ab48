//! Putting lists and maps together out of rows of other columns.
//!
//! Nothing here looks at values one by one: a result is the list of positions that it takes from
//! a child column, and one `take`.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, internal_err};
use hashbrown::HashMap;

use super::equality::Rows;
use super::java_text::java_texts;

/// Positions for each row; none for a null row.
#[derive(Debug, Default)]
pub(super) struct Picks {
    positions: Vec<u32>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Picks {
    /// The positions of the next row.
    pub(super) fn push(&mut self, row: Option<impl IntoIterator<Item = usize>>) {
        let before = self.positions.len();
        self.valid.push(row.is_some());
        self.positions.extend(row.into_iter().flatten().map(|position| position as u32));
        self.lengths.push(self.positions.len() - before);
    }

    /// Lists of what stands at the positions in `items`.
    pub(super) fn into_lists(self, items: &ArrayRef) -> Result<ArrayRef> {
        let items = take(items, &UInt32Array::from(self.positions), None)?;
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::new(field, offsets, items, Some(NullBuffer::from(self.valid)))))
    }

    /// Maps of what stands at the positions in `keys` and `values`. Of several values for a key
    /// the last one stays, in the place of the first.
    pub(super) fn into_maps(
        self,
        keys: &ArrayRef,
        values: &ArrayRef,
        data_type: &DataType,
    ) -> Result<ArrayRef> {
        let key_rows = Rows::new(keys)?;
        let (mut key_at, mut value_at, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = self.positions.as_slice();
        for length in self.lengths {
            let (row, after) = rest.split_at(length);
            rest = after;
            let start = key_at.len();
            let mut seen = HashMap::with_capacity(length);
            for position in row {
                let place = *seen.entry(key_rows.row(*position as usize)).or_insert(key_at.len());
                if place == key_at.len() {
                    key_at.push(*position);
                    value_at.push(*position);
                }
                value_at[place] = *position;
            }
            lengths.push(key_at.len() - start);
        }
        let keys = take(keys, &UInt32Array::from(key_at), None)?;
        let values = take(values, &UInt32Array::from(value_at), None)?;
        maps(keys, values, lengths, Some(NullBuffer::from(self.valid)), data_type)
    }
}

/// Maps out of distinct keys and their values, so many for each row.
pub(super) fn maps(
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef> {
    let DataType::Map(entries, _) = data_type else {
        return internal_err!("expected a map, found {data_type}");
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return internal_err!("expected entries of a map, found {}", entries.data_type());
    };
    let columns = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, columns, nulls, false)?))
}

/// Keys for a map. Java's maps take null as a key, which prints as `null`; ours take the text.
pub(super) fn without_null_keys(keys: &ArrayRef) -> Result<ArrayRef> {
    match (keys.null_count(), keys.data_type()) {
        (0, _) => Ok(Arc::clone(keys)),
        (_, DataType::Utf8) => {
            let texts = java_texts(keys);
            let texts = texts.iter().map(|text| Some(text.unwrap_or("null")));
            Ok(Arc::new(texts.collect::<arrow::array::StringArray>()))
        }
        _ => datafusion::common::exec_err!("a key of a map is NULL: only STRING keys may be"),
    }
}

/// A column of arrays or maps, by the positions of each row's elements in the child columns.
pub(super) struct Collections {
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
    children: Vec<ArrayRef>,
}

impl Collections {
    /// Looks into a column of arrays (one child: items) or of maps (two: keys and values). The
    /// children are cut to what the rows refer to: a slice must not touch its neighbours.
    pub(super) fn new(column: &ArrayRef) -> Result<Self> {
        let (offsets, children) = match (column.as_list_opt::<i32>(), column.as_map_opt()) {
            (Some(list), _) => (list.offsets(), vec![list.values()]),
            (_, Some(map)) => (map.offsets(), vec![map.keys(), map.values()]),
            _ => return internal_err!("expected an array or a map, found {}", column.data_type()),
        };
        let (first, end) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        let cut = |child: &ArrayRef| child.slice(first, end - first);
        Ok(Self {
            offsets: OffsetBuffer::from_lengths(offsets.lengths()),
            nulls: column.nulls().cloned(),
            children: children.into_iter().map(cut).collect(),
        })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The positions of a row's elements; none if it is null.
    pub(super) fn range(&self, row: usize) -> Option<Range<usize>> {
        let valid = self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        valid.then(|| self.offsets[row] as usize..self.offsets[row + 1] as usize)
    }

    /// Where the elements of each row start and end.
    pub(super) fn offsets(&self) -> &OffsetBuffer<i32> {
        &self.offsets
    }

    /// Which rows are null.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// The items of arrays, or the keys of maps.
    pub(super) fn items(&self) -> &ArrayRef {
        &self.children[0]
    }

    /// The child columns.
    pub(super) fn children(&self) -> &[ArrayRef] {
        &self.children
    }
}
