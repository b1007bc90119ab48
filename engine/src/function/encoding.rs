//! Bytes as text and numbers: ENCODE, TO_BYTES, FROM_BYTES, INT_FROM_BYTES and the like.

use arrow::array::{ArrayRef, BinaryArray, Float64Array, Int32Array, Int64Array, StringArray};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::arguments::{Arguments, Column};
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "ENCODE",
            "A text that is encoded one way, encoded another way: hex, utf8, ascii or base64.",
            &["ENCODE(value STRING, from STRING, to STRING) → STRING"],
            &[("ENCODE('4578', 'hex', 'base64')", "'RXg='")],
            encode,
        ),
        define(
            "TO_BYTES",
            "The bytes of a text that is encoded as hex, utf8, ascii or base64.",
            &["TO_BYTES(value STRING, encoding STRING) → BYTES"],
            &[("FROM_BYTES(TO_BYTES('1AB2', 'hex'), 'base64')", "'GrI='")],
            to_bytes,
        ),
        define(
            "FROM_BYTES",
            "Bytes as text: in hex, base64, or read as utf8 or ascii.",
            &["FROM_BYTES(value BYTES, encoding STRING) → STRING"],
            &[("FROM_BYTES(TO_BYTES('!', 'utf8'), 'hex')", "'21'")],
            from_bytes,
        ),
        define(
            "INT_FROM_BYTES",
            "The INTEGER that four bytes hold, BIG_ENDIAN unless told LITTLE_ENDIAN.",
            &["INT_FROM_BYTES(value BYTES[, order STRING]) → INTEGER"],
            &[("INT_FROM_BYTES(TO_BYTES('000007E5', 'hex'))", "2021")],
            |args| numbers::<Int32Array, 4, _>(args, "INTEGER", i32::from_be_bytes),
        ),
        define(
            "BIGINT_FROM_BYTES",
            "The BIGINT that eight bytes hold, BIG_ENDIAN unless told LITTLE_ENDIAN.",
            &["BIGINT_FROM_BYTES(value BYTES[, order STRING]) → BIGINT"],
            &[("BIGINT_FROM_BYTES(TO_BYTES('0100000000000000', 'hex'), 'LITTLE_ENDIAN')", "1")],
            |args| numbers::<Int64Array, 8, _>(args, "BIGINT", i64::from_be_bytes),
        ),
        define(
            "DOUBLE_FROM_BYTES",
            "The DOUBLE that eight bytes hold, BIG_ENDIAN unless told LITTLE_ENDIAN.",
            &["DOUBLE_FROM_BYTES(value BYTES[, order STRING]) → DOUBLE"],
            &[("DOUBLE_FROM_BYTES(TO_BYTES('3FF8000000000000', 'hex'))", "1.5")],
            |args| numbers::<Float64Array, 8, _>(args, "DOUBLE", f64::from_be_bytes),
        ),
    ]
}

/// A way to write bytes as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Hex,
    Utf8,
    Ascii,
    Base64,
}

impl Encoding {
    fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "hex" => Ok(Self::Hex),
            "utf8" => Ok(Self::Utf8),
            "ascii" => Ok(Self::Ascii),
            "base64" => Ok(Self::Base64),
            _ => exec_err!("unknown encoding '{name}': use hex, utf8, ascii or base64"),
        }
    }

    /// The bytes that a text in this encoding stands for.
    fn decode(self, text: &str) -> Result<Vec<u8>> {
        match self {
            Self::Hex => decode_hex(text),
            Self::Utf8 => Ok(text.as_bytes().to_vec()),
            // As in Java, what is not ASCII becomes a question mark.
            Self::Ascii => Ok(text
                .chars()
                .map(|char| u8::try_from(char).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                .collect()),
            Self::Base64 => from_base64(text),
        }
    }

    /// Bytes as text in this encoding; hexadecimal digits in upper case.
    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Ascii => {
                bytes
                    .iter()
                    .map(|byte| {
                        if byte.is_ascii() {
                            char::from(*byte)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        }
                    })
                    .collect()
            }
            Self::Base64 => BASE64_STANDARD.encode(bytes),
        }
    }
}

