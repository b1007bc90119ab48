//! Which Postgres type an Arrow type is shown as.
//!
//! `arrow-pg` knows the scalars and their arrays. Ours are what the dialect adds: MAP and STRUCT
//! are `jsonb`, an array of them is `jsonb[]`, and an array of arrays is `jsonb`, because a
//! Postgres array is rectangular. Types that neither has a name for (they come out of DataFusion's
//! own functions) are text.

use arrow::datatypes::{DataType, Field, FieldRef};
use arrow_pg::datatypes::field_into_pg_type;
use postgres_types::{Kind, Type};

/// The type that clients are told for a column.
pub(crate) fn pg_type(field: &FieldRef) -> Type {
    match field.data_type() {
        DataType::Struct(_) | DataType::Map(_, _) => Type::JSONB,
        DataType::List(item) => match item.data_type() {
            DataType::Struct(_) | DataType::Map(_, _) => Type::JSONB_ARRAY,
            DataType::List(_) => Type::JSONB,
            _ => field_into_pg_type(field).unwrap_or(Type::TEXT),
        },
        _ => field_into_pg_type(field).unwrap_or(Type::TEXT),
    }
}

/// The type of a column that has no more to it than its Arrow type.
pub(crate) fn pg_type_of(data_type: &DataType) -> Type {
    pg_type(&Field::new("", data_type.clone(), true).into())
}

/// `pg_type.typlen`: bytes of a value, or -1 where they vary.
pub(crate) fn type_size(pg_type: &Type) -> i16 {
    match *pg_type {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::NAME => 64,
        _ => -1,
    }
}

/// `pg_attribute.atttypmod`: precision and scale of a DECIMAL, -1 for everything else.
pub(crate) fn type_modifier(data_type: &DataType) -> i32 {
    match data_type {
        DataType::Decimal128(precision, scale) => {
            ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4
        }
        DataType::List(item) => type_modifier(item.data_type()),
        _ => -1,
    }
}

/// The name of a type in `information_schema`, which spells types out.
pub(crate) fn standard_name(pg_type: &Type) -> &str {
    match *pg_type {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::VARCHAR => "character varying",
        Type::TIME => "time without time zone",
        Type::TIMESTAMP => "timestamp without time zone",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        _ if is_array(pg_type) => "ARRAY",
        _ => pg_type.name(),
    }
}

/// How large the numbers of a type can be, as `information_schema` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NumericSize {
    pub precision: Option<i32>,
    /// What the digits of `precision` count: 2 or 10.
    pub radix: Option<i32>,
    pub scale: Option<i32>,
}

/// The size of the numbers of a type; nothing for a type that has none.
pub(crate) fn numeric_size(data_type: &DataType) -> NumericSize {
    let size = |precision: i32, radix: i32, scale: Option<i32>| NumericSize {
        precision: Some(precision),
        radix: Some(radix),
        scale,
    };
    match data_type {
        DataType::Int16 => size(16, 2, Some(0)),
        DataType::Int32 => size(32, 2, Some(0)),
        DataType::Int64 => size(64, 2, Some(0)),
        DataType::Float32 => size(24, 2, None),
        DataType::Float64 => size(53, 2, None),
        DataType::Decimal128(precision, scale) => {
            size(i32::from(*precision), 10, Some(i32::from(*scale)))
        }
        _ => NumericSize::default(),
    }
}

/// Whether a Postgres type is an array.
pub(crate) fn is_array(pg_type: &Type) -> bool {
    matches!(pg_type.kind(), Kind::Array(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::types::{array_of, map_of, struct_of};

    #[test]
    fn nested_types_are_arrays_or_json() {
        let map = map_of(DataType::Utf8, DataType::Int32);
        assert_eq!(pg_type_of(&array_of(DataType::Int32)), Type::INT4_ARRAY);
        assert_eq!(pg_type_of(&array_of(DataType::Utf8)), Type::TEXT_ARRAY);
        assert_eq!(pg_type_of(&map), Type::JSONB);
        assert_eq!(pg_type_of(&array_of(map)), Type::JSONB_ARRAY);
        assert_eq!(pg_type_of(&struct_of([("A", DataType::Int32)])), Type::JSONB);
        assert_eq!(pg_type_of(&array_of(array_of(DataType::Int32))), Type::JSONB);
    }

    #[test]
    fn decimals_tell_their_precision_and_scale() {
        assert_eq!(type_modifier(&DataType::Decimal128(10, 2)), (10 << 16 | 2) + 4);
        assert_eq!(type_modifier(&DataType::Int32), -1);
        let size = numeric_size(&DataType::Decimal128(10, 2));
        assert_eq!((size.precision, size.radix, size.scale), (Some(10), Some(10), Some(2)));
        assert_eq!(numeric_size(&DataType::Utf8), NumericSize::default());
    }
}
