//! Record batches to rows on the wire.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Decimal128Type, Field, FieldRef, Time32MillisecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::temporal_conversions::{as_datetime, as_time};
use arrow::util::display::array_value_to_string;
use arrow_pg::encoder::{Encoder, encode_value};
use pgwire::api::portal::Format;
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::data::DataRow;
use pgwire::types::format::FormatOptions;
use postgres_types::Type;

use super::json::{JsonForm, json_column};
use super::scalar::{Moment, Numeric, TimeOfDay};
use super::types::{pg_type, type_modifier, type_size};

/// The columns of a result as clients are told them; `fields` already have the names to show.
pub(crate) fn field_infos(
    fields: &[FieldRef],
    format: &Format,
    options: &Arc<FormatOptions>,
) -> Arc<Vec<FieldInfo>> {
    let info = |(index, field): (usize, &FieldRef)| {
        let pg_type = pg_type(field);
        let size = type_size(&pg_type);
        FieldInfo::new(field.name().clone(), None, None, pg_type, format_of(format, index))
            .with_format_options(options.clone())
            .with_type_size(size)
            .with_type_modifier(type_modifier(field.data_type()))
    };
    Arc::new(fields.iter().enumerate().map(info).collect())
}

/// The format of a column; a client that names fewer formats than columns gets text.
fn format_of(format: &Format, index: usize) -> FieldFormat {
    match format {
        Format::Individual(codes) if index >= codes.len() => FieldFormat::Text,
        format => format.format_for(index),
    }
}

/// The rows of a batch, in the formats of `infos`.
pub(crate) fn data_rows(
    batch: &RecordBatch,
    infos: &Arc<Vec<FieldInfo>>,
) -> impl Iterator<Item = PgWireResult<DataRow>> + Send + use<> {
    encoded_rows(batch, infos.clone(), DataRowEncoder::new(infos.clone()))
}

/// The rows of a batch as `encoder` writes them.
pub(crate) fn encoded_rows<E: Encoder>(
    batch: &RecordBatch,
    infos: Arc<Vec<FieldInfo>>,
    mut encoder: E,
) -> impl Iterator<Item = PgWireResult<E::Item>> + use<E> {
    let columns: Vec<_> = (0..infos.len())
        .map(|index| {
            prepare(batch.column(index), batch.schema_ref().fields()[index].clone(), &infos[index])
        })
        .collect();
    (0..batch.num_rows()).map(move |row| {
        for (column, info) in columns.iter().zip(infos.iter()) {
            let (array, field) = column.as_ref().map_err(api_error)?;
            encode_cell(&mut encoder, array, row, field, info)?;
        }
        Ok(encoder.take_row())
    })
}

type Prepared = Result<(ArrayRef, FieldRef), ArrowError>;

/// Turns a column into one that a cell encoder knows: nested values into JSON texts, types that
/// have no encoder into texts.
fn prepare(column: &ArrayRef, field: FieldRef, info: &FieldInfo) -> Prepared {
    let form = match info.format() {
        FieldFormat::Text => JsonForm::Text,
        FieldFormat::Binary => JsonForm::Binary,
    };
    match (info.datatype(), column.data_type()) {
        (&Type::JSONB, _) => text_column(Arc::new(json_column(column, form)?)),
        (&Type::JSONB_ARRAY, DataType::List(_)) => json_list(column.as_list(), form),
        (&Type::TEXT, data_type) if !is_text(data_type) => text_column(displayed(column)?),
        _ => Ok((column.clone(), field)),
    }
}

fn text_column(column: ArrayRef) -> Prepared {
    Ok((column, Arc::new(Field::new("", DataType::Utf8, true))))
}

