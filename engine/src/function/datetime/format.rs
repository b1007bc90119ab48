//! Printing dates and times by a pattern.

use std::fmt::Write;

use chrono::{NaiveDate, NaiveTime};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::field::Field;
use super::iso::{naive_date, naive_time};
use super::pattern::{Item, Number, OffsetStyle, Style, TimePattern, names};
use super::zone::Zone;

/// What is printed: a date, a time of day, or both in a zone.
struct Moment<'a> {
    date: Option<NaiveDate>,
    time: Option<NaiveTime>,
    zone: Option<(&'a Zone, i64)>,
}

impl TimePattern {
    /// A TIMESTAMP as text, in local time of `zone`.
    pub fn format_timestamp(&self, millis: i64, zone: &Zone) -> Result<String> {
        let local = zone.local(millis);
        let moment = Moment {
            date: Some(local.date()),
            time: Some(local.time()),
            zone: Some((zone, millis)),
        };
        self.format(&moment)
    }

    /// A DATE as text.
    pub fn format_date(&self, days: i32) -> Result<String> {
        self.format(&Moment { date: Some(naive_date(days)), time: None, zone: None })
    }

    /// A TIME as text.
    pub fn format_time(&self, millis: i32) -> Result<String> {
        self.format(&Moment { date: None, time: Some(naive_time(millis)), zone: None })
    }

    fn format(&self, moment: &Moment) -> Result<String> {
        let mut out = String::with_capacity(self.text.len());
        moment.push_all(&mut out, &self.items)?;
        Ok(out)
    }
}

impl Moment<'_> {
    fn push_all(&self, out: &mut String, items: &[Item]) -> Result<()> {
        items.iter().try_for_each(|item| self.push(out, item))
    }

    fn push(&self, out: &mut String, item: &Item) -> Result<()> {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Number(number) => push_number(out, number, self.value(number.field)?)?,
            Item::Text(field, style) => {
                let index = self.value(*field)? - field.bounds().0;
                out.push_str(names(*field, *style)[index as usize]);
            }
            Item::Fraction(digits) => {
                let nanos = format!("{:09}", self.value(Field::Nano)?);
                out.push_str(&nanos[..*digits]);
            }
            Item::Offset { style, zero } => push_offset(out, *style, zero, self.offset()?),
            Item::LocalizedOffset(style) => push_localized(out, *style, self.offset()?),
            Item::ZoneId => out.push_str(self.zone()?.0.id()),
            Item::ZoneName => {
                let (zone, millis) = self.zone()?;
                out.push_str(&zone.abbreviation(millis));
            }
            // A section whose fields the value does not have is left out.
            Item::Optional(items) => {
                let mut section = String::new();
                if self.push_all(&mut section, items).is_ok() {
                    out.push_str(&section);
                }
            }
            Item::Padded(width, item) => {
                let mut text = String::new();
                self.push(&mut text, item)?;
                // Writing to a string cannot fail.
                let _ = write!(out, "{text:>width$}");
            }
        }
        Ok(())
    }

    fn value(&self, field: Field) -> Result<i64> {
        let of_date = self.date.and_then(|date| field.of_date(date));
        let value = of_date.or_else(|| self.time.and_then(|time| field.of_time(time)));
        value.ok_or_else(|| self.missing(field.name()))
    }

    fn zone(&self) -> Result<(&Zone, i64)> {
        self.zone.ok_or_else(|| self.missing("zone"))
    }

    fn offset(&self) -> Result<i32> {
        let (zone, millis) = self.zone()?;
        Ok(zone.offset_seconds(millis))
    }

    fn missing(&self, what: &str) -> datafusion::common::DataFusionError {
        let kind = match (self.date, self.time) {
            (_, None) => "DATE",
            (None, _) => "TIME",
            _ => "TIMESTAMP",
        };
        exec_datafusion_err!("the pattern asks for the {what}, which a {kind} does not have")
    }
}

fn push_number(out: &mut String, number: &Number, value: i64) -> Result<()> {
    let width = number.width_min;
    if number.two_digit_year {
        out.push_str(&format!("{:02}", value.rem_euclid(100)));
        return Ok(());
    }
    let digits = value.unsigned_abs().to_string();
    if digits.len() > number.width_max {
        return exec_err!("{} {value} has more than {width} digits", number.field.name());
    }
    match value < 0 {
        true => out.push('-'),
        // As in Java, a year that outgrows its pattern says so.
        false if number.is_year() && width >= 4 && digits.len() > width => out.push('+'),
        false => {}
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "{digits:0>width$}");
    Ok(())
}

fn push_offset(out: &mut String, style: OffsetStyle, zero: &str, offset: i32) {
    if offset == 0 {
        return out.push_str(zero);
    }
    let magnitude = offset.unsigned_abs();
    let (hours, minutes, seconds) = (magnitude / 3600, magnitude / 60 % 60, magnitude % 60);
    out.push(if offset < 0 { '-' } else { '+' });
    out.push_str(&format!("{hours:02}"));
    let colon = match style {
        OffsetStyle::ColonMinutes | OffsetStyle::ColonSeconds => ":",
        _ => "",
    };
    if style != OffsetStyle::HoursAndMaybeMinutes || minutes > 0 {
        out.push_str(&format!("{colon}{minutes:02}"));
    }
    if seconds > 0 && matches!(style, OffsetStyle::Seconds | OffsetStyle::ColonSeconds) {
        out.push_str(&format!("{colon}{seconds:02}"));
    }
}

/// `GMT`, `GMT+8`, `GMT+08:00`.
fn push_localized(out: &mut String, style: Style, offset: i32) {
    out.push_str("GMT");
    if offset == 0 {
        return;
    }
    let magnitude = offset.unsigned_abs();
    let (hours, minutes) = (magnitude / 3600, magnitude / 60 % 60);
    out.push(if offset < 0 { '-' } else { '+' });
    out.push_str(&match (style, minutes) {
        (Style::Full, _) => format!("{hours:02}:{minutes:02}"),
        (_, 0) => format!("{hours}"),
        _ => format!("{hours}:{minutes:02}"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_print_by_pattern() {
        let cases = [
            ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2018-05-11T14:58:33.123-07"),
            ("yy/M/d h:mm a", "18/5/11 2:58 PM"),
            ("EEEE, dd MMM uuuu G", "Friday, 11 May 2018 AD"),
            ("D Q QQQ w e", "131 2 Q2 19 6"),
            ("HH:mm zzz VV", "14:58 PDT America/Los_Angeles"),
            ("xxx O OOOO Z", "-07:00 GMT-7 GMT-07:00 -0700"),
            ("ppppH'h' ''n", "  14h '123000000"),
        ];
        let zone = Zone::parse("America/Los_Angeles").expect("a zone");
        for (pattern, text) in cases {
            let pattern = TimePattern::compile(pattern).unwrap_or_else(|error| panic!("{error}"));
            let formatted = pattern.format_timestamp(1_526_075_913_123, &zone);
            assert_eq!(formatted.expect(&pattern.text), text, "{}", pattern.text);
        }
    }

    #[test]
    fn a_field_that_is_missing_fails_unless_it_is_optional() {
        let format = |pattern| TimePattern::compile(pattern).and_then(|p| p.format_date(0));
        assert_eq!(format("yyyy-MM-dd[ HH:mm]").expect("a date"), "1970-01-01");
        let error = format("HH:mm").expect_err("no hour").to_string();
        assert!(error.contains("the pattern asks for the hour"), "{error}");
    }
}
