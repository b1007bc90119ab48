//! `ARRAY[…]`, `MAP(… := …)` and `STRUCT(… := …)`.
//!
//! Elements of different types meet in their common type; nulls take the type of the others. Of
//! several values for a key of a map the last one stays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::super::coercion::{canonical, common_type, entry_types};
use super::super::nested::{Picks, without_null_keys};
use super::{Operator, cast_array, operator, operator_function};
use crate::types::{array_of, map_of, sql_name, struct_of};

/// The function of its items that makes an array.
pub fn array_constructor() -> Arc<ScalarUDF> {
    operator_function(ArrayConstructor)
}

/// The function of keys and values in turn that makes a map.
pub fn map_constructor() -> Arc<ScalarUDF> {
    operator_function(MapConstructor)
}

/// The function of its fields' values that makes a struct; the names must be different.
pub fn struct_constructor(names: Vec<String>) -> Result<Arc<ScalarUDF>> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return plan_err!("duplicate field names found in STRUCT: '{name}'");
        }
    }
    Ok(operator_function(StructConstructor { names }))
}

/// What a constructor makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constructor<'a> {
    /// An array of the arguments.
    Array,
    /// A map of keys and values in turn.
    Map,
    /// A struct of fields with these names.
    Struct(&'a [String]),
}

/// What a function makes, if it is one of these constructors.
pub fn constructor(function: &ScalarUDF) -> Option<Constructor<'_>> {
    if operator::<ArrayConstructor>(function).is_some() {
        return Some(Constructor::Array);
    }
    if operator::<MapConstructor>(function).is_some() {
        return Some(Constructor::Map);
    }
    let structure = operator::<StructConstructor>(function)?;
    Some(Constructor::Struct(&structure.names))
}

/// The type that all meet in; NULL if there are only nulls.
fn unified<'a>(types: impl Iterator<Item = &'a DataType>, what: &str) -> Result<DataType> {
    let mut unified = DataType::Null;
    for data_type in types {
        let data_type = canonical(data_type);
        unified = match common_type(&unified, &data_type) {
            Some(common) => common,
            None => {
                return plan_err!(
                    "invalid {what}: {} and {} have no common type; cast one to the other",
                    sql_name(&unified),
                    sql_name(&data_type)
                );
            }
        };
    }
    Ok(unified)
}

/// The arguments, cast to one type and put one after the other.
fn stacked(
    operands: &Arguments,
    indexes: impl Iterator<Item = usize>,
    data_type: &DataType,
) -> Result<ArrayRef> {
    let columns = indexes
        .map(|index| cast_array(&operands.array(index)?, data_type))
        .collect::<Result<Vec<_>>>()?;
    let columns: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
    Ok(concat(&columns)?)
}

/// For each row, where its value of each of `count` stacked columns is.
fn picks(rows: usize, count: usize) -> Picks {
    let mut picks = Picks::default();
    for row in 0..rows {
        picks.push(Some((0..count).map(|column| column * rows + row)));
    }
    picks
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayConstructor;

impl Operator for ArrayConstructor {
    fn name(&self) -> &str {
        "array"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match unified(operands.iter(), "items of an array")? {
            _ if operands.is_empty() => {
                plan_err!("ARRAY constructor cannot be empty: supply at least one element")
            }
            DataType::Null => plan_err!(
                "cannot construct an array with all NULL elements: cast one, as in CAST(NULL AS STRING)"
            ),
            item => Ok(array_of(item)),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let DataType::List(item) = operands.return_type() else {
            return internal_err!("expected an array, found {}", operands.return_type());
        };
        let items = stacked(operands, 0..operands.len(), item.data_type())?;
        picks(operands.rows(), operands.len()).into_lists(&items)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MapConstructor;

impl Operator for MapConstructor {
    fn name(&self) -> &str {
        "map"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        if operands.is_empty() || operands.len() % 2 == 1 {
            return plan_err!(
                "MAP constructor cannot be empty: supply at least one key with its value"
            );
        }
        let key = unified(operands.iter().step_by(2), "keys of a map")?;
        let value = unified(operands.iter().skip(1).step_by(2), "values of a map")?;
        match (key, value) {
            (DataType::Null, _) => plan_err!("cannot construct a map with all NULL keys"),
            (_, DataType::Null) => plan_err!(
                "cannot construct a map with all NULL values: cast one, as in CAST(NULL AS STRING)"
            ),
            (key, value) => Ok(map_of(key, value)),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let types = match operands.return_type() {
            DataType::Map(entries, _) => entry_types(entries),
            _ => None,
        };
        let Some((key, value)) = types else {
            return internal_err!("expected a map, found {}", operands.return_type());
        };
        let count = operands.len();
        let keys = stacked(operands, (0..count).step_by(2), key)?;
        let values = stacked(operands, (1..count).step_by(2), value)?;
        let picks = picks(operands.rows(), count / 2);
        picks.into_maps(&without_null_keys(&keys)?, &values, operands.return_type())
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StructConstructor {
    names: Vec<String>,
}

impl Operator for StructConstructor {
    fn name(&self) -> &str {
        "struct"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        if let Some(index) = operands.iter().position(|operand| *operand == DataType::Null) {
            return plan_err!(
                "cannot infer the type of field '{}' from NULL: cast it",
                self.names[index]
            );
        }
        Ok(struct_of(self.names.iter().zip(operands.iter().map(canonical))))
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let DataType::Struct(fields) = operands.return_type() else {
            return internal_err!("expected a struct, found {}", operands.return_type());
        };
        let columns = fields
            .iter()
            .enumerate()
            .map(|(index, field)| cast_array(&operands.array(index)?, field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let rows = operands.rows();
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, rows)?))
    }
}
