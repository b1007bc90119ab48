//! The Postgres endpoint of Millstream: psql, drivers and BI tools on an [`engine::Engine`].
//!
//! The life of a statement:
//!
//! 1. `client::simple` or `client::extended` takes it off the wire; `text::scan` cuts a script into
//!    statements.
//! 2. `text::command` answers for statements about the connection (transactions, settings, cursors,
//!    COPY); `text::route` sends every other one to the engine or to the Postgres catalog.
//!    `sessions` knows who is connected and ends statements and connections for others; `users` and
//!    `tls` decide who gets that far.
//! 3. Names fold on the way in and out (`text::names`), parameters become literals
//!    (`client::parameters`), and positions of errors lead back to the client's text (`text::rewrite`).
//! 4. Record batches become rows (`encode`) and leave as they come (`client::send`).
//!
//! Beside it, `monitoring` answers `/metrics` and `/health` over HTTP.
//!
//! This crate is the only one that knows the wire protocol. DataFusion runs here for one purpose:
//! queries over `pg_catalog` and `information_schema` (`catalog`), which hold no data of ours.

mod catalog;
mod client;
mod config;
mod encode;
mod failure;
mod hangup;
mod monitoring;
mod server;
mod sessions;
mod text;
mod tls;
mod users;

pub use config::{Authentication, Config, Tls};
pub use server::{Error, Server};
pub use tls::TlsError;
pub use users::verifier;
