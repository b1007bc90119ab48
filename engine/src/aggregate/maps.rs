//! Maps with their entries in order of key, so that equal maps are equal byte by byte.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};

use crate::error::Result;

/// Whether values of the type are or contain maps.
pub(super) fn has_maps(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => has_maps(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_maps(field.data_type())),
        _ => false,
    }
}

/// The same values with the entries of all maps sorted by key.
pub(super) fn sort_maps(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        data_type if !has_maps(data_type) => values.clone(),
        DataType::Map(..) => Arc::new(sorted_map(values.as_map())?),
        DataType::List(item) => {
            let list = values.as_list::<i32>();
            let items = sort_maps(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(item.clone(), offsets, items, nulls)?)
        }
        _ => Arc::new(sorted_struct(values.as_struct())?),
    })
}

fn sorted_struct(values: &StructArray) -> Result<StructArray> {
    let columns = values.columns().iter().map(sort_maps).collect::<Result<_>>()?;
    Ok(StructArray::try_new(values.fields().clone(), columns, values.nulls().cloned())?)
}

fn sorted_map(values: &MapArray) -> Result<MapArray> {
    let entries = sorted_struct(values.entries())?;
    let converter = RowConverter::new(vec![SortField::new(values.key_type().clone())])?;
    let keys = converter.convert_columns(&entries.columns()[..1])?;
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    for bounds in values.value_offsets().windows(2) {
        let map = &mut order[bounds[0] as usize..bounds[1] as usize];
        map.sort_by(|&a, &b| keys.row(a as usize).cmp(&keys.row(b as usize)));
    }
    let entries = take(&entries, &UInt32Array::from(order), None)?.as_struct().clone();
    let DataType::Map(field, sorted) = values.data_type() else { return Ok(values.clone()) };
    let (offsets, nulls) = (values.offsets().clone(), values.nulls().cloned());
    Ok(MapArray::try_new(field.clone(), offsets, entries, nulls, *sorted)?)
}
