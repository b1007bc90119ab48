//! Writing to a partition.

use std::sync::Arc;

use super::{Partition, Writer};
use crate::batch::{AppendBatch, Attributes, BatchHeader, marker};
use crate::codec::Codec;
use crate::config::{FlushPolicy, TopicConfig};
use crate::error::{Error, IoContext, Result};
use crate::io::File;
use crate::producer::{AbortedTransaction, Verdict};
use crate::segment::{Segment, SegmentExtent};
use crate::value::{Offset, Outcome, Timestamp, TransactionId};

/// Room is taken in steps that double from the first of these to the second.
const ALLOCATE_BYTES_MIN: u64 = 64 * 1024;
const ALLOCATE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendInfo {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The time that the store stamped it with, if the topic has `LogAppendTime`.
    pub append_time: Option<Timestamp>,
    /// Whether it had been there already, written by the same producer under the same numbers.
    pub duplicate: bool,
}

/// Who waits for the disk after an append.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// The appender, if the topic's policy says so.
    AsConfigured,
    /// Somebody later: a transaction syncs when it is prepared.
    Later,
}

impl Partition {
    /// Appends a batch. When this returns, the batch is as durable as the topic's flush policy
    /// promises, and readers may see it.
    pub fn append(&self, batch: AppendBatch) -> Result<AppendInfo> {
        let attributes = batch.header.attributes;
        if attributes.has(Attributes::CONTROL) || attributes.has(Attributes::TRANSACTIONAL) {
            return Err(Error::InvalidInput(format!(
                "{}: batches of transactions come through one alone",
                self.name
            )));
        }
        self.append_with(batch, Sync::AsConfigured)
    }

    pub(crate) fn append_with(&self, batch: AppendBatch, sync: Sync) -> Result<AppendInfo> {
        let config = self.config();
        let mut batch = self.admit(batch, &config)?;
        batch.checksum_ahead();
        let mut writer = self.writer.lock();
        self.check_writable()?;
        let info = match self.judge(&writer, &batch, &config)? {
            Some(duplicate) => duplicate,
            None => self.write(&mut writer, &mut batch, &config)?,
        };
        let due = writer.records_unsynced;
        drop(writer);
        self.settle(info, due, &config, sync)
    }

    /// Ends a transaction in this partition, if it is open here.
    pub(crate) fn append_marker(&self, id: TransactionId, outcome: Outcome) -> Result<()> {
        let config = self.config();
        let mut writer = self.writer.lock();
        self.check_writable()?;
        if !writer.producers.is_open(id) {
            return Ok(());
        }
        let mut batch = marker(id.producer(), outcome, self.env.now());
        let (position, _) = self.place(&mut writer, &mut batch, &config)?;
        let header = batch.header;
        let first = writer.producers.ended(&header, self.env.now());
        if let Some(aborted) = AbortedTransaction::of(first, &header, outcome) {
            self.aborted.write().add(aborted);
        }
        self.finish(&mut writer, &header, position, &config);
        drop(writer);
        self.env.notifier.notify(&self.name);
        Ok(())
    }

    /// Checks what can be checked without the writer, and compresses as the topic wants it.
    fn admit(&self, batch: AppendBatch, config: &TopicConfig) -> Result<AppendBatch> {
        if batch.record_count() == 0 {
            return Err(Error::InvalidInput(
                "a batch without records cannot be appended".to_owned(),
            ));
        }
        let mut batch = recompressed(batch, config)?;
        let bytes_max = config.values().max_message_bytes;
        if batch.size_bytes() > bytes_max {
            return Err(Error::InvalidInput(format!(
                "{}: a batch of {} bytes is larger than max.message.bytes, {bytes_max}",
                self.name,
                batch.size_bytes()
            )));
        }
        if config.is_compacted() {
            self.check_keys(&batch)?;
        }
        // Whoever encoded the batch does not choose these.
        let chosen_here = Attributes::LOG_APPEND_TIME | Attributes::DELETE_HORIZON;
        batch.header.attributes = batch.header.attributes.without(chosen_here);
        if config.values().append_time {
            batch.header.attributes = batch.header.attributes.with(Attributes::LOG_APPEND_TIME);
            batch.header.max_timestamp = self.env.now();
        }
        Ok(batch)
    }

