//! The keys under which sessions are stored.
//!
//! | key | value |
//! |---|---|
//! | `s`, key, start | end, states of the aggregates |
//! | `e`, end, key, start | nothing |

use super::Key;
use crate::error::{Error, Result};

pub(super) const BY_KEY: u8 = b's';
const BY_END: u8 = b'e';

pub(super) fn by_key(key: &[u8], start: i64) -> Vec<u8> {
    [&[BY_KEY], key, &time_bytes(start)].concat()
}

pub(super) fn by_end(end: i64, key: &[u8], start: i64) -> Vec<u8> {
    [&[BY_END][..], &time_bytes(end), key, &time_bytes(start)].concat()
}

/// What all entries of sessions with this end, or a later one, are not before.
pub(super) fn from_end(end: i64) -> Vec<u8> {
    [&[BY_END][..], &time_bytes(end)].concat()
}

/// The start of an entry by key.
pub(super) fn split_start(stored: &[u8]) -> Result<(&[u8], i64)> {
    let (rest, start) = stored.split_last_chunk::<8>().ok_or_else(cut_off)?;
    Ok((rest, time_of(*start)))
}

/// End, key and start of an entry by end.
pub(super) fn split_end(stored: &[u8]) -> Result<(i64, Key, i64)> {
    let (rest, start) = split_start(stored)?;
    let (end, key) = rest[1..].split_first_chunk::<8>().ok_or_else(cut_off)?;
    Ok((time_of(*end), Key::from(key), start))
}

/// With the sign turned, times sort as their bytes do.
fn time_bytes(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

fn time_of(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

fn cut_off() -> Error {
    Error::Internal("a stored session is cut off".into())
}
