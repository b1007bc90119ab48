//! DELIMITED: the columns of a record as one line of text with a delimiter between them.
//!
//! A field in double quotes may hold the delimiter, line breaks and doubled quotes. An empty
//! field is null, also for STRING, so an empty string does not survive. Numbers, dates and
//! times are written as in JSON, bytes in base64.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::DelimitedDecoder;
pub(super) use write::DelimitedEncoder;

/// The character around fields that need it.
const QUOTE: char = '"';
