//! What clients send, as text: cut into statements, folded, and sent on its way.

pub(crate) mod command;
pub(crate) mod copy;
pub(crate) mod length;
pub(crate) mod names;
pub(crate) mod rewrite;
pub(crate) mod route;
pub(crate) mod scan;
mod times;
pub(crate) mod user;
