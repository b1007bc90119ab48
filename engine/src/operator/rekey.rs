//! Makes other values the key. Which shard a row goes to is the exchange's work.
//!
//! A record without a value has nothing but its key: a new key that needs anything else is NULL.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;
use arrow::datatypes::SchemaRef;

use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::batch_of;

/// How the new key is computed.
#[derive(Debug, Clone)]
pub struct RekeyKeys {
    expressions: Evaluator,
    of_key: Vec<bool>,
}

/// A running re-key. The output has the new key, then the values.
#[derive(Debug)]
pub struct Rekey {
    keys: RekeyKeys,
    values: Vec<usize>,
    schema: SchemaRef,
}

impl RekeyKeys {
    /// Key columns, and for each whether it needs nothing but the old key.
    pub fn new(expressions: Evaluator, of_key: Vec<bool>) -> Self {
        Self { expressions, of_key }
    }

    fn evaluate(&self, input: &Changes, errors: &mut RowErrors) -> Result<Vec<ArrayRef>> {
        let keys = self.expressions.evaluate(&input.rows, errors)?;
        let missing: BooleanArray = input.each_op().map(|op| Some(op == Op::Tombstone)).collect();
        if missing.true_count() == 0 {
            return Ok(keys);
        }
        let keys = keys.into_iter().zip(&self.of_key).map(|(key, of_key)| match of_key {
            true => Ok(key),
            false => Ok(nullif(&key, &missing)?),
        });
        keys.collect()
    }
}

impl Rekey {
    /// A re-key whose output has this schema.
    pub fn new(keys: RekeyKeys, values: Vec<usize>, schema: SchemaRef) -> Self {
        Self { keys, values, schema }
    }
}

impl Operator for Rekey {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let keys = self.keys.evaluate(&input, &mut output.errors)?;
        let values = self.values.iter().map(|at| input.rows.column(*at).clone());
        let columns = keys.into_iter().chain(values).collect();
        let rows = batch_of(&self.schema, columns, input.len())?;
        output.emit(input.with_rows(rows));
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::RowByRow
    }
}
