//! Between numbers since 1970-01-01 and dates and time stamps; and the time now.

use arrow::array::{
    ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, TimestampMillisecondArray,
};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMillisecondType};
use chrono::Utc;
use datafusion::common::Result;
use std::sync::Arc;

use super::super::arguments::Arguments;
use super::super::scalar::{Scalar, define};
use super::iso::MILLIS_PER_DAY;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "FROM_DAYS",
            "The date so many days after 1970-01-01.",
            &["FROM_DAYS(days INTEGER) → DATE"],
            &[("FROM_DAYS(10)", "1970-01-11")],
            |args| {
                let days = args.array(0)?;
                let dates: Date32Array =
                    days.as_primitive::<Int32Type>().reinterpret_cast::<Date32Type>();
                Ok(Arc::new(dates))
            },
        ),
        define(
            "FROM_UNIXTIME",
            "The time stamp so many milliseconds after 1970-01-01.",
            &["FROM_UNIXTIME(millis BIGINT) → TIMESTAMP"],
            &[("FROM_UNIXTIME(1526075913000)", "2018-05-11T21:58:33.000")],
            |args| {
                let millis = args.array(0)?;
                let times: TimestampMillisecondArray = millis
                    .as_primitive::<Int64Type>()
                    .reinterpret_cast::<TimestampMillisecondType>(
                );
                Ok(Arc::new(times))
            },
        ),
        define(
            "UNIX_DATE",
            "The days from 1970-01-01 to a date, to today unless told.",
            &["UNIX_DATE([value DATE]) → INTEGER"],
            &[("UNIX_DATE('1970-01-11')", "10")],
            unix_date,
        )
        .volatile(),
        define(
            "UNIX_TIMESTAMP",
            "The milliseconds from 1970-01-01 to a time stamp, to now unless told.",
            &["UNIX_TIMESTAMP([value TIMESTAMP]) → BIGINT"],
            &[("UNIX_TIMESTAMP('2018-05-11T21:58:33')", "1526075913000")],
            unix_timestamp,
        )
        .volatile(),
    ]
}

fn unix_date(args: &Arguments) -> Result<ArrayRef> {
    if args.len() == 0 {
        let today = Utc::now().timestamp_millis().div_euclid(MILLIS_PER_DAY) as i32;
        return args.each::<Int32Array, _>(|_| Some(today));
    }
    let dates = args.array(0)?;
    let days: Int32Array = dates.as_primitive::<Date32Type>().reinterpret_cast::<Int32Type>();
    Ok(Arc::new(days))
}

fn unix_timestamp(args: &Arguments) -> Result<ArrayRef> {
    if args.len() == 0 {
        let now = Utc::now().timestamp_millis();
        return args.each::<Int64Array, _>(|_| Some(now));
    }
    let times = args.array(0)?;
    let millis: Int64Array =
        times.as_primitive::<TimestampMillisecondType>().reinterpret_cast::<Int64Type>();
    Ok(Arc::new(millis))
}
