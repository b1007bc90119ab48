//! One client: its connection, its session and its statements.

mod binding;
mod commands;
pub(crate) mod connection;
mod copy_in;
mod cursor;
mod ending;
mod extended;
mod parameters;
mod prepared;
mod reply;
mod send;
pub(crate) mod session;
pub(crate) mod settings;
mod simple;
mod startup;
mod transaction;
mod user_commands;
mod values;
