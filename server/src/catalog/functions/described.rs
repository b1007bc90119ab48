//! Functions that tell of an object by its number: comments and definitions.
//!
//! `obj_description(oid [, catalog])`, `col_description(oid, column)`, `pg_get_indexdef(oid [, column,
//! pretty])`, `pg_get_constraintdef(oid [, pretty])` and `pg_get_function_arguments(oid)` are one
//! function over different texts: the first argument is the object, the second, where it is a
//! number, a part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::super::objects::{Object, PrimaryKey};
use super::super::signature::FunctionSignature;
use super::any_arguments;

/// Texts by object and part; part 0 is the whole.
type Texts = BTreeMap<(i64, i64), String>;

/// Adds the functions over `objects` and the dialect's functions.
pub(super) fn register(
    context: &SessionContext,
    objects: &[Object],
    signatures: &[FunctionSignature],
) {
    let comments = objects.iter().filter_map(|object| Some((whole(object.oid), object.comment()?)));
    let of_functions = |text: fn(&FunctionSignature) -> &str| {
        signatures.iter().map(move |each| (whole(each.oid), text(each).to_owned()))
    };
    let add = |name, texts: Texts| {
        let signature = any_arguments(Volatility::Stable);
        let texts = Arc::new(texts);
        context.register_udf(ScalarUDF::new_from_impl(Described { name, signature, texts }));
    };
    add("obj_description", comments.chain(of_functions(|each| each.description)).collect());
    for name in ["pg_get_function_arguments", "pg_get_function_identity_arguments"] {
        add(name, of_functions(|each| each.arguments).collect());
    }
    add("pg_get_function_result", of_functions(|each| each.result).collect());
    add("col_description", objects.iter().flat_map(column_comments).collect());
    let keys = || objects.iter().filter_map(|object| Some((object, object.key.as_ref()?)));
    add("pg_get_indexdef", keys().flat_map(|(object, key)| index(object, key)).collect());
    let constraint =
        |(object, key): (&Object, &PrimaryKey)| (whole(key.constraint), object.key_definition());
    add("pg_get_constraintdef", keys().map(constraint).collect());
}

fn whole(oid: i32) -> (i64, i64) {
    (i64::from(oid), 0)
}

fn column_comments(object: &Object) -> impl Iterator<Item = ((i64, i64), String)> {
    object.columns().filter_map(|(number, column)| {
        let comment = object.column_comment(column)?;
        Some(((i64::from(object.oid), i64::from(number)), comment))
    })
}

/// The index, and each of its columns.
fn index(object: &Object, key: &PrimaryKey) -> Vec<((i64, i64), String)> {
    let oid = i64::from(key.index);
    let columns = (1..).zip(object.key_columns());
    let columns = columns
        .map(|(at, (_, column))| ((oid, at), crate::text::names::shown(&column.name).into_owned()));
    std::iter::once(((oid, 0), object.index_definition(key))).chain(columns).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Described {
    name: &'static str,
    signature: Signature,
    texts: Arc<Texts>,
}

impl ScalarUDFImpl for Described {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let rows = arrays.first().map_or(args.number_rows, |array| array.len());
        let objects = numbers(arrays.first())?;
        let parts = numbers(arrays.get(1).filter(|part| part.data_type().is_integer()))?;
        let text = |row: usize| {
            let object = objects.as_ref()?.iter().nth(row)??;
            let part = parts.as_ref().map_or(Some(0), |parts| parts.iter().nth(row)?)?;
            self.texts.get(&(object, part)).cloned()
        };
        Ok(ColumnarValue::Array(Arc::new((0..rows).map(text).collect::<StringArray>())))
    }
}

fn numbers(array: Option<&ArrayRef>) -> Result<Option<Int64Array>> {
    let Some(array) = array else { return Ok(None) };
    Ok(Some(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()))
}
