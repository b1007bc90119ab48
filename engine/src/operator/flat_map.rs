//! Table functions: each row becomes as many rows as the longest of its lists has items.
//!
//! Several table functions advance together; shorter lists are padded with NULL. A row whose
//! lists are all empty or NULL gives nothing.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;

use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::{Error, Result};
use crate::evaluate::Evaluator;
use crate::state::batch_of;

/// Running table functions. The output has the input's columns, then one per function.
#[derive(Debug)]
pub struct FlatMap {
    functions: Evaluator,
    schema: SchemaRef,
}

impl FlatMap {
    /// Table functions whose output has this schema; each gives a list per row.
    pub fn new(functions: Evaluator, schema: SchemaRef) -> Self {
        Self { functions, schema }
    }
}

impl Operator for FlatMap {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let lists = self.functions.evaluate(&input.rows, &mut output.errors)?;
        let lists: Option<Vec<&ListArray>> = lists.iter().map(|list| list.as_list_opt()).collect();
        let lists = lists.ok_or_else(|| Error::Internal("a table function gave no list".into()))?;
        let mut rows = Vec::new();
        let mut items: Vec<Vec<Option<u32>>> = vec![Vec::new(); lists.len()];
        for row in (0..input.len()).filter(|row| input.op(*row) != Op::Tombstone) {
            let longest = lists.iter().map(|list| length(list, row)).max().unwrap_or(0);
            rows.extend(std::iter::repeat_n(row as u32, longest));
            for (list, items) in lists.iter().zip(&mut items) {
                let start = list.value_offsets()[row] as u32;
                let len = length(list, row);
                items.extend((0..longest).map(|at| (at < len).then_some(start + at as u32)));
            }
        }
        let repeated = input.take(&UInt32Array::from(rows))?;
        let exploded = lists.iter().zip(items).map(|(list, items)| pick(list, items));
        let exploded = exploded.collect::<Result<Vec<_>>>()?;
        let columns = repeated.rows.columns().iter().cloned().chain(exploded).collect();
        let rows = batch_of(&self.schema, columns, repeated.len())?;
        output.emit(repeated.with_rows(rows));
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::RowByRow
    }
}

fn length(list: &ListArray, row: usize) -> usize {
    match list.is_valid(row) {
        true => list.value_length(row) as usize,
        false => 0,
    }
}

fn pick(list: &ListArray, items: Vec<Option<u32>>) -> Result<ArrayRef> {
    Ok(take(list.values(), &UInt32Array::from(items), None)?)
}
