//! Small files that are replaced as a whole: after a crash there is the old one or the new one.

use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::io::{Access, Io};

/// What a file is called until it is complete.
pub(crate) const UNFINISHED: &str = "new";

/// Puts `bytes` in the place of whatever `path` held.
pub(crate) fn replace_file(io: &dyn Io, path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = unfinished(path);
    let file = io.open(&unfinished, Access::Create).at("create", &unfinished)?;
    file.truncate(0).at("cut", &unfinished)?;
    file.write_at(bytes, 0).at("write", &unfinished)?;
    file.sync().at("sync", &unfinished)?;
    io.rename(&unfinished, path).at("rename", &unfinished)?;
    match path.parent() {
        Some(dir) => io.sync_dir(dir).at("sync", dir),
        None => Ok(()),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    name.into()
}
