//! Arithmetic with Java's meaning.
//!
//! Integers wrap on overflow. Division by zero fails the row for integers and decimals, and gives
//! infinity or NaN for DOUBLE. `+` also joins texts. A null operand gives null, or fails the row
//! where [`NullOperand::Error`] says so: inside of lambdas a null operand must spoil the whole
//! call, not one element of its result.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, StringArray,
};
use arrow::compute::kernels::numeric::{
    add, add_wrapping, div, mul, mul_wrapping, rem, sub, sub_wrapping,
};
use arrow::compute::try_binary;
use arrow::datatypes::{ArrowNativeTypeOp, DataType, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::super::coercion::{as_decimal, canonical};
use super::decimal::{decimal_arithmetic, decimal_type};
use super::{Operator, cast_array, operator_function};
use crate::types::sql_name;

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// What a null operand does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullOperand {
    /// Gives null: everywhere but in lambdas.
    Null,
    /// Fails the row: in lambdas.
    Error,
}

impl fmt::Display for ArithmeticOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        })
    }
}

/// The type of `left operator right`.
pub fn arithmetic_type(
    operator: ArithmeticOperator,
    left: &DataType,
    right: &DataType,
) -> Result<DataType> {
    let (left, right) = (canonical(left), canonical(right));
    match (&left, &right) {
        (DataType::Null, other) | (other, DataType::Null) if is_operand(operator, other) => {
            Ok(other.clone())
        }
        (DataType::Int32, DataType::Int32) => Ok(DataType::Int32),
        (DataType::Int32 | DataType::Int64, DataType::Int32 | DataType::Int64) => {
            Ok(DataType::Int64)
        }
        (DataType::Float64, other) | (other, DataType::Float64) if is_number(other) => {
            Ok(DataType::Float64)
        }
        (DataType::Utf8, DataType::Utf8) if operator == ArithmeticOperator::Add => {
            Ok(DataType::Utf8)
        }
        _ => match (as_decimal(&left), as_decimal(&right)) {
            (Some(left), Some(right)) => Ok(decimal_type(operator, left, right)),
            _ => plan_err!(
                "unsupported arithmetic: {} {operator} {}, expected two numbers",
                sql_name(&left),
                sql_name(&right)
            ),
        },
    }
}

fn is_number(data_type: &DataType) -> bool {
    *data_type == DataType::Float64 || as_decimal(data_type).is_some()
}

fn is_operand(operator: ArithmeticOperator, data_type: &DataType) -> bool {
    let joins = *data_type == DataType::Utf8 && operator == ArithmeticOperator::Add;
    joins || is_number(data_type)
}

/// The function of two operands for an operator.
pub fn arithmetic(operator: ArithmeticOperator, nulls: NullOperand) -> Arc<ScalarUDF> {
    operator_function(Arithmetic { operator, nulls })
}

