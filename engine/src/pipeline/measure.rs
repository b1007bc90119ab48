//! What went through the nodes of a running query, for `EXPLAIN ANALYZE`.

use super::Pipeline;

/// What went through a node of a plan since the query was started, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows that went out.
    pub rows_out: u64,
    /// Bytes of memory that its state holds.
    pub memory: usize,
    /// For a source, records that it has not read yet.
    pub lag: Option<u64>,
}

/// Where a node of a plan went: a source to an entry, which a node may follow, others to a node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placed {
    /// The entry of the graph, which is also the number of the reader.
    pub entry: Option<usize>,
    /// The node of the graph.
    pub node: Option<usize>,
}

impl Pipeline {
    /// The measures of the plan's nodes, each after its inputs, from left to right.
    pub fn measures(&self) -> Vec<Measure> {
        self.placed.iter().map(|placed| self.measure(*placed)).collect()
    }

    fn measure(&self, placed: Placed) -> Measure {
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
