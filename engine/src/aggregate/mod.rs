//! Aggregates over groups whose rows come, and go again.
//!
//! A group is a **slot**, a small number; an aggregate keeps its state in columns indexed by
//! slot. A batch is applied by naming the slot of each row; results are read for the slots that
//! were touched; states of touched slots are saved to and loaded from the state store as Arrow
//! columns. Taking rows back (`undo`) is part of the interface, not an afterthought.
//!
//! There are two ways to keep a state, and every built-in function is one of them:
//! - [`fold`]: a few numbers per slot (COUNT, SUM, AVG, MIN and MAX of rows that stay, the
//!   deviations, CORRELATION);
//! - [`values`]: values themselves, in order of arrival, of size, or counted (the collecting
//!   functions, top-k, by-offset, distinct counts, MIN and MAX of rows that may go).
//!
//! Around them: [`distinct`] lets any function see each value once, [`external`] runs
//! DataFusion's aggregates through this interface, and [`udaf`] gives ours to DataFusion.
//!
//! **Limits and undo.** A function that keeps at most so many values (top-k, a collect limit)
//! forgets the excess only where rows are never taken back; over changing input it keeps them
//! all and cuts the result, so that the answer is always that of the rows that remain.
//! Where a row is taken back of which there are several alike, the last one goes.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use crate::error::Result;

mod attr;
mod avg;
mod by_offset;
mod call;
mod codec;
mod collect;
mod correlation;
mod count;
mod count_distinct;
mod deviation;
mod distinct;
mod external;
mod fold;
mod histogram;
mod maps;
mod min_max;
mod settings;
mod sum;
mod sum_list;
mod topk;
mod udaf;
mod values;

#[cfg(test)]
mod tests;

pub use call::builtin;
pub use distinct::distinct;
pub use external::External;
pub use settings::Settings;
pub use udaf::AggregateUdf;

/// An aggregate function before its argument types are known.
pub trait AggregateFunction: Debug + Send + Sync {
    /// Canonical upper-case name.
    fn name(&self) -> &str;

    /// The function for these arguments, or an error that lists the types it takes.
    fn bind(
        &self,
        arguments: &[Argument],
        input: Input,
        settings: &Settings,
    ) -> Result<Arc<dyn BoundAggregate>>;
}

/// What is known of an argument when a query is planned.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Its type.
    pub data_type: DataType,
    /// Its value, where it is a literal: the `3` of `TOPK(x, 3)`.
    pub literal: Option<ScalarValue>,
}

/// Whether the rows below an aggregate stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Rows are only added: a stream. The state is as small as it can be.
    AppendOnly,
    /// Rows are taken back as well: a table.
    Changing,
}

/// An aggregate function with known argument types.
pub trait BoundAggregate: Debug + Send + Sync {
    /// The types that arguments must be cast to before [`Groups::update`]. Literal parameters
    /// (as the `3` above) always come last; they are not among these and are not passed. Nor is
    /// the argument of `COUNT(1)`, which is `COUNT(*)`.
    fn argument_types(&self) -> &[DataType];

    /// The type of the result.
    fn return_type(&self) -> &DataType;

    /// The types of the columns that [`Groups::save`] gives. They do not depend on the values of
    /// literal parameters.
    fn state_types(&self) -> Vec<DataType>;

    /// Whether the state is a set of values that only grows and may be large. Whoever saves it may
    /// then write what has come, [`Groups::grown`], and not all that is there.
    fn grows(&self) -> bool {
        false
    }

    /// No groups yet.
    fn groups(&self) -> Box<dyn Groups>;
}

/// The states of many groups.
///
/// Slots are dense; callers [`resize`](Groups::resize) before they name a new one. In every
/// call, `slots[i]` belongs to row `i` of the columns beside it.
pub trait Groups: Send + Sync {
    /// Makes room for the slots below `slots`, if there is less; new ones are in the initial
    /// state.
    fn resize(&mut self, slots: usize);

    /// Says that the next row is number `next` of all rows of this aggregate, over restarts and
    /// whichever slots are loaded. Only needed by who merges: what is the latest of two groups is
    /// decided by these numbers. Whoever does not call it gets rows numbered as they come.
    fn arrive(&mut self, next: i64) {
        let _ = next;
    }

    /// Applies rows in order.
    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()>;

    /// Takes rows back in order. Only for aggregates bound for [`Input::Changing`].
    fn undo(&mut self, slots: &[u32], arguments: &[ArrayRef]) -> Result<()>;

    /// Moves the state of slot `from[i]` into slot `into[i]`, in order, as sessions do that grow
    /// together. The slots in `from` are then in the initial state.
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()>;

    /// Calls `put` with the place in `slots` and the value for each value that has come since the
    /// last call. Only for aggregates that [grow](BoundAggregate::grows).
    fn grown(&mut self, slots: &[u32], put: &mut dyn FnMut(usize, &[u8])) {
        let _ = (slots, put);
    }

    /// Puts a value back that [`grown`](Self::grown) gave.
    fn regrow(&mut self, slot: u32, value: &[u8]) {
        let _ = (slot, value);
    }

    /// The results of these slots, in this order. Does not change any state.
    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef>;

    /// The states of these slots as columns.
    fn save(&self, slots: &[u32]) -> Result<Vec<ArrayRef>>;

    /// Replaces the states of these slots by what [`save`](Groups::save) gave.
    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()>;

    /// Puts these slots back into the initial state.
    fn reset(&mut self, slots: &[u32]);

    /// Bytes of memory held.
    fn memory(&self) -> usize;
}