/// The function of one operand for unary minus.
pub fn negate() -> Arc<ScalarUDF> {
    operator_function(Negate)
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Arithmetic {
    pub(super) operator: ArithmeticOperator,
    nulls: NullOperand,
}

impl Operator for Arithmetic {
    fn name(&self) -> &str {
        match self.operator {
            ArithmeticOperator::Add => "add",
            ArithmeticOperator::Subtract => "subtract",
            ArithmeticOperator::Multiply => "multiply",
            ArithmeticOperator::Divide => "divide",
            ArithmeticOperator::Modulo => "modulo",
        }
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match operands {
            [left, right] => arithmetic_type(self.operator, left, right),
            _ => plan_err!("{} takes two operands, not {}", self.operator, operands.len()),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        if self.nulls == NullOperand::Error && has_null(operands) {
            return exec_err!("an operand of {} is NULL", self.operator);
        }
        match operands.return_type() {
            DataType::Int32 => self.integers::<Int32Type>(operands),
            DataType::Int64 => self.integers::<Int64Type>(operands),
            DataType::Float64 => self.doubles(operands),
            DataType::Utf8 => join(operands),
            _ => decimal_arithmetic(self.operator, operands),
        }
    }
}

fn has_null(operands: &Arguments) -> bool {
    (0..operands.len()).any(|index| operands.values(index).logical_null_count() > 0)
}

/// An operand of the result's type; a constant stays one value.
struct Operand {
    array: ArrayRef,
    constant: bool,
}

impl Operand {
    fn new(operands: &Arguments, index: usize) -> Result<Self> {
        let array = cast_array(operands.values(index), operands.return_type())?;
        Ok(Self { array, constant: operands.is_constant(index) })
    }
}

impl Datum for Operand {
    fn get(&self) -> (&dyn Array, bool) {
        (self.array.as_ref(), self.constant)
    }
}

impl Arithmetic {
    fn integers<T: ArrowPrimitiveType>(&self, operands: &Arguments) -> Result<ArrayRef> {
        let operand = |index| Operand::new(operands, index);
        Ok(match self.operator {
            ArithmeticOperator::Add => add_wrapping(&operand(0)?, &operand(1)?)?,
            ArithmeticOperator::Subtract => sub_wrapping(&operand(0)?, &operand(1)?)?,
            ArithmeticOperator::Multiply => mul_wrapping(&operand(0)?, &operand(1)?)?,
            ArithmeticOperator::Divide => divide::<T>(operands, T::Native::div_wrapping)?,
            ArithmeticOperator::Modulo => divide::<T>(operands, T::Native::mod_wrapping)?,
        })
    }

    fn doubles(&self, operands: &Arguments) -> Result<ArrayRef> {
        let (left, right) = (Operand::new(operands, 0)?, Operand::new(operands, 1)?);
        Ok(match self.operator {
            ArithmeticOperator::Add => add(&left, &right)?,
            ArithmeticOperator::Subtract => sub(&left, &right)?,
            ArithmeticOperator::Multiply => mul(&left, &right)?,
            ArithmeticOperator::Divide => div(&left, &right)?,
            ArithmeticOperator::Modulo => rem(&left, &right)?,
        })
    }
}

/// Integer division or remainder: zero fails, the least number by -1 wraps.
fn divide<T: ArrowPrimitiveType>(
    operands: &Arguments,
    quotient: fn(T::Native, T::Native) -> T::Native,
) -> Result<ArrayRef> {
    let operand = |index| cast_array(&operands.array(index)?, operands.return_type());
    let (left, right) = (operand(0)?, operand(1)?);
    let result: PrimitiveArray<T> =
        try_binary(left.as_primitive::<T>(), right.as_primitive::<T>(), |left, right| match right
            .is_zero()
        {
            true => Err(ArrowError::DivideByZero),
            false => Ok(quotient(left, right)),
        })?;
    Ok(Arc::new(result))
}

fn join(operands: &Arguments) -> Result<ArrayRef> {
    let operand = |index| cast_array(&operands.array(index)?, &DataType::Utf8);
    let (left, right) = (operand(0)?, operand(1)?);
    let (left, right) = (left.as_string::<i32>(), right.as_string::<i32>());
    let joined = left.iter().zip(right).map(|(left, right)| Some([left?, right?].concat()));
    Ok(Arc::new(joined.collect::<StringArray>()))
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Negate;

impl Operator for Negate {
    fn name(&self) -> &str {
        "negate"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match operands {
            [operand] if is_number(&canonical(operand)) => Ok(canonical(operand)),
            _ => plan_err!("unary minus takes a number"),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let array = cast_array(&operands.array(0)?, operands.return_type())?;
        Ok(match array.data_type() {
            DataType::Float64 => {
                let negative =
                    array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| -value);
                Arc::new(negative)
            }
            _ => arrow::compute::kernels::numeric::neg_wrapping(&array)?,
        })
    }
}
