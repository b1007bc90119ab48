//! Time zones as users name them: `Europe/Berlin`, `UTC`, `+02:00`, `GMT+2`.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};
use datafusion::common::{Result, exec_datafusion_err};

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// A region with its own rules.
    Region(Tz),
    /// A fixed offset.
    Offset {
        /// Seconds east of Greenwich.
        seconds: i32,
        /// The name that it was given.
        id: String,
    },
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Region(Tz::UTC);

    /// The zone of a name.
    pub fn parse(id: &str) -> Result<Self> {
        Self::find(id).ok_or_else(|| {
            exec_datafusion_err!(
                "unknown time zone '{id}': use a name like 'Europe/Berlin' or an offset like '+02:00'"
            )
        })
    }

    pub(super) fn find(id: &str) -> Option<Self> {
        if let Ok(region) = id.parse::<Tz>() {
            return Some(Self::Region(region));
        }
        let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| id.strip_prefix(prefix));
        let seconds = match offset.unwrap_or(id) {
            "Z" if offset.is_none() => 0,
            offset => offset_seconds(offset)?,
        };
        Some(Self::Offset { seconds, id: id.to_owned() })
    }

    /// A zone that is nothing but an offset.
    pub(super) fn fixed(seconds: i32) -> Self {
        Self::Offset { seconds, id: String::new() }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        match self {
            Self::Region(region) => region.name(),
            Self::Offset { id, .. } => id,
        }
    }

    /// Seconds east of Greenwich at an instant.
    pub fn offset_seconds(&self, millis: i64) -> i32 {
        match self {
            Self::Region(region) => {
                region.offset_from_utc_datetime(&utc(millis)).fix().local_minus_utc()
            }
            Self::Offset { seconds, .. } => *seconds,
        }
    }

    /// The short name that is used at an instant: `PDT`.
    pub(super) fn abbreviation(&self, millis: i64) -> String {
        match self {
            Self::Region(region) => {
                let offset = region.offset_from_utc_datetime(&utc(millis));
                offset.abbreviation().unwrap_or(region.name()).to_owned()
            }
            Self::Offset { id, .. } => id.clone(),
        }
    }

    /// The local time at an instant.
    pub(super) fn local(&self, millis: i64) -> NaiveDateTime {
        utc(millis) + TimeDelta::seconds(self.offset_seconds(millis).into())
    }

    /// The instant of a local time, in milliseconds since the epoch. A time that clocks show
    /// twice is the first one; one that they skip is as much later as they skip.
    pub fn millis(&self, local: NaiveDateTime) -> i64 {
        let seconds = match self {
            Self::Offset { seconds, .. } => *seconds,
            Self::Region(region) => match region.offset_from_local_datetime(&local) {
                LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
                    offset.fix().local_minus_utc()
                }
                // The offset before the gap: gaps are shorter and rarer than a day.
                LocalResult::None => {
                    self.offset_seconds((local - TimeDelta::days(1)).and_utc().timestamp_millis())
                }
            },
        };
        local.and_utc().timestamp_millis() - i64::from(seconds) * 1000
    }
}

/// An instant as date and time in UTC; the ends of time for what no date can say.
fn utc(millis: i64) -> NaiveDateTime {
    let end = if millis < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(millis).unwrap_or(end).naive_utc()
}

/// `+2`, `+02`, `+0200`, `+02:00`, `+020030`, `+02:00:30`.
fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let digits: String = match digits.split_once(':') {
        Some(_) => digits.split(':').map(|part| format!("{part:0>2}")).collect(),
        None => digits.to_owned(),
    };
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i32>().ok();
    let (hours, minutes, seconds) = match digits.len() {
        1 => (part(0..1)?, 0, 0),
        2 => (part(0..2)?, 0, 0),
        4 => (part(0..2)?, part(2..4)?, 0),
        6 => (part(0..2)?, part(2..4)?, part(4..6)?),
        _ => return None,
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= 18 * 3600).then_some(sign * total)
}

/// Short names that patterns read, and the regions that they stand for.
const ABBREVIATIONS: &[(&str, Tz)] = &[
    ("AEDT", Tz::Australia__Sydney),
    ("AEST", Tz::Australia__Sydney),
    ("AKDT", Tz::America__Anchorage),
    ("AKST", Tz::America__Anchorage),
    ("BST", Tz::Europe__London),
    ("CDT", Tz::America__Chicago),
    ("CEST", Tz::Europe__Paris),
    ("CST", Tz::America__Chicago),
    ("EDT", Tz::America__New_York),
    ("EEST", Tz::Europe__Athens),
    ("EST", Tz::America__New_York),
    ("HST", Tz::Pacific__Honolulu),
    ("IST", Tz::Asia__Kolkata),
    ("JST", Tz::Asia__Tokyo),
    ("KST", Tz::Asia__Seoul),
    ("MDT", Tz::America__Denver),
    ("MSK", Tz::Europe__Moscow),
    ("MST", Tz::America__Denver),
    ("NZDT", Tz::Pacific__Auckland),
    ("NZST", Tz::Pacific__Auckland),
    ("PDT", Tz::America__Los_Angeles),
    ("PST", Tz::America__Los_Angeles),
    ("WEST", Tz::Europe__Lisbon),
];

/// The zone at the start of a text, and how long its name is: the longest that there is.
pub(super) fn parse_prefix(text: &str, short_names: bool) -> Option<(Zone, usize)> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "/_+-:".contains(char);
    let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
    (1..=end).rev().find_map(|length| {
        let name = &text[..length];
        let short = || {
            let known = ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.map(|(_, region)| Zone::Region(*region)).filter(|_| short_names)
        };
        Some((short().or_else(|| Zone::find(name))?, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_names_or_offsets() {
        let cases = [
            ("Europe/Berlin", 7200),
            ("UTC", 0),
            ("Z", 0),
            ("+2", 7200),
            ("-0330", -12600),
            ("GMT+05:30", 19800),
        ];
        for (id, seconds) in cases {
            let zone = Zone::parse(id).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(zone.offset_seconds(1_589_234_313_000), seconds, "{id}");
        }
        assert!(Zone::parse("Mars/Olympus").is_err());
    }

    #[test]
    fn a_skipped_time_is_later_and_a_repeated_one_the_first() {
        let zone = Zone::Region(Tz::Europe__Berlin);
        let local = |text: &str| text.parse::<NaiveDateTime>().expect("a local time");
        assert_eq!(zone.millis(local("2024-03-31T02:30:00")), 1_711_848_600_000);
        assert_eq!(zone.millis(local("2024-10-27T02:30:00")), 1_729_989_000_000);
    }
}
