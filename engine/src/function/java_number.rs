//! Numbers as Java prints them.

use std::fmt::Write;

/// Appends a DOUBLE as `Double.toString` prints it: `1.0`, `1.0E10`, `NaN`, `-Infinity`.
///
/// The digits are the fewest that read back as the same number; the exponent form is used from
/// 10^7 up and below 10^-3.
pub(crate) fn write_java_double(out: &mut String, value: f64) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-3..1e7).contains(&magnitude);
    // Writing to a string cannot fail.
    let _ = match plain {
        true => write!(out, "{value:?}"),
        false => write_scientific(out, value),
    };
}

/// `1.0E10`: Rust's shortest digits with at least one after the point.
fn write_scientific(out: &mut String, value: f64) -> std::fmt::Result {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    write!(out, "{digits}{point}E{exponent}")
}

/// A DOUBLE as `Double.toString` prints it.
pub(crate) fn java_double(value: f64) -> String {
    let mut text = String::new();
    write_java_double(&mut text, value);
    text
}

/// A decimal of unscaled digits without an exponent: `1.10`, `-0.05`.
pub(crate) fn plain_decimal(unscaled: i128, scale: i8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_in_java() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (123456.789, "123456.789"),
            (9999999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.25e10, "1.25E10"),
            (0.001, "0.001"),
            (0.00025, "2.5E-4"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(java_double(value), text);
        }
    }

    #[test]
    fn decimals_print_all_their_fraction_digits() {
        assert_eq!(plain_decimal(110, 2), "1.10");
        assert_eq!(plain_decimal(-5, 2), "-0.05");
        assert_eq!(plain_decimal(7, 0), "7");
    }
}
