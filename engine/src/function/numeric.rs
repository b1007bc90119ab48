//! Numeric functions: signs and whole numbers, series, distances, random numbers.
//!
//! Integers wrap on overflow, as in Java.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err, internal_err};

use super::arguments::{Arguments, Column};
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    [signs(), makers()].into_iter().flatten().collect()
}

/// Functions that keep the kind of number.
fn signs() -> Vec<Scalar> {
    vec![
        define(
            "ABS",
            "The absolute value.",
            &[
                "ABS(value INTEGER) → INTEGER",
                "ABS(value BIGINT) → BIGINT",
                "ABS(value DOUBLE) → DOUBLE",
                "ABS(value DECIMAL) → DECIMAL",
            ],
            &[("ABS(-3)", "3"), ("ABS(-2.5)", "2.5")],
            abs,
        ),
        define(
            "CEIL",
            "The smallest whole number that is not less than the value.",
            &[
                "CEIL(value INTEGER) → INTEGER",
                "CEIL(value BIGINT) → BIGINT",
                "CEIL(value DOUBLE) → DOUBLE",
                "CEIL(value DECIMAL) → DECIMAL",
            ],
            &[("CEIL(3.2)", "4.0"), ("CEIL(-3.2)", "-3.0")],
            |args| whole(args, f64::ceil, ceil_to),
        ),
        define(
            "FLOOR",
            "The largest whole number that is not greater than the value.",
            &[
                "FLOOR(value INTEGER) → INTEGER",
                "FLOOR(value BIGINT) → BIGINT",
                "FLOOR(value DOUBLE) → DOUBLE",
                "FLOOR(value DECIMAL) → DECIMAL",
            ],
            &[("FLOOR(3.8)", "3.0"), ("FLOOR(-3.2)", "-4.0")],
            |args| whole(args, f64::floor, |value, unit| value.div_euclid(unit) * unit),
        ),
        define(
            "SIGN",
            "-1, 0 or 1: the sign of the value.",
            &["SIGN(value DOUBLE) → INTEGER"],
            &[("SIGN(-7)", "-1"), ("SIGN(0)", "0")],
            sign,
        ),
    ]
}

/// Functions that make numbers.
fn makers() -> Vec<Scalar> {
    vec![
        define(
            "GENERATE_SERIES",
            "The numbers from start to end, both included. Without a step they count up or down \
             by one.",
            &[
                "GENERATE_SERIES(start INTEGER, end INTEGER[, step INTEGER]) → ARRAY<INTEGER>",
                "GENERATE_SERIES(start BIGINT, end BIGINT[, step INTEGER]) → ARRAY<BIGINT>",
            ],
            &[
                ("GENERATE_SERIES(1, 4)", "[1, 2, 3, 4]"),
                ("GENERATE_SERIES(9, 0, -3)", "[9, 6, 3, 0]"),
            ],
            generate_series,
        ),
        define(
            "GEO_DISTANCE",
            "The great-circle distance between two points given by latitude and longitude in \
             degrees, in kilometres ('KM', the default) or miles ('MI').",
            &["GEO_DISTANCE(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE[, unit STRING]) \
               → DOUBLE"],
            &[("ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122), 3)", "8634.66")],
            geo_distance,
        ),
        define(
            "PI",
            "The number π.",
            &["PI() → DOUBLE"],
            &[("PI()", "3.141592653589793")],
            |args| args.each::<Float64Array, _>(|_| Some(std::f64::consts::PI)),
        ),
        define(
            "RANDOM",
            "A random number from 0 up to, but not including, 1; another one for each row.",
            &["RANDOM() → DOUBLE"],
            &[],
            |args| args.each::<Float64Array, _>(|_| Some(rand::random())),
        )
        .volatile(),
    ]
}

fn abs(args: &Arguments) -> Result<ArrayRef> {
    let array = args.array(0)?;
    Ok(match array.data_type() {
        DataType::Int32 => {
            Arc::new(array.as_primitive::<Int32Type>().unary::<_, Int32Type>(i32::wrapping_abs))
        }
        DataType::Int64 => {
            Arc::new(array.as_primitive::<Int64Type>().unary::<_, Int64Type>(i64::wrapping_abs))
        }
        DataType::Float64 => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs))
        }
        _ => decimals(args, i128::wrapping_abs)?,
    })
}

/// Whole numbers in the argument's own type: integers are already.
fn whole(
    args: &Arguments,
    double: fn(f64) -> f64,
    decimal: fn(i128, i128) -> i128,
) -> Result<ArrayRef> {
    let array = args.array(0)?;
    match array.data_type() {
        DataType::Float64 => {
            Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(double)))
        }
        DataType::Decimal128(_, scale) => {
            let unit = 10_i128.pow(u32::try_from(*scale).unwrap_or(0));
            decimals(args, |value| decimal(value, unit))
        }
        _ => Ok(array),
    }
}

fn ceil_to(value: i128, unit: i128) -> i128 {
    -((-value).div_euclid(unit) * unit)
}

/// Changes unscaled decimals and keeps their type.
fn decimals(args: &Arguments, change: impl Fn(i128) -> i128) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let Some(values) = array.as_primitive_opt::<Decimal128Type>() else {
        return internal_err!("expected a decimal, found {}", array.data_type());
    };
    let changed: Decimal128Array = values.unary(change);
    Ok(Arc::new(changed.with_data_type(array.data_type().clone())))
}

fn sign(args: &Arguments) -> Result<ArrayRef> {
    let values = args.column::<Float64Array>(0)?;
    args.each::<Int32Array, _>(|row| {
        let value = values.get(row)?;
        Some(i32::from(value > 0.0) - i32::from(value < 0.0))
    })
}

