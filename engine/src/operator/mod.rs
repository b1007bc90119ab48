//! Operators: the running copies of a plan's nodes.
//!
//! An operator is called with a batch of changes and emits batches of changes. It is
//! synchronous, owns its part of the state, and knows neither clock nor log nor thread: the same
//! input gives the same output. The pipeline owns order, exchange and commit.

mod aggregate;
mod filter;
mod flat_map;
mod join_foreign_key;
mod join_shape;
mod join_stream_stream;
mod join_stream_table;
mod join_table_table;
mod joined;
mod late;
mod project;
mod recent_rows;
mod references;
mod rekey;
#[cfg(test)]
mod script;
mod session_aggregate;
mod table_source;
mod union;

use crate::change::Changes;
use crate::error::Result;
use crate::evaluate::RowErrors;
use crate::state::WriteBatch;

pub use aggregate::{Aggregate, AggregateSpec};
pub use filter::Filter;
pub use flat_map::FlatMap;
pub use join_foreign_key::{ForeignKeyPlaces, JoinForeignKey};
pub use join_shape::{JoinShape, JoinSide};
pub use join_stream_stream::JoinStreamStream;
pub use join_stream_table::JoinStreamTable;
pub use join_table_table::JoinTableTable;
pub use late::Late;
pub use project::Project;
pub use rekey::{Rekey, RekeyKeys};
pub use session_aggregate::SessionAggregate;
pub use table_source::TableSource;
pub use union::Union;

/// What an operator emits while it processes a batch.
#[derive(Debug, Default)]
pub struct Output {
    /// Batches in order.
    pub changes: Vec<Changes>,
    /// Rows that something was wrong with.
    pub errors: RowErrors,
    /// Records that came too late for a window.
    pub late: Late,
}

impl Output {
    /// Emits a batch; empty ones are dropped.
    pub fn emit(&mut self, changes: Changes) {
        if !changes.is_empty() {
            self.changes.push(changes);
        }
    }
}

/// What an operator makes of the [turns](Changes::turns) of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// Each row of the output comes from one row of the input alone, and has its turn.
    RowByRow,
    /// Rows are needed in order; each row of the output has the turn of the one that caused it.
    InOrder,
    /// Rows are needed in order; what comes out has no turns.
    Lost,
}

/// A running operator.
pub trait Operator: Send {
    /// Processes a batch that comes in at `port` (joins have two, unions one per input, others one).
    fn process(&mut self, port: usize, input: Changes, output: &mut Output) -> Result<()>;

    /// Processes what came in at all ports together, with the port of each batch. Unless turns are
    /// all the same to it, it is one batch at most for each port.
    fn process_round(&mut self, inputs: Vec<(usize, Changes)>, output: &mut Output) -> Result<()> {
        inputs.into_iter().try_for_each(|(port, input)| self.process(port, input, output))
    }

    /// What it makes of the turns of its rows.
    fn turns(&self) -> Turns {
        Turns::Lost
    }

    /// Adds what changed in the state since the last call to the batch of the commit.
    fn save(&mut self, _batch: &mut WriteBatch) -> Result<()> {
        Ok(())
    }

    /// Bytes of memory held by the state.
    fn memory(&self) -> usize {
        0
    }
}
