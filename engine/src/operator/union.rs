//! Puts the rows of several inputs together, in the order in which they come.

use super::{Operator, Output, Turns};
use crate::change::Changes;
use crate::error::Result;

/// A running union. Each of its ports is an input with the columns of the output.
#[derive(Debug)]
pub struct Union;

impl Operator for Union {
    fn process(&mut self, _port: usize, input: Changes, output: &mut Output) -> Result<()> {
        output.emit(input);
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::RowByRow
    }
}
