//! `millstream restore`: makes a data directory of a backup.

use std::path::Path;

use anyhow::bail;
use engine::Error;

use crate::command::say;
use crate::progress;

/// Copies the backup. The data directory must not hold anything yet.
pub fn run(backup: &Path, data: &Path) -> anyhow::Result<()> {
    let spinner = progress::spinner("restore".to_owned());
    let restored = engine::restore(backup, data);
    spinner.finish_and_clear();
    match restored {
        Ok(info) => say(&format!(
            "restored {} topics, {} bytes, to {}",
            info.topics,
            info.bytes,
            data.display()
        )),
        Err(Error::Invalid(error)) => match &error.hint {
            Some(hint) => bail!("{error}\nhint: {hint}"),
            None => bail!("{error}"),
        },
        Err(error) => Err(error.into()),
    }
}
