//! Decimal numbers by their text: digits and scale, no rounding.

use std::cmp::Ordering;

/// A decimal number: `digits × 10^-scale`.
///
/// Equality is that of Java's `BigDecimal`: value *and* scale. [`Decimal::same_value`] ignores
/// the scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Without leading zeros; empty for zero.
    digits: String,
    scale: i64,
}

impl Decimal {
    /// Reads `-12.50`, `1E3` or `+.5`.
    pub fn parse(text: &str) -> Option<Decimal> {
        let text = text.trim();
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Decimal { negative: negative && !digits.is_empty(), digits, scale })
    }

    /// Digits after the point; negative where an exponent added zeros before it.
    pub fn scale(&self) -> i64 {
        self.scale
    }

    /// Whether it is written without digits after the point.
    pub fn is_integer_literal(text: &str) -> bool {
        !text.contains(['.', 'e', 'E'])
    }

    /// Equality of value, whatever the scale.
    pub fn same_value(&self, other: &Decimal) -> bool {
        self.negative == other.negative && self.canonical() == other.canonical()
    }

    /// The integer part, cut and not rounded, as plain text.
    pub fn truncated(&self) -> String {
        let plain = self.plain();
        let whole = plain.split('.').next().unwrap_or_default();
        if whole == "-0" { "0".to_owned() } else { whole.to_owned() }
    }

    /// The number without exponent.
    pub fn plain(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        match self.scale.cmp(&0) {
            Ordering::Equal => format!("{sign}{digits}"),
            Ordering::Less if self.digits.is_empty() => "0".to_owned(),
            Ordering::Less => format!("{sign}{digits}{}", zeros(-self.scale)),
            Ordering::Greater => {
                let width = usize::try_from(self.scale).unwrap_or(usize::MAX).saturating_add(1);
                let padded = format!("{digits:0>width$}");
                let (whole, fraction) = padded.split_at(padded.len() + 1 - width);
                format!("{sign}{whole}.{fraction}")
            }
        }
    }

    /// Digits without trailing zeros, and the scale that goes with them.
    fn canonical(&self) -> (&str, i64) {
        let trimmed = self.digits.trim_end_matches('0');
        let dropped = self.digits.len() - trimmed.len();
        match trimmed {
            "" => ("", 0),
            _ => (trimmed, self.scale - i64::try_from(dropped).unwrap_or(i64::MAX)),
        }
    }
}

fn zeros(count: i64) -> String {
    "0".repeat(usize::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        Decimal::parse(text).map_or_else(|| "no number".to_owned(), |number| number.plain())
    }

    #[test]
    fn exponents_are_written_out() {
        assert_eq!(plain("1E3"), "1000");
        assert_eq!(plain("1.5e-3"), "0.0015");
        assert_eq!(plain("-4.6E+18"), "-4600000000000000000");
        assert_eq!(plain("0.10"), "0.10");
        assert_eq!(plain("abc"), "no number");
        assert_eq!(plain(""), "no number");
    }

    #[test]
    fn scale_counts_for_equality_and_not_for_value() {
        let (a, b) = (Decimal::parse("1.10"), Decimal::parse("1.1"));
        assert_ne!(a, b);
        let (Some(a), Some(b)) = (a, b) else { panic!("both are numbers") };
        assert!(a.same_value(&b));
        assert_eq!(Decimal::parse("005.4"), Decimal::parse("5.4"));
        assert_eq!(Decimal::parse("-0"), Decimal::parse("0"));
    }

    #[test]
    fn truncation_cuts_towards_zero() {
        assert_eq!(Decimal::parse("-1.9").map(|n| n.truncated()).as_deref(), Some("-1"));
        assert_eq!(Decimal::parse("-0.9").map(|n| n.truncated()).as_deref(), Some("0"));
        assert_eq!(Decimal::parse("1.2E2").map(|n| n.truncated()).as_deref(), Some("120"));
    }
}
