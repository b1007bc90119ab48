//! Points of time as text, where a column of milliseconds is compared with one.
//!
//! `YYYY[-MM[-DD[THH[:MM[:SS[.mmm]]]]]]`, missing parts being the smallest, followed by nothing
//! (UTC), `Z` or an offset as `+0100` or `+01:00`.

use chrono::{DateTime, FixedOffset, NaiveDate};

use crate::error::{Code, Result, invalid};

/// Milliseconds since the epoch.
pub fn timestamp_ms(text: &str) -> Result<i64> {
    let unreadable = || {
        let message = format!("'{text}' is not a point of time");
        invalid(Code::InvalidValue, message)
            .hint("expected YYYY-MM-DDTHH:MM:SS.mmm, from the right as much as needed, and a zone")
    };
    parse(text).ok_or_else(unreadable)
}

fn parse(text: &str) -> Option<i64> {
    let (date, rest) = match text.split_once(['T', ' ']) {
        Some((date, rest)) => (date, rest),
        None => (text, ""),
    };
    let (clock, zone) = split_zone(rest);
    let mut date = date.split('-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (date.next()??, next_or(&mut date, 1)?, next_or(&mut date, 1)?);
    let (clock, millis) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.split(':').map(|part| match part {
        "" => Some(0),
        part => part.parse::<u32>().ok(),
    });
    let hms = (next_or(&mut clock, 0)?, next_or(&mut clock, 0)?, next_or(&mut clock, 0)?);
    let millis: u32 = format!("{millis:0<3}").get(..3)?.parse().ok()?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let local = date.and_hms_milli_opt(hms.0, hms.1, hms.2, millis)?;
    let offset = parse_zone(zone)?;
    let instant: DateTime<FixedOffset> = local.and_local_timezone(offset).single()?;
    Some(instant.timestamp_millis())
}

fn next_or(parts: &mut impl Iterator<Item = Option<u32>>, default: u32) -> Option<u32> {
    parts.next().unwrap_or(Some(default))
}

fn split_zone(text: &str) -> (&str, &str) {
    match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    }
}

fn parse_zone(zone: &str) -> Option<FixedOffset> {
    if zone == "Z" {
        return FixedOffset::east_opt(0);
    }
    let digits: String = zone.chars().skip(1).filter(|c| *c != ':').collect();
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 =
        digits.get(2..).filter(|m| !m.is_empty()).map_or(Some(0), |m| m.parse().ok())?;
    let seconds = hours * 3600 + minutes * 60;
    FixedOffset::east_opt(if zone.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_the_smallest_and_zones_count() {
        assert_eq!(timestamp_ms("1970").unwrap(), 0);
        assert_eq!(timestamp_ms("1970-01-02").unwrap(), 86_400_000);
        assert_eq!(timestamp_ms("1970-01-01T01").unwrap(), 3_600_000);
        assert_eq!(timestamp_ms("1970-01-01T00:00:01.5").unwrap(), 1_500);
        assert_eq!(timestamp_ms("1970-01-01T01:00+0100").unwrap(), 0);
        assert_eq!(timestamp_ms("1970-01-01T00:00:00-01:00").unwrap(), 3_600_000);
        assert!(timestamp_ms("yesterday").is_err());
    }
}
