//! Values out of text, by the rules of Java's parsers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::digits::Digits;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `true` or `false` in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Digits with or without a sign, as `Long.parseLong` takes them.
pub(super) fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A number that a double holds, or one of the names of those that are none.
pub(super) fn double(text: &str) -> Option<f64> {
    match text.trim_ascii() {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust knows other names of these.
        text if text.contains(['n', 'N']) => None,
        text => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// A number that fits without rounding.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    Digits::parse(text.as_bytes())?.to_decimal(precision, scale)
}

/// Base64 with padding, appended to `out`.
pub(super) fn base64(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    STANDARD.decode_vec(text, out).ok()
}

/// Epoch days as a DATE.
pub(super) fn date(days: i64) -> Option<i32> {
    days.try_into().ok()
}

/// Milliseconds as a TIME of day.
pub(super) fn time(ms: i64) -> Option<i32> {
    (0..DAY_MS).contains(&ms).then_some(ms as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_java() {
        assert_eq!(integer("+12"), Some(12));
        assert_eq!(integer("-12"), Some(-12));
        for text in ["", " 1", "1.0", "1e3", "9223372036854775808"] {
            assert_eq!(integer(text), None, "{text}");
        }
        assert_eq!(double(" 1.5e3 "), Some(1500.0));
        assert_eq!(double("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(double("NaN").is_some_and(f64::is_nan));
        for text in ["", "inf", "nan", "infinity", "1e400", "one"] {
            assert_eq!(double(text), None, "{text}");
        }
        assert_eq!(decimal(".12", 4, 2), Some(12));
    }

    #[test]
    fn a_time_is_within_a_day() {
        assert_eq!(time(86_399_999), Some(86_399_999));
        assert_eq!(time(86_400_000), None);
        assert_eq!(time(-1), None);
    }

    #[test]
    fn base64_needs_its_padding() {
        let mut out = b"<".to_vec();
        assert_eq!(base64(b"ew==", &mut out), Some(()));
        assert_eq!(out, b"<{");
        assert_eq!(base64(b"ew", &mut out), None);
        assert_eq!(base64(b"e!==", &mut out), None);
    }
}
