//! Topics that come or go with a statement, and the crash in between.
//!
//! Topics and the catalog lie in two stores, which cannot be written at once. So the name of a
//! topic is noted beside the catalog for as long as it may be there without a stream or table:
//!
//! - from before a statement makes the topic to the write that commits the catalog;
//! - from the write that commits a catalog without it until the topic is deleted.
//!
//! A topic that is noted when an engine is opened was left by a crash and is deleted then. There is
//! one note, since one statement at a time changes the catalog.

use log_store::LogStore;

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::state::{Backend, Family, WriteBatch};

const KEY: &[u8] = b"doomed topic";

/// Notes a topic in the write that commits a catalog without it.
pub fn note(batch: &mut WriteBatch, topic: &str) {
    batch.put(Family::Meta, KEY, topic);
}

/// Forgets the note in the write that commits a catalog with the topic.
pub fn forget(batch: &mut WriteBatch) {
    batch.delete(Family::Meta, KEY);
}

/// Notes a topic that is about to be made, for good: the topic must not outlive the note.
pub fn note_now(backend: &dyn Backend, topic: &str) -> Result<()> {
    write(backend, |batch| note(batch, topic))
}

/// Deletes a noted topic and forgets the note.
pub fn delete(shared: &Shared, topic: &str) -> Result<()> {
    shared.log.delete_topic(topic)?;
    write(shared.backend.as_ref(), forget)
}

/// Deletes the topic that a crash has left.
pub fn delete_noted(log: &LogStore, backend: &dyn Backend) -> Result<()> {
    let Some(name) = backend.get(Family::Meta, KEY)? else { return Ok(()) };
    let name = String::from_utf8(name).map_err(|error| Error::Internal(error.to_string()))?;
    if log.topic(&name).is_some() {
        log.delete_topic(&name)?;
    }
    write(backend, forget)
}

fn write(backend: &dyn Backend, fill: impl FnOnce(&mut WriteBatch)) -> Result<()> {
    let mut batch = WriteBatch::default();
    fill(&mut batch);
    backend.write(batch)?;
    backend.sync()
}
