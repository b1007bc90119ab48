//! `struct->field`: null where the struct is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::{Operator, operator_function};
use crate::types::sql_name;

/// The function of a struct that gives its field of that name.
pub fn dereference(field: impl Into<String>) -> Arc<ScalarUDF> {
    operator_function(Dereference { field: field.into() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Dereference {
    pub(super) field: String,
}

impl Operator for Dereference {
    fn name(&self) -> &str {
        "dereference"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        let fields = match operands {
            [DataType::Struct(fields)] => fields,
            [other] => {
                return plan_err!("{} has no fields: expected STRUCT before ->", sql_name(other));
            }
            _ => return plan_err!("-> takes one struct, not {} values", operands.len()),
        };
        match fields.iter().find(|field| *field.name() == self.field) {
            Some(field) => Ok(field.data_type().clone()),
            None => {
                let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
                plan_err!("there is no field '{}': the struct has {}", self.field, names.join(", "))
            }
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let column = operands.array(0)?;
        let structs = column.as_struct();
        let Some(field) = structs.column_by_name(&self.field) else {
            return internal_err!("there is no field {}", self.field);
        };
        if structs.null_count() == 0 {
            return Ok(Arc::clone(field));
        }
        let nulls = NullBuffer::union(structs.nulls(), field.logical_nulls().as_ref());
        let data = field.to_data().into_builder().nulls(nulls).build()?;
        Ok(make_array(data))
    }
}
