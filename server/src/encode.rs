//! Arrow columns as Postgres types and values.

pub(crate) mod copy;
pub(crate) mod json;
pub(crate) mod rows;
pub(crate) mod scalar;
pub(crate) mod types;
