//! The meaning of each aggregate as a table, and laws that hold for all of them.
//!
//! A call is written as `TOPK(INTEGER, STRING, 2)`: types of columns, then literals. Rows are
//! words: `+3:a` comes, `-3:a` goes, `:` parts columns and `NULL` is NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::all_default_aggregate_functions;

use super::*;

mod laws;
mod meaning;
mod pull;

/// An aggregate call that can be bound.
struct Call {
    function: Arc<dyn AggregateFunction>,
    arguments: Vec<Argument>,
    is_distinct: bool,
    settings: Settings,
}

impl Call {
    fn parse(text: &str) -> Self {
        let (name, arguments) = text.trim_end_matches(')').split_once('(').expect("a call");
        let (is_distinct, arguments) = match arguments.strip_prefix("DISTINCT ") {
            Some(arguments) => (true, arguments),
            None => (false, arguments),
        };
        let arguments = arguments.split(", ").filter(|text| !text.is_empty());
        let arguments = arguments.map(parse_argument).collect();
        Self { function: function(name), arguments, is_distinct, settings: Settings::default() }
    }

    fn try_bind(&self, input: Input) -> Result<Arc<dyn BoundAggregate>> {
        let bound = self.function.bind(&self.arguments, input, &self.settings)?;
        if self.is_distinct { distinct(bound) } else { Ok(bound) }
    }

    fn bind(&self, input: Input) -> Arc<dyn BoundAggregate> {
        self.try_bind(input).expect("the call is valid")
    }
}

/// A built-in function, or else one of DataFusion's.
fn function(name: &str) -> Arc<dyn AggregateFunction> {
    let ours = builtin().into_iter().find(|(definition, _)| definition.name == name);
    ours.map(|(_, function)| function).unwrap_or_else(|| {
        let mut theirs = all_default_aggregate_functions().into_iter();
        let function = theirs.find(|udaf| udaf.name() == name).expect("a known function");
        Arc::new(External::new(function))
    })
}

fn parse_argument(text: &str) -> Argument {
    let literal = match text {
        "true" | "false" => Some(ScalarValue::Boolean(Some(text == "true"))),
        _ => text.parse().ok().map(|number| ScalarValue::Int32(Some(number))),
    };
    let data_type = literal.as_ref().map_or_else(|| parse_type(text), ScalarValue::data_type);
    Argument { data_type, literal }
}

fn parse_type(text: &str) -> DataType {
    match text {
        "BOOLEAN" => DataType::Boolean,
        "INTEGER" => DataType::Int32,
        "BIGINT" => DataType::Int64,
        "DOUBLE" => DataType::Float64,
        "DECIMAL" => DataType::Decimal128(4, 1),
        "STRING" => DataType::Utf8,
        "BYTES" => DataType::Binary,
        "DATE" => DataType::Date32,
        "TIMESTAMP" => crate::types::TIMESTAMP,
        other => panic!("no type {other}"),
    }
}

/// Rows as columns of these types.
fn columns(rows: &[&str], types: &[DataType]) -> Vec<ArrayRef> {
    let column = |(index, data_type): (usize, &DataType)| {
        let cells = rows.iter().map(|row| row.split(':').nth(index).filter(|cell| *cell != "NULL"));
        let text: ArrayRef = Arc::new(cells.collect::<StringArray>());
        cast(&text, data_type).expect("cells are of their type")
    };
    types.iter().enumerate().map(column).collect()
}

/// Applies `+` and `-` rows to slot 0, one by one.
fn apply(groups: &mut dyn Groups, rows: &str, types: &[DataType]) -> Result<()> {
    for row in rows.split_whitespace() {
        let values = columns(&[&row[1..]], types);
        match row.starts_with('+') {
            true => groups.update(&[0], &values)?,
            false => groups.undo(&[0], &values)?,
        }
    }
    Ok(())
}

fn text(values: &ArrayRef) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let format = ArrayFormatter::try_new(values.as_ref(), &options).expect("values can be shown");
    (0..values.len()).map(|row| format.value(row).to_string()).collect()
}
