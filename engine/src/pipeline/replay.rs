//! Running a query over what it has read already, into another log.

use log_store::LogStore;

use super::journal::Read;
use super::{EPOCH_BYTES, Pipeline, merge};
use crate::error::{Error, Result};
use crate::processing_log::LogWriter;

impl Pipeline {
    /// Writes to another log from now on; the processing log is told nothing.
    pub fn redirect(&mut self, log: &LogStore) {
        self.processing_log = LogWriter::new(log, Box::new(|| 0));
        self.log = log.clone();
    }

    /// Reads each partition of each source up to here at most.
    pub fn bound(&mut self, ends: &[Vec<i64>]) {
        for (reader, ends) in self.readers.iter_mut().zip(ends) {
            ends.iter().enumerate().for_each(|(partition, end)| reader.bound(partition, *end));
        }
    }

    /// Reads and processes what one commit had read, and commits it.
    pub fn replay(&mut self, portion: &[Read]) -> Result<()> {
        for read in portion {
            let missing = || Error::Internal("a portion of a source that is not there".into());
            let reader = self.readers.get_mut(read.input).ok_or_else(missing)?;
            reader.bound(read.partition, read.end);
            reader.fill_to_bound(read.partition, EPOCH_BYTES)?;
            self.take_all();
        }
        let outputs = self.run()?;
        self.commit(outputs)
    }

    /// Takes what is held, which is of one partition.
    fn take_all(&mut self) {
        self.take_each(merge::next_batch);
    }
}
