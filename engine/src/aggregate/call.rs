//! The built-in functions: what is common to their definitions and calls.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use super::{
    AggregateFunction, Argument, BoundAggregate, Input, Settings, attr, avg, by_offset, collect,
    correlation, count, count_distinct, deviation, histogram, min_max, sum, sum_list, topk,
};
use crate::error::{Code, Diagnostic, Error, Result, invalid};
use crate::function::{Definition, FunctionKind, Origin};
use crate::types::sql_name;

/// The aggregate functions that the engine brings, with what users see of them.
pub fn builtin() -> Vec<(Definition, Arc<dyn AggregateFunction>)> {
    let functions = [
        attr::ATTR,
        avg::AVG,
        collect::COLLECT_LIST,
        collect::COLLECT_SET,
        correlation::CORRELATION,
        count::COUNT,
        count_distinct::COUNT_DISTINCT,
        by_offset::EARLIEST_BY_OFFSET,
        histogram::HISTOGRAM,
        by_offset::LATEST_BY_OFFSET,
        min_max::MAX,
        min_max::MIN,
        deviation::STDDEV_SAMP,
        deviation::STDDEV_SAMPLE,
        sum::SUM,
        sum_list::SUM_LIST,
        topk::TOPK,
        topk::TOPKDISTINCT,
    ];
    functions.into_iter().map(Builtin::into_entry).collect()
}

/// A built-in function: its definition, and how a call of it is bound.
#[derive(Debug, Clone)]
pub(super) struct Builtin {
    pub definition: Definition,
    pub bind: fn(&Call<'_>) -> Result<Arc<dyn BoundAggregate>>,
}

impl Builtin {
    fn into_entry(self) -> (Definition, Arc<dyn AggregateFunction>) {
        (self.definition.clone(), Arc::new(self))
    }
}

impl AggregateFunction for Builtin {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn bind(
        &self,
        arguments: &[Argument],
        input: Input,
        settings: &Settings,
    ) -> Result<Arc<dyn BoundAggregate>> {
        (self.bind)(&Call { definition: &self.definition, arguments, input, settings })
    }
}

/// A definition of an aggregate. Exists so that families write only what differs.
pub(super) const fn define(
    name: &'static str,
    description: &'static str,
    signatures: &'static [&'static str],
    examples: &'static [(&'static str, &'static str)],
) -> Definition {
    let (kind, origin) = (FunctionKind::Aggregate, Origin::Dialect);
    Definition { name, kind, origin, description, signatures, examples }
}

/// A call of a built-in function that is being bound.
pub(super) struct Call<'a> {
    definition: &'a Definition,
    pub arguments: &'a [Argument],
    pub input: Input,
    pub settings: &'a Settings,
}

impl Call<'_> {
    /// The types of the arguments, as the engine holds them.
    pub fn types(&self) -> Vec<DataType> {
        self.arguments.iter().map(|argument| canonical(&argument.data_type)).collect()
    }

    /// The type of the only argument.
    pub fn only(&self) -> Result<DataType> {
        match self.types().as_slice() {
            [data_type] => Ok(data_type.clone()),
            _ => Err(self.no_match()),
        }
    }

    /// How many values to keep and to show when the result is limited to `limit`.
    pub fn keep(&self, limit: usize) -> usize {
        match self.input {
            Input::AppendOnly => limit,
            Input::Changing => usize::MAX,
        }
    }

    /// The literal at `index`, a number of at least 1.
    pub fn literal_count(&self, index: usize) -> Result<usize> {
        let literal = self.literal(index)?;
        let number = match literal.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(Some(number))) => number,
            _ => return Err(self.no_match()),
        };
        usize::try_from(number).ok().filter(|&count| count > 0).ok_or_else(|| {
            let name = self.definition.name;
            let place = index + 1;
            let message = format!("parameter {place} of {name} must be 1 or greater, was {number}");
            invalid(Code::InvalidValue, message)
        })
    }

    /// The literal at `index`, true or false.
    pub fn literal_flag(&self, index: usize) -> Result<bool> {
        match self.literal(index)? {
            ScalarValue::Boolean(Some(flag)) => Ok(*flag),
            _ => Err(self.no_match()),
        }
    }

    fn literal(&self, index: usize) -> Result<&ScalarValue> {
        let name = self.definition.name;
        let place = index + 1;
        self.arguments[index].literal.as_ref().ok_or_else(|| {
            let message = format!(
                "parameter {place} passed to function {name} must be a literal constant, \
                 but was an expression"
            );
            invalid(Code::InvalidQuery, message)
        })
    }

    /// The error of a call whose arguments fit no signature.
    pub fn no_match(&self) -> Error {
        let Definition { name, signatures, .. } = self.definition;
        let types: Vec<_> = self.arguments.iter().map(|arg| sql_name(&arg.data_type)).collect();
        let message = format!("function {name} does not accept parameters ({})", types.join(", "));
        let forms = format!("valid forms: {}", signatures.join(", "));
        Error::Invalid(Diagnostic::new(Code::TypeMismatch, message).hint(forms))
    }
}

/// The engine's type for what DataFusion's functions may give.
pub(super) fn canonical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => canonical(value),
        other => other.clone(),
    }
}

/// Whether MIN, MAX and top-k take the type.
pub(super) fn is_ordered(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32
            | DataType::Int64
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Date32
            | DataType::Time32(_)
            | DataType::Timestamp(..)
            | DataType::Utf8
            | DataType::Binary
    )
}
