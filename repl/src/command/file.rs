//! Files to read from beginning to end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::progress;

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// The bytes of the file, unpacked, with a bar that follows what is read of it.
pub fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let file = File::open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bar = progress::bytes(&name, file.metadata()?.len());
    let bytes: Box<dyn Read> = Box::new(bar.wrap_read(file));
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let unpacked: Box<dyn Read> =
        if packed { Box::new(MultiGzDecoder::new(buffered(bytes))) } else { bytes };
    Ok(Box::new(buffered(unpacked)))
}

fn buffered(bytes: Box<dyn Read>) -> BufReader<Box<dyn Read>> {
    BufReader::with_capacity(READ_BYTES, bytes)
}
