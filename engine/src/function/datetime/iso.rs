//! ISO 8601: how dates and times are written as text, and read from it by casts.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use datafusion::common::{Result, exec_datafusion_err};

use super::field::NANOS_PER_MILLI;
use super::zone::Zone;

pub(in crate::function) const MILLIS_PER_DAY: i64 = 86_400_000;

/// The date so many days after 1970-01-01; the ends of time for what no date can say.
pub(super) fn naive_date(days: i32) -> NaiveDate {
    let end = if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
    NaiveDate::default().checked_add_signed(TimeDelta::days(days.into())).unwrap_or(end)
}

/// The days from 1970-01-01 to a date.
pub(super) fn epoch_days(date: NaiveDate) -> i32 {
    // Chrono's dates span less than 2^28 days.
    (date - NaiveDate::default()).num_days() as i32
}

/// The time of day so many milliseconds after midnight.
pub(super) fn naive_time(millis: i32) -> NaiveTime {
    let millis = i64::from(millis).rem_euclid(MILLIS_PER_DAY);
    NaiveTime::default() + TimeDelta::milliseconds(millis)
}

/// The milliseconds from midnight to a time of day.
pub(super) fn millis_of_day(time: NaiveTime) -> i32 {
    let millis = i64::from(time.nanosecond()) / NANOS_PER_MILLI;
    time.num_seconds_from_midnight() as i32 * 1000 + millis as i32
}

/// A DATE as text: `2020-02-29`.
pub fn date(days: i32) -> String {
    naive_date(days).format("%Y-%m-%d").to_string()
}

/// A TIME as text: `16:43`, `16:43:40`, `16:43:40.250`. As in Java, zero seconds are left out.
pub fn time(millis: i32) -> String {
    let time = naive_time(millis);
    let format = match (time.second(), time.nanosecond()) {
        (0, 0) => "%H:%M",
        (_, 0) => "%H:%M:%S",
        _ => "%H:%M:%S%.3f",
    };
    time.format(format).to_string()
}

/// A TIMESTAMP as text: `2020-02-29T16:43:40.000`.
pub fn timestamp(millis: i64) -> String {
    let end = if millis < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    let instant = DateTime::from_timestamp_millis(millis).unwrap_or(end);
    instant.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// Reads a DATE: a time stamp's date.
pub fn parse_date(text: &str) -> Result<i32> {
    let millis = parse_timestamp(text)?;
    Ok(millis.div_euclid(MILLIS_PER_DAY) as i32)
}

/// Reads a TIME: `16:43`, `16:43:40` or `16:43:40.25`.
pub fn parse_time(text: &str) -> Result<i32> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
        .map_err(|_| exec_datafusion_err!("'{text}' is not a time: expected HH:mm:ss.SSS"))?;
    Ok(millis_of_day(time))
}

/// Reads a TIMESTAMP. What is missing behind the year counts from the start: `2020-02` is
/// `2020-02-01T00:00:00.000`. A zone may follow the time: `Z`, `+0200` or `+02:00`.
pub fn parse_timestamp(text: &str) -> Result<i64> {
    parse_local(text.trim()).ok_or_else(|| {
        exec_datafusion_err!(
            "'{text}' is not a time stamp: expected yyyy-MM-dd'T'HH:mm:ss.SSS, or the start of it, \
             with an optional zone such as +0200"
        )
    })
}

fn parse_local(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let date = match date.split('-').count() {
        1 => format!("{date}-01-01"),
        2 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let date = NaiveDate::parse_from_str(&date, "%Y-%m-%d").ok()?;
    let zone_at = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone_at);
    let zone = if zone.is_empty() { Zone::UTC } else { Zone::find(zone)? };
    Some(zone.millis(NaiveDateTime::new(date, parse_partial_time(time)?)))
}

/// A time of day of which the end may be missing.
fn parse_partial_time(text: &str) -> Option<NaiveTime> {
    const MIDNIGHT: &str = "00:00:00.000";
    let missing = MIDNIGHT.get(text.len()..).unwrap_or("");
    NaiveTime::parse_from_str(&format!("{text}{missing}"), "%H:%M:%S%.f").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_may_end_early() {
        let cases = [
            ("2020", "2020-01-01T00:00:00.000"),
            ("2020-02", "2020-02-01T00:00:00.000"),
            ("2020-02-29", "2020-02-29T00:00:00.000"),
            ("2020-02-29T16", "2020-02-29T16:00:00.000"),
            ("2020-02-29T16:43:40.5", "2020-02-29T16:43:40.500"),
            ("2020-02-29T16:43+0200", "2020-02-29T14:43:00.000"),
            ("2020-02-29T16:43:40Z", "2020-02-29T16:43:40.000"),
        ];
        for (text, full) in cases {
            let millis = parse_timestamp(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(timestamp(millis), full, "{text}");
        }
        assert!(parse_timestamp("yesterday").is_err());
        assert!(parse_timestamp("2020-13-01").is_err());
    }

    #[test]
    fn times_leave_out_zero_seconds() {
        assert_eq!(time(parse_time("16:43").expect("a time")), "16:43");
        assert_eq!(time(60_220_000), "16:43:40");
        assert_eq!(time(60_220_250), "16:43:40.250");
    }
}
