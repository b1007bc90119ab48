//! What a query's stores hold, for whoever asks.

use std::sync::Arc;

use crate::error::Result;
use crate::state::{Backend, Family, StoreId, prefix_end};

/// Entries that are counted at once.
const PAGE: usize = 4096;

/// One store of a query, over all its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// What its entries are.
    pub holds: String,
    /// Number of its entries.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// The stores of a query, which can be measured while it runs.
pub struct Stores {
    backend: Arc<dyn Backend>,
    query: u32,
    /// What each store holds, by number from 1.
    holds: Vec<String>,
    /// Whether it keeps rows for pull queries.
    keeps_rows: bool,
}

impl Stores {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        query: u32,
        holds: Vec<String>,
        keeps_rows: bool,
    ) -> Self {
        Self { backend, query, holds, keeps_rows }
    }

    /// What the operators remember and the rows that are kept for pull queries, as of the last
    /// commit. Everything is looked at.
    pub fn measure(&self) -> Result<Vec<StoreInfo>> {
        let stores = (1..).zip(&self.holds);
        let stores = stores.map(|(store, holds)| {
            let groups = self.count(Family::Operator, store, holds)?;
            let members = self.count(Family::Operator, store | StoreId::MEMBERS, holds)?;
            let (keys, bytes) = (groups.keys + members.keys, groups.bytes + members.bytes);
            Ok(StoreInfo { keys, bytes, ..groups })
        });
        let mut stores = stores.collect::<Result<Vec<_>>>()?;
        if self.keeps_rows {
            stores.push(self.count(Family::Table, 0, "rows of the table")?);
        }
        Ok(stores)
    }

    /// Counts the entries of a store.
    fn count(&self, family: Family, store: u16, holds: &str) -> Result<StoreInfo> {
        let first = StoreId { query: self.query, store, shard: 0 }.prefix();
        let end = prefix_end(&first[..6]);
        let mut info = StoreInfo { holds: holds.to_owned(), keys: 0, bytes: 0 };
        let mut start = first.to_vec();
        loop {
            let page = self.backend.scan(family, &start..&end, PAGE)?;
            info.keys += page.len() as u64;
            let size =
                |(key, value): &(Box<[u8]>, Box<[u8]>)| key.len() - first.len() + value.len();
            info.bytes += page.iter().map(size).sum::<usize>() as u64;
            match page.last() {
                // The key right after the last one of the page.
                Some((last, _)) if page.len() == PAGE => start = [last, &[0][..]].concat(),
                _ => return Ok(info),
            }
        }
    }
}
