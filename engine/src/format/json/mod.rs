//! JSON: the columns of a record as an object, or a single column standing alone.
//!
//! Reading goes straight from bytes into columns, without a document in between:
//!
//! 1. [`scanner`] walks over the text and checks its grammar; [`string`] and [`number`] read
//!    the two kinds of value that have a form of their own.
//! 2. [`reader`] holds one reader per column. It knows its type and appends to its column, or
//!    only checks where nobody wants the column.
//! 3. [`object`] leads each field of an object to its reader. Records of one topic look alike,
//!    so [`names`] first compares with the field that followed the last time.
//!
//! Writing is [`writer`]. Both directions hold the rules of ksqlDB's JSON: an exact name wins
//! over one that matches in upper case, the last of repeated fields wins, numbers may come as
//! strings, and STRING takes anything.

mod decoder;
mod encoder;
mod escape;
mod names;
mod nested;
mod number;
mod object;
mod reader;
mod scanner;
mod string;
mod stringify;
mod writer;

#[cfg(test)]
mod tests;

pub(super) use decoder::JsonDecoder;
pub(super) use encoder::JsonEncoder;
