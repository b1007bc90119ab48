//! Between text and dates, times and time stamps, by pattern; and between time zones.

use arrow::array::{
    ArrayRef, Date32Array, Int32Array, Int64Array, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray,
};
use datafusion::common::Result;

use super::super::arguments::{Arguments, Column, Memo};
use super::super::scalar::{Scalar, define};
use super::pattern::TimePattern;
use super::zone::Zone;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    let mut functions = formats();
    functions.extend(parses());
    functions.push(define(
        "CONVERT_TZ",
        "A local time stamp of one time zone as local time stamp of another.",
        &["CONVERT_TZ(value TIMESTAMP, from STRING, to STRING) → TIMESTAMP"],
        &[("CONVERT_TZ('2020-01-01T10:00', '+0200', '+0500')", "2020-01-01T13:00:00.000")],
        convert_zone,
    ));
    functions
}

fn formats() -> Vec<Scalar> {
    vec![
        define(
            "FORMAT_DATE",
            "A date as text, by a pattern such as 'yyyy-MM-dd'.",
            &["FORMAT_DATE(value DATE, pattern STRING) → STRING"],
            &[("FORMAT_DATE('2022-01-01', 'dd-MMM-yyyy')", "'01-Jan-2022'")],
            |args| {
                let dates = args.column::<Date32Array>(0)?;
                format(args, |row, pattern| Some(pattern.format_date(dates.get(row)?)))
            },
        ),
        define(
            "FORMAT_TIME",
            "A time as text, by a pattern such as 'HH:mm:ss'.",
            &["FORMAT_TIME(value TIME, pattern STRING) → STRING"],
            &[("FORMAT_TIME('16:43:40', 'hh:mm a')", "'04:43 PM'")],
            |args| {
                let times = args.column::<Time32MillisecondArray>(0)?;
                format(args, |row, pattern| Some(pattern.format_time(times.get(row)?)))
            },
        ),
        define(
            "FORMAT_TIMESTAMP",
            "A time stamp as text, by a pattern, in local time of a zone, UTC unless told.",
            &["FORMAT_TIMESTAMP(value TIMESTAMP, pattern STRING[, zone STRING]) → STRING"],
            &[(
                "FORMAT_TIMESTAMP('2018-05-11T21:58', 'yyyy-MM-dd HH:mm zzz', 'America/Los_Angeles')",
                "'2018-05-11 14:58 PDT'",
            )],
            |args| {
                let times = args.column::<TimestampMillisecondArray>(0)?;
                format_in_zone(args, |row| times.get(row))
            },
        ),
        define(
            "DATETOSTRING",
            "Deprecated, use FORMAT_DATE: days since 1970-01-01 as text, by a pattern.",
            &["DATETOSTRING(days INTEGER, pattern STRING) → STRING"],
            &[("DATETOSTRING(17662, 'yyyy-MM-dd')", "'2018-05-11'")],
            |args| {
                let days = args.column::<Int32Array>(0)?;
                format(args, |row, pattern| Some(pattern.format_date(days.get(row)?)))
            },
        ),
        define(
            "TIMESTAMPTOSTRING",
            "Deprecated, use FORMAT_TIMESTAMP: milliseconds since 1970-01-01 as text, by a \
             pattern, in local time of a zone, UTC unless told.",
            &["TIMESTAMPTOSTRING(millis BIGINT, pattern STRING[, zone STRING]) → STRING"],
            &[("TIMESTAMPTOSTRING(1526075913000, 'yyyy-MM-dd HH:mm')", "'2018-05-11 21:58'")],
            |args| {
                let millis = args.column::<Int64Array>(0)?;
                format_in_zone(args, |row| millis.get(row))
            },
        ),
    ]
}

