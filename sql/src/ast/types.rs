//! Column types.

use super::Ident;

/// A type of the dialect.
///
/// [`Display`](std::fmt::Display) prints the canonical form, with back-ticks around field names
/// only where they are needed; [`DataType::quoted`] prints them always.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `BOOLEAN`.
    Boolean,
    /// `INTEGER` or `INT`: 32 bits.
    Integer,
    /// `BIGINT`: 64 bits.
    BigInt,
    /// `DOUBLE`: 64-bit floating point.
    Double,
    /// `DECIMAL(precision, scale)`.
    Decimal {
        /// Number of digits in all.
        precision: u8,
        /// Number of digits after the point.
        scale: u8,
    },
    /// `STRING`, `VARCHAR` or `VARCHAR(n)`; the length is not kept.
    String,
    /// `BYTES`.
    Bytes,
    /// `TIME`: milliseconds of a day.
    Time,
    /// `DATE`: days since the epoch.
    Date,
    /// `TIMESTAMP`: milliseconds since the epoch.
    Timestamp,
    /// `ARRAY<element>` or `element ARRAY`.
    Array(Box<DataType>),
    /// `MAP<key, value>`.
    Map(Box<DataType>, Box<DataType>),
    /// `STRUCT<name type, …>`.
    Struct(Vec<(Ident, DataType)>),
    /// A name that `CREATE TYPE` has to have defined.
    Custom(Ident),
}