/// The bytes that a text in base64 stands for.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>> {
    let wrong = |error| exec_datafusion_err!("'{text}' is not base64: {error}");
    BASE64_STANDARD.decode(text).map_err(wrong)
}

/// Hexadecimal digits, two for a byte, also written as `X'…'`; or as `0x…`, where an odd first
/// digit stands alone.
fn decode_hex(text: &str) -> Result<Vec<u8>> {
    let quoted = || text.strip_prefix(['X', 'x'])?.strip_prefix('\'')?.strip_suffix('\'');
    let digits = match (text.strip_prefix("0x"), quoted()) {
        (Some(digits), _) if digits.len() % 2 == 1 => format!("0{digits}"),
        (Some(digits), _) | (None, Some(digits)) => digits.to_owned(),
        (None, None) => text.to_owned(),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return exec_err!("'{text}' is not hexadecimal: expected digits 0-9 and A-F");
    }
    if digits.len() % 2 == 1 {
        return exec_err!("'{text}' has an odd number of digits: expected two for each byte");
    }
    let byte = |index| u8::from_str_radix(&digits[index..index + 2], 16);
    Ok((0..digits.len()).step_by(2).map_while(|index| byte(index).ok()).collect())
}

fn encode(args: &Arguments) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    let (from, to) = (args.column::<StringArray>(1)?, args.column::<StringArray>(2)?);
    args.try_each::<StringArray, _>(|row| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), from.get(row), to.get(row))
        else {
            return Ok(None);
        };
        let to = Encoding::parse(to)?;
        let encoded = to.encode(&Encoding::parse(from)?.decode(text)?);
        // Here, unlike in FROM_BYTES, hexadecimal digits are in lower case.
        Ok(Some(if to == Encoding::Hex { encoded.to_lowercase() } else { encoded }))
    })
}

fn to_bytes(args: &Arguments) -> Result<ArrayRef> {
    let (texts, encodings) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    args.try_each::<BinaryArray, _>(|row| {
        let (Some(text), Some(encoding)) = (texts.get(row), encodings.get(row)) else {
            return Ok(None);
        };
        Encoding::parse(encoding)?.decode(text).map(Some)
    })
}

fn from_bytes(args: &Arguments) -> Result<ArrayRef> {
    let (values, encodings) = (args.column::<BinaryArray>(0)?, args.column::<StringArray>(1)?);
    args.try_each::<StringArray, _>(|row| {
        let (Some(value), Some(encoding)) = (values.get(row), encodings.get(row)) else {
            return Ok(None);
        };
        Ok(Some(Encoding::parse(encoding)?.encode(value)))
    })
}

/// Numbers of `N` bytes each.
fn numbers<A, const N: usize, T>(
    args: &Arguments,
    name: &str,
    from_big_endian: fn([u8; N]) -> T,
) -> Result<ArrayRef>
where
    A: arrow::array::Array + FromIterator<Option<T>> + 'static,
{
    let values = args.column::<BinaryArray>(0)?;
    let orders = args.optional::<StringArray>(1)?;
    args.try_each::<A, _>(|row| {
        let Some(value) = values.get(row) else { return Ok(None) };
        let Ok(mut bytes) = <[u8; N]>::try_from(value) else {
            return exec_err!("expected {N} bytes for a {name}, found {}", value.len());
        };
        match is_little_endian(orders.as_ref(), row)? {
            Some(true) => bytes.reverse(),
            Some(false) => {}
            None => return Ok(None),
        }
        Ok(Some(from_big_endian(bytes)))
    })
}

fn is_little_endian(orders: Option<&Column<StringArray>>, row: usize) -> Result<Option<bool>> {
    let Some(orders) = orders else { return Ok(Some(false)) };
    match orders.get(row) {
        Some("BIG_ENDIAN") => Ok(Some(false)),
        Some("LITTLE_ENDIAN") => Ok(Some(true)),
        Some(other) => {
            exec_err!("unknown byte order '{other}': use 'BIG_ENDIAN' or 'LITTLE_ENDIAN'")
        }
        None => Ok(None),
    }
}
