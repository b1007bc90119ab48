//! What should not be there while no query is at work: state of queries that are gone, queries that
//! were not started, transactions without an end. For tests, and for whoever doubts a data directory.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::error::Result;
use crate::pipeline::commit;
use crate::state::{Backend, Family, prefix_end};
use crate::statement::doomed;

impl Engine {
    /// What nothing in the catalog accounts for, a line each.
    pub fn leftovers(&self) -> Result<Vec<String>> {
        let backend = self.shared.backend.as_ref();
        let catalog = self.shared.catalog();
        let queries: BTreeSet<u32> = catalog.queries.keys().copied().collect();
        let mut found = of_families(backend, &queries)?;
        let idle = |number: &u32| self.shared.scheduler.task(*number).is_none();
        let idle = catalog.queries.values().filter(|query| idle(&query.number));
        found.extend(idle.map(|query| format!("query {} was not started", query.id)));
        found.extend(of_positions(backend, &queries)?);
        // A note without its topic does no harm, and goes when the engine is opened again.
        let doomed = doomed::noted(backend)?.into_iter();
        let doomed = doomed.filter(|topic| self.log().topic(topic).is_some());
        found.extend(doomed.map(|topic| format!("topic {topic} is to be deleted")));
        let prepared = self.log().prepared();
        found.extend(prepared.iter().map(|id| format!("transaction {id} has no outcome")));
        for topic in self.log().topics() {
            for partition in topic.partitions() {
                let name = partition.topic_partition();
                let open = partition.open_transactions();
                found.extend(open.iter().map(|id| format!("transaction {id} is open in {name}")));
            }
        }
        Ok(found)
    }
}

/// Entries of operators and tables whose query is gone.
fn of_families(backend: &dyn Backend, queries: &BTreeSet<u32>) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for family in [Family::Operator, Family::Table] {
        for (key, _) in backend.scan(family, &[]..&[u8::MAX; 16], usize::MAX)? {
            let number = key.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            if number.is_none_or(|number| !queries.contains(&number)) {
                found.insert(format!("{} state of query {number:?}", family.name()));
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn of_positions(backend: &dyn Backend, queries: &BTreeSet<u32>) -> Result<Vec<String>> {
    let entries = backend.scan(Family::Meta, b"p"..&prefix_end(b"p"), usize::MAX)?;
    let read = entries.iter().map(|(key, _)| (key, commit::parse_position_key(key)));
    let gone = read.filter(|(_, read)| !read.as_ref().is_some_and(|(q, _)| queries.contains(q)));
    Ok(gone.map(|(key, _)| format!("position {}", String::from_utf8_lossy(key))).collect())
}
