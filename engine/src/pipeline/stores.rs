//! What a query's stores hold, for whoever asks.

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

/// Counts the entries of a store.
pub(super) fn measure(
    backend: &dyn Backend,
    query: u32,
    store: u16,
    holds: &str,
) -> Result<StoreInfo> {
    let first = StoreId { query, store, shard: 0 }.prefix();
    let end = prefix_end(&first[..6]);
    let mut info = StoreInfo { holds: holds.to_owned(), keys: 0, bytes: 0 };
    let mut start = first.to_vec();
    loop {
        let page = backend.scan(Family::Operator, &start..&end, PAGE)?;
        info.keys += page.len() as u64;
        let size = |(key, value): &(Box<[u8]>, Box<[u8]>)| key.len() - first.len() + value.len();
        info.bytes += page.iter().map(size).sum::<usize>() as u64;
        match page.last() {
            // The key right after the last one of the page.
            Some((last, _)) if page.len() == PAGE => start = [last, &[0][..]].concat(),
            _ => return Ok(info),
        }
    }
}
