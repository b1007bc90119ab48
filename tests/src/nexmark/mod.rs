//! The bench of Nexmark: its queries on one set of files, here and, where they are at hand, in Flink.
//!
//! 1. [`events`] has the files of JSON lines made by the peers' generator, or, where it is not there,
//!    topics by `millstream datagen`.
//! 2. [`bench`] goes through the queries. For each it makes a data directory of its own and fills it, which
//!    counts for nothing.
//! 3. [`run`] is a process of its own: it opens the directory, starts the query, waits until it has caught
//!    up, and says how long that took.
//! 4. [`peers`] has the answers compared with those of DuckDB, and the same queries run by Flink.
//! 5. [`table`] shows what came of it.
//!
//! The queries themselves are in `tests/nexmark`.

pub mod arguments;
pub mod bench;
pub mod events;
pub mod measure;
pub mod peers;
pub mod run;
pub mod script;
pub mod table;
