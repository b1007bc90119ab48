//! Which columns a format can hold.

use arrow::datatypes::{DataType, Field};

use super::{Format, Side};
use crate::error::{Code, Diagnostic, Error, Result, invalid};
use crate::types::{TIME, TIMESTAMP, sql_name};

/// Whether the format of `side` can hold its columns; the error names the column and its type.
pub fn check(side: &Side) -> Result<()> {
    match side.format {
        Format::Json => each(side, json_type),
        Format::Delimited { .. } => each(side, delimited_type),
        Format::Kafka => kafka(side),
        Format::None => none(side),
        Format::Arrow => Ok(()),
    }
}

/// What is wrong with a type: the part that does not fit, and what would.
struct Misfit {
    message: String,
    hint: &'static str,
}

fn each(side: &Side, check: fn(&DataType) -> Result<(), Misfit>) -> Result<()> {
    side.columns.iter().try_for_each(|column| {
        check(column.data_type()).map_err(|misfit| refuse(&side.format, column, misfit))
    })
}

fn kafka(side: &Side) -> Result<()> {
    if side.columns.len() > 1 {
        let message =
            format!("the 'KAFKA' format only supports a single field. got: {}", columns(side));
        let hint = "use JSON or DELIMITED for several columns";
        return Err(Diagnostic::new(Code::InvalidQuery, message).hint(hint).into());
    }
    each(side, kafka_type)
}

fn none(side: &Side) -> Result<()> {
    if side.columns.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the 'NONE' format can only be used when no columns are defined. got: {}",
        columns(side)
    );
    Err(invalid(Code::InvalidQuery, message))
}

fn json_type(data_type: &DataType) -> Result<(), Misfit> {
    const HINT: &str = "JSON takes every SQL type, and maps with keys of type STRING";
    match data_type {
        DataType::List(item) => json_type(item.data_type()),
        DataType::Struct(fields) => {
            fields.iter().try_for_each(|field| json_type(field.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if *fields[0].data_type() == DataType::Utf8 => {
                json_type(fields[1].data_type())
            }
            _ => {
                let message = "JSON only supports MAP types with STRING keys".to_owned();
                Err(Misfit { message, hint: HINT })
            }
        },
        _ if is_scalar(data_type) => Ok(()),
        _ => Err(unsupported("JSON", data_type, HINT)),
    }
}

fn delimited_type(data_type: &DataType) -> Result<(), Misfit> {
    const HINT: &str = "DELIMITED takes every SQL type but arrays, maps and structs";
    if is_scalar(data_type) { Ok(()) } else { Err(unsupported("DELIMITED", data_type, HINT)) }
}

fn kafka_type(data_type: &DataType) -> Result<(), Misfit> {
    const HINT: &str = "KAFKA takes one column of INTEGER, BIGINT, DOUBLE, STRING or BYTES";
    match data_type {
        DataType::Int32 | DataType::Int64 | DataType::Float64 => Ok(()),
        DataType::Utf8 | DataType::Binary => Ok(()),
        _ => Err(unsupported("KAFKA", data_type, HINT)),
    }
}

fn is_scalar(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::Float64 => true,
        DataType::Utf8 | DataType::Binary | DataType::Date32 => true,
        DataType::Decimal128(_, scale) => *scale >= 0,
        _ => *data_type == TIME || *data_type == TIMESTAMP,
    }
}

fn unsupported(format: &str, data_type: &DataType, hint: &'static str) -> Misfit {
    let name = sql_name(data_type);
    let base = name.split(['<', '(']).next().unwrap_or(&name);
    let message = format!("the '{format}' format does not support type '{base}'");
    Misfit { message, hint }
}

fn refuse(format: &Format, column: &Field, misfit: Misfit) -> Error {
    let mut message = format!("{}, column: `{}`", misfit.message, column.name());
    let name = sql_name(column.data_type());
    if !message.contains(&format!("'{name}'")) {
        message += &format!(" {name}");
    }
    let hint = match format {
        Format::Json => misfit.hint.to_owned(),
        _ => format!("{}; JSON takes every SQL type", misfit.hint),
    };
    Diagnostic::new(Code::TypeMismatch, message).hint(hint).into()
}

/// The columns as a statement declares them.
fn columns(side: &Side) -> String {
    let columns: Vec<String> = side
        .columns
        .iter()
        .map(|column| format!("`{}` {}", column.name(), sql_name(column.data_type())))
        .collect();
    format!("[{}]", columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{array_of, map_of, struct_of};

    fn side(format: Format, types: &[DataType]) -> Side {
        let column = |(index, data_type): (usize, &DataType)| {
            Field::new(format!("C{index}"), data_type.clone(), true)
        };
        let columns = types.iter().enumerate().map(column).collect();
        Side { format, columns, wrapped: true }
    }

    fn message(format: Format, types: &[DataType]) -> String {
        check(&side(format, types)).unwrap_err().to_string()
    }

    #[test]
    fn kafka_takes_one_column_of_five_types() {
        assert!(check(&side(Format::Kafka, &[DataType::Utf8])).is_ok());
        assert!(check(&side(Format::Kafka, &[])).is_ok());
        assert_eq!(
            message(Format::Kafka, &[array_of(DataType::Int32)]),
            "the 'KAFKA' format does not support type 'ARRAY', column: `C0` ARRAY<INTEGER>"
        );
        assert_eq!(
            message(Format::Kafka, &[DataType::Boolean]),
            "the 'KAFKA' format does not support type 'BOOLEAN', column: `C0`"
        );
        assert_eq!(
            message(Format::Kafka, &[DataType::Int32, DataType::Utf8]),
            "the 'KAFKA' format only supports a single field. got: [`C0` INTEGER, `C1` STRING]"
        );
    }

    #[test]
    fn delimited_takes_no_nested_types() {
        let delimited = Format::Delimited { delimiter: ',' };
        assert!(check(&side(delimited.clone(), &[DataType::Decimal128(4, 2), TIME])).is_ok());
        assert_eq!(
            message(delimited, &[DataType::Int32, struct_of([("F", DataType::Float64)])]),
            "the 'DELIMITED' format does not support type 'STRUCT', column: `C1` STRUCT<`F` DOUBLE>"
        );
    }

    #[test]
    fn json_needs_maps_with_string_keys_at_any_depth() {
        assert!(check(&side(Format::Json, &[map_of(DataType::Utf8, TIMESTAMP)])).is_ok());
        let map = map_of(DataType::Int32, DataType::Float64);
        assert_eq!(
            message(Format::Json, &[array_of(map)]),
            "JSON only supports MAP types with STRING keys, \
             column: `C0` ARRAY<MAP<INTEGER, DOUBLE>>"
        );
    }

    #[test]
    fn none_takes_nothing() {
        assert!(check(&side(Format::None, &[])).is_ok());
        assert_eq!(
            message(Format::None, &[DataType::Utf8]),
            "the 'NONE' format can only be used when no columns are defined. got: [`C0` STRING]"
        );
    }
}
