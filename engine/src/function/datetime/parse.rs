//! Parsing dates and times by a pattern.
//!
//! As in ksqlDB, letters match in either case, and fields that a pattern leaves out have the
//! values of 1970-01-01T00:00:00. A day behind the end of its month is the last one of it, as
//! Java's "smart" resolver has it.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::field::{FIELDS, Field, NANOS_PER_MILLI, NANOS_PER_SECOND, day_of_week};
use super::iso::{epoch_days, millis_of_day};
use super::pattern::{Item, Number, OffsetStyle, TimePattern, names};
use super::zone::{Zone, parse_prefix};

impl TimePattern {
    /// Reads a TIMESTAMP; in local time of `zone` unless the text names another one.
    pub fn parse_timestamp(&self, text: &str, zone: &Zone) -> Result<i64> {
        let parsed = self.parse(text)?;
        let local = NaiveDateTime::new(parsed.date()?, parsed.time()?);
        Ok(parsed.zone.as_ref().unwrap_or(zone).millis(local))
    }

    /// Reads a DATE as days since 1970-01-01.
    pub fn parse_date(&self, text: &str) -> Result<i32> {
        Ok(epoch_days(self.parse(text)?.date()?))
    }

    /// Reads a DATE from the beginning of a text, whatever follows it.
    pub fn parse_leading_date(&self, text: &str) -> Result<i32> {
        Ok(epoch_days(self.parse_leading(text)?.parsed.date()?))
    }

    /// Reads a TIME as milliseconds since midnight.
    pub fn parse_time(&self, text: &str) -> Result<i32> {
        Ok(millis_of_day(self.parse(text)?.time()?))
    }

    fn parse(&self, text: &str) -> Result<Parsed> {
        let parser = self.parse_leading(text)?;
        match parser.position < text.len() {
            true => self.unexpected(&parser),
            false => Ok(parser.parsed),
        }
    }

    fn parse_leading<'a>(&self, text: &'a str) -> Result<Parser<'a>> {
        let mut parser = Parser { text, position: 0, parsed: Parsed::default() };
        match parser.accept_all(&self.items) {
            true => Ok(parser),
            false => self.unexpected(&parser),
        }
    }

    fn unexpected<T>(&self, parser: &Parser<'_>) -> Result<T> {
        exec_err!(
            "'{}' does not match the pattern '{}': unexpected text at {}",
            parser.text,
            self.text,
            parser.text[..parser.position].chars().count() + 1
        )
    }
}

/// The fields that a text gave.
#[derive(Debug, Clone, Default)]
struct Parsed {
    values: [Option<i64>; FIELDS],
    zone: Option<Zone>,
}

