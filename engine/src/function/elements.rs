//! Evaluating lambdas over the elements of arrays and maps, all rows at once.
//!
//! The elements of all rows are put one after the other and a lambda's body is evaluated once
//! over them, with the columns that it refers to repeated for each element. Only REDUCE goes step
//! by step: over the first elements of all rows, then the second ones, and so on.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::compute::{interleave, take_arrays};
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::LambdaArgument;

use super::nested::{Collections, Picks, without_null_keys};
use super::operator::cast_array;

/// The elements of all rows that are not null, one after the other.
pub(super) struct Elements {
    collections: Collections,
    /// The elements: items, or keys and values.
    columns: Vec<ArrayRef>,
    /// The row of each element.
    rows: UInt32Array,
}

impl Elements {
    /// The elements of a column of arrays or maps.
    pub(super) fn new(collection: &ArrayRef) -> Result<Self> {
        let collections = Collections::new(collection)?;
        let mut positions = Vec::new();
        let mut rows = Vec::new();
        for row in 0..collections.len() {
            let range = collections.range(row).unwrap_or_default();
            rows.extend(std::iter::repeat_n(row as u32, range.len()));
            positions.extend(range.map(|position| position as u32));
        }
        let columns = match positions.len() == collections.items().len() {
            true => collections.children().to_vec(),
            false => take_arrays(collections.children(), &UInt32Array::from(positions), None)?,
        };
        Ok(Self { collections, columns, rows: UInt32Array::from(rows) })
    }

    /// What a lambda gives for each element.
    fn apply(&self, lambda: &LambdaArgument) -> Result<ArrayRef> {
        apply(lambda, &self.columns, &self.rows)
    }

    /// Positions among the elements that `keep` says so of, for each row.
    fn picks(&self, keep: impl Fn(usize) -> bool) -> Picks {
        let mut picks = Picks::default();
        let mut next = 0;
        for row in 0..self.collections.len() {
            let range = self.collections.range(row).map(|range| next..next + range.len());
            next = range.as_ref().map_or(next, |range| range.end);
            picks.push(range.map(|range| range.filter(|element| keep(*element))));
        }
        picks
    }

    /// The collections with each element replaced by what one lambda gives for it, or by the key
    /// and the value that two lambdas give.
    pub(super) fn transform(
        &self,
        lambdas: &[&LambdaArgument],
        result_type: &DataType,
    ) -> Result<ArrayRef> {
        let columns =
            lambdas.iter().map(|lambda| self.apply(lambda)).collect::<Result<Vec<_>>>()?;
        match columns.as_slice() {
            [items] => self.picks(|_| true).into_lists(items),
            [keys, values] => {
                let keys = without_null_keys(keys)?;
                self.picks(|_| true).into_maps(&keys, values, result_type)
            }
            _ => internal_err!("a lambda gives items, or two give keys and values"),
        }
    }

    /// The collections with only those elements for which a lambda gives true.
    pub(super) fn filter(
        &self,
        lambda: &LambdaArgument,
        collection: &ArrayRef,
    ) -> Result<ArrayRef> {
        let kept = self.apply(lambda)?;
        let kept: &BooleanArray = kept.as_boolean();
        let picks = self.picks(|element| kept.is_valid(element) && kept.value(element));
        match self.columns.as_slice() {
            [items] => picks.into_lists(items),
            [keys, values] => picks.into_maps(keys, values, collection.data_type()),
            _ => internal_err!("a collection has items, or keys and values"),
        }
    }

    /// Applies a lambda to a state per row and the first element of each row, then the second,
    /// and so on, as long as there is a row that has one. A null start stays null.
    pub(super) fn reduce(&self, lambda: &LambdaArgument, start: ArrayRef) -> Result<ArrayRef> {
        let length = |row| self.collections.range(row).map_or(0, |range| range.len());
        let mut active: Vec<u32> = (0..self.collections.len())
            .filter(|row| start.is_valid(*row))
            .map(|row| row as u32)
            .collect();
        let mut state = start;
        for step in 0.. {
            active.retain(|row| length(*row as usize) > step);
            if active.is_empty() {
                break;
            }
            let next = self.reduce_step(lambda, &state, &active, step)?;
            state = scatter(&state, &next, &active)?;
        }
        Ok(state)
    }

    fn reduce_step(
        &self,
        lambda: &LambdaArgument,
        state: &ArrayRef,
        active: &[u32],
        step: usize,
    ) -> Result<ArrayRef> {
        let position = |row: &u32| {
            let range = self.collections.range(*row as usize).unwrap_or_default();
            (range.start + step) as u32
        };
        let positions: UInt32Array = active.iter().map(position).collect::<Vec<_>>().into();
        let rows = UInt32Array::from(active.to_vec());
        let mut columns = take_arrays(&[Arc::clone(state)], &rows, None)?;
        columns.extend(take_arrays(self.collections.children(), &positions, None)?);
        cast_array(&apply(lambda, &columns, &rows)?, state.data_type())
    }
}

/// What a lambda gives for its parameters' columns; `rows` says for each value which row of the
/// batch it belongs to, and with that, which values of captured columns.
fn apply(lambda: &LambdaArgument, columns: &[ArrayRef], rows: &UInt32Array) -> Result<ArrayRef> {
    let columns: Vec<_> = columns.iter().map(|column| || Ok(Arc::clone(column))).collect();
    let parameters: Vec<_> =
        columns.iter().map(|column| column as &dyn Fn() -> Result<ArrayRef>).collect();
    let spread = |captures: &[ArrayRef]| Ok(take_arrays(captures, rows, None)?);
    lambda.evaluate(&parameters, spread)?.into_array(rows.len())
}

/// The state with the rows in `active` replaced by `next`.
fn scatter(state: &ArrayRef, next: &ArrayRef, active: &[u32]) -> Result<ArrayRef> {
    let mut sources: Vec<(usize, usize)> = (0..state.len()).map(|row| (0, row)).collect();
    for (index, row) in active.iter().enumerate() {
        sources[*row as usize] = (1, index);
    }
    Ok(interleave(&[state.as_ref(), next.as_ref()], &sources)?)
}
