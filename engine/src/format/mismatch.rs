//! Why a payload does not decode.

use std::fmt::{self, Display};
use std::str::Utf8Error;

/// Result of reading one value.
///
/// The error is boxed so that the results of the hot path stay in registers.
pub(super) type Result<T> = std::result::Result<T, Box<Mismatch>>;

/// What was expected and found, and in which field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    path: String,
    message: String,
}

impl Mismatch {
    pub(super) fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Self { path: String::new(), message: message.into() })
    }

    pub(super) fn expected(expected: impl Display, found: impl Display) -> Box<Self> {
        Self::new(format!("expected {expected}, found {found}"))
    }

    /// The same as seen from the object that has it in the field `name`.
    pub(super) fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        let rest = &self.path;
        let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{rest}");
        self
    }

    /// The same as seen from the array that has it at `index`, or the map at a key.
    pub(super) fn in_item(self: Box<Self>, index: impl Display) -> Box<Self> {
        self.in_field(&format!("[{index}]"))
    }
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "field {}: {}", self.path, self.message)
    }
}

/// The complaint that a payload is no UTF-8.
#[cold]
pub(super) fn not_text(payload: &[u8], error: &Utf8Error) -> Box<Mismatch> {
    let at = error.valid_up_to();
    let found = match payload.get(at) {
        Some(byte) => format!("byte {byte:#04x} at {at}"),
        None => "the end".to_owned(),
    };
    Mismatch::expected("text in UTF-8", found)
}

/// `text` in quotes, cut where it is too long for a message.
pub(super) fn quoted(text: &[u8]) -> String {
    let (shown, dots) = cut(text);
    format!("{shown:?}{dots}")
}

/// `text` as it is, cut where it is too long for a message.
pub(super) fn excerpt(text: &[u8]) -> String {
    let (shown, dots) = cut(text);
    format!("{shown}{dots}")
}

fn cut(text: &[u8]) -> (String, &'static str) {
    const SHOWN: usize = 40;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (text[..end].to_owned(), "…"),
        None => (text.into_owned(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_grows_from_the_inside() {
        let mismatch = Mismatch::expected("INTEGER", "true").in_field("B").in_item(2);
        assert_eq!(
            mismatch.in_field("A").to_string(),
            "field A[2].B: expected INTEGER, found true"
        );
        assert_eq!(Mismatch::new("nothing there").to_string(), "nothing there");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quoted(b"a\"b"), r#""a\"b""#);
        assert_eq!(quoted("é".repeat(50).as_bytes()), format!("\"{}\"…", "é".repeat(40)));
        assert_eq!(excerpt(b"12"), "12");
        assert_eq!(excerpt(&[b'1'; 50]), format!("{}…", "1".repeat(40)));
    }
}
