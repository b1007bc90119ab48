//! Computes the columns of its output from those of its input, row by row.

use arrow::datatypes::SchemaRef;

use super::{Operator, Output, Turns};
use crate::change::Changes;
use crate::error::Result;
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::batch_of;

/// A running projection.
#[derive(Debug)]
pub struct Project {
    expressions: Evaluator,
    schema: SchemaRef,
}

impl Project {
    /// A projection whose output has this schema.
    pub fn new(expressions: Evaluator, schema: SchemaRef) -> Self {
        Self { expressions, schema }
    }
}

impl Operator for Project {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        let errors = errors_of(&input, &mut output.errors, |errors| {
            self.expressions.evaluate(&input.rows, errors)
        })?;
        let rows = batch_of(&self.schema, errors, input.len())?;
        output.emit(input.with_rows(rows));
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::RowByRow
    }
}

/// Evaluates; a row without a value has nothing that could be wrong, so a batch of only such rows
/// reports no errors.
fn errors_of<T>(
    input: &Changes,
    errors: &mut RowErrors,
    evaluate: impl FnOnce(&mut RowErrors) -> Result<T>,
) -> Result<T> {
    let nothing = input.each_op().all(|op| op == crate::change::Op::Tombstone);
    match nothing {
        true => evaluate(&mut RowErrors::default()),
        false => evaluate(errors),
    }
}
