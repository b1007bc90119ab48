//! DATEADD, TIMEADD, TIMESTAMPADD and their opposites.
//!
//! The unit is a word, DAYS or 'days'. Months and years end on the last day of a month that is
//! too short; a time of day goes round at midnight.

use arrow::array::{
    ArrayRef, Date32Array, Int32Array, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray,
};
use chrono::{Months, NaiveDate};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};

use super::super::arguments::{Arguments, Memo};
use super::super::scalar::{Scalar, define};
use super::iso::{MILLIS_PER_DAY, epoch_days, naive_date};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "DATEADD",
            "A date so many units later; the unit is a word such as DAYS or MONTHS.",
            &["DATEADD(unit STRING, amount INTEGER, value DATE) → DATE"],
            &[("DATEADD('DAYS', 10, '2020-02-25')", "2020-03-06")],
            |args| dates(args, 1),
        ),
        define(
            "DATESUB",
            "A date so many units earlier; the unit is a word such as DAYS or MONTHS.",
            &["DATESUB(unit STRING, amount INTEGER, value DATE) → DATE"],
            &[("DATESUB('MONTHS', 1, '2020-03-31')", "2020-02-29")],
            |args| dates(args, -1),
        ),
        define(
            "TIMEADD",
            "A time so many units later, past midnight if need be; the unit is a word such as \
             MINUTES.",
            &["TIMEADD(unit STRING, amount INTEGER, value TIME) → TIME"],
            &[("TIMEADD('HOURS', 2, '23:30')", "01:30")],
            |args| times(args, 1),
        ),
        define(
            "TIMESUB",
            "A time so many units earlier, past midnight if need be; the unit is a word such as \
             MINUTES.",
            &["TIMESUB(unit STRING, amount INTEGER, value TIME) → TIME"],
            &[("TIMESUB('MINUTES', 45, '00:30')", "23:45")],
            |args| times(args, -1),
        ),
        define(
            "TIMESTAMPADD",
            "A time stamp so many units later; the unit is a word such as HOURS.",
            &["TIMESTAMPADD(unit STRING, amount INTEGER, value TIMESTAMP) → TIMESTAMP"],
            &[("TIMESTAMPADD('HOURS', 3, '2020-02-29T22:00')", "2020-03-01T01:00:00.000")],
            |args| timestamps(args, 1),
        ),
        define(
            "TIMESTAMPSUB",
            "A time stamp so many units earlier; the unit is a word such as HOURS.",
            &["TIMESTAMPSUB(unit STRING, amount INTEGER, value TIMESTAMP) → TIMESTAMP"],
            &[("TIMESTAMPSUB('YEARS', 1, '2020-02-29')", "2019-02-28T00:00:00.000")],
            |args| timestamps(args, -1),
        ),
    ]
}

/// Whether a word is a unit of time, as `DAYS` in `DATEADD(DAYS, 1, d)`.
pub fn is_time_unit(word: &str) -> bool {
    Unit::parse(word).is_ok()
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Millis(i64),
    Months(i64),
}

impl Unit {
    fn parse(name: &str) -> Result<Self> {
        let upper = name.to_ascii_uppercase();
        Ok(match upper.strip_suffix('S').unwrap_or(&upper) {
            "MILLISECOND" => Self::Millis(1),
            "SECOND" => Self::Millis(1000),
            "MINUTE" => Self::Millis(60_000),
            "HOUR" => Self::Millis(3_600_000),
            "DAY" => Self::Millis(MILLIS_PER_DAY),
            "WEEK" => Self::Millis(7 * MILLIS_PER_DAY),
            "MONTH" => Self::Months(1),
            "YEAR" => Self::Months(12),
            _ => {
                return exec_err!(
                    "unknown unit of time '{name}': use MILLISECONDS, SECONDS, MINUTES, HOURS, \
                     DAYS, WEEKS, MONTHS or YEARS"
                );
            }
        })
    }
}

/// The unit and the signed amount for each row; none for NULL.
fn steps<'a>(
    args: &'a Arguments,
    sign: i64,
) -> Result<impl FnMut(usize) -> Result<Option<(Unit, i64)>> + 'a> {
    let (names, amounts) = (args.column::<StringArray>(0)?, args.column::<Int32Array>(1)?);
    let mut units = Memo::new(Unit::parse);
    Ok(move |row| {
        let (Some(name), Some(amount)) = (names.get(row), amounts.get(row)) else {
            return Ok(None);
        };
        Ok(Some((*units.get(name)?, sign * i64::from(amount))))
    })
}

fn dates(args: &Arguments, sign: i64) -> Result<ArrayRef> {
    let mut steps = steps(args, sign)?;
    let values = args.column::<Date32Array>(2)?;
    args.try_each::<Date32Array, _>(|row| {
        let (Some((unit, amount)), Some(days)) = (steps(row)?, values.get(row)) else {
            return Ok(None);
        };
        let days = match unit {
            Unit::Millis(millis) => {
                let added = (millis * amount) / MILLIS_PER_DAY;
                i32::try_from(i64::from(days) + added).ok()
            }
            Unit::Months(months) => add_months(naive_date(days), months * amount).map(epoch_days),
        };
        days.ok_or_else(out_of_range).map(Some)
    })
}

fn times(args: &Arguments, sign: i64) -> Result<ArrayRef> {
    let mut steps = steps(args, sign)?;
    let values = args.column::<Time32MillisecondArray>(2)?;
    args.try_each::<Time32MillisecondArray, _>(|row| {
        let (Some((unit, amount)), Some(time)) = (steps(row)?, values.get(row)) else {
            return Ok(None);
        };
        let added = match unit {
            Unit::Millis(millis) => millis * amount,
            // Whole days do not change the time of day.
            Unit::Months(_) => 0,
        };
        Ok(Some((i64::from(time) + added).rem_euclid(MILLIS_PER_DAY) as i32))
    })
}

fn timestamps(args: &Arguments, sign: i64) -> Result<ArrayRef> {
    let mut steps = steps(args, sign)?;
    let values = args.column::<TimestampMillisecondArray>(2)?;
    args.try_each::<TimestampMillisecondArray, _>(|row| {
        let (Some((unit, amount)), Some(time)) = (steps(row)?, values.get(row)) else {
            return Ok(None);
        };
        let sum = match unit {
            Unit::Millis(millis) => time.checked_add(millis * amount),
            Unit::Months(months) => add_months_to_millis(time, months * amount),
        };
        sum.ok_or_else(out_of_range).map(Some)
    })
}

fn add_months_to_millis(time: i64, months: i64) -> Option<i64> {
    let days = i32::try_from(time.div_euclid(MILLIS_PER_DAY)).ok()?;
    let date = add_months(naive_date(days), months)?;
    let midnight = i64::from(epoch_days(date)) * MILLIS_PER_DAY;
    Some(midnight + time.rem_euclid(MILLIS_PER_DAY))
}

fn add_months(date: NaiveDate, months: i64) -> Option<NaiveDate> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    match months < 0 {
        true => date.checked_sub_months(count),
        false => date.checked_add_months(count),
    }
}

fn out_of_range() -> DataFusionError {
    exec_datafusion_err!("the sum is out of the range of dates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_words_of_either_number_and_case() {
        assert_eq!(Unit::parse("DAYS").expect("a unit"), Unit::Millis(MILLIS_PER_DAY));
        assert_eq!(Unit::parse("month").expect("a unit"), Unit::Months(1));
        assert!(!is_time_unit("fortnights"));
    }
}
