//! Reading a whole partition in search of damage.

use std::path::PathBuf;
use std::sync::Arc;

use super::Partition;
use crate::batch::{Batch, Payload};
use crate::error::Result;
use crate::io::File;
use crate::scan::{Found, batch_at, checksum_fault};
use crate::segment::Segment;
use crate::value::{Offset, TopicPartition};

/// What a partition was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The partition.
    pub partition: TopicPartition,
    /// How many segments were read.
    pub segments: usize,
    /// How many whole batches there are.
    pub batches: u64,
    /// How many records they hold.
    pub records: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What is damaged; a segment is not read beyond its first fault.
    pub faults: Vec<Fault>,
}

/// A place where a log is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub position: u64,
    /// The offset that is expected there.
    pub offset: Offset,
    /// What is there.
    pub found: String,
}

impl Partition {
    /// Reads every batch and every record anew, whatever was verified before. `progress` hears of
    /// the bytes of each batch.
    pub fn verify(&self, progress: &dyn Fn(u64)) -> Result<Verification> {
        self.check_readable()?;
        let mut verification = Verification {
            partition: self.name.clone(),
            segments: 0,
            batches: 0,
            records: 0,
            bytes: 0,
            faults: Vec::new(),
        };
        if let Some(damage) = self.damage.get() {
            verification.faults.push(Fault {
                path: damage.path.clone(),
                position: damage.position,
                offset: self.high_watermark(),
                found: damage.found.clone(),
            });
        }
        for segment in self.segments_from(Offset::ZERO) {
            verification.segments += 1;
            verify_segment(&segment, &mut verification, progress)?;
        }
        Ok(verification)
    }
}

fn verify_segment(
    segment: &Arc<Segment>,
    verification: &mut Verification,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let end = segment.len();
    if end == 0 {
        return Ok(());
    }
    let open = segment.open()?;
    let (mut position, mut expected) = (0, segment.base());
    while position < end {
        let batch = match sound_batch(segment, &*open.file, position, end, expected)? {
            Ok(batch) => batch,
            Err(found) => {
                let path = segment.path().to_owned();
                verification.faults.push(Fault { path, position, offset: expected, found });
                return Ok(());
            }
        };
        position += batch.size_bytes() as u64;
        expected = batch.next_offset();
        verification.batches += 1;
        verification.records += u64::from(batch.record_count());
        verification.bytes += batch.size_bytes() as u64;
        progress(batch.size_bytes() as u64);
    }
    Ok(())
}

/// The batch at `position`, or what is wrong with it.
fn sound_batch(
    segment: &Segment,
    file: &dyn File,
    position: u64,
    end: u64,
    expected: Offset,
) -> Result<std::result::Result<Batch, String>> {
    Ok(match batch_at(file, segment.path(), position, end)? {
        Found::End => Err("unwritten space".to_owned()),
        Found::Fault(found) => Err(found),
        Found::Batch(batch) => match fault_of(&batch, expected) {
            Some(found) => Err(found),
            None => Ok(batch),
        },
    })
}

fn fault_of(batch: &Batch, expected: Offset) -> Option<String> {
    if batch.base_offset() < expected {
        return Some(format!("offset {} where at least {expected} is due", batch.base_offset()));
    }
    checksum_fault(batch).or_else(|| payload_fault(batch))
}

fn payload_fault(batch: &Batch) -> Option<String> {
    let records = match batch.payload() {
        Ok(Payload::Columnar(_)) => return None,
        Ok(Payload::Records(records)) => records,
        Err(error) => return Some(error.to_string()),
    };
    records.iter().find_map(|record| record.err()).map(|error| error.to_string())
}
