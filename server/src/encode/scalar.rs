//! Values whose Postgres form is not the one that `arrow-pg` gives them.
//!
//! [`Numeric`] holds all 38 digits of a DECIMAL, where `rust_decimal` ends at 28. [`Moment`] and
//! [`TimeOfDay`] are printed as Postgres prints them: without a fraction that is zero.

use std::error::Error;
use std::fmt;

use bytes::{BufMut, BytesMut};
use chrono::{NaiveDateTime, NaiveTime, Timelike};
use pgwire::types::ToSqlText;
use pgwire::types::format::FormatOptions;
use pgwire::types::format::date_style::DateStyle;
use postgres_types::{IsNull, ToSql, Type, to_sql_checked};

type Encoded = Result<IsNull, Box<dyn Error + Sync + Send>>;

/// A DECIMAL: `unscaled` / 10^`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numeric {
    pub unscaled: i128,
    pub scale: u8,
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if scale > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl ToSqlText for Numeric {
    fn to_sql_text(&self, _: &Type, out: &mut BytesMut, _: &FormatOptions) -> Encoded {
        out.put_slice(self.to_string().as_bytes());
        Ok(IsNull::No)
    }
}

impl ToSql for Numeric {
    /// Postgres's numeric: groups of four decimal digits, the first with its weight.
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Encoded {
        let (groups, weight) = self.groups();
        out.put_i16(i16::try_from(groups.len())?);
        out.put_i16(weight);
        out.put_u16(if self.unscaled < 0 { 0x4000 } else { 0 });
        out.put_i16(i16::from(self.scale));
        groups.into_iter().for_each(|group| out.put_i16(group));
        Ok(IsNull::No)
    }

    fn accepts(pg_type: &Type) -> bool {
        *pg_type == Type::NUMERIC
    }

    to_sql_checked!();
}

impl Numeric {
    /// The groups of four digits without zeros at either end, and the weight of the first:
    /// it counts 10000^weight.
    fn groups(&self) -> (Vec<i16>, i16) {
        let after = i16::from(self.scale.div_ceil(4));
        let padding = u32::from(self.scale).next_multiple_of(4) - u32::from(self.scale);
        let mut rest = self.unscaled.unsigned_abs();
        let mut groups = Vec::new();
        if padding > 0 {
            // The last group has fewer than four digits: fill it up with zeros.
            let in_last = 10u128.pow(4 - padding);
            groups.push((rest % in_last) as i16 * 10i16.pow(padding));
            rest /= in_last;
        }
        while rest > 0 {
            groups.push((rest % 10_000) as i16);
            rest /= 10_000;
        }
        let mut weight = groups.len() as i16 - after - 1;
        groups.reverse();
        let leading = groups.iter().take_while(|group| **group == 0).count();
        groups.drain(..leading);
        weight -= leading as i16;
        while groups.last() == Some(&0) {
            groups.pop();
        }
        (groups, weight)
    }
}

/// A TIMESTAMP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub NaiveDateTime);

impl ToSqlText for Moment {
    fn to_sql_text(&self, pg_type: &Type, out: &mut BytesMut, options: &FormatOptions) -> Encoded {
        let style = DateStyle::new(&options.date_style);
        let text = match style.full_format_str().strip_suffix("%.6f") {
            Some(seconds) => {
                self.0.format(seconds).to_string()
                    + &fraction(self.0.and_utc().timestamp_subsec_micros())
            }
            None => self.0.format(style.full_format_str()).to_string(),
        };
        // A space needs quotes inside an array.
        let quote = if super::types::is_array(pg_type) { "\"" } else { "" };
        out.put_slice(format!("{quote}{text}{quote}").as_bytes());
        Ok(IsNull::No)
    }
}

impl ToSql for Moment {
    fn to_sql(&self, pg_type: &Type, out: &mut BytesMut) -> Encoded {
        self.0.to_sql(pg_type, out)
    }

    fn accepts(pg_type: &Type) -> bool {
        NaiveDateTime::accepts(pg_type)
    }

    to_sql_checked!();
}

/// A TIME.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeOfDay(pub NaiveTime);

impl ToSqlText for TimeOfDay {
    fn to_sql_text(&self, _: &Type, out: &mut BytesMut, _: &FormatOptions) -> Encoded {
        let text = self.0.format("%H:%M:%S").to_string() + &fraction(self.0.nanosecond() / 1_000);
        out.put_slice(text.as_bytes());
        Ok(IsNull::No)
    }
}

impl ToSql for TimeOfDay {
    fn to_sql(&self, pg_type: &Type, out: &mut BytesMut) -> Encoded {
        self.0.to_sql(pg_type, out)
    }

    fn accepts(pg_type: &Type) -> bool {
        NaiveTime::accepts(pg_type)
    }

    to_sql_checked!();
}

/// `.25` for 250,000 microseconds, nothing for none.
fn fraction(micros: u32) -> String {
    if micros == 0 {
        return String::new();
    }
    format!(".{micros:06}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(unscaled: i128, scale: u8) -> Numeric {
        Numeric { unscaled, scale }
    }

    #[test]
    fn decimals_print_all_their_digits() {
        assert_eq!(numeric(-5, 2).to_string(), "-0.05");
        assert_eq!(numeric(1200, 2).to_string(), "12.00");
        assert_eq!(numeric(7, 0).to_string(), "7");
        let most = 10i128.pow(38) - 1;
        assert_eq!(numeric(most, 10).to_string(), format!("{}.{}", "9".repeat(28), "9".repeat(10)));
    }

    #[test]
    fn binary_decimals_agree_with_an_independent_encoder() {
        let samples = [
            (0, 0),
            (0, 3),
            (1, 4),
            (-12345678, 3),
            (10000, 0),
            (99_990_000, 4),
            (5, 1),
            (123_456, 5),
        ];
        for (unscaled, scale) in samples {
            let mut ours = BytesMut::new();
            let mut theirs = BytesMut::new();
            numeric(unscaled, scale).to_sql(&Type::NUMERIC, &mut ours).unwrap();
            rust_decimal::Decimal::from_i128_with_scale(unscaled, u32::from(scale))
                .to_sql(&Type::NUMERIC, &mut theirs)
                .unwrap();
            let read = |bytes: &[u8]| {
                use postgres_types::FromSql;
                rust_decimal::Decimal::from_sql(&Type::NUMERIC, bytes).unwrap()
            };
            assert_eq!(read(&ours), read(&theirs), "{unscaled} / 10^{scale}");
        }
    }

    #[test]
    fn fractions_of_a_second_are_as_short_as_they_can_be() {
        assert_eq!(fraction(0), "");
        assert_eq!(fraction(250_000), ".25");
        assert_eq!(fraction(1), ".000001");
    }
}