fn json_list(list: &ListArray, form: JsonForm) -> Prepared {
    let items = json_column(list.values(), form)?;
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let list =
        ListArray::try_new(item, list.offsets().clone(), Arc::new(items), list.nulls().cloned())?;
    let field = Field::new("", list.data_type().clone(), true);
    Ok((Arc::new(list), Arc::new(field)))
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn displayed(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let text = |row| match column.is_null(row) {
        true => Ok(None),
        false => array_value_to_string(column, row).map(Some),
    };
    let texts = (0..column.len()).map(text).collect::<Result<arrow::array::StringArray, _>>()?;
    Ok(Arc::new(texts))
}

/// Writes one value.
fn encode_cell<E: Encoder>(
    encoder: &mut E,
    array: &ArrayRef,
    row: usize,
    field: &Field,
    info: &FieldInfo,
) -> PgWireResult<()> {
    match array.data_type() {
        DataType::Decimal128(_, scale) => encoder.encode_field(&numeric(array, row, *scale), info),
        DataType::Timestamp(_, None) => encoder.encode_field(&moment(array, row), info),
        DataType::Time32(TimeUnit::Millisecond) => {
            encoder.encode_field(&time_of_day(array, row), info)
        }
        DataType::List(item) if array.is_valid(row) => {
            let items = array.as_list::<i32>().value(row);
            match item.data_type() {
                DataType::Decimal128(_, scale) => {
                    encoder.encode_field(&each(&items, |at| numeric(&items, at, *scale)), info)
                }
                DataType::Timestamp(_, None) => {
                    encoder.encode_field(&each(&items, |at| moment(&items, at)), info)
                }
                DataType::Time32(TimeUnit::Millisecond) => {
                    encoder.encode_field(&each(&items, |at| time_of_day(&items, at)), info)
                }
                _ => encode_value(encoder, array, row, field, info),
            }
        }
        _ => encode_value(encoder, array, row, field, info),
    }
}

fn each<T>(items: &ArrayRef, value: impl Fn(usize) -> Option<T>) -> Vec<Option<T>> {
    (0..items.len()).map(value).collect()
}

fn numeric(array: &ArrayRef, row: usize, scale: i8) -> Option<Numeric> {
    let values = array.as_primitive::<Decimal128Type>();
    // The dialect's scales are not negative.
    let scale = u8::try_from(scale).unwrap_or_default();
    values.is_valid(row).then(|| Numeric { unscaled: values.value(row), scale })
}

/// The dialect's times are milliseconds, those of DataFusion's functions mostly nanoseconds.
fn moment(array: &ArrayRef, row: usize) -> Option<Moment> {
    fn of<T: ArrowTimestampType>(array: &ArrayRef, row: usize) -> Option<Moment> {
        let values = array.as_primitive::<T>();
        as_datetime::<T>(values.is_valid(row).then(|| values.value(row))?).map(Moment)
    }
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => of::<TimestampSecondType>(array, row),
        DataType::Timestamp(TimeUnit::Microsecond, _) => of::<TimestampMicrosecondType>(array, row),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => of::<TimestampNanosecondType>(array, row),
        _ => of::<TimestampMillisecondType>(array, row),
    }
}

fn time_of_day(array: &ArrayRef, row: usize) -> Option<TimeOfDay> {
    let values = array.as_primitive::<Time32MillisecondType>();
    let value = values.is_valid(row).then(|| values.value(row))?;
    as_time::<Time32MillisecondType>(i64::from(value)).map(TimeOfDay)
}

fn api_error(error: &ArrowError) -> PgWireError {
    PgWireError::ApiError(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Decimal128Array, Int32Array, StringArray, StructArray, TimestampMillisecondArray,
    };
    use arrow::datatypes::{Int32Type, Schema};

    use super::*;

    /// The cells of the only row of `columns`, in one format.
    fn cells(columns: Vec<ArrayRef>, format: Format) -> Vec<Option<Vec<u8>>> {
        let fields: Vec<FieldRef> = columns
            .iter()
            .map(|column| Arc::new(Field::new("c", column.data_type().clone(), true)))
            .collect();
        let schema = Arc::new(Schema::new(fields.clone()));
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        let infos = field_infos(&fields, &format, &Arc::default());
        let row = data_rows(&batch, &infos).next().unwrap().unwrap();
        split(&row.data)
    }

    fn split(mut data: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut cells = Vec::new();
        while let Some((length, rest)) = data.split_first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*length)).ok();
            cells.push(length.map(|length| rest[..length].to_vec()));
            data = &rest[length.unwrap_or(0)..];
        }
        cells
    }

    fn columns() -> Vec<ArrayRef> {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]);
        let field = Arc::new(Field::new("A", DataType::Int32, true));
        let inner: ArrayRef = Arc::new(Int32Array::from(vec![7]));
        vec![
            Arc::new(Int32Array::from(vec![Some(5)])),
            Arc::new(StringArray::from(vec![None::<&str>])),
            Arc::new(Decimal128Array::from(vec![-150]).with_precision_and_scale(10, 2).unwrap()),
            Arc::new(TimestampMillisecondArray::from(vec![1_500])),
            Arc::new(list),
            Arc::new(StructArray::from(vec![(field, inner)])),
        ]
    }

    #[test]
    fn text_is_what_postgres_prints() {
        let cells = cells(columns(), Format::UnifiedText);
        let texts: Vec<_> =
            cells.iter().map(|cell| cell.as_deref().map(String::from_utf8_lossy)).collect();
        let texts: Vec<_> = texts.iter().map(Option::as_deref).collect();
        let expected = [
            Some("5"),
            None,
            Some("-1.50"),
            Some("1970-01-01 00:00:01.5"),
            Some("{1,NULL}"),
            Some("{\"a\": 7}"),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn binary_json_has_its_version_byte() {
        let cells = cells(columns(), Format::UnifiedBinary);
        assert_eq!(cells[0].as_deref(), Some(&[0, 0, 0, 5][..]));
        assert_eq!(cells[5].as_deref(), Some(&b"\x01{\"a\": 7}"[..]));
    }
}
