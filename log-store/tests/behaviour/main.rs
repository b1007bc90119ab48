//! How the log store behaves, one file per behaviour. The store is driven through its public
//! interface only, in memory or in a temporary directory.

#![allow(missing_docs, clippy::unwrap_used)]

mod compaction;
mod concurrency;
mod crashing;
mod decoding;
mod faults;
mod groups;
mod kafka_format;
mod killing;
mod lagging;
mod model;
mod reopening;
mod retention;
mod store;
mod topics;
mod transactions;
mod waiting;
mod writing;
