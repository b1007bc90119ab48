//! The engine of Millstream: catalog, analysis, planning, operators, state and tasks.
//!
//! An [`Engine`] owns a data directory (or memory): its log store, its catalog and the state of
//! its queries. A [`Session`] runs statements on it. Everything a statement can give is an
//! [`Outcome`].
//!
//! The life of a statement:
//! 1. `sql` parses it; [`Session::execute`] hands it to the module of its kind in `statement`.
//! 2. Queries are planned (`planner`): names and types are settled (`planner::expression`), and
//!    out comes a stream plan (`plan`).
//! 3. A persistent query becomes a stream or table of the `catalog` and a `pipeline` of
//!    `operator`s, moved by the `scheduler`; a push query a pipeline whose output is the client,
//!    moved by the same threads; a pull query a DataFusion plan (`query`).
//! 4. `monitor` knows what goes on; `system` shows it as tables.
//!
//! This is the only crate that names DataFusion and RocksDB.

mod backup;
mod catalog;
mod change;
mod clock;
mod describe;
mod engine;
mod error;
mod evaluate;
mod expression_text;
mod leftovers;
mod machine;
mod monitor;
mod near_miss;
mod operator;
mod outcome;
mod pipeline;
mod plan;
mod planner;
mod processing_log;
mod properties;
mod query;
mod relation;
mod row_type;
mod scheduler;
mod session;
mod source_info;
mod state;
mod statement;
mod system;
mod user;
mod window;

pub mod aggregate;
pub mod format;
pub mod function;
pub mod types;

pub use backup::{BackupInfo, restore};
pub use clock::{Clock, ManualClock, SystemClock};
pub use describe::Description;
pub use engine::{Delivery, Emission, Engine, Options, Simulated, Storage, TopicRecord, Workers};
pub use error::{Code, Diagnostic, Error, Result};
pub use monitor::{ConnectionInfo, PartitionInfo, QueryInfo, QueryKind};
pub use outcome::{Column, Done, Outcome, RowStream, Rows};
pub use properties::{SESSION_PROPERTIES, SessionProperty, properties_reference};
pub use query::PreparedQuery;
pub use relation::{Relation, RelationKind};
pub use session::Session;
pub use source_info::{
    ColumnRole, SideInfo, SourceColumn, SourceInfo, SourceKind, TimestampInfo, WindowInfo,
    WindowKind,
};
pub use state::StateWatch;
pub use statement::transaction::Savepoint;
pub use user::Verifier;
