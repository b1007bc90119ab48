//! Strings in JSON text.

use std::borrow::Cow;

use super::escape::{plain_len, unescape};
use super::scanner::Fault;

/// What stands between two quotes: UTF-8, with well-formed escapes or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Str<'a> {
    /// As written, escapes and all.
    pub(super) raw: &'a [u8],
    /// Whether there are escapes.
    pub(super) escaped: bool,
}

impl<'a> Str<'a> {
    /// Reads the string that `text` starts with, and how long it is with its quotes.
    #[inline]
    pub(super) fn scan(text: &'a [u8]) -> Result<(Self, usize), Fault> {
        let plain = plain_len(&text[1..]);
        let end = 1 + plain.len;
        if text.get(end) != Some(&b'"') {
            return Self::scan_escaped(text, end);
        }
        let raw = &text[1..end];
        if !plain.ascii {
            check_utf8(raw)?;
        }
        Ok((Self { raw, escaped: false }, end + 1))
    }

    /// The same for a string that has something else than text at `at`.
    #[cold]
    fn scan_escaped(text: &'a [u8], mut at: usize) -> Result<(Self, usize), Fault> {
        loop {
            match text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += escape_len(text, at)?,
                Some(_) => return Err(Fault::new(at, "no control character in a string")),
                None => return Err(Fault::new(at, "'\"' at the end of a string")),
            }
            at += plain_len(&text[at..]).len;
        }
        let raw = &text[1..at];
        check_utf8(raw)?;
        Ok((Self { raw, escaped: true }, at + 1))
    }

    /// What the string says.
    pub(super) fn content(self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut content = Vec::with_capacity(self.raw.len());
        unescape(self.raw, &mut content);
        Cow::Owned(content)
    }

    /// What the string says, as text.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self.content() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Appends what the string says.
    #[inline]
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        if self.escaped {
            unescape(self.raw, out);
        } else {
            out.extend_from_slice(self.raw);
        }
    }
}

#[inline]
fn check_utf8(raw: &[u8]) -> Result<(), Fault> {
    match std::str::from_utf8(raw) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::new(1 + error.valid_up_to(), "text in UTF-8")),
    }
}

/// The length of the escape at `at`, four hexadecimal digits included.
fn escape_len(text: &[u8], at: usize) -> Result<usize, Fault> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => match text.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
            _ => Err(Fault::new(at, "four hexadecimal digits in '\\u'")),
        },
        _ => Err(Fault::new(at + 1, "one of '\"\\/bfnrtu' behind '\\'")),
    }
}