fn parses() -> Vec<Scalar> {
    vec![
        define(
            "PARSE_DATE",
            "The date that a text gives by a pattern such as 'yyyy-MM-dd'; what follows it in the text \
             does not count.",
            &["PARSE_DATE(value STRING, pattern STRING) → DATE"],
            &[("PARSE_DATE('11/05/2019', 'dd/MM/yyyy')", "2019-05-11")],
            |args| {
                parse::<Date32Array, _>(args, |text, pattern, _| pattern.parse_leading_date(text))
            },
        ),
        define(
            "PARSE_TIME",
            "The time that a text gives by a pattern such as 'HH:mm:ss'.",
            &["PARSE_TIME(value STRING, pattern STRING) → TIME"],
            &[("PARSE_TIME('01:00:30 PM', 'hh:mm:ss a')", "13:00:30")],
            |args| {
                parse::<Time32MillisecondArray, _>(args, |text, pattern, _| {
                    pattern.parse_time(text)
                })
            },
        ),
        define(
            "PARSE_TIMESTAMP",
            "The time stamp that a text gives by a pattern, in local time of a zone, UTC unless \
             told.",
            &["PARSE_TIMESTAMP(value STRING, pattern STRING[, zone STRING]) → TIMESTAMP"],
            &[(
                "PARSE_TIMESTAMP('2018-05-11 21', 'yyyy-MM-dd HH', '+02:00')",
                "2018-05-11T19:00:00.000",
            )],
            |args| {
                parse::<TimestampMillisecondArray, _>(args, |text, pattern, zone| {
                    pattern.parse_timestamp(text, zone)
                })
            },
        ),
        define(
            "STRINGTODATE",
            "Deprecated, use PARSE_DATE: the date that a text gives by a pattern, in days since \
             1970-01-01.",
            &["STRINGTODATE(value STRING, pattern STRING) → INTEGER"],
            &[("STRINGTODATE('2018-05-11', 'yyyy-MM-dd')", "17662")],
            |args| parse::<Int32Array, _>(args, |text, pattern, _| pattern.parse_date(text)),
        ),
        define(
            "STRINGTOTIMESTAMP",
            "Deprecated, use PARSE_TIMESTAMP: the time stamp that a text gives by a pattern, in \
             milliseconds since 1970-01-01.",
            &["STRINGTOTIMESTAMP(value STRING, pattern STRING[, zone STRING]) → BIGINT"],
            &[(
                "STRINGTOTIMESTAMP('2018-05-11T21:58:33Z', 'yyyy-MM-dd''T''HH:mm:ssX')",
                "1526075913000",
            )],
            |args| {
                parse::<Int64Array, _>(args, |text, pattern, zone| {
                    pattern.parse_timestamp(text, zone)
                })
            },
        ),
    ]
}

/// Zones by row; UTC where the call names none.
struct Zones<'a> {
    names: Option<Column<'a, StringArray>>,
    zones: Memo<Zone>,
}

impl<'a> Zones<'a> {
    fn new(args: &'a Arguments, index: usize) -> Result<Self> {
        Ok(Self { names: args.optional(index)?, zones: Memo::new(Zone::parse) })
    }

    /// None for NULL.
    fn get(&mut self, row: usize) -> Result<Option<&Zone>> {
        const UTC: &Zone = &Zone::UTC;
        match &self.names {
            None => Ok(Some(UTC)),
            Some(names) => names.get(row).map(|name| self.zones.get(name)).transpose(),
        }
    }
}

/// Texts by the pattern of argument 1.
fn format(
    args: &Arguments,
    text: impl Fn(usize, &TimePattern) -> Option<Result<String>>,
) -> Result<ArrayRef> {
    let patterns = args.column::<StringArray>(1)?;
    let mut compiled = Memo::new(TimePattern::compile);
    args.try_each::<StringArray, _>(|row| match patterns.get(row) {
        Some(pattern) => text(row, compiled.get(pattern)?).transpose(),
        None => Ok(None),
    })
}

/// Texts of instants by the pattern of argument 1 and the zone of argument 2.
fn format_in_zone(args: &Arguments, millis: impl Fn(usize) -> Option<i64>) -> Result<ArrayRef> {
    let patterns = args.column::<StringArray>(1)?;
    let mut compiled = Memo::new(TimePattern::compile);
    let mut zones = Zones::new(args, 2)?;
    args.try_each::<StringArray, _>(|row| {
        let (Some(millis), Some(pattern)) = (millis(row), patterns.get(row)) else {
            return Ok(None);
        };
        let Some(zone) = zones.get(row)? else { return Ok(None) };
        compiled.get(pattern)?.format_timestamp(millis, zone).map(Some)
    })
}

/// What the texts of argument 0 give by the pattern of argument 1 and the zone of argument 2.
fn parse<A, T>(
    args: &Arguments,
    value: fn(&str, &TimePattern, &Zone) -> Result<T>,
) -> Result<ArrayRef>
where
    A: arrow::array::Array + FromIterator<Option<T>> + 'static,
{
    let (texts, patterns) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let mut compiled = Memo::new(TimePattern::compile);
    let mut zones = Zones::new(args, 2)?;
    args.try_each::<A, T>(|row| {
        let (Some(text), Some(pattern)) = (texts.get(row), patterns.get(row)) else {
            return Ok(None);
        };
        let Some(zone) = zones.get(row)? else { return Ok(None) };
        value(text, compiled.get(pattern)?, zone).map(Some)
    })
}

fn convert_zone(args: &Arguments) -> Result<ArrayRef> {
    let times = args.column::<TimestampMillisecondArray>(0)?;
    let (mut from, mut to) = (Zones::new(args, 1)?, Zones::new(args, 2)?);
    args.try_each::<TimestampMillisecondArray, _>(|row| {
        let Some(local) = times.get(row) else { return Ok(None) };
        let (Some(from), Some(to)) = (from.get(row)?, to.get(row)?) else { return Ok(None) };
        let instant = from.millis(Zone::UTC.local(local));
        Ok(Some(to.local(instant).and_utc().timestamp_millis()))
    })
}
