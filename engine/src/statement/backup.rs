//! `BACKUP TO`: a copy of everything in a directory of its own.

use std::path::PathBuf;
use std::sync::Arc;

use super::done;
use crate::backup::back_up;
use crate::error::{Error, Result};
use crate::outcome::Done;
use crate::session::Session;

/// Makes the copy. It is finished also where its client leaves.
pub async fn execute(session: &Session, path: &str) -> Result<Done> {
    let shared = Arc::clone(&session.shared);
    let path = PathBuf::from(path);
    let shown = path.display().to_string();
    let made = tokio::task::spawn_blocking(move || back_up(&shared, &path));
    let (info, waited) = made.await.map_err(|error| Error::Internal(error.to_string()))??;
    let message = format!(
        "backed up to {shown}: {} topics, {} bytes; queries and inserts waited {} ms",
        info.topics,
        info.bytes,
        waited.as_millis()
    );
    Ok(done("BACKUP", message))
}
