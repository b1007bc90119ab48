//! Walking over batches in a segment's file, header by header.

use crate::batch::{Batch, BatchHeader, HEADER_BYTES, HeaderFault, checksum};
use crate::error::{IoContext, Result};
use crate::io::File;
use std::path::Path;

/// What lies at a position of a segment.
pub(crate) enum Found {
    /// A batch by its header; the checksum has not been looked at.
    Batch(Batch),
    /// The end of the file or space that was never written.
    End,
    /// Neither.
    Fault(String),
}

/// Looks at `position` of a segment whose file ends at `end`.
pub(crate) fn batch_at(file: &dyn File, path: &Path, position: u64, end: u64) -> Result<Found> {
    let left = end.saturating_sub(position);
    if left == 0 {
        return Ok(Found::End);
    }
    let probe = file.read(position, left.min(HEADER_BYTES as u64) as usize).at("read", path)?;
    let header = match BatchHeader::decode(&probe) {
        Ok(header) => header,
        Err(HeaderFault::Magic(0) | HeaderFault::Short(_)) if is_zero(&probe) => {
            return Ok(Found::End);
        }
        Err(fault) => return Ok(Found::Fault(fault.to_string())),
    };
    let total = header.total_bytes();
    if total as u64 > left {
        return Ok(Found::Fault(format!("a batch of {total} bytes with {left} left in the file")));
    }
    Ok(Found::Batch(Batch::new(header, file.read(position, total).at("read", path)?)))
}

/// Why the batch does not match its checksum, if it does not.
pub(crate) fn checksum_fault(batch: &Batch) -> Option<String> {
    let (expected, found) = (batch.header().crc, checksum(batch.bytes()));
    (expected != found)
        .then(|| format!("checksum {found:08x} where the header says {expected:08x}"))
}

/// Whether there is nothing but zeros.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
