//! The conformance runner: black-box cases over a real engine.
//!
//! A case says: run these statements, write these records, and expect exactly these records,
//! rows or refusals. The steps of a run:
//!
//! 1. [`load`] reads the files; [`case`] is what stands in them.
//! 2. [`runner`] gives every case a thread, a fresh engine and a deadline, and turns whatever
//!    happens into a [`verdict::Verdict`].
//! 3. [`run_query`], [`run_rest`] and [`run_sql`] carry out one case each by its kind.
//! 4. [`encode`] and [`decode`] translate between case data and record bytes by the
//!    [`layout`] that the catalog declares for a topic; [`outputs`], [`rows`], [`post`] and
//!    [`compare`] decide what is equal.
//! 5. [`report`] counts, and writes the verdicts down.
//!
//! Nothing here looks at the id of a case. The cases themselves are not part of the project.

pub mod assertion;
pub mod case;
pub mod compare;
pub mod decode;
pub mod encode;
pub mod layout;
pub mod literal;
pub mod load;
pub mod number;
pub mod outputs;
pub mod post;
pub mod refusal;
pub mod report;
pub mod rig;
pub mod rows;
pub mod run_query;
pub mod run_rest;
pub mod run_sql;
pub mod runner;
pub mod schema;
pub mod setup;
pub mod verdict;