fn generate_series(args: &Arguments) -> Result<ArrayRef> {
    let steps = args.optional::<Int32Array>(2)?;
    let step = |row| match &steps {
        Some(steps) => steps.get(row).map(|step| Some(i64::from(step))),
        None => Some(None),
    };
    if *args.data_type(0) == DataType::Int32 {
        let (starts, ends) = (args.column::<Int32Array>(0)?, args.column::<Int32Array>(1)?);
        let bounds = |row| Some((starts.get(row)?.into(), ends.get(row)?.into(), step(row)?));
        // Every number of a series lies between its INTEGER bounds.
        let (offsets, numbers, nulls) = series(args.rows(), bounds)?;
        let numbers: Int32Array = numbers.iter().map(|number| *number as i32).collect();
        Ok(list(offsets, Arc::new(numbers), nulls))
    } else {
        let (starts, ends) = (args.column::<Int64Array>(0)?, args.column::<Int64Array>(1)?);
        let bounds = |row| Some((starts.get(row)?, ends.get(row)?, step(row)?));
        let (offsets, numbers, nulls) = series(args.rows(), bounds)?;
        Ok(list(offsets, Arc::new(Int64Array::from(numbers)), nulls))
    }
}

/// Most numbers in one series: more is a mistake, not a wish.
const SERIES_MAX: i128 = 10_000_000;

type Series = (OffsetBuffer<i32>, Vec<i64>, NullBuffer);

/// The series of all rows, one after the other. `bounds` gives start, end and step.
fn series(
    rows: usize,
    bounds: impl Fn(usize) -> Option<(i64, i64, Option<i64>)>,
) -> Result<Series> {
    let mut numbers = Vec::new();
    let mut lengths = Vec::with_capacity(rows);
    let mut valid = Vec::with_capacity(rows);
    for row in 0..rows {
        let before = numbers.len();
        let bounds = bounds(row);
        if let Some((start, end, step)) = bounds {
            push_series(&mut numbers, start, end, step)?;
        }
        lengths.push(numbers.len() - before);
        valid.push(bounds.is_some());
    }
    Ok((OffsetBuffer::from_lengths(lengths), numbers, NullBuffer::from(valid)))
}

fn push_series(numbers: &mut Vec<i64>, start: i64, end: i64, step: Option<i64>) -> Result<()> {
    let distance = i128::from(end) - i128::from(start);
    let step = step.unwrap_or(if distance < 0 { -1 } else { 1 });
    if step == 0 {
        return exec_err!("the step of GENERATE_SERIES is zero: it must not be");
    }
    if distance != 0 && (distance < 0) != (step < 0) {
        return exec_err!("step {step} of GENERATE_SERIES leads away from {end}: turn its sign");
    }
    let count = distance / i128::from(step) + 1;
    if count > SERIES_MAX {
        return exec_err!("GENERATE_SERIES would give {count} numbers, more than {SERIES_MAX}");
    }
    numbers.extend((0..count as i64).map(|index| start + index * step));
    Ok(())
}

fn list(offsets: OffsetBuffer<i32>, numbers: ArrayRef, nulls: NullBuffer) -> ArrayRef {
    let field = Arc::new(Field::new_list_field(numbers.data_type().clone(), true));
    Arc::new(ListArray::new(field, offsets, numbers, Some(nulls)))
}

const EARTH_RADIUS_KM: f64 = 6371.0;
const EARTH_RADIUS_MILES: f64 = 3959.0;

/// A point on the globe, in degrees.
#[derive(Clone, Copy)]
struct Point {
    latitude: f64,
    longitude: f64,
}

fn geo_distance(args: &Arguments) -> Result<ArrayRef> {
    let (lat1, lon1) = (args.column(0)?, args.column(1)?);
    let (lat2, lon2) = (args.column(2)?, args.column(3)?);
    let units = args.optional::<StringArray>(4)?;
    args.try_each::<Float64Array, _>(|row| {
        let (Some(from), Some(to)) = (point(&lat1, &lon1, row)?, point(&lat2, &lon2, row)?) else {
            return Ok(None);
        };
        let radius = radius(units.as_ref().and_then(|units| units.get(row)))?;
        Ok(Some(radius * central_angle(from, to)))
    })
}

fn point(
    latitudes: &Column<Float64Array>,
    longitudes: &Column<Float64Array>,
    row: usize,
) -> Result<Option<Point>> {
    let (Some(latitude), Some(longitude)) = (latitudes.get(row), longitudes.get(row)) else {
        return Ok(None);
    };
    if !(-90.0..=90.0).contains(&latitude) {
        return exec_err!("latitude {latitude} is not between -90 and 90");
    }
    if !(-180.0..=180.0).contains(&longitude) {
        return exec_err!("longitude {longitude} is not between -180 and 180");
    }
    Ok(Some(Point { latitude, longitude }))
}

/// The earth's radius in the unit; kilometres if there is none.
fn radius(unit: Option<&str>) -> Result<f64> {
    match unit.unwrap_or("km").to_lowercase().as_str() {
        "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => Ok(EARTH_RADIUS_KM),
        "mi" | "mile" | "miles" => Ok(EARTH_RADIUS_MILES),
        other => exec_err!("unknown unit of distance '{other}': use 'KM' or 'MI'"),
    }
}

/// The angle between two points as seen from the centre, by the haversine formula.
fn central_angle(from: Point, to: Point) -> f64 {
    let haversine = |angle: f64| (angle / 2.0).sin().powi(2);
    let latitude = (to.latitude - from.latitude).to_radians();
    let longitude = (to.longitude - from.longitude).to_radians();
    let (from, to) = (from.latitude.to_radians(), to.latitude.to_radians());
    let half_chord = haversine(latitude) + haversine(longitude) * from.cos() * to.cos();
    2.0 * half_chord.sqrt().asin()
}
