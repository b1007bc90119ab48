//! Golden scripts, conformance, crash and client tests of Millstream.
//!
//! - [`golden`] runs scripts of statements and commands against recorded output, on every kind
//!   of storage, at several partition counts and with crashes in between.
//! - [`conformance`] runs black-box cases of other people's making, if they are at hand.
//! - [`figures`] keeps what benches measure, and compares.
//! - [`growth`] measures what becomes of speed, memory and latency as something grows.
//! - [`nexmark`] measures the queries of a benchmark, and compares with others.
//! - [`options`] reads the command lines of benches.
//! - [`postgres`] measures the server, and compares with PostgreSQL.
//! - [`simulator`] runs random programs on machines that fail, against the same undisturbed.
//! - [`topic`] writes and reads topics record by record for all of them.

pub mod conformance;
pub mod figures;
pub mod golden;
pub mod growth;
pub mod nexmark;
pub mod options;
pub mod postgres;
pub mod simulator;
pub mod topic;

use tikv_jemallocator::Jemalloc;

// What is measured here has the memory that `millstream` has.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
