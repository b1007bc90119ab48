//! Numbers in JSON text.

use super::scanner::Fault;
use crate::format::digits::Digits;

/// Digits that a `u64` always holds.
const DIGITS_MAX: usize = 19;

/// Whole numbers up to here are doubles without rounding.
const DOUBLE_EXACT_MAX: u64 = 1 << 53;

/// The powers of ten that are doubles without rounding.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A number, as written and as the value that nearly all of them have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number<'a> {
    /// As written.
    pub(super) text: &'a [u8],
    /// The value is `±mantissa × 10^exponent`, if this is there.
    short: Option<Short>,
}

/// A number of at most 19 digits and no great exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Short {
    negative: bool,
    mantissa: u64,
    exponent: i32,
}

impl<'a> Number<'a> {
    /// Reads the number that `text` starts with.
    #[inline]
    pub(super) fn scan(text: &'a [u8]) -> Result<Self, Fault> {
        let negative = text.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut mantissa = 0;
        let whole = take_digits(text, start, &mut mantissa);
        if whole == start || (text[start] == b'0' && whole > start + 1) {
            return Err(Fault::new(start, "a number without leading zeros"));
        }
        if !matches!(text.get(whole), Some(b'.' | b'e' | b'E')) {
            let fits = whole - start <= DIGITS_MAX;
            let short = fits.then_some(Short { negative, mantissa, exponent: 0 });
            return Ok(Self { text: &text[..whole], short });
        }
        Self::scan_fraction(text, whole, Short { negative, mantissa, exponent: 0 })
    }

    /// Goes on behind the whole part, which ends at `whole`.
    fn scan_fraction(text: &'a [u8], whole: usize, mut short: Short) -> Result<Self, Fault> {
        let mut end = whole;
        if text[whole] == b'.' {
            end = take_digits(text, whole + 1, &mut short.mantissa);
            if end == whole + 1 {
                return Err(Fault::new(end, "a digit behind the point"));
            }
            short.exponent = -((end - whole - 1) as i32);
        }
        let digits = end - usize::from(short.negative);
        let mut fits = digits <= DIGITS_MAX;
        if matches!(text.get(end), Some(b'e' | b'E')) {
            let from = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
            end = take_digits(text, from, &mut 0);
            if end == from {
                return Err(Fault::new(end, "a digit in the exponent"));
            }
            fits = false;
        }
        Ok(Self { text: &text[..end], short: fits.then_some(short) })
    }

    /// The number without its fraction.
    #[inline]
    pub(super) fn to_i64(self) -> Option<i64> {
        match self.short {
            Some(Short { negative, mantissa, exponent: 0 }) if mantissa <= i64::MAX as u64 => {
                let value = mantissa as i64;
                Some(if negative { -value } else { value })
            }
            _ => self.digits().to_i64(),
        }
    }

    /// The nearest double, unless the number is beyond all of them.
    #[inline]
    pub(super) fn to_f64(self) -> Option<f64> {
        match self.short {
            // One rounding of two exact numbers: the result is the nearest double.
            Some(Short { negative, mantissa, exponent })
                if mantissa <= DOUBLE_EXACT_MAX && exponent > -(POWERS_OF_TEN.len() as i32) =>
            {
                let value = mantissa as f64 / POWERS_OF_TEN[exponent.unsigned_abs() as usize];
                Some(if negative { -value } else { value })
            }
            _ => std::str::from_utf8(self.text).ok()?.parse().ok().filter(|v: &f64| v.is_finite()),
        }
    }

    /// The number as a DECIMAL(precision, scale), if it fits without rounding.
    pub(super) fn to_decimal(self, precision: u8, scale: i8) -> Option<i128> {
        self.digits().to_decimal(precision, scale)
    }

    fn digits(self) -> Digits {
        match self.short {
            Some(Short { negative, mantissa, exponent }) => {
                Digits { negative, mantissa: u128::from(mantissa), exponent, cut: false }
            }
            None => Digits::parse(self.text).expect("a JSON number has digits"),
        }
    }
}

/// Goes past digits and appends them to `mantissa`, which wraps around if they are too many.
#[inline]
fn take_digits(text: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number<'_> {
        let number = Number::scan(text.as_bytes());
        number.unwrap_or_else(|fault| panic!("{text}: {} at {}", fault.expected, fault.at))
    }

    #[test]
    fn the_grammar_is_that_of_json() {
        for text in ["0", "-0", "10", "0.5", "-1.25", "1e5", "1E+05", "0.0e-0"] {
            assert_eq!(number(text).text, text.as_bytes());
        }
        for text in ["", "-", "01", "-01", ".5", "1.", "1.e5", "1e", "1e+", "+1"] {
            assert!(Number::scan(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_cut_off_and_checked() {
        assert_eq!(number("-17").to_i64(), Some(-17));
        assert_eq!(number("1.99").to_i64(), Some(1));
        assert_eq!(number("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(number("-9223372036854775808").to_i64(), Some(i64::MIN));
        assert_eq!(number("9223372036854775808").to_i64(), None);
        assert_eq!(number("99999999999999999999").to_i64(), None);
        assert_eq!(number("1e3").to_i64(), Some(1000));
    }

    #[test]
    fn doubles_are_the_nearest() {
        for text in
            ["0.1", "-0.0", "123456.789", "1e22", "9007199254740993", "1.7976931348623157e308"]
                .into_iter()
                .chain(["5e-324", "0.1234567890123456789", "1.00000000000000011102230246251565404"])
        {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(number(text).to_f64().map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        assert_eq!(number("1e400").to_f64(), None);
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(number("10.1").to_decimal(4, 2), Some(1010));
        assert_eq!(number("10.101").to_decimal(4, 2), None);
        let long = "12345678901234567890.123456789012345678";
        assert_eq!(
            number(long).to_decimal(38, 18),
            Some(12_345_678_901_234_567_890_123_456_789_012_345_678)
        );
    }
}