    /// A compacted topic keeps the last record of each key: there must be one.
    fn check_keys(&self, batch: &AppendBatch) -> Result<()> {
        if batch.is_columnar() {
            return Err(Error::InvalidInput(format!(
                "{} is compacted and takes no columnar batches",
                self.name
            )));
        }
        if batch.header.attributes.has(Attributes::CONTROL) {
            return Ok(());
        }
        for record in batch.records()?.iter() {
            if record?.key.is_none() {
                return Err(Error::InvalidInput(format!(
                    "{} is compacted and takes no records without a key",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// The answer to a batch that is in the log already; nothing for one that is new.
    fn judge(
        &self,
        writer: &Writer,
        batch: &AppendBatch,
        config: &TopicConfig,
    ) -> Result<Option<AppendInfo>> {
        if batch.header.producer_id < 0 {
            return Ok(None);
        }
        Ok(match writer.producers.judge(&self.name, &batch.header)? {
            Verdict::Append => None,
            Verdict::Duplicate { base_offset, last_offset } => Some(AppendInfo {
                base_offset,
                last_offset,
                append_time: config.values().append_time.then_some(batch.header.max_timestamp),
                duplicate: true,
            }),
        })
    }

    fn write(
        &self,
        writer: &mut Writer,
        batch: &mut AppendBatch,
        config: &TopicConfig,
    ) -> Result<AppendInfo> {
        let (bytes, now) = self.place(writer, batch, config)?;
        let header = batch.header;
        writer.producers.appended(&header, now);
        self.finish(writer, &header, bytes, config);
        Ok(AppendInfo {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            append_time: config.values().append_time.then_some(header.max_timestamp),
            duplicate: false,
        })
    }

    /// Writes the batch at the end of the log, where nobody sees it yet. Gives its bytes and the
    /// time.
    fn place(
        &self,
        writer: &mut Writer,
        batch: &mut AppendBatch,
        config: &TopicConfig,
    ) -> Result<(u64, Timestamp)> {
        let now = self.env.now();
        // Padding may add to a columnar batch.
        let room = (batch.size_bytes() + crate::batch::COLUMNAR_ALIGNMENT) as u64;
        let segment = self.active_segment(writer, room, now, config)?;
        let open = segment.open()?;
        let position = segment.len();
        self.clear_tail(writer, &segment, &*open.file)?;
        self.allocate(writer, &segment, &*open.file, position + room, config)?;
        let bytes = batch.place(writer.next_offset, position);
        let len = bytes.len() as u64;
        if let Err(error) = open.file.write_at(bytes, position) {
            writer.tail_unclean = true;
            // If this fails as well, the next append tries it again before it writes.
            let _ = self.clear_tail(writer, &segment, &*open.file);
            return Err(error).at("write", segment.path());
        }
        segment.extend(&open, &batch.header, len);
        Ok((len, now))
    }

    /// Removes what a failed write may have left behind: whole batches inside of it must never be
    /// taken for ours. It is gone for good before anything is written in its place, or else a loss
    /// of power could leave a mixture of both.
    fn clear_tail(&self, writer: &mut Writer, segment: &Segment, file: &dyn File) -> Result<()> {
        if !writer.tail_unclean {
            return Ok(());
        }
        file.truncate(segment.len()).at("cut", segment.path())?;
        writer.allocated = segment.len();
        let synced = file.sync().at("sync", segment.path());
        synced.inspect_err(|error| self.poison_if_sync_failed(error))?;
        writer.tail_unclean = false;
        Ok(())
    }

    /// Moves all marks past a batch that was written.
    fn finish(&self, writer: &mut Writer, header: &BatchHeader, bytes: u64, config: &TopicConfig) {
        writer.next_offset = header.next_offset();
        writer.records_unsynced += i64::from(header.record_count);
        writer.bytes_since_checkpoint += bytes;
        self.publish_transactions(writer);
        if config.flush_policy() != FlushPolicy::Always {
            self.publish_high_watermark(writer.next_offset);
        }
    }

    /// Takes room on the disk in steps; when there is none for a whole step, just what is needed.
    fn allocate(
        &self,
        writer: &mut Writer,
        segment: &Segment,
        file: &dyn File,
        end: u64,
        config: &TopicConfig,
    ) -> Result<()> {
        if end <= writer.allocated {
            return Ok(());
        }
        let step = writer.allocated.clamp(ALLOCATE_BYTES_MIN, ALLOCATE_BYTES_MAX);
        let wanted = (writer.allocated + step).min(config.values().segment_bytes).max(end);
        let done = file.allocate(wanted).map(|()| wanted);
        writer.allocated =
            done.or_else(|_| file.allocate(end).map(|()| end)).at("grow", segment.path())?;
        Ok(())
    }

    /// The segment to write to; a new one if the last is full or old.
    fn active_segment(
        &self,
        writer: &mut Writer,
        bytes: u64,
        now: Timestamp,
        config: &TopicConfig,
    ) -> Result<Arc<Segment>> {
        let last = self.segments.read().last().cloned();
        let Some(last) = last else { return self.begin_segment(writer, now, config) };
        let values = config.values();
        let full = !last.has_room_for(writer.next_offset, bytes, values.segment_bytes);
        let old =
            last.len() > 0 && now.0.saturating_sub(writer.active_since.0) >= values.segment_ms;
        if !full && !old {
            return Ok(last);
        }
        last.seal()?;
        let segment = self.begin_segment(writer, now, config)?;
        writer.rolled.push(last);
        Ok(segment)
    }

    /// Begins a segment at the log end. It joins the others only when its file exists.
    fn begin_segment(
        &self,
        writer: &mut Writer,
        now: Timestamp,
        config: &TopicConfig,
    ) -> Result<Arc<Segment>> {
        self.env.io.create_dir(&self.dir).at("create", &self.dir)?;
        let interval = config.values().index_interval_bytes;
        let segment = Segment::new(
            self.env.clone(),
            &self.dir,
            writer.next_offset,
            SegmentExtent::EMPTY,
            interval,
        );
        let segment = Arc::new(segment);
        segment.make_writable();
        segment.open()?;
        self.segments.write().push(segment.clone());
        writer.active_since = now;
        writer.allocated = 0;
        writer.tail_unclean = false;
        writer.dir_synced = false;
        Ok(segment)
    }

    /// Ends the active segment, so that retention and compaction may have it.
    pub(crate) fn roll(&self) -> Result<()> {
        let mut writer = self.writer.lock();
        self.check_writable()?;
        let Some(last) = self.segments.read().last().cloned().filter(|last| last.len() > 0) else {
            return Ok(());
        };
        last.seal()?;
        self.begin_segment(&mut writer, self.env.now(), &self.config())?;
        writer.rolled.push(last);
        Ok(())
    }

    /// Waits for the disk if the policy says so, and tells the listeners.
    fn settle(
        &self,
        info: AppendInfo,
        unsynced: i64,
        config: &TopicConfig,
        sync: Sync,
    ) -> Result<AppendInfo> {
        match config.flush_policy() {
            FlushPolicy::Always if sync == Sync::AsConfigured => {
                self.sync_through(info.last_offset + 1)?
            }
            FlushPolicy::Interval { messages, .. } if unsynced >= messages => self.flush()?,
            _ => {}
        }
        if !info.duplicate {
            self.env.notifier.notify(&self.name);
        }
        Ok(info)
    }
}

/// The batch in the topic's codec, if the topic has one.
fn recompressed(batch: AppendBatch, config: &TopicConfig) -> Result<AppendBatch> {
    let Some(wanted) = config.values().compression else { return Ok(batch) };
    if batch.is_columnar() || Codec::of(batch.header.attributes)? == wanted {
        return Ok(batch);
    }
    batch.recompressed(wanted)
}
