//! CAST: which types there is a cast between, and the casts of dates and of nested values.
//!
//! Text prints and parses as in Java. Between numbers, digits that do not fit are lost as Java
//! loses them (an integer wraps, fractions are cut), but a DECIMAL that overflows fails. Arrays,
//! maps and structs are cast element by element, structs by field name.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, ListArray, StructArray, Time32MillisecondArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Date32Type, Field, TimestampMillisecondType};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::super::coercion::{canonical, entry_types};
use super::super::datetime::iso::MILLIS_PER_DAY;
use super::super::java_text::java_texts;
use super::super::nested::{Collections, maps};
use super::number_cast::cast_number;
use super::text_cast::cast_text;
use super::{Operator, operator_function};
use crate::types::{TIME, TIMESTAMP, sql_name};

/// Whether there is a cast between two types.
pub fn can_cast(from: &DataType, to: &DataType) -> bool {
    let from = &canonical(from);
    if from == to || *from == DataType::Null {
        return true;
    }
    match (from, to) {
        (DataType::Binary, DataType::Utf8) => false,
        (_, DataType::Utf8) => true,
        (DataType::Utf8, to) => *to == DataType::Boolean || is_number(to) || is_temporal(to),
        (DataType::List(from), DataType::List(to)) => can_cast(from.data_type(), to.data_type()),
        (DataType::Map(from, _), DataType::Map(to, _)) => {
            let types = entry_types(from).zip(entry_types(to));
            types.is_some_and(|(from, to)| can_cast(from.0, to.0) && can_cast(from.1, to.1))
        }
        (DataType::Struct(from), DataType::Struct(to)) => to.iter().all(|to| {
            let same = from.iter().find(|from| from.name() == to.name());
            same.is_none_or(|from| can_cast(from.data_type(), to.data_type()))
        }),
        (from, to) if *from == TIMESTAMP => *to == TIME || *to == DataType::Date32,
        (DataType::Date32, to) => *to == TIMESTAMP,
        _ => is_number(from) && is_number(to),
    }
}

fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..)
    )
}

fn is_temporal(data_type: &DataType) -> bool {
    *data_type == DataType::Date32 || *data_type == TIME || *data_type == TIMESTAMP
}

/// The function of one operand that casts to a type.
pub fn cast(to: DataType) -> Arc<ScalarUDF> {
    operator_function(Cast { to })
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Cast {
    pub(super) to: DataType,
}

impl Operator for Cast {
    fn name(&self) -> &str {
        "cast"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match operands {
            [from] if can_cast(from, &self.to) => Ok(self.to.clone()),
            [from] => plan_err!(
                "cast of {} to {} is not supported",
                sql_name(&canonical(from)),
                sql_name(&self.to)
            ),
            _ => plan_err!("CAST takes one value, not {}", operands.len()),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        cast_array(&operands.array(0)?, &self.to)
    }
}

/// A column as another type, by the rules of CAST.
pub(crate) fn cast_array(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let from = canonical(array.data_type());
    let array = match *array.data_type() == from {
        true => Arc::clone(array),
        false => arrow::compute::cast(array, &from)?,
    };
    match (&from, to) {
        (from, to) if from == to => Ok(array),
        (DataType::Null, to) => Ok(new_null_array(to, array.len())),
        (_, DataType::Utf8) => Ok(Arc::new(java_texts(&array))),
        (DataType::Utf8, to) => cast_text(array.as_string(), to),
        (DataType::List(_), DataType::List(item)) => cast_list(&array, item),
        (DataType::Map(..), DataType::Map(entries, _)) => cast_map(&array, entries, to),
        (DataType::Struct(_), DataType::Struct(fields)) => cast_struct(array.as_struct(), fields),
        (from, to) if is_number(from) && is_number(to) => cast_number(&array, to),
        (from, to) if is_temporal(from) && is_temporal(to) => cast_temporal(&array, to),
        _ => exec_err!("Cast of {} to {} is not supported", sql_name(&from), sql_name(to)),
    }
}

fn cast_list(array: &ArrayRef, item: &Arc<Field>) -> Result<ArrayRef> {
    let lists = Collections::new(array)?;
    let items = cast_array(lists.items(), item.data_type())?;
    let nulls = lists.nulls().cloned();
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), lists.offsets().clone(), items, nulls)?))
}

fn cast_map(array: &ArrayRef, entries: &Field, to: &DataType) -> Result<ArrayRef> {
    let collections = Collections::new(array)?;
    let Some((key, value)) = entry_types(entries) else {
        return exec_err!("Cast to {} is not supported", sql_name(to));
    };
    let keys = cast_array(&collections.children()[0], key)?;
    let values = cast_array(&collections.children()[1], value)?;
    let lengths = collections.offsets().lengths().collect();
    maps(keys, values, lengths, collections.nulls().cloned(), to)
}

fn cast_struct(array: &StructArray, fields: &arrow::datatypes::Fields) -> Result<ArrayRef> {
    let columns = fields
        .iter()
        .map(|field| match array.column_by_name(field.name()) {
            Some(column) => cast_array(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), array.len())),
        })
        .collect::<Result<Vec<_>>>()?;
    let nulls = array.nulls().cloned();
    let array = StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len())?;
    Ok(Arc::new(array))
}

fn cast_temporal(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if let Some(dates) = array.as_primitive_opt::<Date32Type>() {
        let midnights: TimestampMillisecondArray =
            dates.unary(|days| i64::from(days) * MILLIS_PER_DAY);
        return Ok(Arc::new(midnights));
    }
    let times = array.as_primitive::<TimestampMillisecondType>();
    Ok(match to {
        DataType::Date32 => {
            let dates: Date32Array = times.unary(|millis| millis.div_euclid(MILLIS_PER_DAY) as i32);
            Arc::new(dates)
        }
        _ => {
            let times: Time32MillisecondArray =
                times.unary(|millis| millis.rem_euclid(MILLIS_PER_DAY) as i32);
            Arc::new(times)
        }
    })
}
