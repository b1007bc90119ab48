//! Snappy in the framing that Kafka's Java client writes: a magic header, then blocks, each with
//! its length before it. Other clients write one bare block; that is read as well.

use std::io;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSION: [u8; 4] = 1_i32.to_be_bytes();
const BLOCK_BYTES: usize = 32 * 1024;

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(&VERSION);
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let compressed = encoder.compress_vec(block)?;
        out.extend_from_slice(&(compressed.len() as i32).to_be_bytes());
        out.extend_from_slice(&compressed);
    }
    Ok(())
}

pub(super) fn decompress(bytes: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let Some(framed) = bytes.strip_prefix(&MAGIC) else {
        append_block(bytes, &mut plain, bytes_max)?;
        return Ok(plain);
    };
    let mut rest = framed.get(2 * VERSION.len()..).ok_or(io::ErrorKind::UnexpectedEof)?;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(io::Error::other)?;
        let (block, after) = after.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        append_block(block, &mut plain, bytes_max)?;
        rest = after;
    }
    Ok(plain)
}

fn append_block(block: &[u8], plain: &mut Vec<u8>, bytes_max: usize) -> io::Result<()> {
    let start = plain.len();
    let end = start + snap::raw::decompress_len(block)?;
    // The length is the block's own claim: Snappy cannot expand more than this many times.
    if end > bytes_max || end - start > block.len().saturating_mul(64).saturating_add(64) {
        return Err(io::Error::other(format!(
            "a block of {} bytes that claims to hold {}",
            block.len(),
            end - start
        )));
    }
    plain.resize(end, 0);
    snap::raw::Decoder::new().decompress(block, &mut plain[start..])?;
    Ok(())
}
