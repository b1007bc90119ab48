//! SQL types and the Arrow types that hold them.
//!
//! | SQL | Arrow |
//! |---|---|
//! | BOOLEAN | Boolean |
//! | INTEGER, BIGINT, DOUBLE | Int32, Int64, Float64 |
//! | DECIMAL(p, s) | Decimal128(p, s) |
//! | STRING, BYTES | Utf8, Binary |
//! | DATE | Date32 |
//! | TIME | Time32(Millisecond) |
//! | TIMESTAMP | Timestamp(Millisecond, no zone) |
//! | `ARRAY<T>` | List of nullable `item` |
//! | `MAP<K, V>` | Map of `entries { keys, values }`, not sorted |
//! | `STRUCT<…>` | Struct of nullable fields |
//!
//! Every field but a map's keys is nullable: SQL has no other kind.

use std::fmt::Write;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

/// The Arrow type of `ARRAY<item>`.
pub fn array_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// The Arrow type of `MAP<key, value>`.
pub fn map_of(key: DataType, value: DataType) -> DataType {
    DataType::Map(map_entries(key, value), false)
}

/// The field of a map's entries.
pub fn map_entries(key: DataType, value: DataType) -> FieldRef {
    let fields = vec![Field::new("keys", key, false), Field::new("values", value, true)];
    Arc::new(Field::new("entries", DataType::Struct(fields.into()), false))
}

/// The Arrow type of `STRUCT<name type, …>`.
pub fn struct_of<N: Into<String>>(fields: impl IntoIterator<Item = (N, DataType)>) -> DataType {
    let fields = fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
    DataType::Struct(fields.collect())
}

/// The Arrow type of TIME.
pub const TIME: DataType = DataType::Time32(TimeUnit::Millisecond);

/// The Arrow type of TIMESTAMP.
pub const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Whether a type, or a type within it, is what `wanted` says.
pub fn any(data_type: &DataType, wanted: &dyn Fn(&DataType) -> bool) -> bool {
    let inner = |field: &FieldRef| any(field.data_type(), wanted);
    wanted(data_type)
        || match data_type {
            DataType::List(item) | DataType::Map(item, _) => inner(item),
            DataType::Struct(fields) => fields.iter().any(inner),
            _ => false,
        }
}

/// The canonical SQL name of a type, struct fields in back-ticks: ``STRUCT<`A` INTEGER>``.
///
/// Types that the dialect has no name for (they come out of DataFusion's own functions) are
/// shown by their Arrow name.
pub fn sql_name(data_type: &DataType) -> String {
    let mut text = String::new();
    write_name(&mut text, data_type);
    text
}

fn write_name(out: &mut String, data_type: &DataType) {
    match data_type {
        DataType::List(item) => write_args(out, "ARRAY", [item.data_type()]),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                write_args(out, "MAP", fields.iter().map(|field| field.data_type()));
            }
            other => write_args(out, "MAP", [other]),
        },
        DataType::Struct(fields) => write_struct(out, fields),
        DataType::Decimal128(precision, scale) => {
            let _ = write!(out, "DECIMAL({precision}, {scale})");
        }
        other => match scalar_name(other) {
            Some(name) => out.push_str(name),
            None => drop(write!(out, "{other}")),
        },
    }
}

fn scalar_name(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BYTES",
        DataType::Date32 => "DATE",
        DataType::Time32(TimeUnit::Millisecond) => "TIME",
        DataType::Timestamp(TimeUnit::Millisecond, None) => "TIMESTAMP",
        _ => return None,
    })
}

fn write_args<'a>(out: &mut String, name: &str, args: impl IntoIterator<Item = &'a DataType>) {
    let _ = write!(out, "{name}<");
    for (index, arg) in args.into_iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_name(out, arg);
    }
    out.push('>');
}

fn write_struct(out: &mut String, fields: &Fields) {
    out.push_str("STRUCT<");
    for (index, field) in fields.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        let _ = write!(out, "`{}` ", field.name().replace('`', "``"));
        write_name(out, field.data_type());
    }
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_types_print_as_sql() {
        let inner = struct_of([("A", DataType::Int32), ("b", array_of(TIMESTAMP))]);
        let data_type = map_of(DataType::Utf8, inner);
        assert_eq!(sql_name(&data_type), "MAP<STRING, STRUCT<`A` INTEGER, `b` ARRAY<TIMESTAMP>>>");
        assert_eq!(sql_name(&DataType::Decimal128(4, 2)), "DECIMAL(4, 2)");
    }
}
