//! The five ways in which Kafka compresses the records of a batch.

mod snappy;

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;

use crate::batch::Attributes;
use crate::error::{Error, Result};
use crate::near_miss::near_miss;

/// What a batch may grow to when it is decompressed; more is an attack or damage.
const DECOMPRESSED_BYTES_MAX: u64 = 1 << 30;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy in the framing of the Java library; bare Snappy is understood, too.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// RFC 8878.
    Zstd,
}

impl Codec {
    /// All of them, in the order of their numbers.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// Kafka's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    pub(crate) fn bits(self) -> i16 {
        self as i16
    }

    pub(crate) fn of(attributes: Attributes) -> Result<Codec> {
        let number = attributes.0 & Attributes::CODEC_MASK;
        let codec = Codec::ALL.get(number as usize).copied();
        codec.ok_or_else(|| {
            Error::InvalidInput(format!("expected a codec from 0 to 4, found {number}"))
        })
    }

    /// Appends `bytes` compressed. Writing to memory cannot fail.
    pub(crate) fn compress(self, bytes: &[u8], out: &mut Vec<u8>) {
        let done = match self {
            Codec::None => out.write_all(bytes),
            Codec::Gzip => gzip(bytes, out),
            Codec::Snappy => snappy::compress(bytes, out),
            Codec::Lz4 => lz4(bytes, out),
            Codec::Zstd => zstd::stream::copy_encode(bytes, out, zstd::DEFAULT_COMPRESSION_LEVEL),
        };
        done.expect("compressing from memory into memory does not fail");
    }

    pub(crate) fn decompress(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let plain = match self {
            Codec::None => Ok(bytes.to_vec()),
            Codec::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(bytes)),
            Codec::Snappy => snappy::decompress(bytes, DECOMPRESSED_BYTES_MAX as usize),
            Codec::Lz4 => read_bounded(lz4_flex::frame::FrameDecoder::new(bytes)),
            Codec::Zstd => zstd::stream::Decoder::with_buffer(bytes).and_then(read_bounded),
        };
        plain.map_err(|error| {
            Error::InvalidInput(format!("records are not {}: {error}", self.name()))
        })
    }
}

fn gzip(bytes: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish().map(drop)
}

fn lz4(bytes: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(out);
    encoder.write_all(bytes)?;
    encoder.finish().map(drop).map_err(std::io::Error::other)
}

fn read_bounded(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    reader.take(DECOMPRESSED_BYTES_MAX + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > DECOMPRESSED_BYTES_MAX {
        return Err(std::io::Error::other(format!("more than {DECOMPRESSED_BYTES_MAX} bytes")));
    }
    Ok(plain)
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Codec> {
        let names = Codec::ALL.map(Codec::name);
        Codec::ALL.into_iter().find(|codec| codec.name() == text).ok_or_else(|| {
            let hint =
                near_miss(text, names.into_iter()).map(|name| format!(", did you mean '{name}'?"));
            Error::InvalidInput(format!(
                "expected one of {}, found '{text}'{}",
                names.join(", "),
                hint.unwrap_or_default()
            ))
        })
    }
}
