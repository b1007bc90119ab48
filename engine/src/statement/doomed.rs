//! Topics that come or go with a statement, and the crash in between.
//!
//! Topics and the catalog lie in two stores, which cannot be written at once. So the name of a
//! topic is noted beside the catalog for as long as it may be there without a stream or table:
//!
//! - from before a statement makes the topic to the write that commits the catalog;
//! - from the write that commits a catalog without it until the topic is deleted.
//!
//! A topic that is noted when an engine is opened was left by a crash, or by a disk that would not
//! let it go, and is deleted then.

use log_store::LogStore;

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::state::{Backend, Family, WriteBatch, prefix_end};

/// What the keys of notes begin with; the topic's name follows, and is also the value.
const PREFIX: &[u8] = b"doomed topic";

fn key(topic: &str) -> Vec<u8> {
    [PREFIX, topic.as_bytes()].concat()
}

/// Notes a topic in the write that commits a catalog without it.
pub fn note(batch: &mut WriteBatch, topic: &str) {
    batch.put(Family::Meta, key(topic), topic);
}

/// Forgets the note in the write that commits a catalog with the topic.
pub fn forget(batch: &mut WriteBatch, topic: &str) {
    batch.delete(Family::Meta, key(topic));
}

/// Notes a topic that is about to be made, for good: the topic must not outlive the note.
pub fn note_now(backend: &dyn Backend, topic: &str) -> Result<()> {
    write(backend, |batch| note(batch, topic))
}

/// Forgets the note of a topic that could not be made.
pub fn withdraw(backend: &dyn Backend, topic: &str) -> Result<()> {
    write(backend, |batch| forget(batch, topic))
}

/// Deletes a noted topic and forgets the note.
pub fn delete(shared: &Shared, topic: &str) -> Result<()> {
    shared.log.delete_topic(topic)?;
    write(shared.backend.as_ref(), |batch| forget(batch, topic))
}

/// The noted topics.
pub fn noted(backend: &dyn Backend) -> Result<Vec<String>> {
    let notes = backend.scan(Family::Meta, PREFIX..&prefix_end(PREFIX), usize::MAX)?;
    let name = |name: Box<[u8]>| String::from_utf8(name.into());
    let names = notes.into_iter().map(|(_, topic)| name(topic));
    names.collect::<Result<_, _>>().map_err(|error| Error::Internal(error.to_string()))
}

/// Deletes the topics that are left.
pub fn delete_noted(log: &LogStore, backend: &dyn Backend) -> Result<()> {
    let names = noted(backend)?;
    for name in names.iter().filter(|name| log.topic(name).is_some()) {
        log.delete_topic(name)?;
    }
    match names.is_empty() {
        true => Ok(()),
        false => write(backend, |batch| batch.delete_range(Family::Meta, all())),
    }
}

fn all() -> std::ops::Range<Vec<u8>> {
    PREFIX.to_vec()..prefix_end(PREFIX)
}

fn write(backend: &dyn Backend, fill: impl FnOnce(&mut WriteBatch)) -> Result<()> {
    let mut batch = WriteBatch::default();
    fill(&mut batch);
    backend.write(batch)?;
    backend.sync()
}
