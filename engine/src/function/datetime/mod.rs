//! Dates, times and time stamps: Java's patterns, zones, ISO text, and the functions over them.
//!
//! [`TimePattern`] is what `PARSE_TIMESTAMP` and its relatives take, and `TIMESTAMP_FORMAT` too.
//! [`iso`] is what casts between text and times use. [`Zone`] is a time zone as users name it.

mod addition;
mod conversion;
mod field;
mod format;
pub mod iso;
mod parse;
mod pattern;
mod unix;
mod zone;

pub use addition::is_time_unit;
pub use pattern::TimePattern;
pub use zone::Zone;

use super::scalar::Scalar;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    let mut functions = conversion::functions();
    functions.extend(addition::functions());
    functions.extend(unix::functions());
    functions
}
