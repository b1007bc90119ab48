//! The fields of a date or time that a pattern can name, and their values in a moment.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

/// A field that is written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    YearOfEra,
    WeekYear,
    Quarter,
    Month,
    Week,
    WeekOfMonth,
    DayOfYear,
    Day,
    /// From 1, Sunday.
    DayOfWeek,
    Era,
    Half,
    Hour,
    ClockHour,
    HourOfHalf,
    ClockHourOfHalf,
    Minute,
    Second,
    Nano,
    MilliOfDay,
    NanoOfDay,
}

/// How many fields there are.
pub(super) const FIELDS: usize = Field::NanoOfDay as usize + 1;

pub(super) const NANOS_PER_SECOND: i64 = 1_000_000_000;
pub(super) const NANOS_PER_MILLI: i64 = 1_000_000;

impl Field {
    /// The least and the greatest value.
    pub(super) fn bounds(self) -> (i64, i64) {
        match self {
            Self::Year | Self::WeekYear => (-999_999_999, 999_999_999),
            Self::YearOfEra => (1, 999_999_999),
            Self::Quarter => (1, 4),
            Self::Month => (1, 12),
            Self::Week => (1, 53),
            Self::WeekOfMonth => (0, 6),
            Self::DayOfYear => (1, 366),
            Self::Day => (1, 31),
            Self::DayOfWeek => (1, 7),
            Self::Era | Self::Half => (0, 1),
            Self::Hour => (0, 23),
            Self::ClockHour => (1, 24),
            Self::HourOfHalf => (0, 11),
            Self::ClockHourOfHalf => (1, 12),
            Self::Minute | Self::Second => (0, 59),
            Self::Nano => (0, NANOS_PER_SECOND - 1),
            Self::MilliOfDay => (0, 86_399_999),
            Self::NanoOfDay => (0, 86_400 * NANOS_PER_SECOND - 1),
        }
    }

    /// The name for error messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::YearOfEra => "year of era",
            Self::WeekYear => "week-based year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Week => "week of year",
            Self::WeekOfMonth => "week of month",
            Self::DayOfYear => "day of year",
            Self::Day => "day of month",
            Self::DayOfWeek => "day of week",
            Self::Era => "era",
            Self::Half => "half of day",
            Self::Hour | Self::ClockHour => "hour",
            Self::HourOfHalf | Self::ClockHourOfHalf => "hour of half day",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Nano => "fraction of second",
            Self::MilliOfDay => "millisecond of day",
            Self::NanoOfDay => "nanosecond of day",
        }
    }

    /// Its value in a date, if dates have it.
    pub(super) fn of_date(self, date: NaiveDate) -> Option<i64> {
        let year = i64::from(date.year());
        Some(match self {
            Self::Year => year,
            Self::YearOfEra => {
                if year > 0 {
                    year
                } else {
                    1 - year
                }
            }
            Self::WeekYear => i64::from(week_of_year(date).0),
            Self::Quarter => i64::from(date.month0() / 3 + 1),
            Self::Month => i64::from(date.month()),
            Self::Week => i64::from(week_of_year(date).1),
            Self::WeekOfMonth => week_number(i64::from(date.day()), sunday_based(date)),
            Self::DayOfYear => i64::from(date.ordinal()),
            Self::Day => i64::from(date.day()),
            Self::DayOfWeek => sunday_based(date) + 1,
            Self::Era => i64::from(year > 0),
            _ => return None,
        })
    }

    /// Its value in a time of day, if times have it.
    pub(super) fn of_time(self, time: NaiveTime) -> Option<i64> {
        let hour = i64::from(time.hour());
        let seconds = i64::from(time.num_seconds_from_midnight());
        let nano = i64::from(time.nanosecond());
        Some(match self {
            Self::Half => hour / 12,
            Self::Hour => hour,
            Self::ClockHour => (hour + 23) % 24 + 1,
            Self::HourOfHalf => hour % 12,
            Self::ClockHourOfHalf => (hour + 11) % 12 + 1,
            Self::Minute => i64::from(time.minute()),
            Self::Second => i64::from(time.second()),
            Self::Nano => nano,
            Self::MilliOfDay => seconds * 1000 + nano / NANOS_PER_MILLI,
            Self::NanoOfDay => seconds * NANOS_PER_SECOND + nano,
            _ => return None,
        })
    }
}

fn sunday_based(date: NaiveDate) -> i64 {
    i64::from(date.weekday().num_days_from_sunday())
}

/// The week that day `day` (from 1) is in, where weeks start on Sunday and the first day is in
/// week 1.
fn week_number(day: i64, weekday: i64) -> i64 {
    (day + 5 - weekday).div_euclid(7) + 1
}

/// Week-based year and week by the rules of the US: weeks start on Sunday, and the week of the
/// first of January is the first of the year.
fn week_of_year(date: NaiveDate) -> (i32, u32) {
    let weekday = sunday_based(date);
    let days_left = NaiveDate::from_ymd_opt(date.year() + 1, 1, 1)
        .map_or(i64::MAX, |next| (next - date).num_days());
    match days_left <= 6 - weekday {
        true => (date.year() + 1, 1),
        false => (date.year(), week_number(i64::from(date.ordinal()), weekday) as u32),
    }
}

/// The day of a week by the same rules.
pub(super) fn day_of_week(year: i32, week: i64, day_of_week: i64) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
    let days = (week - 1) * 7 + (day_of_week - 1) - sunday_based(first);
    first.checked_add_signed(chrono::TimeDelta::days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_start_on_sunday_and_the_first_holds_the_first_of_january() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        assert_eq!(week_of_year(date(2021, 1, 1)), (2021, 1));
        assert_eq!(week_of_year(date(2021, 1, 3)), (2021, 2));
        assert_eq!(week_of_year(date(2021, 12, 25)), (2021, 52));
        assert_eq!(week_of_year(date(2021, 12, 26)), (2022, 1));
        assert_eq!(day_of_week(2021, 2, 1), Some(date(2021, 1, 3)));
    }
}
