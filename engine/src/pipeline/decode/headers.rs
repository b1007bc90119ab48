//! The headers of records as columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BinaryBuilder, ListArray, ListBuilder, StringBuilder,
    StructBuilder, new_empty_array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Fields};

use super::RawRecord;
use crate::catalog::headers_type;

/// The last header of a name, per record.
pub(super) fn header(headers: Option<&ArrayRef>, name: &str, records: usize) -> ArrayRef {
    let Some(headers) = headers else { return new_null_array(&DataType::Binary, records) };
    let lists = headers.as_list::<i32>();
    let entries = lists.values().as_struct();
    let (names, values) =
        (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
    let mut column = BinaryBuilder::new();
    for extent in lists.value_offsets().windows(2) {
        let mut own = (extent[0]..extent[1]).rev().map(|at| at as usize);
        let last = own.find(|at| names.value(*at) == name);
        column.append_option(last.filter(|at| values.is_valid(*at)).map(|at| values.value(at)));
    }
    Arc::new(column.finish())
}

/// A list without entries for each record.
pub(super) fn no_headers(records: usize) -> ArrayRef {
    let DataType::List(item) = headers_type() else {
        return new_null_array(&headers_type(), records);
    };
    let entries = new_empty_array(item.data_type());
    Arc::new(ListArray::new(item, OffsetBuffer::new_zeroed(records), entries, None))
}

/// All headers of each record, if any record has some.
pub(super) fn headers(records: &[RawRecord<'_>]) -> Option<ArrayRef> {
    if records.iter().all(|record| record.headers.is_empty()) {
        return None;
    }
    let DataType::List(item) = headers_type() else { return None };
    let fields: Fields = match item.data_type() {
        DataType::Struct(fields) => fields.clone(),
        _ => return None,
    };
    let keys = Box::new(StringBuilder::new()) as Box<dyn ArrayBuilder>;
    let entries = StructBuilder::new(fields, vec![keys, Box::new(BinaryBuilder::new())]);
    let mut lists = ListBuilder::new(entries).with_field(item);
    for record in records {
        for (key, value) in &record.headers {
            let entries = lists.values();
            entries.field_builder::<StringBuilder>(0)?.append_value(key);
            entries.field_builder::<BinaryBuilder>(1)?.append_option(*value);
            entries.append(true);
        }
        lists.append(true);
    }
    Some(Arc::new(lists.finish()))
}