#[derive(Clone)]
struct Parser<'a> {
    text: &'a str,
    position: usize,
    parsed: Parsed,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn accept_all(&mut self, items: &[Item]) -> bool {
        items.iter().all(|item| self.accept(item))
    }

    /// Moves behind what the item matches; false if it matches nothing.
    fn accept(&mut self, item: &Item) -> bool {
        match item {
            Item::Literal(text) => self.accept_text(text),
            Item::Number(number) => self.accept_number(number),
            Item::Text(field, style) => self.accept_name(*field, names(*field, *style)),
            Item::Fraction(digits) => self.accept_fraction(*digits),
            Item::Offset { style, zero } => self.accept_offset(*style, zero),
            Item::LocalizedOffset(_) => self.accept_zone(false),
            Item::ZoneId => self.accept_zone(false),
            Item::ZoneName => self.accept_zone(true),
            Item::Optional(items) => {
                let before = self.clone();
                if !self.accept_all(items) {
                    *self = before;
                }
                true
            }
            Item::Padded(_, item) => {
                let padding = self.rest().len() - self.rest().trim_start_matches(' ').len();
                self.position += padding;
                self.accept(item)
            }
        }
    }

    fn accept_text(&mut self, wanted: &str) -> bool {
        let start = self.rest().get(..wanted.len());
        let matches = start.is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        if matches {
            self.position += wanted.len();
        }
        matches
    }

    fn accept_number(&mut self, number: &Number) -> bool {
        let negative = number.width_max > 3 && self.accept_text("-");
        let plus = !negative && number.width_max > 3 && self.accept_text("+");
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let available = digits.min(number.width_max + number.reserved);
        let width = available.saturating_sub(number.reserved).min(number.width_max);
        // A year may only be longer than its pattern behind a sign.
        let signed = plus || negative;
        let too_long = number.is_year() && number.width_min >= 4 && width > number.width_min;
        if width < number.width_min || (too_long && !signed) {
            return false;
        }
        let Ok(value) = self.rest()[..width].parse::<i64>() else { return false };
        self.position += width;
        let value = if number.two_digit_year { 2000 + value } else { value };
        self.set(number.field, if negative { -value } else { value })
    }

    /// The longest of the names that comes next.
    fn accept_name(&mut self, field: Field, names: &[&str]) -> bool {
        let rest = self.rest();
        let starts =
            |name: &str| rest.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name));
        let found = names.iter().enumerate().filter(|(_, name)| starts(name));
        let Some((index, name)) = found.max_by_key(|(_, name)| name.len()) else { return false };
        self.position += name.len();
        self.set(field, field.bounds().0 + index as i64)
    }

    fn accept_fraction(&mut self, digits: usize) -> bool {
        let Some(fraction) = self.rest().get(..digits) else { return false };
        if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
            return false;
        }
        self.position += digits;
        format!("{fraction:0<9}").parse().is_ok_and(|nanos| self.set(Field::Nano, nanos))
    }

    fn accept_offset(&mut self, style: OffsetStyle, zero: &str) -> bool {
        if self.accept_text(zero) {
            self.parsed.zone = Some(Zone::fixed(0));
            return true;
        }
        let colon = matches!(style, OffsetStyle::ColonMinutes | OffsetStyle::ColonSeconds);
        let lengths: &[usize] = match style {
            OffsetStyle::HoursAndMaybeMinutes => &[5, 3],
            OffsetStyle::Minutes => &[5],
            OffsetStyle::ColonMinutes => &[6],
            OffsetStyle::Seconds => &[7, 5],
            OffsetStyle::ColonSeconds => &[9, 6],
        };
        let rest = self.rest();
        let zone = lengths.iter().find_map(|length| {
            let text = rest.get(..*length).filter(|text| text.contains(':') == colon)?;
            let signed = text.starts_with(['+', '-']);
            Some((Zone::find(text).filter(|_| signed)?, *length))
        });
        self.take_zone(zone)
    }

    fn accept_zone(&mut self, short_names: bool) -> bool {
        self.take_zone(parse_prefix(self.rest(), short_names))
    }

    fn take_zone(&mut self, zone: Option<(Zone, usize)>) -> bool {
        let Some((zone, length)) = zone else { return false };
        self.parsed.zone = Some(zone);
        self.position += length;
        true
    }

    /// Keeps a value; false if the field had another one.
    fn set(&mut self, field: Field, value: i64) -> bool {
        let slot = &mut self.parsed.values[field as usize];
        let agrees = slot.is_none_or(|known| known == value);
        *slot = Some(value);
        agrees
    }
}

impl Parsed {
    /// The value of a field, checked against its bounds.
    fn get(&self, field: Field) -> Result<Option<i64>> {
        let (least, greatest) = field.bounds();
        match self.values[field as usize] {
            Some(value) if value < least || value > greatest => {
                exec_err!("{} is {value}: expected {least} to {greatest}", field.name())
            }
            value => Ok(value),
        }
    }

    fn date(&self) -> Result<NaiveDate> {
        let year = i32::try_from(self.year()?).unwrap_or(i32::MAX);
        let date = if let Some(day) = self.get(Field::DayOfYear)? {
            NaiveDate::from_yo_opt(year, day as u32)
        } else if let (Some(week), None) = (self.get(Field::Week)?, self.get(Field::Month)?) {
            day_of_week(year, week, self.get(Field::DayOfWeek)?.unwrap_or(1))
        } else {
            let quarter = self.get(Field::Quarter)?.map(|quarter| quarter * 3 - 2);
            let month = self.get(Field::Month)?.or(quarter).unwrap_or(1);
            smart_date(year, month as u32, self.get(Field::Day)?.unwrap_or(1) as u32)
        };
        date.ok_or_else(|| exec_datafusion_err!("there is no such day in the year {year}"))
    }

