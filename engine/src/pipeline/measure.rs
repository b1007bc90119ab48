//! What went through the nodes of a running query, for `EXPLAIN ANALYZE`.

use std::ops::Range;

use super::Pipeline;
use crate::error::Result;

/// What went through a node of a plan since the query was started, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows that went out.
    pub rows_out: u64,
    /// Bytes of memory that its state holds.
    pub memory: usize,
    /// For a node that has to remember, what its stores hold as of the last commit.
    pub stored: Option<Stored>,
    /// For a source, records that it has not read yet.
    pub lag: Option<u64>,
}

/// The size of a node's stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Number of entries.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// Where a node of a plan went: a source to an entry, which a node may follow, others to a node.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    /// The entry of the graph, which is also the number of the reader.
    pub entry: Option<usize>,
    /// The node of the graph.
    pub node: Option<usize>,
    /// Its stores, by their places in the list of all.
    pub stores: Range<usize>,
}

impl Pipeline {
    /// The measures of the plan's nodes, each after its inputs, from left to right.
    pub fn measures(&self) -> Result<Vec<Measure>> {
        let stores = self.stores().measure()?;
        let measure = |placed: &Placed| {
            let mut stored = None;
            for store in &stores[placed.stores.clone()] {
                let Stored { keys, bytes } = stored.unwrap_or_default();
                stored = Some(Stored { keys: keys + store.keys, bytes: bytes + store.bytes });
            }
            Measure { stored, ..self.measure(placed) }
        };
        Ok(self.placed.iter().map(measure).collect())
    }

    fn measure(&self, placed: &Placed) -> Measure {
        let mut measure = placed.node.map(|node| self.graph.measure(node)).unwrap_or_default();
        if let Some(entry) = placed.entry {
            let positions = self.readers[entry].positions();
            let behind = positions.map(|(_, at, end)| end.saturating_sub(at).max(0) as u64);
            measure.lag = Some(behind.sum());
            measure.rows_in = self.graph.rows_entered(entry);
            if placed.node.is_none() {
                measure.rows_out = measure.rows_in;
            }
        }
        measure
    }
}
