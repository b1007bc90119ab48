//! Doubles as Java prints them.

use std::fmt::{self, Write};

/// Writes `value` as Java's `Double.toString` does: `1.0`, `0.001`, `1.0E7`, `1.0E-4`, `NaN`.
///
/// The digits are the fewest that read back as the same number, as in Java since version 19.
/// Numbers from 0.001 to below 10,000,000 are written plainly, others with an exponent, and
/// either has a digit before and behind the point.
pub fn write_java_double(value: f64, out: &mut impl Write) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_sign_negative() {
        out.write_char('-')?;
    }
    write_magnitude(value.abs(), out)
}

fn write_magnitude(value: f64, out: &mut impl Write) -> fmt::Result {
    if value.is_infinite() {
        out.write_str("Infinity")
    } else if value == 0.0 || (1e-3..1e7).contains(&value) {
        // In this range Java and ryu agree.
        out.write_str(ryu::Buffer::new().format_finite(value))
    } else if value.is_subnormal() {
        write_subnormal(value, out)
    } else {
        write_scientific(ryu::Buffer::new().format_finite(value), out)
    }
}

/// Subnormal numbers may have one digit where Java prints the best two: `4.9E-324`.
fn write_subnormal(value: f64, out: &mut impl Write) -> fmt::Result {
    let mut buffer = ryu::Buffer::new();
    match buffer.format_finite(value) {
        short if short.contains('.') => write_scientific(short, out),
        _ => write_scientific(&format!("{value:.1e}"), out),
    }
}

/// Writes a number given as `12345678.9`, `0.00012`, `1.2e20` or `1e20`, as `d.dEn`.
fn write_scientific(text: &str, out: &mut impl Write) -> fmt::Result {
    let (number, power) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let leading = digits().take_while(|digit| *digit == b'0').count();
    let trailing = digits().rev().take_while(|digit| *digit == b'0').count();
    let count = whole.len() + fraction.len() - leading - trailing;
    let power = power.parse::<i32>().map_err(|_| fmt::Error)?;
    let exponent = power + whole.len() as i32 - 1 - leading as i32;

    for (index, digit) in digits().skip(leading).take(count).enumerate() {
        out.write_str(if index == 1 { "." } else { "" })?;
        out.write_char(char::from(digit))?;
    }
    write!(out, "{}E{exponent}", if count == 1 { ".0" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_look_as_in_java() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (0.000_123_45, "1.2345E-4"),
            (9_999_999.0, "9999999.0"),
            (9_999_999.999, "9999999.999"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (-120_000_000.0, "-1.2E8"),
            (1e10, "1.0E10"),
            (1.0e23, "1.0E23"),
            (123e-7, "1.23E-5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (1e-323, "9.9E-324"),
            (1.5e-323, "1.5E-323"),
            (2e-323, "2.0E-323"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let mut out = String::new();
            write_java_double(value, &mut out).unwrap();
            assert_eq!(out, text);
        }
    }
}
