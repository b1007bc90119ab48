//! Values that clients bind, as the engine takes them for a query that it has prepared.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, StringArray};
use arrow::datatypes::DataType;
use pgwire::api::portal::Portal;
use pgwire::error::PgWireResult;
use pgwire::types::FromSqlText;
use postgres_types::{FromSqlOwned, Type};

/// An array of the value of parameter `index`, which the client takes for a `pg_type`. `None`
/// where it is NULL, or is no `data_type` without being converted: a literal says it then.
pub(super) fn value<S: Clone>(
    portal: &Portal<S>,
    index: usize,
    pg_type: &Type,
    data_type: &DataType,
) -> PgWireResult<Option<ArrayRef>> {
    let bound = Bound { portal, index, pg_type };
    match (data_type, pg_type) {
        (DataType::Boolean, &Type::BOOL) => {
            bound.array(|value: bool| BooleanArray::from(vec![value]))
        }
        (DataType::Int32, &Type::INT2) => {
            bound.array(|value: i16| Int32Array::from(vec![i32::from(value)]))
        }
        (DataType::Int32, &Type::INT4) => bound.array(|value: i32| Int32Array::from(vec![value])),
        (DataType::Int64, &Type::INT2) => {
            bound.array(|value: i16| Int64Array::from(vec![i64::from(value)]))
        }
        (DataType::Int64, &Type::INT4) => {
            bound.array(|value: i32| Int64Array::from(vec![i64::from(value)]))
        }
        (DataType::Int64, &Type::INT8) => bound.array(|value: i64| Int64Array::from(vec![value])),
        (DataType::Utf8, &Type::TEXT | &Type::VARCHAR) => {
            bound.array(|value: String| StringArray::from(vec![value]))
        }
        _ => Ok(None),
    }
}

struct Bound<'a, S> {
    portal: &'a Portal<S>,
    index: usize,
    pg_type: &'a Type,
}

impl<S: Clone> Bound<'_, S> {
    fn array<T, A>(&self, array: impl Fn(T) -> A) -> PgWireResult<Option<ArrayRef>>
    where
        T: FromSqlOwned + for<'t> FromSqlText<'t>,
        A: arrow::array::Array + 'static,
    {
        let value = self.portal.parameter::<T>(self.index, self.pg_type)?;
        Ok(value.map(|value| Arc::new(array(value)) as ArrayRef))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use bytes::Bytes;
    use pgwire::api::portal::Format;

    use super::*;

    fn bound(bytes: Option<&'static [u8]>, pg_type: &Type, data_type: &DataType) -> Option<i64> {
        let mut portal = Portal::<()>::new_cursor("p".into(), Arc::default());
        portal.parameters = vec![bytes.map(Bytes::from_static)];
        portal.parameter_format = Format::UnifiedBinary;
        let array = value(&portal, 0, pg_type, data_type).unwrap()?;
        assert_eq!(array.len(), 1);
        Some(array.as_primitive::<Int64Type>().value(0))
    }

    #[test]
    fn a_value_widens_and_is_never_narrowed() {
        let minus_five = Some(&[255, 255, 255, 251][..]);
        assert_eq!(bound(minus_five, &Type::INT4, &DataType::Int64), Some(-5));
        assert_eq!(bound(Some(&[255; 8]), &Type::INT8, &DataType::Int64), Some(-1));
        assert_eq!(bound(Some(&[255; 8]), &Type::INT8, &DataType::Int32), None);
        assert_eq!(bound(Some(b"5"), &Type::TEXT, &DataType::Int64), None);
        assert_eq!(bound(None, &Type::INT8, &DataType::Int64), None);
    }
}