    fn year(&self) -> Result<i64> {
        if let Some(year) = self.get(Field::Year)?.or(self.get(Field::WeekYear)?) {
            return Ok(year);
        }
        let year = self.get(Field::YearOfEra)?.unwrap_or(1970);
        Ok(if self.get(Field::Era)? == Some(0) { 1 - year } else { year })
    }

    fn time(&self) -> Result<NaiveTime> {
        let nanos = match (self.get(Field::NanoOfDay)?, self.get(Field::MilliOfDay)?) {
            (Some(nanos), _) => nanos,
            (None, Some(millis)) => millis * NANOS_PER_MILLI,
            (None, None) => {
                let seconds = self.hour()? * 3600
                    + self.get(Field::Minute)?.unwrap_or(0) * 60
                    + self.get(Field::Second)?.unwrap_or(0);
                seconds * NANOS_PER_SECOND + self.get(Field::Nano)?.unwrap_or(0)
            }
        };
        Ok(NaiveTime::default() + TimeDelta::nanoseconds(nanos))
    }

    fn hour(&self) -> Result<i64> {
        let clock_hour = self.get(Field::ClockHour)?.map(|hour| hour % 24);
        if let Some(hour) = self.get(Field::Hour)?.or(clock_hour) {
            return Ok(hour);
        }
        let clock_hour = self.get(Field::ClockHourOfHalf)?.map(|hour| hour % 12);
        let hour = self.get(Field::HourOfHalf)?.or(clock_hour).unwrap_or(0);
        Ok(self.get(Field::Half)?.unwrap_or(0) * 12 + hour)
    }
}

/// The day, or the last one of its month if it is behind that.
fn smart_date(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    (28..=day.max(28)).rev().find_map(|last| first.with_day(day.min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::datetime::iso;

    fn parse(text: &str, pattern: &str) -> Result<String> {
        let millis = TimePattern::compile(pattern)?.parse_timestamp(text, &Zone::UTC)?;
        Ok(iso::timestamp(millis))
    }

    #[test]
    fn texts_parse_by_pattern() {
        let cases = [
            ("20180511", "yyyyMMdd", "2018-05-11T00:00:00.000"),
            ("20180511215833123", "yyyyMMddHHmmssSSS", "2018-05-11T21:58:33.123"),
            ("2018-05-11T21:58:33z", "yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11T21:58:33.000"),
            ("2018-05-11t21:58:33+02", "yyyy-MM-dd'T'HH:mm:ssX", "2018-05-11T19:58:33.000"),
            ("2018-05-11 21:58 PST", "yyyy-MM-dd HH:mm zzz", "2018-05-12T04:58:00.000"),
            ("2018-05-11 21:58 Asia/Tokyo", "yyyy-MM-dd HH:mm VV", "2018-05-11T12:58:00.000"),
            ("11-JAN-2022", "dd-MMM-yyyy", "2022-01-11T00:00:00.000"),
            ("1:05 pm 3/4/21", "h:mm a M/d/yy", "2021-03-04T13:05:00.000"),
            ("12 AM", "hh a", "1970-01-01T00:00:00.000"),
            ("2021-060", "yyyy-DDD", "2021-03-01T00:00:00.000"),
            ("2021-02-31", "yyyy-MM-dd", "2021-02-28T00:00:00.000"),
            ("2021-02-03", "yyyy-MM-dd[ HH:mm]", "2021-02-03T00:00:00.000"),
            ("2021-02-03 04:05", "yyyy-MM-dd[ HH:mm]", "2021-02-03T04:05:00.000"),
            ("Wednesday, 3 February 2021", "EEEE, d MMMM yyyy", "2021-02-03T00:00:00.000"),
        ];
        for (text, pattern, instant) in cases {
            let parsed = parse(text, pattern).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(parsed, instant, "{text} by {pattern}");
        }
    }

    #[test]
    fn what_does_not_match_says_where() {
        let cases = [
            ("2018-05-11", "yyyy-MM", "unexpected text at 8"),
            ("2018/05", "yyyy-MM", "unexpected text at 5"),
            ("2018-13", "yyyy-MM", "month is 13: expected 1 to 12"),
            ("12018-01", "yyyy-MM", "unexpected text at 1"),
        ];
        for (text, pattern, message) in cases {
            let error = parse(text, pattern).expect_err(text).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
