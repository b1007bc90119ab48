//! Implicit casts: which type stands in for which, and what two types have in common.
//!
//! The rules are the dialect's: INTEGER → BIGINT → DECIMAL → DOUBLE, and text where a date or a
//! time is wanted. Types that only DataFusion's own functions produce (text views, short
//! integers) count as the dialect's type that holds them.

use arrow::datatypes::{DataType, Field};

use crate::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};

/// Most digits of a DECIMAL.
pub(super) const DECIMAL_PRECISION_MAX: u8 = 38;

/// The dialect's type that holds all values of `data_type`.
pub(super) fn canonical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => TIME,
        DataType::Timestamp(..) => TIMESTAMP,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            array_of(canonical(item.data_type()))
        }
        DataType::Map(entries, _) => match entry_types(entries) {
            Some((key, value)) => map_of(canonical(key), canonical(value)),
            None => data_type.clone(),
        },
        DataType::Struct(fields) => {
            struct_of(fields.iter().map(|field| (field.name(), canonical(field.data_type()))))
        }
        other => other.clone(),
    }
}

/// The types of a map's keys and values.
pub(crate) fn entry_types(entries: &Field) -> Option<(&DataType, &DataType)> {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => {
            Some((fields[0].data_type(), fields[1].data_type()))
        }
        _ => None,
    }
}

/// Whether a value of type `from` is taken where `to` is wanted.
pub(super) fn widens(from: &DataType, to: &DataType) -> bool {
    match (rank(from), rank(to)) {
        (Some(from), Some(to)) => from <= to,
        _ => *from == DataType::Utf8 && is_temporal(to),
    }
}

fn rank(data_type: &DataType) -> Option<u8> {
    match data_type {
        DataType::Int32 => Some(0),
        DataType::Int64 => Some(1),
        DataType::Decimal128(..) => Some(2),
        DataType::Float64 => Some(3),
        _ => None,
    }
}

fn is_temporal(data_type: &DataType) -> bool {
    *data_type == DataType::Date32 || *data_type == TIME || *data_type == TIMESTAMP
}

/// The narrowest type that both widen to, element by element for nested types.
///
/// Structs take the union of their fields, in the order in which they are met.
pub fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::List(left), DataType::List(right)) => {
            Some(array_of(common_type(left.data_type(), right.data_type())?))
        }
        (DataType::Map(left, _), DataType::Map(right, _)) => {
            let (left, right) = (entry_types(left)?, entry_types(right)?);
            Some(map_of(common_type(left.0, right.0)?, common_type(left.1, right.1)?))
        }
        (DataType::Struct(left), DataType::Struct(right)) => common_struct(left, right),
        _ => common_number(left, right),
    }
}

fn common_struct(left: &[impl AsRef<Field>], right: &[impl AsRef<Field>]) -> Option<DataType> {
    let mut fields: Vec<(String, DataType)> = Vec::new();
    let all = left.iter().map(AsRef::as_ref).chain(right.iter().map(AsRef::as_ref));
    for field in all {
        match fields.iter_mut().find(|(name, _)| name == field.name()) {
            Some((_, known)) => *known = common_type(known, field.data_type())?,
            None => fields.push((field.name().clone(), field.data_type().clone())),
        }
    }
    Some(struct_of(fields))
}

fn common_number(left: &DataType, right: &DataType) -> Option<DataType> {
    let (lower, upper) = if rank(left)? <= rank(right)? { (left, right) } else { (right, left) };
    match (as_decimal(lower), upper) {
        (Some(lower), DataType::Decimal128(precision, scale)) => {
            Some(wider_decimal(lower, (*precision, *scale)))
        }
        _ => Some(upper.clone()),
    }
}

/// Precision and scale of a DECIMAL, or of the one that holds all values of an integer type.
pub(super) fn as_decimal(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Int32 => Some((10, 0)),
        DataType::Int64 => Some((19, 0)),
        DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

/// A DECIMAL with the integer digits and the fraction digits that both need.
fn wider_decimal(left: (u8, i8), right: (u8, i8)) -> DataType {
    let digits = |(precision, scale): (u8, i8)| i16::from(precision) - i16::from(scale);
    let scale = left.1.max(right.1);
    bounded_decimal(digits(left).max(digits(right)) + i16::from(scale), i16::from(scale))
}

/// A DECIMAL of these sizes; past 38 digits, fraction digits are given up first, but not the
/// first six of them.
pub(super) fn bounded_decimal(precision: i16, scale: i16) -> DataType {
    let max = i16::from(DECIMAL_PRECISION_MAX);
    let scale = match precision > max {
        true => (max - (precision - scale)).max(scale.min(6)),
        false => scale,
    };
    let precision = precision.clamp(1, max);
    DataType::Decimal128(precision as u8, scale as i8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_meet_in_the_union_of_their_fields() {
        let left = struct_of([("X", DataType::Int32), ("Y", DataType::Int64)]);
        let right = struct_of([("Y", DataType::Int32), ("Z", DataType::Utf8)]);
        let both = [("X", DataType::Int32), ("Y", DataType::Int64), ("Z", DataType::Utf8)];
        assert_eq!(common_type(&left, &right), Some(struct_of(both)));
    }

    #[test]
    fn text_and_numbers_have_nothing_in_common() {
        assert_eq!(common_type(&DataType::Utf8, &DataType::Int32), None);
    }

    #[test]
    fn decimals_past_38_digits_give_up_fraction_digits_first() {
        assert_eq!(bounded_decimal(42, 10), DataType::Decimal128(38, 6));
        assert_eq!(bounded_decimal(48, 4), DataType::Decimal128(38, 4));
    }
}
