//! Which types go together, and in which type they meet.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Operator;

use crate::error::{Code, Result, invalid};
use crate::types::sql_name;

/// DATE, TIME or TIMESTAMP.
pub fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(..))
}

/// The type that holds the values of both without loss, by widening alone.
pub fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (DataType::Date32, DataType::Timestamp(..)) => Some(right.clone()),
        (DataType::Timestamp(..), DataType::Date32) => Some(left.clone()),
        _ => crate::function::common_type(left, right),
    }
}

/// The type in which two values are compared.
pub fn comparison_type(op: Operator, left: &DataType, right: &DataType) -> Result<DataType> {
    let equality = matches!(
        op,
        Operator::Eq | Operator::NotEq | Operator::IsDistinctFrom | Operator::IsNotDistinctFrom
    );
    let nested = |data_type: &DataType| data_type.is_nested();
    let ordered = equality || !(nested(left) || nested(right) || *left == DataType::Boolean);
    let common = match (left, right) {
        (DataType::Utf8, time) if is_time(time) => Some(time.clone()),
        (time, DataType::Utf8) if is_time(time) => Some(time.clone()),
        _ => common_type(left, right),
    };
    common.filter(|_| ordered).ok_or_else(|| {
        let message = format!(
            "operator {op} cannot be applied to {} and {}",
            sql_name(left),
            sql_name(right)
        );
        invalid(Code::TypeMismatch, message).hint("cast one side to the type of the other")
    })
}

/// The type of all branches of a CASE.
pub fn case_type(types: &[DataType]) -> Result<DataType> {
    let mut common = DataType::Null;
    for data_type in types {
        common = match common_type(&common, data_type) {
            Some(wider) => wider,
            None => {
                let message = format!(
                    "invalid CASE expression: all results should be of the same type, found {} and {}",
                    sql_name(&common),
                    sql_name(data_type)
                );
                return Err(invalid(Code::TypeMismatch, message));
            }
        };
    }
    match common {
        DataType::Null => {
            let message = "invalid CASE expression: all case branches have a NULL type";
            Err(invalid(Code::TypeMismatch, message))
        }
        other => Ok(other),
    }
}
