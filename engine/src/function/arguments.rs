//! The arguments of a call, and the result built from them row by row.
//!
//! A constant stays one value: [`Column::get`] gives it for every row, so that a literal is
//! neither repeated nor parsed again for each row.

use std::sync::Arc;

use arrow::array::{Array, ArrayAccessor, ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ColumnarValue;

/// The evaluated arguments of a call, already of the types that the signature asks for.
pub(crate) struct Arguments {
    arguments: Vec<Argument>,
    rows: usize,
    return_type: DataType,
}

struct Argument {
    array: ArrayRef,
    constant: bool,
}

impl Arguments {
    /// Takes `values` for a result of `rows` rows.
    pub(crate) fn new(
        values: &[ColumnarValue],
        rows: usize,
        return_type: DataType,
    ) -> Result<Self> {
        let arguments = values.iter().map(Argument::new).collect::<Result<_>>()?;
        Ok(Self { arguments, rows, return_type })
    }

    /// How many arguments there are.
    pub(crate) fn len(&self) -> usize {
        self.arguments.len()
    }

    /// How many rows the result must have.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The type that the result must have.
    pub(crate) fn return_type(&self) -> &DataType {
        &self.return_type
    }

    /// Other values in the place of these, as long and as constant as they are.
    pub(crate) fn replace(&self, arrays: Vec<ArrayRef>) -> Self {
        let arguments = arrays.into_iter().zip(&self.arguments);
        let arguments = arguments
            .map(|(array, replaced)| Argument { array, constant: replaced.constant })
            .collect();
        Self { arguments, rows: self.rows, return_type: self.return_type.clone() }
    }

    /// Whether argument `index` is one value for all rows.
    pub(crate) fn is_constant(&self, index: usize) -> bool {
        self.arguments[index].constant
    }

    /// The type of argument `index`.
    pub(crate) fn data_type(&self, index: usize) -> &DataType {
        self.arguments[index].array.data_type()
    }

    /// Argument `index` with one value per row.
    pub(crate) fn array(&self, index: usize) -> Result<ArrayRef> {
        let Argument { array, constant } = &self.arguments[index];
        match constant {
            true => Ok(take(array, &UInt32Array::from(vec![0; self.rows]), None)?),
            false => Ok(Arc::clone(array)),
        }
    }

    /// All arguments with one value per row.
    pub(crate) fn arrays(&self) -> Result<Vec<ArrayRef>> {
        (0..self.len()).map(|index| self.array(index)).collect()
    }

    /// Argument `index` to read row by row.
    pub(crate) fn column<A: Array + 'static>(&self, index: usize) -> Result<Column<'_, A>> {
        let Argument { array, constant } = &self.arguments[index];
        match array.as_any().downcast_ref() {
            Some(array) => Ok(Column { array, constant: *constant }),
            None => internal_err!("argument {index} is of type {}", array.data_type()),
        }
    }

    /// Argument `index`, if it was given.
    pub(crate) fn optional<A: Array + 'static>(
        &self,
        index: usize,
    ) -> Result<Option<Column<'_, A>>> {
        (index < self.len()).then(|| self.column(index)).transpose()
    }

    /// The arguments from `first` on, which have the same type.
    pub(crate) fn columns<A: Array + 'static>(&self, first: usize) -> Result<Vec<Column<'_, A>>> {
        (first..self.len()).map(|index| self.column(index)).collect()
    }

    /// The row of argument `index`'s array that holds its value for `row`.
    pub(crate) fn position(&self, index: usize, row: usize) -> usize {
        if self.arguments[index].constant { 0 } else { row }
    }

    /// The array behind argument `index`; rows are found by [`position`](Self::position).
    pub(crate) fn values(&self, index: usize) -> &ArrayRef {
        &self.arguments[index].array
    }

    /// A column of what `value` gives for each row.
    pub(crate) fn each<A, T>(&self, value: impl FnMut(usize) -> Option<T>) -> Result<ArrayRef>
    where
        A: Array + FromIterator<Option<T>> + 'static,
    {
        Ok(Arc::new((0..self.rows).map(value).collect::<A>()))
    }

    /// A column of what `value` gives for each row, or the first error.
    pub(crate) fn try_each<A, T>(
        &self,
        value: impl FnMut(usize) -> Result<Option<T>>,
    ) -> Result<ArrayRef>
    where
        A: Array + FromIterator<Option<T>> + 'static,
    {
        Ok(Arc::new((0..self.rows).map(value).collect::<Result<A>>()?))
    }
}

impl Argument {
    fn new(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self { array: Arc::clone(array), constant: false },
            ColumnarValue::Scalar(scalar) => Self { array: scalar.to_array()?, constant: true },
        })
    }
}

/// An argument of a known type.
pub(crate) struct Column<'a, A> {
    array: &'a A,
    constant: bool,
}

impl<'a, A> Column<'a, A>
where
    &'a A: ArrayAccessor,
{
    /// The value for `row`; none for NULL.
    pub(crate) fn get(&self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item> {
        let index = if self.constant { 0 } else { row };
        self.array.is_valid(index).then(|| self.array.value(index))
    }
}

/// Something costly made from a text that seldom changes from row to row: a compiled pattern.
pub(crate) struct Memo<T> {
    make: fn(&str) -> Result<T>,
    last: Option<(String, T)>,
}

impl<T> Memo<T> {
    /// Nothing made yet.
    pub(crate) fn new(make: fn(&str) -> Result<T>) -> Self {
        Self { make, last: None }
    }

    /// What `text` makes; made again only if the text is another one than last time.
    pub(crate) fn get(&mut self, text: &str) -> Result<&T> {
        let made = match self.last.take() {
            Some((last, made)) if last == text => (last, made),
            _ => (text.to_owned(), (self.make)(text)?),
        };
        Ok(&self.last.insert(made).1)
    }
}
