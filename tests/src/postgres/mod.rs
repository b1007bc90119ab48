//! The bench beside PostgreSQL: the same client asks both servers, on one machine and in one run.
//!
//! 1. [`ours`] and [`theirs`] start the servers, each with its default settings, a directory that goes
//!    with it and a port of the system.
//! 2. [`accounts`] gives both the same table, and compares what they say of some keys.
//! 3. [`lookups`] has pgbench ask for rows by their key, one server after the other.
//! 4. [`delay`] measures how long an inserted row takes to a client that waits for it.
//! 5. [`crowd`] does the same with very many clients at once, and looks at the memory that they take.
//!
//! Without PostgreSQL's programs the third is left out.

pub mod accounts;
pub mod arguments;
pub mod bench;
pub mod client;
pub mod crowd;
pub mod delay;
pub mod lookups;
pub mod ours;
pub mod process;
pub mod quantiles;
pub mod theirs;
