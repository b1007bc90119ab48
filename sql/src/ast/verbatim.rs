//! Texts that mean what they are.

use super::Span;

/// A text exactly as typed, without its quotes: the name of a topic or of a setting, which do not
/// fold, or the value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbatim {
    /// The text.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
}
