//! `array[i]` and `map[key]`.
//!
//! Positions in an array count from 1, or from the end if they are negative. What is not there
//! is null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::super::coercion::{canonical, entry_types};
use super::super::equality::Rows;
use super::super::nested::Collections;
use super::{Operator, can_cast, cast_array, operator_function};
use crate::types::sql_name;

/// The function of a collection and a position or key.
pub fn subscript() -> Arc<ScalarUDF> {
    operator_function(Subscript)
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Subscript;

impl Operator for Subscript {
    fn name(&self) -> &str {
        "subscript"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        let [collection, index] = operands else {
            return plan_err!("a subscript takes a collection and an index");
        };
        let (collection, index) = (canonical(collection), canonical(index));
        match &collection {
            DataType::List(item) => match index {
                DataType::Int32 | DataType::Int64 | DataType::Null => Ok(item.data_type().clone()),
                other => plan_err!(
                    "the index of an array must be a whole number, not {}",
                    sql_name(&other)
                ),
            },
            DataType::Map(entries, _) => match entry_types(entries) {
                Some((key, value)) if can_cast(&index, key) => Ok(value.clone()),
                _ => plan_err!("{} is no key of {}", sql_name(&index), sql_name(&collection)),
            },
            other => {
                plan_err!("{} has no elements: expected ARRAY or MAP before [", sql_name(other))
            }
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let column = operands.array(0)?;
        let column = cast_array(&column, &canonical(column.data_type()))?;
        let collections = Collections::new(&column)?;
        let found = match column.data_type() {
            DataType::Map(entries, _) => {
                let key = entry_types(entries).map_or(&DataType::Utf8, |(key, _)| key);
                by_key(&collections, &cast_array(&operands.array(1)?, key)?)?
            }
            _ => by_position(&collections, &cast_array(&operands.array(1)?, &DataType::Int64)?),
        };
        match collections.children() {
            [items] => Ok(take(items, &found, None)?),
            children => Ok(take(&children[1], &found, None)?),
        }
    }
}

fn by_position(lists: &Collections, positions: &ArrayRef) -> UInt32Array {
    let Some(positions) = positions.as_any().downcast_ref::<Int64Array>() else {
        return UInt32Array::new_null(lists.len());
    };
    let find = |(row, position): (usize, Option<i64>)| {
        let (range, position) = (lists.range(row)?, position?);
        let length = range.len() as i64;
        let index = if position < 0 { length + position } else { position - 1 };
        (0..length).contains(&index).then(|| range.start as u32 + index as u32)
    };
    positions.iter().enumerate().map(find).collect()
}

fn by_key(maps: &Collections, keys: &ArrayRef) -> Result<UInt32Array> {
    let (known, wanted) = (Rows::new(maps.items())?, Rows::new(keys)?);
    let find = |row: usize| {
        let mut range = maps.range(row).filter(|_| keys.is_valid(row))?;
        range.find(|at| known.row(*at) == wanted.row(row)).map(|at| at as u32)
    };
    Ok((0..maps.len()).map(find).collect())
}
