//! The bench of growth: what becomes of speed, memory and latency as something grows.
//!
//! 1. [`section`] lists what grows (partitions, keys, queries …), by which steps, and what is
//!    measured at each.
//! 2. [`bench`] goes through sections and steps. Each step is a process of its own, with a data
//!    directory of its own that goes away with it.
//! 3. In that process one of [`counting`], [`queries`], [`backlog`], [`latency`] and [`start`] fills
//!    the directory ([`ground`]), which counts for nothing, and measures.
//! 4. [`table`] shows a section as Markdown; [`plot`] draws all of them, also those of earlier runs.

pub mod arguments;
pub mod backlog;
pub mod bench;
pub mod counting;
pub mod ground;
pub mod latency;
pub mod plot;
pub mod queries;
pub mod section;
pub mod spread;
pub mod start;
pub mod table;
