//! The list of rows that came between two commits, in one entry of the store.

use super::cut_off;
use crate::error::Result;

/// For each row the length of its key (4 bytes), the key, its time (8) and arrival (8).
#[derive(Debug, Default)]
pub(super) struct Came(Vec<u8>);

impl Came {
    /// Adds a row.
    pub fn add(&mut self, key: &[u8], time: i64, arrival: u64) {
        let length = u32::try_from(key.len()).expect("keys fit into records");
        self.0.extend(length.to_be_bytes());
        self.0.extend(key);
        self.0.extend(time.to_be_bytes());
        self.0.extend(arrival.to_be_bytes());
    }

    /// The entry.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The rows of an entry: key, time, arrival.
    pub fn split(mut bytes: &[u8]) -> Result<Vec<(&[u8], i64, u64)>> {
        let mut rows = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut_off)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (key, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
            let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
            let (arrival, rest) = rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
            rows.push((key, i64::from_be_bytes(*time), u64::from_be_bytes(*arrival)));
            bytes = rest;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_half_an_entry_is_an_error() {
        let mut came = Came::default();
        came.add(b"a", -5, 1);
        came.add(b"", 7, 2);
        let bytes = came.into_bytes();
        assert_eq!(Came::split(&bytes).unwrap(), [(&b"a"[..], -5, 1), (b"", 7, 2)]);
        assert!(Came::split(&bytes[..bytes.len() - 1]).is_err());
    }
}
