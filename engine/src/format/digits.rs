//! Decimal numbers of any length, as digits and a power of ten.

/// The most digits that a DECIMAL has.
const DIGITS_MAX: usize = 38;

/// An exponent that no column can hold, so that hostile ones cannot overflow.
const EXPONENT_MAX: i64 = 1 << 24;

/// The number `±mantissa × 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digits {
    /// Whether it is below zero.
    pub(super) negative: bool,
    /// Its first digits, at most 38 of them.
    pub(super) mantissa: u128,
    /// Power of ten.
    pub(super) exponent: i32,
    /// Whether digits other than zero were dropped behind the mantissa.
    pub(super) cut: bool,
}

impl Digits {
    /// Reads `[+-] digits [. digits] [e [+-] digits]`; either side of the point may be empty.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = sign(text);
        let (number, power) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match number.iter().position(|byte| *byte == b'.') {
            Some(at) => (&number[..at], &number[at + 1..]),
            None => (number, &[][..]),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits = Self { negative, mantissa: 0, exponent: 0, cut: false };
        let dropped = digits.take(whole, fraction)? as i64 - fraction.len() as i64;
        let exponent = power.saturating_add(dropped).clamp(-EXPONENT_MAX, EXPONENT_MAX);
        digits.exponent = exponent as i32;
        Some(digits)
    }

    /// Takes as many digits as fit and says how many did not.
    fn take(&mut self, whole: &[u8], fraction: &[u8]) -> Option<usize> {
        let (mut taken, mut dropped) = (0, 0);
        for byte in whole.iter().chain(fraction) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            if taken < DIGITS_MAX {
                self.mantissa = self.mantissa * 10 + u128::from(digit);
                taken += usize::from(self.mantissa > 0);
            } else {
                self.cut |= digit > 0;
                dropped += 1;
            }
        }
        Some(dropped)
    }

    /// The number without its fraction, if an `i64` holds it.
    pub(super) fn to_i64(self) -> Option<i64> {
        let whole = match power_of_ten(self.exponent.unsigned_abs()) {
            _ if self.mantissa == 0 => 0,
            Some(power) if self.exponent >= 0 => self.mantissa.checked_mul(power)?,
            Some(power) => self.mantissa / power,
            None if self.exponent < 0 => 0,
            None => return None,
        };
        self.signed(i128::try_from(whole).ok()?).try_into().ok()
    }

    /// The number as a DECIMAL(precision, scale), if it fits without rounding.
    pub(super) fn to_decimal(self, precision: u8, scale: i8) -> Option<i128> {
        if self.mantissa == 0 && !self.cut {
            return Some(0);
        }
        let shift = self.exponent.saturating_add(i32::from(scale));
        let power = power_of_ten(shift.unsigned_abs())?;
        let value = match shift >= 0 {
            _ if self.cut => return None,
            true => self.mantissa.checked_mul(power)?,
            false if self.mantissa.is_multiple_of(power) => self.mantissa / power,
            false => return None,
        };
        let fits = value < power_of_ten(u32::from(precision))?;
        fits.then(|| self.signed(value as i128))
    }

    fn signed(self, value: i128) -> i128 {
        if self.negative { -value } else { value }
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |value: i64, digit: &u8| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX);
    let value = digits.iter().fold(0, add);
    Some(if negative { -value } else { value })
}

fn power_of_ten(power: u32) -> Option<u128> {
    10u128.checked_pow(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
        Digits::parse(text.as_bytes()).and_then(|digits| digits.to_decimal(precision, scale))
    }

    fn integer(text: &str) -> Option<i64> {
        Digits::parse(text.as_bytes()).and_then(Digits::to_i64)
    }

    #[test]
    fn decimals_fit_without_rounding_or_not_at_all() {
        assert_eq!(decimal("12.5", 4, 2), Some(1250));
        assert_eq!(decimal("-.5", 4, 2), Some(-50));
        assert_eq!(decimal("1.500", 4, 2), Some(150));
        assert_eq!(decimal("1.501", 4, 2), None);
        assert_eq!(decimal("100", 4, 2), None);
        assert_eq!(decimal("9.9E1", 4, 2), Some(9900));
        assert_eq!(decimal("125E-1", 4, 2), Some(1250));
        assert_eq!(decimal("0e999999999999", 4, 2), Some(0));
        assert_eq!(decimal("1e999999999999", 4, 2), None);
        assert_eq!(decimal(&"9".repeat(38), 38, 0), Some(10i128.pow(38) - 1));
        assert_eq!(decimal(&"9".repeat(39), 38, 0), None);
        assert_eq!(decimal(&format!("1.{}", "0".repeat(60)), 4, 2), Some(100));
        assert_eq!(decimal(&format!("1.{}1", "0".repeat(60)), 4, 2), None);
    }

    #[test]
    fn integers_lose_their_fraction() {
        assert_eq!(integer("1.99"), Some(1));
        assert_eq!(integer("-1.99"), Some(-1));
        assert_eq!(integer("4.6E18"), Some(4_600_000_000_000_000_000));
        assert_eq!(integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("9223372036854775808"), None);
        assert_eq!(integer("1e-400"), Some(0));
        assert_eq!(integer("1e400"), None);
        assert_eq!(integer(&format!("0.{}", "9".repeat(60))), Some(0));
    }

    #[test]
    fn other_text_is_no_number() {
        for text in ["", "-", ".", "1e", "1e+", "1x", "0x10", " 1", "1 ", "--1", "1.2.3"] {
            assert_eq!(Digits::parse(text.as_bytes()), None, "{text}");
        }
    }
}
